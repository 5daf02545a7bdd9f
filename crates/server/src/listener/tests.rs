//! One test for each thing a client may not do to the server, and for draining.
//!
//! Clocks are tested on connections in memory with paused time; sockets where sockets matter.

use std::{fs, future::pending, pin::pin, time::Duration};

use axum::{
    body::{Body, Bytes},
    extract::DefaultBodyLimit,
    routing::{get, post},
};
use http::{Request, StatusCode, Version};
use http_body_util::{BodyExt as _, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
use rustls_pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream, duplex},
    net::TcpStream,
    sync::Notify,
    task::JoinHandle,
    time::{Instant, sleep},
};

use super::*;

const LIMITS: Limits = Limits {
    connections_max: 100,
    handshake_timeout: Duration::from_secs(10),
    header_timeout: Duration::from_secs(10),
    head_bytes_max: 16 * 1024,
    headers_max: 100,
    body_idle_timeout: Duration::from_secs(15),
    body_timeout: Duration::from_mins(1),
    keep_alive_idle: Duration::from_secs(75),
    write_stall_timeout: Duration::from_secs(30),
    http2_streams_max: 16,
};

/// Longer than any test may take.
const FOR_EVER: Duration = Duration::from_hours(1);

/// Bytes of the answer that nobody takes.
const LARGE: usize = 4 << 20;

fn app() -> Router {
    Router::new()
        .route("/", get(|| async { "hello" }))
        .route("/length", post(|body: Bytes| async move { body.len().to_string() }))
        .route("/large", get(|| async { vec![b'x'; LARGE] }))
        .route("/never", get(pending::<&str>))
        .layer(DefaultBodyLimit::disable())
}

// ---- connections in memory ----------------------------------------------------------------------

struct Served {
    client: DuplexStream,
    drain: CancellationToken,
    connection: JoinHandle<()>,
}

/// A served connection in memory, whose buffers hold `capacity` bytes.
fn served(capacity: usize) -> Served {
    let (client, server) = duplex(capacity);
    let drain = CancellationToken::new();
    let token = drain.clone();
    let peer = "127.0.0.1:1".parse().unwrap();
    let connection =
        tokio::spawn(async move { connection::serve(server, peer, &app(), &LIMITS, &token).await });
    Served { client, drain, connection }
}

/// Everything until the connection ends.
async fn rest(client: &mut (impl AsyncRead + Unpin)) -> String {
    let mut bytes = Vec::new();
    // A reset is an end like any other here.
    let _ = client.read_to_end(&mut bytes).await;
    String::from_utf8(bytes).unwrap()
}

/// Sends `request` and reads the answer, which must end in `end`.
async fn exchange(client: &mut (impl AsyncRead + AsyncWrite + Unpin), request: &str, end: &str) -> String {
    client.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(end.as_bytes()) {
        let mut bytes = [0; 1024];
        let read = client.read(&mut bytes).await.unwrap();
        assert_ne!(read, 0, "ended after {:?}", String::from_utf8_lossy(&answer));
        answer.extend_from_slice(&bytes[..read]);
    }
    String::from_utf8(answer).unwrap()
}

async fn hello(client: &mut (impl AsyncRead + AsyncWrite + Unpin)) {
    let answer = exchange(client, "GET / HTTP/1.1\r\nhost: h\r\n\r\n", "hello").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
}

/// Writes one byte per second until the other side is gone.
async fn trickle(client: &mut (impl AsyncWrite + Unpin)) {
    while client.write_all(b"x").await.is_ok() {
        sleep(Duration::from_secs(1)).await;
    }
}

/// The client sends `begin` and then waits, or goes on byte by byte: how long until it is cut off,
/// and what it is told.
async fn until_cut_off(begin: &str, trickling: bool) -> (Duration, String) {
    let Served { client, .. } = served(64 * 1024);
    let (mut reader, mut writer) = tokio::io::split(client);
    let start = Instant::now();
    writer.write_all(begin.as_bytes()).await.unwrap();
    let answer = if trickling {
        let mut trickling = pin!(trickle(&mut writer));
        tokio::select! {
            () = trickling.as_mut() => rest(&mut reader).await,
            answer = rest(&mut reader) => answer,
        }
    } else {
        rest(&mut reader).await
    };
    (start.elapsed(), answer)
}

