//! One websocket of the protocol: numbered calls, and events kept in order of arrival.

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail};
use serde_json::{Value, json};
use tungstenite::{Message, WebSocket};

/// No answer of the browser takes longer; a page's own waiting is asked for again and again instead.
pub(super) const CALL_LIMIT: Duration = Duration::from_secs(20);
/// How long one read may block before the deadline is looked at.
const READ_LIMIT: Duration = Duration::from_millis(50);

/// The page asks its reader something.
const DIALOG: &str = "Page.javascriptDialogOpening";

/// Something the browser told without being asked.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) method: String,
    pub(super) params: Value,
}

pub(super) struct Connection {
    socket: WebSocket<TcpStream>,
    last_id: u64,
    events: VecDeque<Event>,
}

impl Connection {
    pub(super) fn open(port: u16, path: &str) -> Result<Self> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let stream = TcpStream::connect(address).context("connecting to the browser")?;
        stream.set_read_timeout(Some(READ_LIMIT))?;
        stream.set_nodelay(true)?;
        let (socket, _) = loop_handshake(&format!("ws://{address}{path}"), stream)?;
        Ok(Self {
            socket,
            last_id: 0,
            events: VecDeque::new(),
        })
    }

    /// Calls and waits for the answer; events that come in between are kept.
    pub(super) fn call(&mut self, method: &str, params: Value) -> Result<Value> {
        self.last_id += 1;
        let id = self.last_id;
        let text = json!({"id": id, "method": method, "params": params}).to_string();
        self.socket.send(Message::text(text))?;
        let end = Instant::now() + CALL_LIMIT;
        while Instant::now() < end {
            let Some(mut message) = self.read()? else {
                continue;
            };
            if message.get("id").and_then(Value::as_u64) != Some(id) {
                self.keep(message);
                // It waits for a person, and every call for it.
                if let Some(dialog) = self.events.back().filter(|it| it.method == DIALOG) {
                    bail!("the page asks before it does {method}: {}", dialog.params);
                }
                continue;
            }
            if let Some(error) = message.get("error") {
                bail!("{method}: {error}");
            }
            return Ok(message
                .get_mut("result")
                .map(Value::take)
                .unwrap_or_default());
        }
        Err(anyhow!("the browser did not answer {method}"))
    }

    /// Everything that has been told by now, oldest first.
    pub(super) fn events(&mut self) -> Result<VecDeque<Event>> {
        // Whatever is already on its way arrives before the answer to an empty call.
        self.call("Target.getTargetInfo", json!({}))?;
        Ok(std::mem::take(&mut self.events))
    }

    fn keep(&mut self, mut message: Value) {
        if let Some(method) = message.get("method").and_then(Value::as_str) {
            let method = method.to_owned();
            let params = message
                .get_mut("params")
                .map(Value::take)
                .unwrap_or_default();
            self.events.push_back(Event { method, params });
        }
    }

    fn read(&mut self) -> Result<Option<Value>> {
        match self.socket.read() {
            Ok(Message::Text(text)) => Ok(Some(serde_json::from_str(text.as_str())?)),
            Ok(_) => Ok(None),
            Err(tungstenite::Error::Io(error))
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
            {
                Ok(None)
            }
            Err(error) => Err(error).context("reading from the browser"),
        }
    }
}

type Handshaken = (
    WebSocket<TcpStream>,
    tungstenite::handshake::client::Response,
);

/// A read timeout interrupts the handshake; it is resumed until it ends or the limit passes.
fn loop_handshake(url: &str, stream: TcpStream) -> Result<Handshaken> {
    let end = Instant::now() + CALL_LIMIT;
    let mut attempt = tungstenite::client(url, stream);
    loop {
        match attempt {
            Ok(done) => return Ok(done),
            Err(tungstenite::HandshakeError::Interrupted(middle)) if Instant::now() < end => {
                attempt = middle.handshake();
            }
            Err(error) => return Err(anyhow!("websocket handshake with the browser: {error}")),
        }
    }
}
