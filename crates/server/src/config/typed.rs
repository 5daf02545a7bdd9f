//! The configuration as the server uses it.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, str::FromStr, time::Duration};

use super::{Limits, Value, setting, sources};
use crate::secret::Secret;

/// Everything that can be configured. Names, units and reasons are in `defaults.rs`.
#[derive(Clone, Debug)]
pub struct Config {
    /// The listener.
    pub server: Server,
    /// HTTPS.
    pub tls: Tls,
    /// Who may call.
    pub auth: Auth,
    /// Logging in with a password.
    pub identity: Identity,
    /// The first key.
    pub bootstrap: Bootstrap,
    /// The data directory.
    pub storage: Storage,
    /// Sizes, quotas and rates.
    pub limits: Limits,
    /// The log.
    pub log: Log,
}

/// Section `server`.
#[derive(Clone, Debug)]
pub struct Server {
    /// Address of the API.
    pub listen: SocketAddr,
    /// Receives the port once ready.
    pub port_file: Option<PathBuf>,
    /// Most open connections.
    pub connections_max: usize,
    /// Time for a head.
    pub header_timeout: Duration,
    /// Largest head, in bytes.
    pub head_bytes_max: usize,
    /// Most header lines.
    pub headers_max: usize,
    /// Longest pause within a body.
    pub body_idle_timeout: Duration,
    /// Time for a whole body.
    pub body_timeout: Duration,
    /// Largest body, in bytes; the router enforces it, as sent and as decompressed.
    pub body_bytes_max: usize,
    /// Longest wait for the next request.
    pub keep_alive_idle: Duration,
    /// Longest wait for the client to take a byte.
    pub write_stall_timeout: Duration,
    /// Open requests of an HTTP/2 connection.
    pub http2_streams_max: u32,
    /// Between not ready and not listening.
    pub drain_delay: Duration,
    /// Time for open requests to finish.
    pub drain_timeout: Duration,
}

/// Section `tls`. Certificate and key are both set or both absent.
#[derive(Clone, Debug)]
pub struct Tls {
    /// PEM chain.
    pub certificate: Option<PathBuf>,
    /// PEM key.
    pub private_key: Option<PathBuf>,
    /// Time for the handshake.
    pub handshake_timeout: Duration,
}

/// Section `auth`.
#[derive(Clone, Debug)]
pub struct Auth {
    /// Keys besides those of the data directory.
    pub keys_file: Option<PathBuf>,
    /// Unsigned requests pass; only ever true on loopback.
    pub allow_anonymous: bool,
    /// Compare the scope of a signature with `region` and `service`.
    pub check_scope: bool,
    /// Expected region.
    pub region: String,
    /// Expected service.
    pub service: String,
    /// Bodies that need not be signed.
    pub unsigned_payload: UnsignedPayload,
    /// Further names of this server.
    pub public_hosts: Vec<String>,
}

/// Which bodies a signature may leave out (spec/01 §3.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnsignedPayload {
    /// None.
    Never,
    /// Those that are not JSON.
    NotJson,
}

/// Section `identity`.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Where clients reach the server, without a slash at the end.
    pub public_url: Option<String>,
    /// Id of the domain.
    pub domain_id: String,
    /// Its name.
    pub domain_name: String,
    /// How long a token is valid.
    pub token_life: Duration,
}

/// Section `bootstrap`.
#[derive(Clone, Debug)]
pub struct Bootstrap {
    /// Project of the first key.
    pub project_id: Option<String>,
    /// Its access key.
    pub ak: Option<String>,
    /// Its secret key.
    pub sk: Option<Secret>,
    /// The first user.
    pub user: Option<String>,
    /// Its password.
    pub password: Option<Secret>,
}

/// Section `storage`.
#[derive(Clone, Debug)]
pub struct Storage {
    /// The directory that holds everything; always resolved.
    pub data_dir: PathBuf,
    /// Bytes of a journal file.
    pub journal_file_bytes: u64,
    /// Bytes of a full segment.
    pub segment_bytes: u64,
    /// Free bytes below which writes are refused; `None`: a part of the file system.
    pub low_water_bytes: Option<u64>,
    /// How often everything stored is read again.
    pub scrub_interval: Duration,
}

/// Section `log`.
#[derive(Clone, Debug)]
pub struct Log {
    /// Filter directives.
    pub level: String,
    /// Shape of a line.
    pub format: LogFormat,
    /// One successful request in so many is logged; 0 is none.
    pub request_sample: u32,
}

/// Shape of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Human on a terminal, JSON otherwise.
    Auto,
    /// For people.
    Human,
    /// One JSON object per line.
    Json,
}

/// Reads checked text as what it means. An error here is a kind in the table that does not fit the
/// field; a test loads every setting.
pub(super) struct Reader<'a>(&'a BTreeMap<&'static str, Value>);

