//! The sidecar's stream to a control plane with a test behind it.

use std::net::SocketAddr;
use std::sync::Arc;

use countersign_auth_sidecar::control;
pub use countersign_stand_ins::control_plane::{Connection, ControlPlane};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::world::World;

/// Runs the sidecar's side of the stream until it is dropped.
pub struct Connected {
    _stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub fn connect(world: &World, address: SocketAddr) -> Connected {
    let (stop, stopped) = watch::channel(false);
    let endpoint = control::Link::plain(&format!("http://{address}")).unwrap();
    let task = tokio::spawn(control::run(
        Arc::clone(&world.app),
        endpoint,
        "sidecar-1".to_owned(),
        stopped,
    ));
    Connected { _stop: stop, task }
}
