//! The client's side: signing a request.

use millpond_model::Timestamp;

use super::{
    Scheme, Scope, SdkDate, SecretKey, body_sha256,
    canonical::{self, Canonical, QueryForm},
    hex, signing_key,
};

/// Signs requests with one access key: by scheme B unless told otherwise.
#[derive(Clone, Debug)]
pub struct Signer {
    access_key: String,
    secret: SecretKey,
    region_and_service: Option<(String, String)>,
    security_token: Option<SecretKey>,
}

/// What a signature covers.
#[derive(Clone, Copy, Debug)]
pub struct ToSign<'a> {
    /// Upper case.
    pub method: &'a str,
    /// Path and query as they will be sent, encoded, with `%20` for a space.
    pub target: &'a str,
    /// `Host` as it will be sent: with the port unless it is the scheme's own.
    pub host: &'a str,
    /// `Content-Type` as it will be sent.
    pub content_type: Option<&'a str>,
    /// The body as it will be sent.
    pub body: &'a [u8],
}

impl Signer {
    /// Scheme B: the secret itself is the key.
    pub fn new(access_key: impl Into<String>, secret: SecretKey) -> Self {
        Self { access_key: access_key.into(), secret, region_and_service: None, security_token: None }
    }

    /// Scheme A instead, with this scope.
    #[must_use]
    pub fn with_scope(mut self, region: impl Into<String>, service: impl Into<String>) -> Self {
        self.region_and_service = Some((region.into(), service.into()));
        self
    }

    /// Adds the token of a temporary access key to every request, signed.
    #[must_use]
    pub fn with_security_token(mut self, token: SecretKey) -> Self {
        self.security_token = Some(token);
        self
    }

    /// The headers to add to the request: `x-sdk-date`, `authorization`, and the security token if
    /// there is one.
    pub fn sign(&self, request: &ToSign<'_>, now: Timestamp) -> Vec<(&'static str, String)> {
        let date = SdkDate::of(now);
        let token = self.security_token.as_ref().map(SecretKey::expose);
        let signed: Vec<(&'static str, &str)> = [
            ("content-type", request.content_type),
            ("host", Some(request.host)),
            ("x-sdk-date", Some(date.as_str())),
            ("x-security-token", token),
        ]
        .into_iter()
        .filter_map(|(name, value)| value.map(|value| (name, value)))
        .collect();
        let block: String = signed.iter().flat_map(|(name, value)| [*name, ":", *value, "\n"]).collect();
        let names: Vec<&str> = signed.iter().map(|(name, _)| *name).collect();
        let signed_headers = names.join(";");

        let (path, query) = canonical::split_target(request.target);
        let mut path = canonical::path(path);
        if !path.ends_with('/') {
            path.push('/');
        }
        let canonical = Canonical {
            method: request.method,
            path: &path,
            query: &canonical::query(query, QueryForm::default()),
            headers: block.as_bytes(),
            signed_headers: &signed_headers,
            payload: &hex(&body_sha256(request.body)),
        };
        let authorization = self.authorization(&canonical, &date);
        let mut headers = vec![("x-sdk-date", date.as_str().to_owned()), ("authorization", authorization)];
        headers.extend(token.map(|token| ("x-security-token", token.to_owned())));
        headers
    }

    fn authorization(&self, canonical: &Canonical<'_>, date: &SdkDate) -> String {
        let access_key = &self.access_key;
        let (scheme, scope, who) = match &self.region_and_service {
            None => (Scheme::Plain, None, format!("Access={access_key}")),
            Some((region, service)) => {
                let (date, region, service) = (date.day().to_owned(), region.clone(), service.clone());
                let who = format!("Credential={access_key}/{date}/{region}/{service}/sdk_request");
                (Scheme::Chained, Some(Scope { date, region, service }), who)
            }
        };
        let key = signing_key(access_key, &self.secret, scheme, scope.as_ref());
        let text = canonical.string_to_sign(scheme, scope.as_ref(), date.as_str());
        let (algorithm, names) = (scheme.algorithm(), canonical.signed_headers);
        format!("{algorithm} {who}, SignedHeaders={names}, Signature={}", hex(&key.sign(&text)))
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};

    use super::*;
    use crate::signing::{AuthError, Presented, SignedRequest, VerifyOptions, verify};

    fn check(signer: &Signer, request: &ToSign<'_>) {
        let now = Timestamp::from_millis(1_768_465_800_123);
        let mut headers = HeaderMap::new();
        for (name, value) in signer.sign(request, now) {
            headers.insert(name, HeaderValue::from_str(&value).unwrap());
        }
        headers.insert("host", HeaderValue::from_str(request.host).unwrap());
        if let Some(content_type) = request.content_type {
            headers.insert("content-type", HeaderValue::from_str(content_type).unwrap());
        }
        let Ok(Presented::Signature(credentials)) = Presented::parse(&headers) else {
            panic!("{headers:?} is not a signature");
        };
        let verify = |body: &[u8]| {
            let ToSign { method, target, .. } = *request;
            let received = SignedRequest {
                method,
                target,
                headers: &headers,
                authority: None,
                body_sha256: body_sha256(body),
            };
            verify(&received, &credentials, &SecretKey::new("sk"), &VerifyOptions::default(), now)
        };
        assert!(verify(request.body).is_ok(), "{request:?}");
        assert_eq!(verify(b"another body"), Err(AuthError::Mismatch), "{request:?}");
    }

    #[test]
    fn what_is_signed_here_verifies_here() {
        let plain = Signer::new("AK", SecretKey::new("sk"));
        let chained = plain.clone().with_scope("eu-de", "dis");
        let temporary = plain.clone().with_security_token(SecretKey::new("token=="));
        let get = ToSign {
            method: "GET",
            target: "/v2/p1/apps?start_app_name=a%20b%2Bc&limit=10",
            host: "127.0.0.1:8080",
            content_type: None,
            body: b"",
        };
        let post = ToSign {
            method: "POST",
            target: "/v2/p1/records",
            content_type: Some("application/json"),
            body: b"{}",
            ..get
        };
        for signer in [&plain, &chained, &temporary] {
            check(signer, &get);
            check(signer, &post);
        }
    }

    #[test]
    fn a_signer_shows_no_secret() {
        assert!(!format!("{:?}", Signer::new("AK", SecretKey::new("hush"))).contains("hush"));
    }
}
