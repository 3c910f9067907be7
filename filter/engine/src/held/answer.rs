//! What a person is told: the challenge where the body is kept, else why it is not. Nothing of the body
//! is in any of it.

use crate::reply::{Refusal, Reply, refusal_for};

/// What the sidecar said of a body that it was brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// It keeps it.
    Kept,
    /// It has no room.
    Full,
    /// It did not answer, or as nobody expected.
    Away,
}

impl Stored {
    /// Reads the status of the sidecar's answer; `None` where there is none.
    #[must_use]
    pub const fn read(status: Option<u16>) -> Self {
        match status {
            Some(201) => Self::Kept,
            Some(507) => Self::Full,
            _ => Self::Away,
        }
    }
}

/// The answer to a body that cannot be kept, or be put in place.
#[derive(Debug, PartialEq, Eq)]
pub struct Lost {
    /// What is answered.
    pub reply: Reply,
    /// For the counter.
    pub word: &'static str,
}

pub(super) fn to_hold(
    event: &str,
    location: &str,
    sender: &str,
    stored: Stored,
) -> (Reply, &'static str) {
    let lost = match stored {
        Stored::Kept => {
            let reply = Reply {
                status: 303,
                headers: vec![
                    ("location", location.to_owned()),
                    ("set-cookie", sender.to_owned()),
                    ("countersign-event-id", event.to_owned()),
                    ("cache-control", "no-store".to_owned()),
                ],
                body: Vec::new(),
            };
            return (reply, "kept");
        }
        Stored::Full => Lost::new(
            event,
            "full",
            503,
            "Please try again in a moment",
            "This site asks for proof first and keeps what you sent meanwhile, but has no room for it at this moment. What you sent was not passed on. Reload this page to send it again.",
        ),
        Stored::Away => Lost::away(event),
    };
    (lost.reply, lost.word)
}

impl Lost {
    fn new(event: &str, word: &'static str, status: u16, title: &str, detail: &str) -> Self {
        Self::with_link(event, word, status, title, detail, None)
    }

    fn with_link(
        event: &str,
        word: &'static str,
        status: u16,
        title: &str,
        detail: &str,
        link: Option<(&str, &str)>,
    ) -> Self {
        let refusal = Refusal {
            status,
            title,
            detail,
            link,
        };
        let mut reply = refusal_for(true, event, refusal);
        // Where nothing was decided there is no event.
        if !event.is_empty() {
            reply
                .headers
                .push(("countersign-event-id", event.to_owned()));
        }
        reply.headers.push(("cache-control", "no-store".to_owned()));
        if status == 503 {
            reply.headers.push(("retry-after", "5".to_owned()));
        }
        Self { reply, word }
    }

    pub(super) fn too_large(event: &str, challenge: &str, limit: usize) -> Self {
        let detail = format!(
            "This site asks for proof before it takes what you sent, and that is larger than the {} KiB that can be kept meanwhile. It was not passed on. Give the proof first, then go back and send it again.",
            limit / 1024
        );
        let link = Some((challenge, "Give the proof"));
        Self::with_link(
            event,
            "too_large",
            413,
            "Too large to be kept",
            &detail,
            link,
        )
    }

    pub(super) fn unread(event: &str, challenge: &str) -> Self {
        let link = Some((challenge, "Give the proof"));
        Self::with_link(
            event,
            "unread",
            403,
            "Proof needed",
            "This site asks for proof, and did so before all that you sent had arrived, so it could not be kept. It was not done. Give the proof first, then go back and send it again.",
            link,
        )
    }

    pub(super) fn unreadable(event: &str) -> Self {
        Self::new(
            event,
            "unreadable",
            415,
            "Cannot be kept",
            "This site asks for proof before it takes what you sent, and what your browser says of it cannot be kept meanwhile. It was not passed on.",
        )
    }

    pub(super) fn no_session() -> Self {
        Self::new(
            "",
            "no_session",
            403,
            "The proof did not arrive",
            "Your browser did not send the session that you earned. Allow this site to set cookies, then reload this page: what you sent is kept for five minutes.",
        )
    }

    pub(super) fn elsewhere() -> Self {
        Self::new(
            "",
            "elsewhere",
            403,
            "Request refused",
            "What was kept belongs to another device or another address. It was not passed on.",
        )
    }

    pub(super) fn used() -> Self {
        Self::new(
            "",
            "used",
            410,
            "Sent already",
            "What you sent has been passed on already, once. If you want to send it again, begin anew.",
        )
    }

    pub(super) fn expired() -> Self {
        Self::new(
            "",
            "expired",
            410,
            "No longer kept",
            "What you sent was kept for five minutes and is gone. It was not passed on. Go back and send it again.",
        )
    }

    /// The sidecar cannot be called.
    #[must_use]
    pub fn unasked() -> Self {
        Self::away("")
    }

    /// The host did not put the body in its place.
    #[must_use]
    pub fn broken() -> Self {
        Self::new(
            "",
            "broken",
            500,
            "Something went wrong",
            "What you sent could not be put together again. It was not passed on. Go back and send it again.",
        )
    }

    pub(super) fn away(event: &str) -> Self {
        Self::new(
            event,
            "away",
            503,
            "Please try again in a moment",
            "The verification service is away. This is our fault, not yours. What you sent was not passed on. Reload this page to send it again.",
        )
    }
}
