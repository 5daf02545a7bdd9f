//! A whole API in memory, with its clock in the test's hand.

use std::sync::Arc;

use axum::{Router, body::Body};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use millpond_engine::{Clock, Engine, ManualClock, SeededEntropy, memory::MemoryEngine};
use millpond_http_api::{
    AccessKey, Api, Condition, Directory, Health, Keyring, Keys, Settings, StaticToken, User,
};
use millpond_model::Timestamp;
use millpond_service::Service;
use millpond_wire::{
    Code,
    signing::{SdkDate, SecretKey, SecurityToken},
};
use serde_json::Value;
use tower::ServiceExt as _;

/// When every test begins.
pub const BEGIN_MS: i64 = 1_700_000_000_000;

/// What the vectors are signed with.
pub const ACCESS_KEY: &str = "AKEXAMPLE0123456789A";
pub const SECRET_KEY: &str = "SkExample0123456789abcdefghijklmnopqrstu";
pub const PROJECT: &str = "0123456789abcdef0123456789abcdef";

/// How a server is to be.
pub struct Setup {
    pub settings: Settings,
    pub limits: millpond_service::Settings,
    pub begin: Timestamp,
    /// The one permanent key.
    pub key: Key,
    /// Whether people may log in: ann, for p1 and p2, and bob, for p2.
    pub has_users: bool,
    pub engine: fn(Arc<dyn Clock>) -> Engine,
    pub clock: fn(Arc<ManualClock>) -> Arc<dyn Clock>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            settings: Settings { version: "1.2.3", ..Settings::default() },
            limits: millpond_service::Settings::default(),
            begin: Timestamp::from_millis(BEGIN_MS),
            key: Key::new(ACCESS_KEY, SECRET_KEY, PROJECT),
            has_users: false,
            engine: MemoryEngine::engine,
            clock: |manual| manual,
        }
    }
}

impl Setup {
    /// Unsigned requests pass.
    pub fn anonymous() -> Self {
        let mut setup = Self::default();
        setup.settings.allow_anonymous = true;
        setup
    }

    /// At the time of an `X-Sdk-Date`.
    pub fn at(date: &str) -> Self {
        Self { begin: SdkDate::parse(date).unwrap().timestamp(), ..Self::default() }
    }

    pub async fn open(self) -> Server {
        let manual = Arc::new(ManualClock::new(self.begin));
        let clock = (self.clock)(Arc::clone(&manual));
        let entropy = Arc::new(SeededEntropy::new(7));
        let engine = (self.engine)(Arc::clone(&clock));
        let service = Service::open(engine, Arc::clone(&clock), entropy.clone(), self.limits);
        let service = Arc::new(service.await.unwrap());
        let health = Health::new();
        health.set(Condition::Ready);
        let users = if self.has_users { directory("secret of ann") } else { Directory::default() };
        let keyring = Arc::new(Keyring::new(keys(&self.key).with_directory(users)));
        let (service_of_api, health_of_api) = (Arc::clone(&service), health.clone());
        let keyring_of_api = Arc::clone(&keyring);
        let api = Api::new(service_of_api, keyring_of_api, health_of_api, self.settings, clock, entropy);
        Server { router: api.router(), api, service, clock: manual, health, keyring }
    }
}

/// An access key.
#[derive(Clone, Debug)]
pub struct Key {
    ak: String,
    secret: String,
    project: String,
}

impl Key {
    pub fn new(access_key: &str, secret: &str, project: &str) -> Self {
        let owned = |text: &str| text.to_owned();
        Self { ak: owned(access_key), secret: owned(secret), project: owned(project) }
    }

    fn entry(&self, security_token: Option<SecurityToken>) -> AccessKey {
        AccessKey {
            access_key: self.ak.as_str().into(),
            secret: SecretKey::new(self.secret.as_str()),
            project: self.project.parse().unwrap(),
            security_token,
        }
    }
}

/// A permanent key, a temporary one, and a token for each of two projects and for that of the permanent key.
fn keys(permanent: &Key) -> Keys {
    let token = |project: &str| StaticToken {
        token: SecretKey::new(format!("token-{project}")),
        project: project.parse().unwrap(),
        owner: format!("owner-{project}").into(),
        expires_at: None,
    };
    let temporary = SecurityToken {
        token: SecretKey::new("temporary"),
        expires_at: Timestamp::from_millis(BEGIN_MS + 60_000),
    };
    let temporary = Key::new("AKTEMPORARY", SECRET_KEY, PROJECT).entry(Some(temporary));
    let tokens = [token("p1"), token("p2"), token(&permanent.project)];
    Keys::new([permanent.entry(None), temporary], tokens)
}

