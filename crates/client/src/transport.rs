//! Sending one call: signing, repeating, reading the answer.

use std::borrow::Cow;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use millpond_wire::{signing::ToSign, v2::error::ErrorBody, write_query};
use serde::{Serialize, de::DeserializeOwned};
use tokio::time::{Instant, sleep};

use crate::{
    Client, Error, Event, Outgoing, Refused,
    builder::Identity,
    retry::{Repeat, may_repeat},
};

/// Longest answer that is read, in bytes. Not in the contract: the largest ones carry records, of which
/// a server sends about 4 MB (spec/03 §5) unless one alone is larger; JSON makes a third more of it.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Most characters of a foreign answer that an error repeats.
const FOREIGN_CHARS_MAX: usize = 200;

const JSON: &str = "application/json";
const X_AUTH_TOKEN: HeaderName = HeaderName::from_static("x-auth-token");
const X_REQUEST_ID: &str = "x-request-id";

/// One call of the API.
pub(crate) struct Call {
    method: Method,
    version: &'static str,
    path: String,
    query: String,
    body: Bytes,
    repeat: Repeat,
}

impl Call {
    /// A call of `path` below the project; repeating it is harmless.
    pub(crate) fn new(method: Method, path: impl Into<String>) -> Self {
        Self {
            method,
            version: "v2",
            path: path.into(),
            query: String::new(),
            body: Bytes::new(),
            repeat: Repeat::Harmless,
        }
    }

    /// Under `/v3` (spec/00 §2).
    pub(crate) fn v3(mut self) -> Self {
        self.version = "v3";
        self
    }

    /// With these parameters.
    pub(crate) fn query<'a>(mut self, query: impl IntoIterator<Item = (&'a str, Option<&'a str>)>) -> Self {
        self.query = write_query(query);
        self
    }

    /// With this body.
    pub(crate) fn body(mut self, body: &impl Serialize) -> Self {
        self.body = serde_json::to_vec(body).expect("the shapes of the API can be written").into();
        self
    }

    /// Only sent again when it surely had no effect.
    pub(crate) fn once(mut self) -> Self {
        self.repeat = Repeat::OnlyIfUnseen;
        self
    }
}

/// A success.
struct Answer {
    body: Bytes,
    request_id: Option<String>,
}

impl Client {
    /// Makes a call whose answer is JSON.
    pub(crate) async fn json<T: DeserializeOwned>(&self, call: Call) -> Result<T, Error> {
        let Answer { body, request_id } = self.repeated(&call).await?;
        serde_json::from_slice(&body).map_err(|error| Error::Answer { what: error.to_string(), request_id })
    }

    /// Makes a call whose answer has no body.
    pub(crate) async fn empty(&self, call: Call) -> Result<(), Error> {
        self.repeated(&call).await.map(drop)
    }

    async fn repeated(&self, call: &Call) -> Result<Answer, Error> {
        let policy = &self.inner.retry;
        let mut attempt = 1;
        loop {
            let error = match self.attempt(call, attempt).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            if attempt >= policy.attempts || !may_repeat(&error, call.repeat) {
                return Err(error);
            }
            let delay = policy.delay(attempt);
            self.tell(&Event::Waiting { delay, attempt });
            sleep(delay).await;
            attempt += 1;
        }
    }

    async fn attempt(&self, call: &Call, attempt: u32) -> Result<Answer, Error> {
        let Inner { url, headers } = self.prepare(call);
        let body = &call.body;
        let request = Outgoing { method: &call.method, url: &url, headers: &headers, body, attempt };
        self.tell(&Event::Sending(request));
        let begin = Instant::now();
        let answered = self.exchange(call, &url, headers.clone()).await;
        let took = begin.elapsed();
        match answered {
            Err(error) => {
                self.tell(&Event::Failed { request, error: &error, took });
                Err(error)
            }
            Ok((status, headers, body)) => {
                let (body_bytes, headers) = (body.len(), &headers);
                self.tell(&Event::Answered { request, status, headers, body_bytes, took });
                judge(status, headers, body)
            }
        }
    }