impl Reader<'_> {
    fn text(&self, key: &str) -> Result<&str, String> {
        self.0.get(key).map(|value| value.text.as_str()).ok_or_else(|| format!("{key}: not in the table"))
    }

    pub(super) fn with<T>(&self, key: &str, parse: impl FnOnce(&str) -> Option<T>) -> Result<T, String> {
        parse(self.text(key)?).ok_or_else(|| format!("{key}: the value does not fit"))
    }

    pub(super) fn parse<T: FromStr>(&self, key: &str) -> Result<T, String> {
        self.with(key, |text| text.parse().ok())
    }

    pub(super) fn span(&self, key: &str) -> Result<Duration, String> {
        self.with(key, setting::span)
    }

    fn bytes(&self, key: &str) -> Result<u64, String> {
        self.with(key, |text| setting::size(text).map(|size| size.as_u64()))
    }

    pub(super) fn size(&self, key: &str) -> Result<usize, String> {
        self.bytes(key).and_then(|bytes| usize::try_from(bytes).map_err(|_| format!("{key}: too large")))
    }

    fn path(&self, key: &str) -> Result<Option<PathBuf>, String> {
        self.text(key).map(sources::path)
    }

    fn optional(&self, key: &str) -> Result<Option<String>, String> {
        self.text(key).map(|text| (!text.is_empty()).then(|| text.to_owned()))
    }
}

impl Config {
    /// The typed values of a complete table.
    pub(super) fn from_values(values: &BTreeMap<&'static str, Value>) -> Result<Self, String> {
        let read = Reader(values);
        Ok(Self {
            server: Server::read(&read)?,
            tls: Tls {
                certificate: read.path("tls.certificate")?,
                private_key: read.path("tls.private_key")?,
                handshake_timeout: read.span("tls.handshake_timeout")?,
            },
            auth: Auth::read(&read)?,
            identity: Identity {
                public_url: read.optional("identity.public_url")?.as_deref().and_then(setting::url),
                domain_id: read.parse("identity.domain_id")?,
                domain_name: read.parse("identity.domain_name")?,
                token_life: read.span("identity.token_life")?,
            },
            bootstrap: Bootstrap {
                project_id: read.optional("bootstrap.project_id")?,
                ak: read.optional("bootstrap.ak")?,
                sk: read.optional("bootstrap.sk")?.map(Secret::new),
                user: read.optional("bootstrap.user")?,
                password: read.optional("bootstrap.password")?.map(Secret::new),
            },
            storage: Storage {
                data_dir: read.with("storage.data_dir", sources::path)?,
                journal_file_bytes: read.bytes("storage.journal_file_bytes")?,
                segment_bytes: read.bytes("storage.segment_bytes")?,
                low_water_bytes: Some(read.bytes("storage.low_water_bytes")?).filter(|bytes| *bytes > 0),
                scrub_interval: read.span("storage.scrub_interval")?,
            },
            limits: Limits::read(&read)?,
            log: Log {
                level: read.parse("log.level")?,
                format: read.with("log.format", log_format)?,
                request_sample: read.parse("log.request_sample")?,
            },
        })
    }

    /// Checks what concerns several values at once.
    pub(super) fn check(&self, problems: &mut Vec<String>) {
        self.limits.check(problems);
        if self.auth.allow_anonymous && !self.server.listen.ip().is_loopback() {
            problems.push(format!(
                "auth.allow_anonymous is only possible on a loopback address, and server.listen is {}: \
                 listen on 127.0.0.1, or leave allow_anonymous off and sign requests",
                self.server.listen
            ));
        }
        if self.tls.certificate.is_some() != self.tls.private_key.is_some() {
            problems.push("tls.certificate and tls.private_key belong together: set both or none".to_owned());
        }
        if self.bootstrap.ak.is_some() != self.bootstrap.sk.is_some() {
            problems.push("bootstrap.ak and bootstrap.sk belong together: set both or none".to_owned());
        }
        if self.bootstrap.password.is_some() && self.bootstrap.user.is_none() {
            problems.push(
                "bootstrap.password and bootstrap.user belong together: name the user that it is for"
                    .to_owned(),
            );
        }
    }
}

impl Server {
    fn read(read: &Reader<'_>) -> Result<Self, String> {
        Ok(Self {
            listen: read.parse("server.listen")?,
            port_file: read.path("server.port_file")?,
            connections_max: read.parse("server.connections_max")?,
            header_timeout: read.span("server.header_timeout")?,
            head_bytes_max: read.size("server.head_bytes_max")?,
            headers_max: read.parse("server.headers_max")?,
            body_idle_timeout: read.span("server.body_idle_timeout")?,
            body_timeout: read.span("server.body_timeout")?,
            body_bytes_max: read.size("server.body_bytes_max")?,
            keep_alive_idle: read.span("server.keep_alive_idle")?,
            write_stall_timeout: read.span("server.write_stall_timeout")?,
            http2_streams_max: read.parse("server.http2_streams_max")?,
            drain_delay: read.span("server.drain_delay")?,
            drain_timeout: read.span("server.drain_timeout")?,
        })
    }
}

impl Auth {
    fn read(read: &Reader<'_>) -> Result<Self, String> {
        Ok(Self {
            keys_file: read.path("auth.keys_file")?,
            allow_anonymous: read.parse("auth.allow_anonymous")?,
            check_scope: read.parse("auth.check_scope")?,
            region: read.parse("auth.region")?,
            service: read.parse("auth.service")?,
            unsigned_payload: read.with("auth.unsigned_payload", unsigned_payload)?,
            public_hosts: read.with("auth.public_hosts", |text| Some(list(text)))?,
        })
    }
}

fn list(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
}

fn unsigned_payload(text: &str) -> Option<UnsignedPayload> {
    match text {
        "never" => Some(UnsignedPayload::Never),
        "not-json" => Some(UnsignedPayload::NotJson),
        _ => None,
    }
}

fn log_format(text: &str) -> Option<LogFormat> {
    match text {
        "auto" => Some(LogFormat::Auto),
        "human" => Some(LogFormat::Human),
        "json" => Some(LogFormat::Json),
        _ => None,
    }
}
