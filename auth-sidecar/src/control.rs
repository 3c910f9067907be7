//! The stream to the control plane: keys and outcomes up, settings and key states down.
//!
//! Everything that it brings is in the store before it is used, so that a sidecar whose control
//! plane is away, or that restarts meanwhile, goes on with what it knew.

use std::sync::Arc;
use std::time::Duration;

use countersign_proto::node::v1::control_message::Message as Down;
use countersign_proto::node::v1::node_service_client::NodeServiceClient;
use countersign_proto::node::v1::sidecar_message::Message as Up;
use countersign_proto::node::v1::{ControlMessage, SessionKeys, SidecarHello, SidecarMessage};
use countersign_proto::policy::v1::SessionKey;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;

use crate::app::App;
use crate::limits;
use crate::server::until_stopped;
use crate::store::StoreError;

mod gathering;
pub mod keys;
mod link;

use gathering::{Due, Gathering};

pub use link::{Link, LinkError};

/// Messages waiting to be sent; past it the spool waits in the store.
const QUEUE: usize = 64;
/// A peer that takes nothing for this long is gone.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);

/// Why the stream ended.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// No connection.
    #[error("cannot reach the control plane: {0}")]
    Connect(#[from] tonic::transport::Error),
    /// What is shown to it, or what it must show.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The call, or the stream, was ended.
    #[error("the control plane ended the stream: {0}")]
    Status(Box<tonic::Status>),
    /// The control plane closed the stream.
    #[error("the control plane closed the stream")]
    Closed,
    /// The peer takes nothing.
    #[error("the control plane takes no messages")]
    Stuck,
    /// The spool cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<tonic::Status> for StreamError {
    fn from(status: tonic::Status) -> Self {
        Self::Status(Box::new(status))
    }
}

/// Holds the stream open until `stop` says otherwise.
pub async fn run(app: Arc<App>, link: Link, sidecar_id: String, mut stop: watch::Receiver<bool>) {
    let mut wait = limits::RECONNECT_MIN;
    let mut told = false;
    loop {
        let mut reached = false;
        let ended = tokio::select! {
            ended = stream(&app, &link, &sidecar_id, &mut reached) => ended,
            () = until_stopped(&mut stop) => return,
        };
        app.metrics.connected.set(0);
        if reached {
            wait = limits::RECONNECT_MIN;
            told = false;
        }
        if let Err(error) = ended {
            // Once for each absence: what is said every two seconds is not read.
            match (reached, std::mem::replace(&mut told, true)) {
                (true, _) => tracing::warn!(%error, "lost the control plane"),
                (false, false) => tracing::warn!(%error, "no control plane; going on trying"),
                (false, true) => tracing::debug!(%error, ?wait, "no control plane"),
            }
        }
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = until_stopped(&mut stop) => return,
        }
        wait = (wait * 2).min(limits::RECONNECT_MAX);
    }
}

async fn stream(
    app: &App,
    link: &Link,
    sidecar_id: &str,
    reached: &mut bool,
) -> Result<(), StreamError> {
    let mut client = NodeServiceClient::new(link.connect().await?);
    // What is announced is what there is: another sidecar may have made a key meanwhile.
    if let Err(error) = app.load_keys().await {
        tracing::warn!(%error, "cannot read the session keys; announcing those that are known");
    }
    let (up, messages) = mpsc::channel(QUEUE);
    let mut keys = app.keys.subscribe();
    let mut announced = keys.borrow_and_update().announcement();
    // Queued before the call: the control plane may wait for the greeting before it answers.
    let hello = SidecarHello {
        sidecar_id: sidecar_id.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    send(&up, Up::Hello(hello)).await?;
    send(&up, announcement(&announced)).await?;
    let mut down = client
        .connect_sidecar(ReceiverStream::new(messages))
        .await?
        .into_inner();
    *reached = true;
    app.metrics.connected.set(1);
    tracing::info!("connected to the control plane");

    // Everything that is not acknowledged is sent again on every new stream.
    let mut sent = send_spool(app, &up, 0).await?;
    let mut spool = Gathering::default();
    loop {
        tokio::select! {
            message = down.message() => take(app, message?.ok_or(StreamError::Closed)?, &mut spool).await,
            changed = keys.changed() => {
                changed.map_err(|_| StreamError::Closed)?;
                let now = keys.borrow_and_update().announcement();
                // A change of the signer alone is no news: every key set makes a revision.
                if now != announced {
                    send(&up, announcement(&now)).await?;
                    announced = now;
                }
            }
            () = app.spool_grew.notified() => spool.grew(),
            () = spool.is_due() => {
                let Due { grew, acknowledged } = spool.take();
                // The next acknowledgement would do for this one; what is told twice counts once.
                if let Some(sequence) = acknowledged
                    && let Err(error) = app.store.acknowledge(sequence).await
                {
                    not_accepted(app, &error.to_string());
                }
                if grew {
                    sent = send_spool(app, &up, sent).await?;
                }
            }
        }
    }
}

fn announcement(keys: &[SessionKey]) -> Up {
    Up::Keys(SessionKeys {
        keys: keys.to_vec(),
    })
}

async fn send(up: &mpsc::Sender<SidecarMessage>, message: Up) -> Result<(), StreamError> {
    match tokio::time::timeout(
        SEND_TIMEOUT,
        up.send(SidecarMessage {
            message: Some(message),
        }),
    )
    .await
    {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(StreamError::Closed),
        Err(_) => Err(StreamError::Stuck),
    }
}

/// Sends what waits after `sent`; gives the last one sent.
async fn send_spool(
    app: &App,
    up: &mpsc::Sender<SidecarMessage>,
    mut sent: u64,
) -> Result<u64, StreamError> {
    loop {
        let batch = app.store.spooled_after(sent).await?;
        let Some(last) = batch.last() else {
            return Ok(sent);
        };
        let last = last.sequence;
        for outcome in batch {
            send(up, Up::Outcome(outcome)).await?;
        }
        sent = last;
    }
}

/// Follows one message. What cannot be followed is logged and counted; the stream goes on, because
/// ending it would bring the same message again.
async fn take(app: &App, message: ControlMessage, spool: &mut Gathering) {
    let refused = match message.message {
        Some(Down::Settings(settings)) => app
            .take_settings(&settings)
            .await
            .map_err(|error| error.to_string()),
        Some(Down::OutcomeAck(ack)) => {
            // Of another store's spool the numbers mean nothing here.
            if ack.spool == app.spool {
                spool.acknowledged(ack.sequence);
            }
            Ok(())
        }
        Some(Down::KeysLive(live)) => app
            .keys_live(&live.kids)
            .await
            .map_err(|error| error.to_string()),
        Some(Down::RotateKeys(rotate)) => match app.rotate_keys(&rotate.request_id).await {
            Ok(rotation) => {
                tracing::info!(
                    request_id = rotate.request_id,
                    ?rotation,
                    "asked to rotate the session keys"
                );
                Ok(())
            }
            Err(error) => Err(error.to_string()),
        },
        // A newer control plane may know messages that we do not.
        None => Ok(()),
    };
    app.is_ready();
    if let Err(error) = refused {
        not_accepted(app, &error);
    }
}

fn not_accepted(app: &App, error: &str) {
    app.metrics.messages_refused.inc();
    tracing::error!(error, "a message of the control plane was not accepted");
}
