//! Every signature vector of the contract: accepted as sent, refused after any change.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderMap, HeaderName, HeaderValue};
use millpond_model::Timestamp;
use millpond_wire::{
    Code,
    signing::{
        AuthError, Presented, Scheme, SdkDate, SecretKey, SecurityToken, SignedRequest, VerifyOptions,
        body_sha256, canonical_request, check_security_token, verify,
    },
};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

const OLD_JAVA: &str = include_str!("vectors/captured-java-sdk.json");
const OLD_GO: &str = include_str!("vectors/captured-go-legacy-sdk.json");
const OTC_GO: &str = include_str!("vectors/captured-go-otc-signer.json");
const HW_GO: &str = include_str!("vectors/captured-go-v3style-signer.json");
const DOTNET: &str = include_str!("vectors/derived-dotnet-sdk.json");
const PYTHON_A: &str = include_str!("vectors/python-legacy-2.0.4.json");
const PYTHON_A_V11: &str = include_str!("vectors/python-legacy-head-v11.json");
const PYTHON_B: &str = include_str!("vectors/python-v3-access.json");
const PYTHON_C: &str = include_str!("vectors/python-v3-derived-v11.json");
const NEGATIVE: &str = include_str!("vectors/negative.json");
const CAPTURED: &str = include_str!("vectors/signatures.jsonl");

/// A request with the keys that signed it.
#[derive(Clone)]
struct Vector {
    id: String,
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    access_key: String,
    secret: String,
    now: Timestamp,
    canonical: Option<String>,
}

fn text(value: &Value, name: &str) -> Option<String> {
    value[name].as_str().map(str::to_owned)
}

fn date(text: &str) -> Timestamp {
    SdkDate::parse(text).unwrap().timestamp()
}

impl Vector {
    /// From a file of `vectors/`, positive or negative.
    fn of_file(value: &Value) -> Self {
        let header =
            |pair: &Value| (pair[0].as_str().unwrap().to_owned(), pair[1].as_str().unwrap().to_owned());
        let any = |names: &[&str]| names.iter().find_map(|name| text(value, name)).unwrap();
        Self {
            id: any(&["id"]),
            method: any(&["method"]),
            target: any(&["target"]),
            headers: value["headers"].as_array().unwrap().iter().map(header).collect(),
            body: STANDARD.decode(text(value, "body_base64").unwrap_or_default()).unwrap(),
            access_key: any(&["ak", "known_ak"]),
            secret: any(&["sk", "sk_on_server"]),
            now: date(&any(&["x_sdk_date", "server_time"])),
            canonical: text(value, "canonical_request"),
        }
    }

    /// From a line of `signatures.jsonl`.
    fn of_line(line: &str) -> Self {
        let value: Value = serde_json::from_str(line).unwrap();
        let headers = value["headers"].as_object().unwrap();
        let header = |(name, value): (&String, &Value)| (name.clone(), value.as_str().unwrap().to_owned());
        let method = text(&value, "method").unwrap();
        let target = text(&value, "target").unwrap();
        Self {
            id: format!("{} {method} {target}", value["client"]),
            method,
            target,
            headers: headers.iter().map(header).collect(),
            body: STANDARD.decode(text(&value, "body_base64").unwrap()).unwrap(),
            access_key: text(&value, "access_key").unwrap(),
            secret: text(&value, "secret_key").unwrap(),
            now: date(headers["x-sdk-date"].as_str().unwrap()),
            canonical: text(&value, "canonical_request"),
        }
    }