    fn prepare(&self, call: &Call) -> Inner {
        let inner = &self.inner;
        let Call { version, path, query, .. } = call;
        let separator = if query.is_empty() { "" } else { "?" };
        let target = format!("/{version}/{}{path}{separator}{query}", inner.project);
        let content_type = (!call.body.is_empty()).then_some(JSON);
        let mut headers = HeaderMap::new();
        if content_type.is_some() {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
        }
        match &inner.identity {
            Identity::Nobody => {}
            Identity::Token(token) => drop(headers.insert(X_AUTH_TOKEN, token.clone())),
            Identity::Signer(signer) => {
                let method = call.method.as_str();
                let to_sign = ToSign {
                    method,
                    target: &target,
                    host: &inner.endpoint.host,
                    content_type,
                    body: &call.body,
                };
                for (name, value) in signer.sign(&to_sign, (inner.now)()) {
                    // A value that is no header value leaves the request unsigned: the server says so.
                    if let Ok(value) = HeaderValue::from_str(&value) {
                        headers.insert(name, value);
                    }
                }
            }
        }
        Inner { url: format!("{}{target}", inner.endpoint.origin), headers }
    }

    /// One request and its whole answer, whatever the status.
    async fn exchange(
        &self,
        call: &Call,
        url: &str,
        headers: HeaderMap,
    ) -> Result<(u16, HeaderMap, Bytes), Error> {
        let request = self.inner.http.request(call.method.clone(), url).headers(headers);
        let request = if call.body.is_empty() { request } else { request.body(call.body.clone()) };
        let mut response = request.send().await.map_err(|error| self.transport(error))?;
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.transport(error))? {
            if body.len() + chunk.len() > ANSWER_BYTES_MAX {
                let what = format!("it has more than {ANSWER_BYTES_MAX} bytes");
                return Err(Error::Answer { what, request_id: request_id(response.headers()) });
            }
            body.extend_from_slice(&chunk);
        }
        Ok((response.status().as_u16(), std::mem::take(response.headers_mut()), body.freeze()))
    }

    fn transport(&self, source: reqwest::Error) -> Error {
        let endpoint = self.endpoint().to_owned();
        if source.is_connect() {
            Error::Connect { endpoint, source }
        } else if source.is_timeout() {
            Error::Timeout { endpoint, source }
        } else {
            Error::Broken { endpoint, source }
        }
    }

    fn tell(&self, event: &Event<'_>) {
        if let Some(observer) = &self.inner.observer {
            observer(event);
        }
    }
}

/// A request, ready to be sent.
struct Inner {
    url: String,
    headers: HeaderMap,
}

