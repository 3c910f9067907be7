//! An upstream that remembers each request byte for byte, so that a test can say what arrived and how
//! often. `GET` answers with the page that it was given.

use std::io::{BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result, ensure};

/// A request as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// As on the wire.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Lower-case names.
    pub headers: Vec<(String, String)>,
    /// Every byte.
    pub body: Vec<u8>,
}

impl Received {
    /// The first value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(other, _)| other == name)
            .map(|(_, value)| value.as_str())
    }
}

/// An answer of a test's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Own {
    /// When the request has been read.
    After(String),
    /// As soon as its headers have.
    Early(String),
}

/// A server on a port of its own; it ends with the process.
#[derive(Debug, Clone)]
pub struct Upstream {
    port: u16,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Upstream {
    /// Listens; every `GET` gets `page`.
    ///
    /// # Errors
    /// When no port is free.
    pub fn start(page: &'static str) -> Result<Self> {
        Self::answering(page, |_| None)
    }

    /// The same where `answer` has nothing of its own to say, as it goes over the wire. It is asked before
    /// the body is read: what it says then is an early answer.
    ///
    /// # Errors
    /// When no port is free.
    pub fn answering(page: &'static str, answer: fn(&Received) -> Option<Own>) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let received = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&received);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let kept = Arc::clone(&kept);
                std::thread::spawn(move || serve(stream, page, answer, &kept));
            }
        });
        Ok(Self { port, received })
    }

    /// `host:port`.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// What arrived for a target other than by `GET`, in order.
    #[must_use]
    pub fn received(&self, target: &str) -> Vec<Received> {
        let all = self.received.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter()
            .filter(|it| it.method != "GET" && it.target == target)
            .cloned()
            .collect()
    }

    /// What arrived for a target by `GET`.
    #[must_use]
    pub fn got(&self, target: &str) -> Vec<Received> {
        let all = self.received.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter()
            .filter(|it| it.method == "GET" && it.target == target)
            .cloned()
            .collect()
    }

    /// The one request that arrived for a target.
    ///
    /// # Errors
    /// When there is none, or more than one.
    pub fn once(&self, target: &str) -> Result<Received> {
        let mut received = self.received(target);
        ensure!(
            received.len() == 1,
            "{target} arrived {} times",
            received.len()
        );
        received.pop().context("nothing arrived")
    }
}

/// One request a connection.
fn serve(
    stream: TcpStream,
    page: &str,
    own: fn(&Received) -> Option<Own>,
    kept: &Mutex<Vec<Received>>,
) {
    let Ok(mut answer) = stream.try_clone() else {
        return;
    };
    // Half a request is none: what does not end is not kept.
    let mut from = BufReader::new(stream);
    let Ok(head) = read_head(&mut from) else {
        return;
    };
    let own = own(&head);
    if let Some(Own::Early(early)) = &own {
        let _sent = answer.write_all(early.as_bytes());
    }
    let Ok(received) = read_body(head, &mut from) else {
        return;
    };
    let body = match received.method.as_str() {
        "GET" => page,
        _ => "<!doctype html><title>received</title><p id=received>received",
    };
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {}\r\nconnection: close\r\n",
        body.len()
    );
    let mut all = kept.lock().unwrap_or_else(PoisonError::into_inner);
    all.push(received);
    drop(all);
    if let Some(own) = own {
        if let Own::After(after) = own {
            let _sent = answer.write_all(after.as_bytes());
        }
        return;
    }
    // Whoever asked may be gone; that is not our concern.
    let _sent = answer.write_all(
        format!("{head}set-cookie: basket=of-the-site; Path=/; SameSite=Lax\r\n\r\n{body}")
            .as_bytes(),
    );
}

fn read_head(from: &mut impl std::io::BufRead) -> Result<Received> {
    let first = line(from)?;
    let mut words = first.split(' ');
    let method = words.next().context("no method")?.to_owned();
    let target = words.next().context("no target")?.to_owned();
    let mut headers = Vec::new();
    loop {
        let line = line(from)?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').context("no header")?;
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    Ok(Received {
        method,
        target,
        headers,
        body: Vec::new(),
    })
}

fn read_body(mut received: Received, from: &mut impl std::io::BufRead) -> Result<Received> {
    if let Some(length) = received.header("content-length") {
        received.body = vec![0; length.parse()?];
        from.read_exact(&mut received.body)?;
    } else if received.header("transfer-encoding") == Some("chunked") {
        loop {
            let size = usize::from_str_radix(&line(from)?, 16)?;
            let mut chunk = vec![0; size];
            from.read_exact(&mut chunk)?;
            line(from)?;
            if size == 0 {
                break;
            }
            received.body.append(&mut chunk);
        }
    }
    Ok(received)
}

fn line(from: &mut impl std::io::BufRead) -> Result<String> {
    let mut line = String::new();
    ensure!(from.read_line(&mut line)? > 0, "the connection ended");
    Ok(line.trim_end().to_owned())
}
