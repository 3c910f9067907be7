//! One question over HTTP, and what the other end showed and said of the time.

use std::time::Duration;

use countersign_control_plane::tls::{Connector, Protocol};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tonic::transport::Uri;

/// Whoever has not answered by then is taken for absent.
const WITHIN: Duration = Duration::from_secs(5);

/// As much of an answer is read: its head, and a line of why.
const MAX_ANSWER_BYTES: u64 = 16 * 1024;

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Probe {
    /// The server's certificates (DER); nothing without TLS.
    pub(super) chain: Vec<Vec<u8>>,
    pub(super) answer: Option<Answer>,
    /// Why there is no answer.
    pub(super) failed: String,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// Seconds since 1970, as the server says.
    pub(super) date: Option<i64>,
    /// The first line of what it says.
    pub(super) says: String,
}

/// Asks `GET path`.
pub(super) async fn get(connector: &Connector, address: &Uri, path: &str) -> Probe {
    let mut probe = Probe::default();
    let asked = tokio::time::timeout(WITHIN, ask(connector, address, path, &mut probe.chain));
    match asked.await {
        Ok(Ok(text)) => match answer(&text) {
            Some(answer) => probe.answer = Some(answer),
            None => "it does not speak HTTP".clone_into(&mut probe.failed),
        },
        Ok(Err(error)) => probe.failed = error.to_string(),
        Err(_) => probe.failed = format!("no answer within {} s", WITHIN.as_secs()),
    }
    probe
}

async fn ask(
    connector: &Connector,
    address: &Uri,
    path: &str,
    chain: &mut Vec<Vec<u8>>,
) -> std::io::Result<String> {
    let looked = connector.look(address, Protocol::Http1).await;
    *chain = looked.chain;
    let mut stream = looked.stream?;
    let host = address
        .authority()
        .map_or("", |authority| authority.as_str());
    let request = format!(
        "GET {path} HTTP/1.1\r\nhost: {host}\r\nuser-agent: countersign-doctor\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut text = Vec::new();
    let mut bounded = stream.take(MAX_ANSWER_BYTES);
    match bounded.read_to_end(&mut text).await {
        // Some end without a word once everything was said.
        Err(error) if text.is_empty() => return Err(error),
        _ => {}
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}

fn answer(text: &str) -> Option<Answer> {
    let (head, body) = text.split_once("\r\n\r\n")?;
    let mut lines = head.lines();
    let first = lines.next()?;
    let status = first.strip_prefix("HTTP/1.")?.split(' ').nth(1)?;
    let date = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("date").then(|| value.trim())
    });
    Some(Answer {
        status: status.parse().ok()?,
        date: date.and_then(seconds),
        says: body.lines().next().unwrap_or_default().to_owned(),
    })
}

/// `Sun, 22 Nov 2026 15:25:21 GMT`
pub(super) fn seconds(date: &str) -> Option<i64> {
    let parser = jiff::fmt::rfc2822::DateTimeParser::new();
    let time = parser.parse_timestamp(date).ok()?;
    Some(time.as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_tells_status_time_and_its_first_line() {
        let text = "HTTP/1.1 503 Service Unavailable\r\nDate: Fri, 15 Jan 2027 08:00:00 GMT\r\n\r\nno key yet\nx";
        let expected = Answer {
            status: 503,
            date: Some(1_800_000_000),
            says: "no key yet".to_owned(),
        };
        assert_eq!(answer(text), Some(expected));
        for bad in [
            "",
            "SSH-2.0-x\r\n\r\n",
            "HTTP/1.1\r\n\r\n",
            "HTTP/1.1 x\r\n\r\n",
        ] {
            assert_eq!(answer(bad), None, "{bad:?}");
        }
    }
}
