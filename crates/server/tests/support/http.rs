//! A plain HTTP/1.1 client that sends what it is told and believes nothing.

use std::{
    fmt,
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{Shutdown, TcpStream},
};

use super::PATIENCE;

/// One answer, its form checked.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?} {}", self.status, self.headers, String::from_utf8_lossy(&self.body))
    }
}

impl Answer {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> &str {
        str::from_utf8(&self.body).expect("UTF-8")
    }

    /// The body as JSON; null when it is empty.
    pub fn json(&self) -> serde_json::Value {
        if self.body.is_empty() {
            return serde_json::Value::Null;
        }
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The error code in the body, or nothing.
    pub fn code(&self) -> String {
        self.json()["error_code"].as_str().unwrap_or_default().to_owned()
    }
}

/// One connection, kept alive.
pub struct Connection {
    reader: BufReader<TcpStream>,
    /// The address, as it stands in `Host`.
    pub host: String,
}

impl Connection {
    /// Connects to the port of a server on this machine.
    pub fn open(port: u16) -> io::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(Self { reader: BufReader::new(stream), host: format!("127.0.0.1:{port}") })
    }

    /// Sends bytes as they are.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.reader.get_mut().write_all(bytes)
    }

    /// Sends nothing more, but goes on reading.
    pub fn finish(&mut self) {
        // The other side may have closed already.
        let _ = self.reader.get_ref().shutdown(Shutdown::Write);
    }

    /// Sends a request and reads its answer.
    pub fn request(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<Answer> {
        let mut head = format!("{method} {target} HTTP/1.1\r\nhost: {}\r\n", self.host);
        for (name, value) in headers {
            head.extend([name, ": ", value, "\r\n"]);
        }
        if !body.is_empty() || method == "POST" || method == "PUT" {
            head.extend(["content-length: ", &body.len().to_string(), "\r\n"]);
        }
        let message = [head.as_bytes(), b"\r\n", body].concat();
        self.send(&message)?;
        self.answer()?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    /// The next answer; `None` when the connection ends before its first byte. What is no answer
    /// fails the test.
    pub fn answer(&mut self) -> io::Result<Option<Answer>> {
        let Some(line) = self.line()? else { return Ok(None) };
        let status = line.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
        let status: u16 = status.unwrap_or_else(|| panic!("no status line: {line:?}"));
        let mut headers = Vec::new();
        loop {
            let line = self.line()?.ok_or(io::ErrorKind::UnexpectedEof)?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(": ").unwrap_or_else(|| panic!("no header: {line:?}"));
            headers.push((name.to_ascii_lowercase(), value.to_owned()));
        }
        let mut answer = Answer { status, headers, body: Vec::new() };
        assert_eq!(answer.header("transfer-encoding"), None, "every answer tells its length: {answer:?}");
        if status >= 200 && status != 204 {
            let length = answer.header("content-length").and_then(|length| length.parse().ok());
            answer.body = vec![0; length.unwrap_or_else(|| panic!("no length: {answer:?}"))];
            self.reader.read_exact(&mut answer.body)?;
        }
        Ok(Some(answer))
    }

    /// A line without its end; `None` at the end of the connection.
    fn line(&mut self) -> io::Result<Option<String>> {
        let mut line = Vec::new();
        if self.reader.read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        let line = line.strip_suffix(b"\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
        Ok(Some(String::from_utf8(line.to_vec()).expect("heads are ASCII")))
    }

    /// Whether the connection has ended: nothing more comes, not even later.
    pub fn is_at_end(&mut self) -> bool {
        match self.reader.fill_buf() {
            Ok(rest) => rest.is_empty(),
            Err(error) => !matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut),
        }
    }
}

/// `GET` on a connection of its own, without credentials.
pub fn get(port: u16, target: &str) -> Answer {
    let mut connection = Connection::open(port).unwrap();
    connection.request("GET", target, &[("connection", "close")], b"").unwrap()
}
