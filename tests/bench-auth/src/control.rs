//! What the sidecar under measurement hears of a control plane: a ticket key, that every filter knows its
//! session keys, that its outcomes arrived.

use std::net::SocketAddr;

use countersign_proto::node::v1::SidecarSettings;
use countersign_proto::policy::v1::TicketKey;
use countersign_stand_ins::control_plane::ControlPlane;

/// The ticket key's name.
pub(crate) const KID: &str = "bench";
/// The ticket key.
pub(crate) const SECRET: [u8; 32] = [7; 32];

/// Serves; gives the address.
pub(crate) async fn start() -> SocketAddr {
    let mut control_plane = ControlPlane::start().await;
    let address = control_plane.address;
    tokio::spawn(async move {
        loop {
            let connection = control_plane.accept().await;
            let settings = SidecarSettings {
                session_lifetime_s: 3_600,
                ticket_keys: vec![TicketKey {
                    kid: KID.to_owned(),
                    secret: SECRET.to_vec(),
                }],
                ..SidecarSettings::default()
            };
            tokio::spawn(connection.attend(settings));
        }
    });
    address
}
