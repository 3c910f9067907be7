//! Revisions on their way to Envoy: what is sent, and what one stream may be sent next. Pure.

mod published;
mod session;
mod version;

pub use published::{Published, RESOURCE_NAME, TYPE_URL, revision_text};
pub use session::{ClientRequest, Push, Reaction, Session, Target};
pub use version::Version;
