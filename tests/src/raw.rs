//! Requests of a client that does not behave: bytes on a TCP connection, sent as they are.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};

use anyhow::{Context as _, Result};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use crate::http::{REPLY_LIMIT, Reply};

/// A request in HTTP/1.1, written byte by byte.
#[derive(Debug, Clone)]
pub struct Request {
    bytes: Vec<u8>,
    body: Vec<u8>,
}

impl Request {
    /// GET of a target, which is sent as it is.
    #[must_use]
    pub fn get(target: impl AsRef<[u8]>, host: &str) -> Self {
        Self::new("GET", target, host)
    }

    /// Any method.
    #[must_use]
    pub fn new(method: &str, target: impl AsRef<[u8]>, host: &str) -> Self {
        let mut bytes = format!("{method} ").into_bytes();
        bytes.extend_from_slice(target.as_ref());
        bytes.extend_from_slice(format!(" HTTP/1.1\r\nhost: {host}\r\n").as_bytes());
        // One request a connection: the reply ends where the connection does.
        let body = Vec::new();
        Self { bytes, body }.header("connection", "close")
    }

    /// One more header field; the same name again makes a second one.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.bytes.extend_from_slice(name.as_bytes());
        self.bytes.extend_from_slice(b": ");
        self.bytes.extend_from_slice(value.as_ref());
        self.bytes.extend_from_slice(b"\r\n");
        self
    }

    /// As a browser that opens a page.
    #[must_use]
    pub fn navigating(self) -> Self {
        self.header("sec-fetch-mode", "navigate")
            .header("accept", "text/html")
    }

    /// What follows the headers, as it is.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// The same in chunks of a thousand bytes.
    #[must_use]
    pub fn chunked(self, body: &[u8]) -> Self {
        let mut chunks = Vec::new();
        for chunk in body.chunks(1000) {
            chunks.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            chunks.extend_from_slice(chunk);
            chunks.extend_from_slice(b"\r\n");
        }
        chunks.extend_from_slice(b"0\r\n\r\n");
        self.header("transfer-encoding", "chunked").body(chunks)
    }

    /// Sends it to a port of this machine and reads the answer.
    ///
    /// # Errors
    /// When what comes back is no HTTP.
    pub fn send(mut self, port: u16) -> Result<Reply> {
        self.bytes.extend_from_slice(b"\r\n");
        self.bytes.append(&mut self.body);
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_read_timeout(Some(REPLY_LIMIT))?;
        stream.set_write_timeout(Some(REPLY_LIMIT))?;
        stream.write_all(&self.bytes)?;
        let mut answer = Vec::new();
        // A reset after a whole answer is how a proxy refuses the rest of a request.
        let read = stream.read_to_end(&mut answer);
        if answer.is_empty() {
            read.context("no answer")?;
        }
        parse(&answer)
    }
}

fn parse(answer: &[u8]) -> Result<Reply> {
    let end = answer
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .with_context(|| format!("no HTTP: {}", String::from_utf8_lossy(answer)))?;
    let head = String::from_utf8_lossy(answer.get(..end).unwrap_or_default()).into_owned();
    let body = answer.get(end + 4..).unwrap_or_default();
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1));
    let status = status.context("no status line")?.parse()?;
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(':').context("a header without a colon")?;
        headers.append(
            HeaderName::from_bytes(name.as_bytes())?,
            HeaderValue::from_str(value.trim())?,
        );
    }
    Ok(Reply {
        status,
        headers,
        body: String::from_utf8_lossy(body).into_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_taken_apart() -> Result<()> {
        let reply = parse(b"HTTP/1.1 403 Forbidden\r\nA: b\r\na: c\r\n\r\nbody")?;
        assert_eq!(reply.status, 403);
        assert_eq!(reply.headers.get_all("a").iter().count(), 2);
        assert_eq!(reply.body, "body");
        Ok(())
    }

    #[test]
    fn rubbish_is_no_answer() {
        assert!(parse(b"hello").is_err());
        assert!(parse(b"HTTP/1.1 abc\r\n\r\n").is_err());
    }
}
