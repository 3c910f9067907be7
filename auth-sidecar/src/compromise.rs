//! Two copies of a credential are in use: its counter went back (WebAuthn level 3, section 6.1.1).
//!
//! Which of the two is the person's, nobody can tell. So neither is good any more: the device's
//! credentials are forgotten, and the authenticator apps that either could have set up, its sessions are
//! renewed no more, what it has proven for others is not given, and the control plane is asked to end
//! its sessions at every filter. Whoever holds the device gives proof anew, as a new device.

use crate::app::App;
use crate::cause::Cause;
use crate::http::Refusal;
use crate::peer::Prefix;
use crate::rate::What;
use crate::store::StoreError;
use crate::store::ceremonies::CeremonyRow;
use crate::ticket::Ticket;

/// Ends what the ceremony's device has.
pub async fn end_device(
    app: &App,
    ticket: &Ticket,
    row: &CeremonyRow,
    from: Option<Prefix>,
) -> Result<Refusal, StoreError> {
    let refusal = Refusal::with(Cause::CredentialCloned, ticket)
        .of_kind(row.kind)
        .by(&row.device);
    let mut tx = app.store.write().await?;
    app.store.forget_credentials(&mut tx, &row.device).await?;
    app.store.forget_totp(&mut tx, &row.device).await?;
    app.store.end_bound_of(&mut tx, &row.device).await?;
    app.store.end_pairings_of(&mut tx, &row.device).await?;
    let tell = app.rates.allow(What::Compromise, from, app.clock.now_ms());
    if tell {
        app.record_compromise(&mut tx, ticket, row.kind, &row.device)
            .await?;
    }
    tx.commit().await?;
    app.spool_grew.notify_one();
    tracing::warn!(
        event_id = ticket.event_id(),
        device = row.device,
        told = tell,
        "a credential was used from two copies; its device's sessions end"
    );
    // The same outcome twice would say that two attempts failed.
    Ok(if tell { refusal.untold() } else { refusal })
}
