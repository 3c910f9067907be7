//! Revisions on their way to Envoy: what is sent, and what one stream may be sent next. Pure.

mod extension;
mod form;
mod published;
mod session;
mod version;

pub use form::CompiledForm;
pub use published::{
    CompiledGateway, Found, Published, RESOURCE_NAME, TYPE_URL, named, revision_text,
};
pub use session::{ClientRequest, Desired, Push, Reaction, Session, Step, Target, WILDCARD};
pub use version::Version;
