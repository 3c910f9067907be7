//! What the analysis says, and of what.

use crate::cel::Span;

/// Something that compiles and is certainly not meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// Of what.
    pub about: About,
    /// The part of the condition that says it; `None` = the resource as a whole.
    pub span: Option<Span>,
    /// In one line.
    pub message: String,
    /// The earlier policy that is the reason.
    pub earlier: Option<Earlier>,
    /// Why it is so.
    pub notes: Vec<String>,
    /// What to do.
    pub helps: Vec<String>,
}

/// What a remark is about, by its place among those given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// A policy.
    Policy(usize),
    /// A signal.
    Signal(usize),
}

/// An earlier policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Earlier {
    /// Its place among those given.
    pub policy: usize,
    /// What it does, for a mark at its name.
    pub label: String,
}

impl Remark {
    pub(super) const fn new(about: About, span: Option<Span>, message: String) -> Self {
        Self {
            about,
            span,
            message,
            earlier: None,
            notes: Vec::new(),
            helps: Vec::new(),
        }
    }

    /// Adds a note, once.
    pub(super) fn note(&mut self, note: String) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// Adds advice, once.
    pub(super) fn help(&mut self, help: String) {
        if !self.helps.contains(&help) {
            self.helps.push(help);
        }
    }
}
