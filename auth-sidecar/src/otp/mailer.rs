//! Sends codes in the background, so that nobody who asks for one learns from the time it takes.
//!
//! Whether the server answers at all is found out by asking it without a mail (EHLO, STARTTLS, AUTH,
//! NOOP), never from what became of somebody's mail: that could tell whether an address exists.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lettre::AsyncTransport as _;
use prometheus::{IntCounterVec, IntGauge};
use tokio::sync::{Notify, Semaphore, mpsc};

use super::address::Address;
use super::letter::{Letter, Letters};
use super::options::{InvalidMail, MailOptions, Post};
use crate::limits;

/// What can become of a mail; the label of the counter.
pub const RESULTS: [&str; 5] = ["sent", "refused", "failed", "withheld", "dropped"];

/// The way out for codes.
pub struct Mailer {
    queue: mpsc::Sender<Letter>,
    shared: Arc<Shared>,
    mails: IntCounterVec,
}

struct Shared {
    away: AtomicBool,
    ask: Notify,
    domains: Vec<String>,
}

/// Why a code cannot be sent now; the same for every address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Away;

impl Mailer {
    /// Starts to send; `None` where no server is named. It ends when the mailer is dropped.
    pub fn start(
        options: &MailOptions,
        mails: IntCounterVec,
        up: IntGauge,
    ) -> Result<Option<Self>, InvalidMail> {
        let Some(post) = Post::from_options(options)? else {
            return Ok(None);
        };
        let letters = Letters::builtin()?;
        for result in RESULTS {
            mails.with_label_values(&[result]);
        }
        let shared = Arc::new(Shared {
            away: AtomicBool::new(false),
            ask: Notify::new(),
            domains: post.domains.clone(),
        });
        let (queue, letters_in) = mpsc::channel(limits::MAILS_WAITING);
        let post = Arc::new(post);
        tokio::spawn(send_each(
            letters_in,
            Arc::clone(&post),
            Arc::new(letters),
            Arc::clone(&shared),
            mails.clone(),
        ));
        tokio::spawn(look_after(post, Arc::clone(&shared), up, queue.downgrade()));
        Ok(Some(Self {
            queue,
            shared,
            mails,
        }))
    }

    /// Whether this address may get codes at all.
    #[must_use]
    pub fn serves(&self, address: &Address) -> bool {
        address.is_within(&self.shared.domains)
    }

    /// Whether anything can be sent now.
    pub fn ready(&self) -> Result<(), Away> {
        if self.shared.away.load(Ordering::Relaxed) || self.queue.capacity() == 0 {
            return Err(Away);
        }
        Ok(())
    }

    /// Takes a letter, also one to nobody, and sends it when its turn comes.
    pub fn post(&self, letter: Letter) -> Result<(), Away> {
        self.queue.try_send(letter).map_err(|_| {
            self.mails.with_label_values(&["dropped"]).inc();
            Away
        })
    }
}

async fn send_each(
    mut queue: mpsc::Receiver<Letter>,
    post: Arc<Post>,
    letters: Arc<Letters>,
    shared: Arc<Shared>,
    mails: IntCounterVec,
) {
    let places = Arc::new(Semaphore::new(limits::MAILS_IN_FLIGHT));
    while let Some(letter) = queue.recv().await {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        let (post, letters) = (Arc::clone(&post), Arc::clone(&letters));
        let (shared, mails) = (Arc::clone(&shared), mails.clone());
        tokio::spawn(async move {
            let result = send(&post, &letters, &letter).await;
            mails.with_label_values(&[result]).inc();
            if !matches!(result, "sent" | "withheld") {
                shared.ask.notify_one();
            }
            drop(place);
        });
    }
}

/// Sends one, and says what became of it. What the server said stays here: it may name the address.
async fn send(post: &Post, letters: &Letters, letter: &Letter) -> &'static str {
    let Some(mail) = letters.write(letter, &post.from) else {
        return "withheld";
    };
    let sending = tokio::time::timeout(limits::SMTP_TIMEOUT, post.transport.send(mail));
    match sending.await {
        Ok(Ok(_)) => "sent",
        Ok(Err(error)) => {
            let code = error.status().map(|code| code.to_string());
            let refused = error.is_permanent() || error.is_transient();
            tracing::warn!(
                code,
                timeout = error.is_timeout(),
                tls = error.is_tls(),
                "a mail was not sent"
            );
            if refused { "refused" } else { "failed" }
        }
        Err(_) => {
            tracing::warn!("a mail was not sent in time");
            "failed"
        }
    }
}

/// Asks the server now and then, and after each mail that did not go.
async fn look_after(
    post: Arc<Post>,
    shared: Arc<Shared>,
    up: IntGauge,
    queue: mpsc::WeakSender<Letter>,
) {
    let mut was_away = None;
    // Ends with the mailer.
    while queue.strong_count() > 0 {
        let asking = tokio::time::timeout(limits::SMTP_TIMEOUT, post.transport.test_connection());
        let answer = asking.await;
        let away = !matches!(answer, Ok(Ok(true)));
        shared.away.store(away, Ordering::Relaxed);
        up.set(i64::from(!away));
        if was_away != Some(away) {
            was_away = Some(away);
            match answer {
                Ok(Ok(true)) => tracing::info!("the mail server answers"),
                // No mail was part of it, so no address is.
                Ok(Err(error)) => tracing::warn!(%error, "the mail server is away"),
                Ok(Ok(false)) | Err(_) => tracing::warn!("the mail server does not answer"),
            }
        }
        let pause = tokio::time::sleep(if away {
            limits::SMTP_ASK_AWAY
        } else {
            limits::SMTP_ASK
        });
        // While it is away nobody's mail can hurry the next question.
        if away {
            pause.await;
        } else {
            tokio::select! {
                () = pause => {}
                () = shared.ask.notified() => {}
            }
        }
    }
}
