//! Setting up a client.

use std::{fmt, net::IpAddr, sync::Arc, time::Duration};

use millpond_model::{ProjectId, Timestamp};
use millpond_wire::signing::{SecretKey, Signer};
use reqwest::{Certificate, Url, redirect::Policy};

use crate::{Error, Observer, RetryPolicy};

/// The name of the service in a scope (spec/01 §1).
const SERVICE: &str = "dis";

/// How a client says who it is (spec/01).
#[derive(Clone, Debug, Default)]
pub enum Credentials {
    /// It does not. Only development servers take that.
    #[default]
    None,
    /// Requests are signed.
    AccessKey {
        /// The access key.
        access_key: String,
        /// Its secret.
        secret_key: SecretKey,
        /// The token of a temporary access key.
        security_token: Option<SecretKey>,
    },
    /// Requests carry this token and are not signed.
    Token(SecretKey),
}

/// Everything a client needs to know before it can ask.
#[must_use]
pub struct ClientBuilder {
    endpoint: String,
    project: ProjectId,
    credentials: Credentials,
    region: Option<String>,
    connect_timeout: Duration,
    timeout: Duration,
    retry: RetryPolicy,
    certificates: Vec<u8>,
    observer: Option<Observer>,
}

impl ClientBuilder {
    /// Who asks. Nobody unless given.
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = credentials;
        self
    }

    /// Signs by scheme A with this region in the scope. Scheme B, which has no scope, unless given.
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.region = Some(region.into());
        self
    }

    /// Longest wait for a connection: 10 seconds unless given.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Longest time for one attempt, from connecting to the last byte: 60 seconds unless given.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How often failed calls are repeated.
    pub fn retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = retry;
        self
    }

    /// Trusts these PEM certificates too, beside those the system trusts.
    pub fn certificates(mut self, pem: Vec<u8>) -> Self {
        self.certificates = pem;
        self
    }

    /// Is told about every request.
    pub fn observer(mut self, observer: Observer) -> Self {
        self.observer = Some(observer);
        self
    }

    /// The client. Nothing is sent yet.
    ///
    /// # Errors
    /// `Setup` when the endpoint is not `http://host:port` or `https://host:port`, when a certificate
    /// cannot be read, or when a token cannot stand in a header.
    pub fn build(self) -> Result<Client, Error> {
        let endpoint = Endpoint::parse(&self.endpoint)?;
        let mut http = reqwest::Client::builder()
            .redirect(Policy::none())
            .connect_timeout(self.connect_timeout)
            .timeout(self.timeout)
            .user_agent(concat!("millpond/", env!("CARGO_PKG_VERSION")));
        if endpoint.loopback {
            http = http.no_proxy(); // a proxy's own loopback is another machine
        }
        if !self.certificates.is_empty() {
            let invalid = |_| Error::Setup("the certificates are not PEM".to_owned());
            let bundle = Certificate::from_pem_bundle(&self.certificates).map_err(invalid)?;
            if bundle.is_empty() {
                return Err(Error::Setup("the file of certificates has none; PEM is expected".to_owned()));
            }
            http = http.tls_certs_merge(bundle);
        }
        let http = http.build().map_err(|error| Error::Setup(format!("no HTTP client: {error}")))?;
        let identity = Identity::new(self.credentials, self.region)?;
        let inner = Inner {
            http,
            endpoint,
            project: self.project,
            identity,
            retry: self.retry,
            observer: self.observer,
            now: || Timestamp::from_millis(jiff::Timestamp::now().as_millisecond()),
        };
        Ok(Client { inner: Arc::new(inner) })
    }
}

/// A client of one project on one server. Clones share their connections.
#[derive(Clone)]
pub struct Client {
    pub(crate) inner: Arc<Inner>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({} {})", self.endpoint(), self.project())
    }
}

impl Client {
    /// A client of `project` on the server at `endpoint`, such as `http://127.0.0.1:7347`.
    pub fn builder(endpoint: impl Into<String>, project: ProjectId) -> ClientBuilder {
        ClientBuilder {
            endpoint: endpoint.into(),
            project,
            credentials: Credentials::None,
            region: None,
            connect_timeout: Duration::from_secs(10),
            timeout: Duration::from_mins(1),
            retry: RetryPolicy::default(),
            certificates: Vec::new(),
            observer: None,
        }
    }

    /// Scheme, host and port.
    pub fn endpoint(&self) -> &str {
        &self.inner.endpoint.origin
    }

