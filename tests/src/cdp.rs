//! A small Chrome DevTools Protocol client: one blocking websocket for each page.
//!
//! [`Browser`] starts Chromium with a fresh profile, [`Browser::profile`] gives isolated profiles
//! inside it, [`Page`] is a tab, [`authenticator`] puts a virtual authenticator under it.

pub mod authenticator;
mod browser;
mod connection;
mod keyboard;
mod page;

pub use authenticator::{Authenticator, Credential};
pub use browser::{Browser, Options, Profile};
pub use keyboard::Key;
pub use page::{Cookie, Page};
