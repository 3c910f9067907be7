//! What is counted, and how a challenge and what followed it are joined. Pure.
//!
//! A challenge is *issued* by the filter's event and *passed* by the sidecar's outcome that names
//! the event's id. Each challenge counts once by step, in the minute in which it was issued: so a
//! pass rate never passes one, whatever the range.

mod counts;
mod join;
mod top;

pub use counts::{Added, Counts, Measure, measures};
pub use join::{Issued, Standing, detail, judge, kind};
pub use top::{By, Entry, Tallied, Tally};
