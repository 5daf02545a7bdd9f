//! An HTTP responder for tests: gives prepared answers, one for each request, and keeps what it saw.

use std::sync::Arc;

use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    sync::Mutex,
};

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// Request line.
    pub(crate) line: String,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// The request line without method and version.
    pub(crate) fn target(&self) -> &str {
        self.line.split(' ').nth(1).unwrap()
    }
}

/// The responder.
pub(crate) struct TestServer {
    endpoint: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl TestServer {
    /// Answers the first requests with these statuses and bodies, and each further one with 599.
    pub(crate) async fn start(answers: impl IntoIterator<Item = (u16, impl Into<String>)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let answers: Vec<(u16, String)> =
            answers.into_iter().map(|(status, body)| (status, body.into())).collect();
        let log = Arc::clone(&seen);
        tokio::spawn(async move {
            let mut answers = answers.into_iter();
            while let Ok((stream, _)) = listener.accept().await {
                let (status, body) = answers.next().unwrap_or((599, String::new()));
                respond(stream, &log, status, &body).await;
            }
        });
        Self { endpoint, seen }
    }

    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    pub(crate) async fn requests(&self) -> Vec<Seen> {
        self.seen.lock().await.clone()
    }
}

/// One request for each connection.
async fn respond(stream: TcpStream, log: &Mutex<Vec<Seen>>, status: u16, body: &str) {
    let mut stream = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.unwrap();
        let line = line.trim_end().to_owned();
        if line.is_empty() {
            break;
        }
        lines.push(line);
    }
    let headers: Vec<(String, String)> = lines
        .iter()
        .skip(1)
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let mut received = vec![0; length.map_or(0, |(_, length)| length.parse().unwrap())];
    stream.read_exact(&mut received).await.unwrap();
    let body_text = String::from_utf8(received).unwrap();
    log.lock().await.push(Seen { line: lines[0].clone(), headers, body: body_text });
    let location = if status == 302 { "location: http://elsewhere/\r\n" } else { "" };
    let answer = format!(
        "HTTP/1.1 {status} X\r\ncontent-length: {}\r\nx-request-id: id-1\r\n{location}connection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(answer.as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
}