fn request_id(headers: &HeaderMap) -> Option<String> {
    headers.get(X_REQUEST_ID).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

fn judge(status: u16, headers: &HeaderMap, body: Bytes) -> Result<Answer, Error> {
    let request_id = request_id(headers);
    if (200..300).contains(&status) {
        return Ok(Answer { body, request_id });
    }
    let (code, message) = match ErrorBody::parse(&body) {
        Some(error) => (Some(error.code().to_owned()), error.message().to_owned()),
        None => (None, foreign(status, headers, &body)),
    };
    Err(Error::Refused(Box::new(Refused { status, code, message, request_id })))
}

/// The message for an answer that did not come from the API: a proxy, another service.
fn foreign(status: u16, headers: &HeaderMap, body: &[u8]) -> String {
    if let Some(location) = headers.get(header::LOCATION).and_then(|value| value.to_str().ok()) {
        return format!("redirected to {location}; redirects are not followed, name the right endpoint");
    }
    let text: Cow<'_, str> = String::from_utf8_lossy(body);
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let shown: String = line.chars().take(FOREIGN_CHARS_MAX).collect();
    if shown.is_empty() {
        return format!("status {status} without an explanation");
    }
    format!("status {status}: {shown}")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use millpond_wire::signing::SecretKey;

    use super::*;
    use crate::{Class, Credentials, RetryPolicy, test_server::TestServer};

    const QUICK: RetryPolicy = RetryPolicy {
        attempts: 3,
        record_attempts: 3,
        first_delay: Duration::from_millis(1),
        delay_max: Duration::from_millis(1),
    };

    fn call() -> Call {
        Call::new(Method::GET, "/apps").query([("limit", Some("2")), ("x", None), ("name", Some("a b"))])
    }

    #[tokio::test]
    async fn a_signed_request_names_its_key_and_covers_its_target() {
        let server = TestServer::start([(200, "{}")]).await;
        let client = Client::builder(server.endpoint(), "p1".parse().unwrap());
        let credentials = Credentials::AccessKey {
            access_key: "AK".into(),
            secret_key: SecretKey::new("sk"),
            security_token: None,
        };
        let client = client.credentials(credentials).build().unwrap();
        client.json::<serde_json::Value>(call()).await.unwrap();
        let seen = server.requests().await;
        assert_eq!(seen[0].line, "GET /v2/p1/apps?limit=2&name=a%20b HTTP/1.1");
        let authorization = seen[0].header("authorization").unwrap();
        assert!(
            authorization.starts_with("SDK-HMAC-SHA256 Access=AK, SignedHeaders=host;x-sdk-date, "),
            "{authorization}"
        );
    }

    #[tokio::test]
    async fn a_region_asks_for_scheme_a_and_a_token_for_no_signature() {
        let check = async |credentials: Credentials, region: Option<&str>, header: &str, start: &str| {
            let server = TestServer::start([(200, "{}")]).await;
            let mut builder =
                Client::builder(server.endpoint(), "p1".parse().unwrap()).credentials(credentials);
            if let Some(region) = region {
                builder = builder.region(region);
            }
            builder.build().unwrap().empty(call()).await.unwrap();
            let seen = server.requests().await;
            let value = seen[0].header(header).unwrap_or_default();
            assert!(value.starts_with(start), "{header}: {value}");
        };
        let key = Credentials::AccessKey {
            access_key: "AK".into(),
            secret_key: SecretKey::new("sk"),
            security_token: Some(SecretKey::new("tok")),
        };
        check(key.clone(), Some("eu-de"), "authorization", "SDK-HMAC-SHA256 Credential=AK/").await;
        check(key, None, "x-security-token", "tok").await;
        check(Credentials::Token(SecretKey::new("tok")), None, "x-auth-token", "tok").await;
    }

    /// Sends `call` against these answers; how often it was sent, and what came of it.
    async fn attempts(call: Call, answers: Vec<(u16, &'static str)>) -> (usize, Option<Class>) {
        let server = TestServer::start(answers).await;
        let builder = Client::builder(server.endpoint(), "p1".parse().unwrap()).retry(QUICK);
        let result = builder.build().unwrap().empty(call).await;
        (server.requests().await.len(), result.err().map(|error| error.class()))
    }

    #[tokio::test]
    async fn harmless_calls_are_repeated_and_others_only_when_nothing_happened() {
        let system = (500, r#"{"errorCode":"DIS.5000","message":"System error."}"#);
        let busy = (503, r#"{"errorCode":"DIS.5000","message":"System error."}"#);
        let limit = (400, r#"{"errorCode":"DIS.4303","message":"Exceeded."}"#);
        let missing = (400, r#"{"errorCode":"DIS.4301","message":"Stream does not exist."}"#);
        assert_eq!(attempts(call(), vec![system, (200, "{}")]).await, (2, None));
        assert_eq!(attempts(call(), vec![system; 3]).await, (3, Some(Class::Server)));
        assert_eq!(attempts(call().once(), vec![system]).await, (1, Some(Class::Server)));
        assert_eq!(attempts(call().once(), vec![busy, limit, (200, "")]).await, (3, None));
        assert_eq!(attempts(call(), vec![missing]).await, (1, Some(Class::NotFound)));
    }

    #[tokio::test]
    async fn a_refusal_says_all_that_the_answer_said() {
        let body = r#"{"errorCode":"DIS.4301","message":"Stream does not exist. [s][p]"}"#;
        let server = TestServer::start([(400, body)]).await;
        let client = Client::builder(server.endpoint(), "p1".parse().unwrap()).build().unwrap();
        let error = client.empty(call()).await.unwrap_err();
        assert_eq!(
            error.refused(),
            Some(&Refused {
                status: 400,
                code: Some("DIS.4301".into()),
                message: "Stream does not exist. [s][p]".into(),
                request_id: Some("id-1".into()),
            })
        );
    }

    #[tokio::test]
    async fn other_servers_are_told_apart() {
        let check = async |status: u16, body: &'static str, class: Class, part: &str| {
            let server = TestServer::start([(status, body)]).await;
            let client = Client::builder(server.endpoint(), "p1".parse().unwrap()).build().unwrap();
            let error = client.json::<serde_json::Value>(call()).await.unwrap_err();
            assert_eq!(error.class(), class, "{error}");
            assert!(error.to_string().contains(part), "{error}");
        };
        check(404, "<html>\n no such page", Class::Protocol, "status 404: <html> no such page").await;
        check(302, "", Class::Protocol, "redirected to http://elsewhere/").await;
        check(200, "<html>", Class::Protocol, "not one of this API").await;
    }

    #[tokio::test]
    async fn nobody_listening_is_a_transport_error() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        let builder = Client::builder(endpoint, "p1".parse().unwrap()).retry(QUICK);
        let error = builder.build().unwrap().empty(call()).await.unwrap_err();
        assert!(matches!(error, Error::Connect { .. }), "{error:?}");
    }
}
