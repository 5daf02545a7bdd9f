//! What a connection above the cap is told.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

/// Refusals at a time. Above it the connection is closed without an answer.
pub(super) const AT_ONCE_MAX: usize = 64;

/// How long one may take.
const PATIENCE: Duration = Duration::from_secs(1);

/// Names of the members as stock clients read them (spec/08 §1).
const ANSWER: &str = "HTTP/1.1 503 Service Unavailable\r\n\
    content-type: application/json\r\n\
    retry-after: 1\r\n\
    connection: close\r\n\
    content-length: 152\r\n\
    \r\n\
    {\"errorCode\":\"DIS.4305\",\"message\":\"Too many connections. Try again later.\",\
    \"error_code\":\"DIS.4305\",\"error_msg\":\"Too many connections. Try again later.\"}";

/// Answers 503 before the request is read, and closes.
pub(super) async fn refuse(mut stream: TcpStream) {
    let answer = async {
        stream.write_all(ANSWER.as_bytes()).await?;
        stream.shutdown().await?;
        // Closing with unread bytes resets the connection, and the client would lose the answer.
        let mut discarded = [0; 1024];
        while stream.read(&mut discarded).await? > 0 {}
        Ok::<_, std::io::Error>(())
    };
    // Whether the client took it is of no interest.
    let _ = timeout(PATIENCE, answer).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_is_that_of_the_body() {
        let (head, body) = ANSWER.split_once("\r\n\r\n").unwrap();
        assert!(head.ends_with(&format!("content-length: {}", body.len())), "{}", body.len());
        assert!(serde_json::from_str::<serde_json::Value>(body).is_ok());
    }
}