#[tokio::test(start_paused = true)]
async fn a_slow_head_is_cut_off() {
    for (begin, trickling) in
        [("", false), ("GET", false), ("GET / HTTP/1.1\r\nhost", false), ("GET /", true)]
    {
        let (after, answer) = until_cut_off(begin, trickling).await;
        assert_eq!((after.as_secs(), answer.as_str()), (10, ""), "{begin:?}");
    }
    // Half of the words with which HTTP/2 begins.
    assert_eq!(until_cut_off("PRI * HTTP/2.0\r\n", false).await.0.as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_may_wait_longer_than_a_head() {
    let mut client = served(64 * 1024).client;
    hello(&mut client).await;
    sleep(Duration::from_secs(74)).await;
    hello(&mut client).await;
    let start = Instant::now();
    assert_eq!(rest(&mut client).await, "");
    assert_eq!(start.elapsed().as_secs(), 75);
}

#[tokio::test(start_paused = true)]
async fn the_second_head_has_its_own_time() {
    let mut client = served(64 * 1024).client;
    hello(&mut client).await;
    sleep(Duration::from_secs(30)).await;
    let start = Instant::now();
    client.write_all(b"GET /").await.unwrap();
    assert_eq!(rest(&mut client).await, "");
    assert_eq!(start.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn an_oversize_head_is_refused() {
    let check = async |headers: String, status: &str| {
        let mut client = served(256 * 1024).client;
        let request = format!("GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n{headers}\r\n");
        client.write_all(request.as_bytes()).await.unwrap();
        let answer = rest(&mut client).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
    };
    check(format!("a: {}\r\n", "x".repeat(15 * 1024)), "200").await;
    check(format!("a: {}\r\n", "x".repeat(17 * 1024)), "431").await;
    check("a: b\r\n".repeat(98), "200").await;
    check("a: b\r\n".repeat(99), "431").await;
}

#[tokio::test(start_paused = true)]
async fn a_slow_body_is_answered_408() {
    let head = "POST /length HTTP/1.1\r\nhost: h\r\ncontent-length: 1000\r\n\r\n";
    for (trickling, seconds) in [(false, 15), (true, 60)] {
        let (after, answer) = until_cut_off(head, trickling).await;
        assert_eq!(after.as_secs(), seconds);
        assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("connection: close"), "{answer}");
        let body = answer.split_once("\r\n\r\n").unwrap().1;
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(body["error_code"], "DIS.4200");
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_keeps_coming_is_read() {
    let Served { client, .. } = served(64 * 1024);
    let (mut reader, mut writer) = tokio::io::split(client);
    let head = "POST /length HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-length: 5\r\n\r\n";
    let send = async {
        writer.write_all(head.as_bytes()).await.unwrap();
        for byte in b"bytes" {
            sleep(Duration::from_secs(11)).await;
            writer.write_all(&[*byte]).await.unwrap();
        }
    };
    let ((), answer) = tokio::join!(send, rest(&mut reader));
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("\r\n5"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_nobody_takes_is_cut_off() {
    let Served { mut client, connection, .. } = served(4 * 1024);
    let start = Instant::now();
    client.write_all(b"GET /large HTTP/1.1\r\nhost: h\r\n\r\n").await.unwrap();
    connection.await.unwrap();
    assert_eq!(start.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_taken_slowly_is_not() {
    let Served { mut client, connection, .. } = served(256 * 1024);
    client.write_all(b"GET /large HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut read = 0;
    let mut bytes = vec![0; 256 * 1024];
    loop {
        sleep(Duration::from_secs(20)).await;
        match client.read(&mut bytes).await.unwrap() {
            0 => break,
            some => read += some,
        }
    }
    assert!(read > LARGE, "{read}");
    connection.await.unwrap();
}

// ---- HTTP/2 -------------------------------------------------------------------------------------

type Http2 = hyper::client::conn::http2::SendRequest<Empty<Bytes>>;

/// A client with prior knowledge, and its connection, driven by a task.
async fn http2(
    io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) -> (Http2, JoinHandle<hyper::Result<()>>) {
    let builder = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
    let (client, connection) = builder.handshake(TokioIo::new(io)).await.unwrap();
    (client, tokio::spawn(connection))
}

fn request(path: &str) -> Request<Empty<Bytes>> {
    Request::get(format!("http://h{path}")).body(Empty::new()).unwrap()
}

async fn hello2(client: &mut Http2) {
    let answer = client.send_request(request("/")).await.unwrap();
    assert_eq!((answer.status(), answer.version()), (StatusCode::OK, Version::HTTP_2));
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "hello");
}

#[tokio::test(start_paused = true)]
async fn http2_is_served_by_prior_knowledge_and_closed_when_idle() {
    let Served { client, connection, .. } = served(64 * 1024);
    let (mut client, driver) = http2(client).await;
    hello2(&mut client).await;
    sleep(Duration::from_mins(1)).await;
    hello2(&mut client).await;
    let start = Instant::now();
    connection.await.unwrap();
    assert_eq!(start.elapsed().as_secs(), 75);
    driver.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_http2_answer_that_nobody_takes_is_cut_off() {
    let Served { client, connection, .. } = served(64 * 1024);
    let (mut client, _driver) = http2(client).await;
    let answer = client.send_request(request("/large")).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let start = Instant::now();
    connection.await.unwrap();
    // Pings are answered all the time, but the window of the stream stays shut.
    assert_eq!(start.elapsed().as_secs(), 30);
    drop(answer);
}

#[tokio::test(start_paused = true)]
async fn draining_does_not_wait_for_a_silent_http2_peer() {
    let Served { client, connection, drain } = served(64 * 1024);
    let (mut client, driver) = http2(client).await;
    hello2(&mut client).await;
    driver.abort(); // its half of the connection stays open, but says nothing
    let start = Instant::now();
    drain.cancel();
    connection.await.unwrap();
    assert!(start.elapsed() <= Duration::from_secs(2), "{:?}", start.elapsed());
}

// ---- sockets ------------------------------------------------------------------------------------

async fn listen(limits: Limits, app: Router) -> (SocketAddr, Serving) {
    let listener = Listener::bind("127.0.0.1:0".parse().unwrap(), None, limits).await.unwrap();
    (listener.address(), listener.serve(app))
}

#[tokio::test]
async fn connections_above_the_cap_are_answered_503() {
    let (address, serving) = listen(Limits { connections_max: 1, ..LIMITS }, app()).await;
    let mut first = TcpStream::connect(address).await.unwrap();
    hello(&mut first).await;
    let mut second = TcpStream::connect(address).await.unwrap();
    second.write_all(b"GET / HTTP/1.1\r\nhost: h\r\n\r\n").await.unwrap();
    let answer = rest(&mut second).await;
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("retry-after: 1\r\n"), "{answer}");
    hello(&mut first).await; // unharmed
    drop(first);
    // The place becomes free once the server has noticed.
    loop {
        let mut third = TcpStream::connect(address).await.unwrap();
        third.write_all(b"GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n").await.unwrap();
        if rest(&mut third).await.starts_with("HTTP/1.1 200 ") {
            break;
        }
    }
    assert_eq!(serving.drain(FOR_EVER).await, 0);
}

/// An app whose `/` waits for `release` after it has told `entered`.
fn held(entered: &Arc<Notify>, release: &Arc<Notify>) -> Router {
    let (entered, release) = (Arc::clone(entered), Arc::clone(release));
    let handler = move || async move {
        entered.notify_one();
        release.notified().await;
        Body::from("finished")
    };
    Router::new().route("/", get(handler))
}

#[tokio::test]
async fn draining_finishes_an_open_request_and_takes_no_new_ones() {
    let (entered, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (address, serving) = listen(LIMITS, held(&entered, &release)).await;
    let mut client = TcpStream::connect(address).await.unwrap();
    client.write_all(b"GET / HTTP/1.1\r\nhost: h\r\n\r\n").await.unwrap();
    entered.notified().await;
    let draining = tokio::spawn(serving.drain(FOR_EVER));
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!draining.is_finished());
    release.notify_one();
    let answer = rest(&mut client).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("finished"), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
    assert_eq!(draining.await.unwrap(), 0);
}

#[tokio::test]
async fn the_deadline_cuts_a_stuck_request() {
    let (entered, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (address, serving) = listen(LIMITS, held(&entered, &release)).await;
    let mut client = TcpStream::connect(address).await.unwrap();
    client.write_all(b"GET / HTTP/1.1\r\nhost: h\r\n\r\n").await.unwrap();
    entered.notified().await;
    assert_eq!(serving.drain(Duration::from_millis(20)).await, 1);
    assert_eq!(rest(&mut client).await, "");
}

#[tokio::test]
async fn idle_connections_do_not_delay_draining() {
    let (address, serving) = listen(LIMITS, app()).await;
    let silent = TcpStream::connect(address).await.unwrap();
    let mut idle = TcpStream::connect(address).await.unwrap();
    hello(&mut idle).await;
    let (mut client, driver) = http2(TcpStream::connect(address).await.unwrap()).await;
    hello2(&mut client).await;
    let start = Instant::now();
    assert_eq!(serving.drain(FOR_EVER).await, 0);
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    assert_eq!(rest(&mut idle).await, "");
    driver.await.unwrap().unwrap();
    drop(silent);
}

// ---- TLS ----------------------------------------------------------------------------------------

/// Writes a new certificate for `localhost`; returns it for the client to trust.
fn certificate(directory: &std::path::Path) -> rustls_pki_types::CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(directory.join("cert.pem"), made.cert.pem()).unwrap();
    fs::write(directory.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    made.cert.der().clone()
}

async fn connect_tls(
    address: SocketAddr,
    trusted: &rustls_pki_types::CertificateDer<'static>,
    protocol: &str,
) -> std::io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let stream = TcpStream::connect(address).await.unwrap();
    connector.connect(ServerName::try_from("localhost").unwrap(), stream).await
}

#[tokio::test]
async fn https_serves_both_protocols_and_renews_its_certificate() {
    let dir = tempfile::tempdir().unwrap();
    let old = certificate(dir.path());
    let tls = Arc::new(TlsSource::load(&dir.path().join("cert.pem"), &dir.path().join("key.pem")).unwrap());
    let listener =
        Listener::bind("127.0.0.1:0".parse().unwrap(), Some(Arc::clone(&tls)), LIMITS).await.unwrap();
    let address = listener.address();
    let serving = listener.serve(app());

    let mut one = connect_tls(address, &old, "http/1.1").await.unwrap();
    hello(&mut one).await;
    let two = connect_tls(address, &old, "h2").await.unwrap();
    assert_eq!(two.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (mut client, _driver) = http2(two).await;
    hello2(&mut client).await;

    let new = certificate(dir.path());
    fs::write(dir.path().join("cert.pem"), "broken").unwrap();
    assert!(matches!(tls.reload(), Err(TlsError::Pem { .. } | TlsError::Unusable { .. })));
    hello(&mut connect_tls(address, &old, "http/1.1").await.unwrap()).await;
    let new = {
        drop(new);
        certificate(dir.path())
    };
    tls.reload().unwrap();
    assert!(connect_tls(address, &old, "http/1.1").await.is_err(), "the old certificate is gone");
    hello(&mut connect_tls(address, &new, "http/1.1").await.unwrap()).await;
    hello(&mut one).await; // open connections stay
    assert_eq!(serving.drain(FOR_EVER).await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_slow_handshake_is_cut_off() {
    let dir = tempfile::tempdir().unwrap();
    certificate(dir.path());
    let tls = TlsSource::load(&dir.path().join("cert.pem"), &dir.path().join("key.pem")).unwrap();
    let (_client, server) = duplex(1024);
    let start = Instant::now();
    let error = tls::handshake(&tls, server, LIMITS.handshake_timeout).await.err().unwrap();
    assert_eq!((error.kind(), start.elapsed().as_secs()), (std::io::ErrorKind::TimedOut, 10));
}

#[test]
fn unusable_certificates_name_the_file() {
    let dir = tempfile::tempdir().unwrap();
    certificate(dir.path());
    let (cert, key) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
    let check = |cert: &std::path::Path, key: &std::path::Path, part: &str| {
        let error = TlsSource::load(cert, key).err().unwrap().to_string();
        assert!(error.contains(part), "{error}");
    };
    check(&dir.path().join("none.pem"), &key, "none.pem");
    check(&cert, &cert, "private key");
    check(&key, &key, "certificate");
}