    /// The project that all calls are about.
    pub fn project(&self) -> &ProjectId {
        &self.inner.project
    }
}

/// What all clones share.
pub(crate) struct Inner {
    pub(crate) http: reqwest::Client,
    pub(crate) endpoint: Endpoint,
    pub(crate) project: ProjectId,
    pub(crate) identity: Identity,
    pub(crate) retry: RetryPolicy,
    pub(crate) observer: Option<Observer>,
    pub(crate) now: fn() -> Timestamp,
}

/// Where the server is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// `http://127.0.0.1:7347`.
    pub(crate) origin: String,
    /// `Host` as it will be sent: with the port unless it is the scheme's own.
    pub(crate) host: String,
    loopback: bool,
}

impl Endpoint {
    fn parse(text: &str) -> Result<Self, Error> {
        let invalid = || {
            Error::Setup(format!(
                "{text:?} is not an endpoint: write http://host:port or https://host:port, without a path"
            ))
        };
        let url = Url::parse(text).map_err(|_| invalid())?;
        let plain = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
        let nobody = url.username().is_empty() && url.password().is_none();
        if !matches!(url.scheme(), "http" | "https") || !plain || !nobody {
            return Err(invalid());
        }
        let name = url.host_str().ok_or_else(invalid)?;
        let host = url.port().map_or_else(|| name.to_owned(), |port| format!("{name}:{port}"));
        let address: Option<IpAddr> = name.trim_matches(['[', ']']).parse().ok();
        let loopback = name == "localhost" || address.is_some_and(|address| address.is_loopback());
        Ok(Self { origin: format!("{}://{host}", url.scheme()), host, loopback })
    }
}

/// Credentials, ready to be used.
pub(crate) enum Identity {
    Nobody,
    Signer(Signer),
    Token(http::HeaderValue),
}

impl Identity {
    fn new(credentials: Credentials, region: Option<String>) -> Result<Self, Error> {
        match credentials {
            Credentials::None => Ok(Self::Nobody),
            Credentials::AccessKey { access_key, secret_key, security_token } => {
                let mut signer = Signer::new(access_key, secret_key);
                if let Some(region) = region {
                    signer = signer.with_scope(region, SERVICE);
                }
                if let Some(token) = security_token {
                    signer = signer.with_security_token(token);
                }
                Ok(Self::Signer(signer))
            }
            Credentials::Token(token) => {
                let invalid = |_| Error::Setup("the token has characters that no token has".to_owned());
                let mut value = http::HeaderValue::from_str(token.expose()).map_err(invalid)?;
                value.set_sensitive(true);
                Ok(Self::Token(value))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints() {
        let check = |text: &str, expected: Option<(&str, &str, bool)>| {
            let endpoint = Endpoint::parse(text).ok();
            let got = endpoint.as_ref().map(|e| (e.origin.as_str(), e.host.as_str(), e.loopback));
            assert_eq!(got, expected, "{text}");
        };
        check("http://127.0.0.1:7347", Some(("http://127.0.0.1:7347", "127.0.0.1:7347", true)));
        check("http://LOCALHOST:80/", Some(("http://localhost", "localhost", true)));
        check("https://dis.example:443", Some(("https://dis.example", "dis.example", false)));
        check("http://[::1]:7347", Some(("http://[::1]:7347", "[::1]:7347", true)));
        check("https://dis.example/base", None);
        check("https://user@dis.example", None);
        check("https://dis.example?x=1", None);
        check("dis.example:7347", None);
        check("ftp://dis.example", None);
        check("", None);
    }

    #[test]
    fn nothing_secret_is_shown() {
        let credentials = Credentials::AccessKey {
            access_key: "AK".into(),
            secret_key: SecretKey::new("hush"),
            security_token: Some(SecretKey::new("hush")),
        };
        assert!(!format!("{credentials:?}").contains("hush"));
        let builder = Client::builder("http://localhost:1", "p".parse().unwrap());
        let client = builder.credentials(credentials).build().unwrap();
        assert_eq!(format!("{client:?}"), "Client(http://localhost:1 p)");
    }

    #[test]
    fn certificates_must_be_pem() {
        let builder = || Client::builder("https://localhost", "p".parse().unwrap());
        assert!(matches!(builder().certificates(b"x".to_vec()).build(), Err(Error::Setup(_))));
        assert!(builder().build().is_ok());
    }
}