    fn header_map(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let name: HeaderName = name.parse().unwrap();
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    fn verify(&self) -> Result<Scheme, AuthError> {
        self.verify_with(&VerifyOptions::default())
    }

    fn verify_with(&self, options: &VerifyOptions<'_>) -> Result<Scheme, AuthError> {
        let headers = self.header_map();
        let Presented::Signature(credentials) = Presented::parse(&headers)? else {
            panic!("{} is a token", self.id);
        };
        credentials.check_date(&headers, self.now)?;
        if credentials.access_key() != self.access_key {
            return Err(AuthError::AccessKeyUnknown);
        }
        let request = SignedRequest {
            method: &self.method,
            target: &self.target,
            headers: &headers,
            authority: None,
            body_sha256: body_sha256(&self.body),
        };
        let shown = canonical_request(&request, &credentials);
        let secret = SecretKey::new(self.secret.as_str());
        let verified = verify(&request, &credentials, &secret, options, self.now)?;
        let _ = (shown?, verified.plus);
        Ok(credentials.scheme())
    }

    fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Changes the value of a header.
    fn with_header(&self, name: &str, change: impl Fn(&str) -> String) -> Self {
        let mut changed = self.clone();
        for (other, value) in &mut changed.headers {
            if other.eq_ignore_ascii_case(name) {
                *value = change(value);
            }
        }
        changed
    }

    fn signed_headers(&self) -> Vec<String> {
        let authorization = self.header("authorization").unwrap();
        let names = authorization.split("SignedHeaders=").nth(1).unwrap();
        names.split(',').next().unwrap().split(';').map(str::to_owned).collect()
    }

    fn body_is_unsigned(&self) -> bool {
        self.header("x-sdk-content-sha256") == Some("UNSIGNED-PAYLOAD")
    }

    /// Every single change that must be noticed, with its name.
    fn changes(&self) -> Vec<(String, Self)> {
        let mut changes = Vec::new();
        let mut add = |name: &str, changed: Self| changes.push((name.to_owned(), changed));
        let method = if self.method == "PATCH" { "GET" } else { "PATCH" };
        add("method", Self { method: method.to_owned(), ..self.clone() });
        let (path, query) = self.target.split_once('?').unwrap_or((&self.target, ""));
        let rest = if query.is_empty() { String::new() } else { format!("?{query}") };
        for other in
            [path.replacen("v2", "v4", 1).replacen("v3", "v4", 1), format!("{path}x"), format!("{path}/x")]
        {
            add("path", Self { target: format!("{other}{rest}"), ..self.clone() });
        }
        let more = if query.is_empty() { "?x=1".to_owned() } else { format!("{rest}&x=1") };
        add("query added", Self { target: format!("{path}{more}"), ..self.clone() });
        let pairs: Vec<&str> = query.split('&').filter(|pair| !pair.is_empty()).collect();
        for (i, pair) in pairs.iter().enumerate() {
            let without: Vec<&str> =
                pairs.iter().enumerate().filter(|(j, _)| *j != i).map(|(_, pair)| *pair).collect();
            add("query removed", Self { target: format!("{path}?{}", without.join("&")), ..self.clone() });
            let longer = self.target.replacen(pair, &format!("{pair}0"), 1);
            add("query value", Self { target: longer, ..self.clone() });
        }
        if !self.body_is_unsigned() {
            add("body added", Self { body: [self.body.as_slice(), b" "].concat(), ..self.clone() });
            if !self.body.is_empty() {
                let mut flipped = self.body.clone();
                flipped[0] ^= 1;
                add("body flipped", Self { body: flipped, ..self.clone() });
                add("body removed", Self { body: Vec::new(), ..self.clone() });
            }
        }
        add("secret", Self { secret: format!("{}x", self.secret), ..self.clone() });
        add(
            "access key",
            self.with_header("authorization", |value| value.replacen(&self.access_key, "OTHER", 1)),
        );
        add(
            "signature",
            self.with_header("authorization", |value| {
                let (start, last) = value.split_at(value.len() - 1);
                format!("{start}{}", if last == "0" { '1' } else { '0' })
            }),
        );
        for name in self.signed_headers() {
            add(&name, self.with_header(&name, |value| change_value(&name, value)));
            add(&name, self.with_header(&name, |_| String::new()));
            let mut removed = self.clone();
            removed.headers.retain(|(other, _)| !other.eq_ignore_ascii_case(&name));
            if removed.headers.len() < self.headers.len() {
                add(&format!("{name} removed"), removed.clone());
                removed.headers.extend([(name.clone(), "a".into()), (name.clone(), "a".into())]);
                add(&format!("{name} twice"), removed);
            }
        }
        changes
    }
}

/// Another value for a signed header: for the date one a second away, so that the signature decides;
/// for the others in front, because some clients sign the host without the port behind it.
fn change_value(name: &str, value: &str) -> String {
    if name != "x-sdk-date" {
        return format!("0{value}");
    }
    let (start, second) = value.split_at(value.len() - 2);
    format!("{start}{}Z", if second == "0Z" { '1' } else { '0' })
}

fn vectors(file: &str) -> Vec<Vector> {
    let file: Value = serde_json::from_str(file).unwrap();
    file["vectors"].as_array().unwrap().iter().map(Vector::of_file).collect()
}

/// Accepts every vector as the scheme and none of its changes.
fn check(vectors: &[Vector], count: usize, scheme: Option<Scheme>) {
    assert_eq!(vectors.len(), count);
    for vector in vectors {
        let verified = vector.verify();
        assert!(verified.is_ok(), "{}: {verified:?}", vector.id);
        assert_eq!(scheme.or(verified.ok()), verified.ok(), "{}", vector.id);
        for (name, changed) in vector.changes() {
            // The client that signs a wrong length of an absent header is read as having sent 0.
            let same = name == "content-length removed" && vector.header("content-length") == Some("0");
            assert!(same || changed.verify().is_err(), "{}: {name} may be changed", vector.id);
        }
    }
}

#[test]
fn python_a() {
    check(&vectors(PYTHON_A), 15, Some(Scheme::Chained));
}

#[test]
fn python_a_v11() {
    check(&vectors(PYTHON_A_V11), 15, Some(Scheme::DerivedChained));
}

#[test]
fn python_b() {
    check(&vectors(PYTHON_B), 16, Some(Scheme::Plain));
}

#[test]
fn python_c() {
    check(&vectors(PYTHON_C), 16, Some(Scheme::Derived));
}

#[test]
fn java() {
    check(&vectors(OLD_JAVA), 30, Some(Scheme::Chained));
}

#[test]
fn go() {
    check(&vectors(OLD_GO), 19, Some(Scheme::Chained));
}

#[test]
fn otc_go() {
    check(&vectors(OTC_GO), 6, Some(Scheme::Chained));
}

#[test]
fn huawei_terraform() {
    check(&vectors(HW_GO), 6, Some(Scheme::Plain));
}

#[test]
fn dotnet() {
    check(&vectors(DOTNET), 4, Some(Scheme::Chained));
}

#[test]
fn captured_requests() {
    let vectors: Vec<Vector> = CAPTURED.lines().map(Vector::of_line).collect();
    check(&vectors, 44, None);
}

#[test]
fn negative_vectors_have_their_code() {
    let file: Value = serde_json::from_str(NEGATIVE).unwrap();
    let values = file["vectors"].as_array().unwrap();
    assert_eq!(values.len(), 17);
    for value in values {
        let vector = Vector::of_file(value);
        let code = vector.verify().err().map(|error| error.code().as_str());
        assert_eq!(code, value["errorCode"].as_str(), "{}", vector.id);
    }
}

#[test]
fn the_canonical_request_for_logs_is_that_of_the_client() {
    for vector in vectors(PYTHON_B) {
        let headers = vector.header_map();
        let Ok(Presented::Signature(credentials)) = Presented::parse(&headers) else {
            panic!("{}", vector.id)
        };
        let request = SignedRequest {
            method: &vector.method,
            target: &vector.target,
            headers: &headers,
            authority: None,
            body_sha256: body_sha256(&vector.body),
        };
        if !vector.body_is_unsigned() {
            assert_eq!(canonical_request(&request, &credentials).ok(), vector.canonical, "{}", vector.id);
        }
    }
}

fn unsigned_payloads() -> Vec<Vector> {
    let both = [vectors(PYTHON_B), vectors(PYTHON_C)].concat();
    both.into_iter().filter(Vector::body_is_unsigned).collect()
}

#[test]
fn an_unsigned_payload_can_be_turned_off() {
    let off = VerifyOptions { allow_unsigned_payload: false, ..VerifyOptions::default() };
    let vectors = unsigned_payloads();
    assert_eq!(vectors.len(), 2);
    for vector in vectors {
        assert!(vector.verify().is_ok(), "{}", vector.id);
        assert_eq!(vector.verify_with(&off), Err(AuthError::Mismatch), "{}", vector.id);
        let other_body = Vector { body: b"another".to_vec(), ..vector };
        assert!(other_body.verify().is_ok(), "the client left it unsigned");
    }
}

/// JSON is signed whatever the client says; no known one leaves it unsigned.
#[test]
fn a_json_body_is_never_left_unsigned() {
    let vector = unsigned_payloads().into_iter().find(|v| v.verify() == Ok(Scheme::Plain)).unwrap();
    let before = vector.header("content-type").unwrap().to_owned();
    let date = vector.header("x-sdk-date").unwrap().to_owned();
    // Signed anew, so that nothing is wrong with it but the type of its body.
    let signed = |content_type: &str| {
        let lines = (format!("content-type:{before}\n"), format!("content-type:{content_type}\n"));
        let canonical = vector.canonical.as_ref().unwrap().replacen(&lines.0, &lines.1, 1);
        let to_sign = format!("SDK-HMAC-SHA256\n{date}\n{}", hex(&Sha256::digest(&canonical)));
        let mut mac = Hmac::<Sha256>::new_from_slice(vector.secret.as_bytes()).unwrap();
        mac.update(to_sign.as_bytes());
        let signature = hex(&mac.finalize().into_bytes());
        vector.with_header("content-type", |_| content_type.to_owned()).with_header(
            "authorization",
            |value| {
                let (start, _) = value.split_once("Signature=").unwrap();
                format!("{start}Signature={signature}")
            },
        )
    };
    for other in ["application/x-protobuf", "application/octet-stream", "text/plain"] {
        assert_eq!(signed(other).verify(), Ok(Scheme::Plain), "{other}");
    }
    for json in
        ["application/json", "application/json;charset=utf-8", "Application/JSON", "application/bson", ""]
    {
        assert_eq!(signed(json).verify(), Err(AuthError::Mismatch), "{json}");
    }
}

fn hex(bytes: &[u8]) -> String {
    let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.concat()
}

/// Clients with temporary keys sign and carry the token of the key.
#[test]
fn vectors_with_a_security_token_pass_its_check() {
    let all = [vectors(OLD_JAVA), vectors(PYTHON_A), vectors(PYTHON_B), vectors(PYTHON_C)].concat();
    let with_token: Vec<&Vector> = all.iter().filter(|v| v.header("x-security-token").is_some()).collect();
    assert_eq!(with_token.len(), 5);
    for vector in with_token {
        let token = vector.header("x-security-token").unwrap();
        let expires_at = Timestamp::from_millis(i64::MAX);
        let issued = SecurityToken { token: SecretKey::new(token), expires_at };
        let other = SecurityToken { token: SecretKey::new("other"), expires_at };
        let check = |issued| check_security_token(&vector.header_map(), Some(issued), vector.now);
        assert_eq!(check(&issued), Ok(()), "{}", vector.id);
        assert_eq!(check(&other), Err(AuthError::TokenInvalid), "{}", vector.id);
    }
}

/// The same request with a token in place of the signature is a token request.
#[test]
fn a_token_in_place_of_the_signature_is_recognised() {
    for vector in vectors(OLD_JAVA) {
        let mut headers = vector.header_map();
        headers.remove("authorization");
        headers.insert("x-auth-token", HeaderValue::from_static("TOKENEXAMPLE=="));
        let presented = Presented::parse(&headers);
        assert!(
            matches!(&presented, Ok(Presented::Token(token)) if token.expose() == "TOKENEXAMPLE=="),
            "{}",
            vector.id
        );
    }
}

#[test]
fn a_target_without_end_is_refused() {
    let mut vector = vectors(PYTHON_B)[0].clone();
    vector.target.push_str(&"&".repeat(32 * 1024));
    assert_eq!(vector.verify(), Err(AuthError::Mismatch));
}

#[test]
fn scopes_are_checked_on_request_only() {
    let check = |region: Option<&str>, service: Option<&str>, expected: Option<Code>| {
        let options = VerifyOptions { region, service, ..VerifyOptions::default() };
        let got = vectors(PYTHON_A)[0].verify_with(&options).err().map(AuthError::code);
        assert_eq!(got, expected, "{region:?} {service:?}");
    };
    check(None, None, None);
    check(Some("eu-de"), Some("dis"), None);
    check(Some("eu-nl"), Some("dis"), Some(Code::RegionInvalid));
    check(Some("eu-de"), Some("obs"), Some(Code::ServiceInvalid));
}

/// One client of the V3 family signs no host (captures of the Go SDK); those of the older schemes all do. The
/// signatures were computed apart from this code.
#[test]
fn a_host_may_be_unsigned_where_a_client_leaves_it_so() {
    let check = |who: &str, names: &str, signature: &str, expected: Result<Scheme, AuthError>| {
        let headers = [
            ("host", "127.0.0.1:8080"),
            ("user-agent", "huaweicloud-usdk-go/3.0"),
            ("x-project-id", "proj1"),
            ("x-sdk-date", "20261122T132939Z"),
            ("authorization", &format!("{who}, SignedHeaders={names}, Signature={signature}")),
        ];
        let vector = Vector {
            id: who.to_owned(),
            method: "GET".to_owned(),
            target: "/v2/proj1/streams?limit=2".to_owned(),
            headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
            body: Vec::new(),
            access_key: "AK".to_owned(),
            secret: "SkExample0123456789abcdefghijklmnopqrstu".to_owned(),
            now: date("20261122T132939Z"),
            canonical: None,
        };
        assert_eq!(vector.verify(), expected, "{who} {names}");
        if expected.is_ok() {
            for (name, changed) in vector.changes() {
                assert!(changed.verify().is_err(), "{who}: {name} may be changed");
            }
        }
    };
    let names = "user-agent;x-project-id;x-sdk-date";
    check(
        "SDK-HMAC-SHA256 Access=AK",
        names,
        "91574d3e51a689cec7b464b0d8bca6f6f7c569cce47cb0add10562d3ea7b7bf8",
        Ok(Scheme::Plain),
    );
    check(
        "V11-HMAC-SHA256 Credential=AK/20261122/eu-de/dis",
        names,
        "c1b2949a40b5e02ad152d1778c138c6346ac618557a791d04d74052603341a35",
        Ok(Scheme::Derived),
    );
    check(
        "SDK-HMAC-SHA256 Credential=AK/20261122/eu-de/dis/sdk_request",
        names,
        "ece3ebffbd8f4dcba8240c10822baa955629c17a0ed0d3237c919eb449e245d8",
        Err(AuthError::Mismatch),
    );
    check(
        "V11-HMAC-SHA256 Credential=AK/20261122/eu-de/dis/sdk_request",
        names,
        "00de983f346ae56fe149b8e9601effeba25620b999f45d21577665dd467538ed",
        Err(AuthError::Mismatch),
    );
    // The date may not.
    check(
        "SDK-HMAC-SHA256 Access=AK",
        "user-agent;x-project-id",
        "a83e9ed462b48d8914faf44febd3f3d3b45d5d0474527632797636478f18c4fd",
        Err(AuthError::Mismatch),
    );
}

#[test]
fn a_public_name_may_stand_in_for_the_host() {
    let public = ["dis.example.test".to_owned()];
    let options = VerifyOptions { extra_hosts: &public, ..VerifyOptions::default() };
    let behind_proxy = vectors(PYTHON_B)[0].with_header("host", |_| "10.0.0.1:8080".to_owned());
    assert_eq!(behind_proxy.verify(), Err(AuthError::Mismatch));
    assert_eq!(behind_proxy.verify_with(&options), Ok(Scheme::Plain));
}
