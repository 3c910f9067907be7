//! What runs: the pure parts wired to the store, the clock and the streams.

mod access;
mod build;
mod catch_up;
mod change;
mod control;
mod course;
mod directory;
mod elsewhere;
mod fleet;
mod health;
mod history;
mod ingest;
mod keys;
mod lease;
mod ledger;
mod listed;
mod look;
mod maintenance;
mod proposals;
mod rehearse;
mod relays;
mod remade;
mod replica;
mod revision_name;
mod revocations;
mod rollout;
mod rollout_driver;
mod rollout_variant;
mod rotation;
mod serve;
mod server;
mod sidecars;
mod start;

pub(crate) use access::Outcome;
pub use access::{
    Access, AccessConfig, AccessError, Asked, Created, DeclaredToken, FirstStartError, Granted,
    ListedPasskey, Mode as AccessMode, PasskeyError, PasskeyOrigin, PasskeyOriginError, PasskeysAt,
    SignInError, SignedIn,
};
pub use change::{Applied, Apply, ApplyError, Delete, Rollback, Stale};
pub use control::{Control, SidecarMaterial};
pub use directory::read_directory;
pub use fleet::Fleet;
pub use history::{RevisionDiff, RevisionView};
pub use ingest::{Acks, Ingest, IngestClosed, IngestTask, Stored};
pub use keys::KeyError;
pub use lease::Lease;
pub use ledger::Ledger;
pub use listed::page;
pub(crate) use proposals::window as proposals_window;
pub use relays::{RelayCounts, RelayView, Relays};
pub use revision_name::{RevisionError, RevisionName};
pub(crate) use revocations::SIDECARS;
pub use revocations::{Compromised, RevokeError};
pub use rollout::{Choice, RolloutAction, RolloutFault, SkipFault};
pub use rotation::{Rotation, RotationError};
pub use server::{App, Config, Running, StartError, start};
pub use sidecars::{SidecarHub, SidecarSeat};

/// Returns once everything has to end.
pub(crate) async fn stopping(stop: &mut tokio::sync::watch::Receiver<bool>) {
    // An error is the sender's end, which is the end too.
    let _ = stop.wait_for(|stop| *stop).await;
}
