//! What a filter tells of its decisions: taken out of Envoy's log, held within bounds, explained.
//! Pure.

mod check;
mod explain;
mod search;
mod unwrap;

pub use check::{EventFault, OutcomeFault, checked_event, checked_outcome, event_time};
pub use explain::{action_word, explain};
pub use search::{NoAddress, Wanted, address_range};
pub use unwrap::{FILTER_STATE_KEY, Written, is_denied_by_guard, written};