/// Who may log in. The project p2 is called `analytics`, p1 has no name of its own.
pub fn directory(password_of_ann: &str) -> Directory {
    let user = |name: &str, password: &str, projects: &[&str]| User {
        name: name.into(),
        password: SecretKey::new(password),
        projects: projects.iter().map(|project| project.parse().unwrap()).collect(),
    };
    let users = [user("ann", password_of_ann, &["p1", "p2"]), user("bob", "secret of bob", &["p2"])];
    Directory::new(users, [("p2".parse().unwrap(), "analytics".into())])
}

/// A server without a socket.
pub struct Server {
    pub router: Router,
    pub api: Api,
    pub service: Arc<Service>,
    pub clock: Arc<ManualClock>,
    pub health: Health,
    pub keyring: Arc<Keyring>,
}

/// An answer that is there as a whole.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Server {
    /// Sends a request, and checks what holds for every answer.
    pub async fn send(&self, request: Request<Body>) -> Reply {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let reply = Reply { status: parts.status, headers: parts.headers, body };
        if method != Method::HEAD {
            reply.check_form();
            crate::documented::check(method.as_str(), &path, &reply);
        }
        reply
    }

    /// `what` is a method and a target.
    pub async fn call(&self, what: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Reply {
        self.send(request(what, headers, body)).await
    }

    /// For the project `p1`.
    pub async fn p1(&self, what: &str, body: &Value) -> Reply {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.call(what, &[("x-auth-token", "token-p1")], body).await
    }
}

/// A request of a method and a target.
pub fn request(what: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Request<Body> {
    let (method, target) = what.split_once(' ').unwrap();
    let mut request = Request::builder().method(method).uri(target).header("host", "dis.example.test");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body.into()).unwrap_or_else(|error| panic!("{what}: {error}"))
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub fn json(&self) -> Value {
        let parsed = serde_json::from_slice(&self.body);
        parsed.unwrap_or_else(|error| panic!("{error}: {:?}", String::from_utf8_lossy(&self.body)))
    }

    /// The message of an error of the identity API, whose form is checked.
    pub fn keystone_error(&self) -> String {
        let body = self.json();
        let error = body["error"].as_object().unwrap_or_else(|| panic!("{self:?}"));
        assert_eq!(error["code"], self.status.as_u16(), "{self:?}");
        assert_eq!(error["title"], self.status.canonical_reason().unwrap(), "{self:?}");
        assert_eq!((error.len(), body.as_object().unwrap().len()), (3, 1), "{self:?}");
        error["message"].as_str().unwrap().to_owned()
    }

    /// The code of an error; empty for a success.
    pub fn code(&self) -> String {
        if self.status.is_success() {
            String::new()
        } else {
            self.json()["errorCode"].as_str().unwrap().to_owned()
        }
    }

    /// What is true of every answer (spec/00 §5 and §7, spec/08 §1).
    fn check_form(&self) {
        let id = self.header("x-request-id").expect("every answer has an id");
        assert!(id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()), "{id}");
        if self.status == StatusCode::NO_CONTENT {
            assert!(self.body.is_empty());
            assert_eq!((self.header("content-length"), self.header("content-type")), (None, None));
            return;
        }
        assert_eq!(self.header("content-length"), Some(self.body.len().to_string().as_str()));
        if self.body.is_empty() {
            assert!(matches!(self.status, StatusCode::OK | StatusCode::CREATED), "{}", self.status);
            assert_eq!(self.header("content-type"), None);
            return;
        }
        if self.header("content-type") == Some("application/x-protobuf") {
            assert_eq!(self.status, StatusCode::OK, "an error is always JSON");
            return;
        }
        let text = str::from_utf8(&self.body).unwrap();
        // The document shows errors; that client never asks for it.
        if text.starts_with("{\n  \"openapi\"") {
            return;
        }
        if self.status.is_success() {
            let is_error_to_one_client = text.contains("errorCode") && text.contains("message");
            assert!(!is_error_to_one_client, "{text}");
        } else if text.contains("errorCode") {
            self.check_error(text);
        }
    }

    fn check_error(&self, text: &str) {
        assert_eq!(self.header("content-type"), Some("application/json"));
        let body = self.json();
        let member = |name: &str| body[name].as_str().unwrap();
        assert_eq!(member("errorCode"), member("error_code"));
        assert_eq!(member("message"), member("error_msg"));
        assert!(text.starts_with(r#"{"errorCode":"#), "{text}");
        // Stock clients search the whole text for codes: it may hold no other one.
        let codes = Code::ALL.iter().filter(|code| text.contains(code.as_str())).count();
        assert_eq!(codes, 1, "{text}");
    }
}
