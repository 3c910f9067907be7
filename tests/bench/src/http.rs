//! One HTTP/1.1 connection: a request out, an answer in. As little as the load needs.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context as _, Result, bail, ensure};
use tokio::net::{TcpSocket, TcpStream};

/// Bytes of one answer: Envoy's and ours have some hundreds.
const MAX_ANSWER: usize = 16 * 1024;

/// A connection that is kept alive.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    /// Connects from an address of this machine.
    pub(crate) async fn open(source: Ipv4Addr, to: SocketAddr) -> Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket
            .bind(SocketAddr::from((source, 0)))
            .with_context(|| format!("taking the address {source}"))?;
        let stream = socket
            .connect(to)
            .await
            .with_context(|| format!("connecting to {to}"))?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: vec![0; MAX_ANSWER],
        })
    }

    /// Sends a request and reads its answer to the end: the status.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> Result<u16> {
        let mut rest = request;
        while !rest.is_empty() {
            match self.stream.try_write(rest) {
                Ok(sent) => rest = rest.get(sent..).unwrap_or_default(),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    self.stream.writable().await?;
                }
                Err(error) => return Err(error).context("sending a request"),
            }
        }
        let mut filled = 0;
        loop {
            self.stream.readable().await?;
            let free = self.buffer.get_mut(filled..).unwrap_or_default();
            ensure!(
                !free.is_empty(),
                "an answer of more than {MAX_ANSWER} bytes"
            );
            match self.stream.try_read(free) {
                Ok(0) => bail!("the connection was closed before the answer"),
                Ok(read) => filled += read,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => continue,
                Err(error) => return Err(error).context("reading an answer"),
            }
            if let Some(head) = Head::parse(self.buffer.get(..filled).unwrap_or_default())? {
                ensure!(
                    !head.closes,
                    "an answer {} that ends the connection",
                    head.status
                );
                if filled >= head.length {
                    return Ok(head.status);
                }
            }
        }
    }
}

/// What the load looks at in an answer.
#[derive(Debug, PartialEq, Eq)]
struct Head {
    status: u16,
    /// Of head and body.
    length: usize,
    closes: bool,
}

impl Head {
    /// `None` = the head is not there yet.
    fn parse(bytes: &[u8]) -> Result<Option<Self>> {
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
            return Ok(None);
        };
        let head = std::str::from_utf8(bytes.get(..end).unwrap_or_default())
            .context("an answer's head that is no text")?;
        let mut lines = head.split("\r\n");
        let status = lines
            .next()
            .and_then(|line| line.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok())
            .with_context(|| format!("an answer that is none: {head}"))?;
        let mut body = None;
        let mut closes = false;
        for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
            if name.eq_ignore_ascii_case("content-length") {
                body = value.parse::<usize>().ok();
            } else if name.eq_ignore_ascii_case("connection") {
                closes = value.eq_ignore_ascii_case("close");
            }
        }
        let body = body.with_context(|| format!("an answer of unknown length: {head}"))?;
        Ok(Some(Self {
            status,
            length: end.saturating_add(4).saturating_add(body),
            closes,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_ends_where_its_body_does() {
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ndate: now\r\n\r\nok";
        let head = Head::parse(answer).unwrap().unwrap();
        assert_eq!((head.status, head.length), (200, answer.len()));
        assert!(!head.closes);
    }

    #[test]
    fn half_a_head_is_not_an_answer_yet() {
        assert_eq!(Head::parse(b"HTTP/1.1 200 OK\r\ncontent-le").unwrap(), None);
    }

    #[test]
    fn what_cannot_be_measured_is_an_error() {
        for answer in [
            &b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"[..],
            b"SSH-2.0\r\n\r\n",
        ] {
            assert!(Head::parse(answer).is_err());
        }
        let closing = b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nConnection: close\r\n\r\n";
        assert!(Head::parse(closing).unwrap().unwrap().closes);
    }
}
