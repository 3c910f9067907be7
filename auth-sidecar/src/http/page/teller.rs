//! The word that a page gives to the script that opened it.

use crate::ticket::Ticket;

pub(super) const JS: &str = include_str!("../../../assets/tell.js");

/// Whom the page tells that it is over, because their script opened it and waits for that.
#[derive(Clone, Debug)]
pub(in crate::http) struct Teller {
    /// The origin of the window that opened this one; a frame tells its own.
    origin: String,
    /// Whether a window of that origin may keep hold of this one.
    keeps_opener: bool,
}

impl Teller {
    /// Of a page that was asked for with `tell`.
    pub(in crate::http) fn new(ticket: &Ticket, from_same_origin: bool) -> Self {
        let asking = ticket.asking_origin();
        Self {
            keeps_opener: asking.is_some() || from_same_origin,
            origin: asking.map_or_else(|| ticket.origin(), str::to_owned),
        }
    }

    pub(super) fn at_once<'a>(&'a self, word: &'a str) -> Tell<'a> {
        Tell {
            origin: &self.origin,
            word,
            js: JS,
            keeps_opener: self.keeps_opener,
        }
    }
}

/// As the template takes it.
pub(super) struct Tell<'a> {
    pub(super) origin: &'a str,
    /// What is said as soon as the page is there.
    pub(super) word: &'a str,
    pub(super) js: &'a str,
    pub(super) keeps_opener: bool,
}
