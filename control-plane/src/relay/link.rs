//! One stream to the control plane that is opened again whenever it ends. Whoever holds it decides what
//! is said first on each new stream.

use std::pin::Pin;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Response, Status, Streaming};

use super::limits;
use crate::clock::random_bytes;

type Opening<D> = Pin<Box<dyn Future<Output = Result<Response<Streaming<D>>, Status>> + Send>>;
type Open<U, D> = Box<dyn Fn(ReceiverStream<U>) -> Opening<D> + Send + Sync>;

/// The stream; `U` goes up, `D` comes down.
pub(super) struct Link<U, D> {
    what: &'static str,
    open: Open<U, D>,
    state: State<U, D>,
    wait: Duration,
    /// That it is away was said.
    told: bool,
}

enum State<U, D> {
    Waiting(Instant),
    Opening(Opening<D>, mpsc::Sender<U>),
    Open(Box<Streaming<D>>, mpsc::Sender<U>, Instant),
}

/// What happened to it.
pub(super) enum Event<D> {
    /// It is time to open it: [`Link::open`].
    Due,
    /// The control plane answered.
    Reached,
    Message(D),
    /// It is closed, and will be due again.
    Lost,
}

impl<U: Send + 'static, D: Send + 'static> Link<U, D> {
    pub(super) fn new<F, O>(what: &'static str, open: O) -> Self
    where
        O: Fn(ReceiverStream<U>) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Response<Streaming<D>>, Status>> + Send + 'static,
    {
        Self {
            what,
            open: Box::new(move |stream| Box::pin(open(stream))),
            state: State::Waiting(Instant::now()),
            wait: limits::RETRY_FIRST,
            told: false,
        }
    }

    /// What happens next. Dropping the call loses nothing.
    pub(super) async fn next(&mut self) -> Event<D> {
        match &mut self.state {
            State::Waiting(at) => {
                tokio::time::sleep_until(*at).await;
                Event::Due
            }
            State::Opening(call, _) => match call.await {
                Ok(response) => self.reached(response.into_inner()),
                Err(status) => self.lost(&status),
            },
            State::Open(messages, ..) => match messages.message().await {
                Ok(Some(message)) => {
                    self.wait = limits::RETRY_FIRST;
                    Event::Message(message)
                }
                Ok(None) => self.lost(&Status::unavailable("the stream was ended")),
                Err(status) => self.lost(&status),
            },
        }
    }

    /// Opens it with this as its first message.
    pub(super) fn open(&mut self, first: U) {
        let (sender, receiver) = mpsc::channel(limits::UPSTREAM_QUEUE);
        // A new queue has room.
        let _ = sender.try_send(first);
        let call = (self.open)(ReceiverStream::new(receiver));
        self.state = State::Opening(call, sender);
    }

    /// Says something where there is a stream. A control plane that does not read loses it.
    pub(super) fn say(&mut self, message: U) {
        let (State::Opening(_, sender) | State::Open(_, sender, _)) = &self.state else {
            return;
        };
        if sender.try_send(message).is_err() {
            self.lost(&Status::unavailable("the control plane takes no messages"));
        }
    }

    /// There is a stream, or one is being opened.
    pub(super) fn is_open(&self) -> bool {
        !matches!(self.state, State::Waiting(_))
    }

    fn reached(&mut self, messages: Streaming<D>) -> Event<D> {
        let waiting = State::Waiting(Instant::now());
        if let State::Opening(_, sender) = std::mem::replace(&mut self.state, waiting) {
            self.state = State::Open(Box::new(messages), sender, Instant::now());
        }
        if std::mem::take(&mut self.told) {
            tracing::info!(stream = self.what, "the control plane is back");
        }
        Event::Reached
    }

    fn lost(&mut self, status: &Status) -> Event<D> {
        // A stream that lasted was no failed try.
        if let State::Open(_, _, since) = &self.state
            && since.elapsed() >= limits::RETRY_MOST
        {
            self.wait = limits::RETRY_FIRST;
        }
        let (code, error) = (status.code(), status.message());
        // Once for each absence: what is said twice a second is not read.
        if std::mem::replace(&mut self.told, true) {
            tracing::debug!(stream = self.what, ?code, error, "no control plane");
        } else {
            tracing::warn!(
                stream = self.what,
                ?code,
                error,
                "no control plane; going on trying"
            );
        }
        // Half of it by chance: relays that lost their control plane together come back one by one.
        let chance = random_bytes().map_or(128, |[byte]: [u8; 1]| u32::from(byte));
        let half = self.wait / 2;
        let wait = half.saturating_add(half.saturating_mul(chance) / 255);
        self.wait = self.wait.saturating_mul(2).min(limits::RETRY_MOST);
        self.state = State::Waiting(Instant::now() + wait);
        Event::Lost
    }
}
