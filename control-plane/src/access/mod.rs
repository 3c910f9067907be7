//! Who may do what: roles, tokens, passkeys, client certificates, and which call needs which role.
//!
//! Nothing here names a clock, a socket or the store; what a call needs is decided from values.

mod book;
mod buckets;
mod certificate;
mod identity;
mod node_binding;
mod note;
mod passkey;
mod refusal;
mod role;
mod rules;
mod seal;
mod sign_in;
mod token;

pub use book::{Book, CertificateEntry, Credentials, TokenEntry};
pub use buckets::{Buckets, Rate, network};
pub use certificate::{BadName, CertificateName, ClientCertificate, NameKind};
pub use identity::{Caller, Identity, Source};
pub use node_binding::{NoBinding, NodeBinding};
pub use note::{Note, Told};
pub use passkey::PasskeyEntry;
pub use refusal::{Class, Refusal};
pub use role::{Need, NoSuchRole, Role};
pub use rules::{Rule, rule};
pub use seal::Seal;
pub use sign_in::{Shown, SignIn, SignedInBy};
pub use token::{NotAToken, Secret, TokenHash, UnverifiedToken};
