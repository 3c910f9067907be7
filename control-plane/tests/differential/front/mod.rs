//! The front end's syntax tree: its own source, included because the crate keeps it to itself. What is
//! included names `crate::cel` and `crate::diagnostic`, so the crate that includes this has both at its
//! root.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "included; the parser that it is made for uses all of it"
)]

/// As much of `crate::diagnostic` as the parser names.
pub(crate) mod diagnostic {
    pub(crate) fn quoted(text: &str) -> String {
        format!("`{text}`")
    }
}

pub(crate) mod cel;
