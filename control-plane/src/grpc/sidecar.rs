//! One sidecar's stream: keys and outcomes up; settings, live keys and rotation down.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use countersign_proto::node::v1::{
    ControlMessage, KeysLive, Outcome, OutcomeAck, RotateKeys, SidecarHello, SidecarMessage,
    SidecarSettings, control_message, sidecar_message,
};
use countersign_proto::policy::v1::SessionKey;
use tokio::sync::{mpsc, watch};
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

use super::apply_status;
use super::speaker::Speaker;
use crate::events::checked_outcome;
use crate::limits;
use crate::runtime::Outcome as CallOutcome;
use crate::runtime::{
    Acks, App, Compromised, KeyError, RevokeError, SIDECARS, SidecarSeat, Stored, stopping,
};

/// A sidecar's name.
const MAX_SIDECAR_ID_BYTES: usize = 128;

/// As the audit log names it.
const COMPROMISED: &str = "copied credential";

type Responses = mpsc::Sender<Result<ControlMessage, Status>>;

/// Serves a sidecar until either side ends the stream.
pub(super) fn serve(
    app: App,
    speaker: Speaker,
    messages: Streaming<SidecarMessage>,
) -> ReceiverStream<Result<ControlMessage, Status>> {
    let (responses, receiver) = mpsc::channel(limits::SIDECAR_QUEUE);
    tokio::spawn(async move {
        let mut stop = app.stop.clone();
        let last_word = Status::unavailable("the control plane is stopping");
        let ended = tokio::select! {
            () = stopping(&mut stop) => Err(last_word),
            ended = run(app, speaker, messages, responses.clone()) => ended,
        };
        if let Err(status) = ended {
            // A sidecar that is gone needs no reason.
            let _ = responses.try_send(Err(status));
        }
    });
    ReceiverStream::new(receiver)
}

struct Sidecar {
    app: App,
    id: String,
    responses: Responses,
    seat: SidecarSeat,
    speaker: Speaker,
    settings: watch::Receiver<Arc<SidecarSettings>>,
    live: watch::Receiver<Arc<BTreeSet<String>>>,
    acks: Acks,
    /// The keys that this sidecar registered on this stream.
    own: BTreeSet<String>,
    told_live: Vec<String>,
    told_acks: BTreeMap<String, u64>,
}

async fn run(
    app: App,
    speaker: Speaker,
    mut messages: Streaming<SidecarMessage>,
    responses: Responses,
) -> Result<(), Status> {
    let hello = tokio::time::timeout(limits::HELLO_WITHIN, messages.next());
    let hello = hello
        .await
        .map_err(|_| Status::deadline_exceeded("no hello"))?;
    let id = match hello.transpose()?.and_then(|message| message.message) {
        Some(sidecar_message::Message::Hello(SidecarHello { sidecar_id, .. })) => sidecar_id,
        _ => {
            return Err(Status::invalid_argument(
                "the first message must be a hello",
            ));
        }
    };
    let printable = id.bytes().all(|byte| byte.is_ascii_graphic());
    if id.is_empty() || id.len() > MAX_SIDECAR_ID_BYTES || !printable {
        return Err(Status::invalid_argument(
            "a sidecar's name is printable and not too long",
        ));
    }
    // Its keys make sessions for everybody: who speaks for some nodes is no sidecar by another name.
    speaker.names(&app, &id)?;
    let stream = app.fleet.new_stream();
    let seat = app
        .hub
        .join(stream, &id)
        .ok_or_else(|| Status::resource_exhausted("too many sidecars"))?;
    tracing::info!(sidecar = %id, "sidecar connected");
    let sidecar = Sidecar {
        speaker,
        settings: app.control.sidecar_material(),
        live: app.control.live_kids(),
        acks: Acks::default(),
        own: BTreeSet::new(),
        told_live: Vec::new(),
        told_acks: BTreeMap::new(),
        app,
        id,
        responses,
        seat,
    };
    sidecar.run(messages).await
}

impl Sidecar {
    async fn run(mut self, mut messages: Streaming<SidecarMessage>) -> Result<(), Status> {
        let mut stored = self.acks.subscribe();
        self.settings.mark_changed();
        let gone = |_| Status::unavailable("the control plane is stopping");
        loop {
            tokio::select! {
                () = self.responses.closed() => return Ok(()),
                changed = self.settings.changed() => {
                    changed.map_err(gone)?;
                    let settings = self.settings.borrow_and_update().as_ref().clone();
                    self.send(control_message::Message::Settings(settings)).await?;
                }
                changed = self.live.changed() => {
                    changed.map_err(gone)?;
                    self.tell_live().await?;
                }
                changed = stored.changed() => {
                    changed.map_err(gone)?;
                    let stored = stored.borrow_and_update().clone();
                    self.tell_stored(stored).await?;
                }
                request = self.seat.rotations.recv() => {
                    let request_id = request.ok_or_else(|| Status::unavailable("stopping"))?;
                    self.send(control_message::Message::RotateKeys(RotateKeys { request_id })).await?;
                }
                message = messages.next() => match message {
                    None => return Ok(()),
                    Some(message) => self.hear(message?).await?,
                },
            }
        }
    }

    async fn hear(&mut self, message: SidecarMessage) -> Result<(), Status> {
        match message.message {
            Some(sidecar_message::Message::Keys(keys)) => self.register(keys.keys).await,
            Some(sidecar_message::Message::Outcome(outcome)) => self.outcome(outcome).await,
            Some(sidecar_message::Message::Hello(_)) => {
                Err(Status::invalid_argument("hello was said"))
            }
            // A message of a later release.
            None => Ok(()),
        }
    }

    async fn register(&mut self, keys: Vec<SessionKey>) -> Result<(), Status> {
        let own = keys.iter().map(|key| key.kid.clone()).collect();
        self.app
            .control
            .register_keys(&self.id, keys)
            .await
            .map_err(|error| match error {
                KeyError::Change(error) => apply_status(error),
                error => {
                    tracing::error!(sidecar = %self.id, %error, "a sidecar's keys are refused");
                    Status::invalid_argument(error.to_string())
                }
            })?;
        self.own = own;
        self.tell_live().await
    }

    async fn outcome(&mut self, outcome: Outcome) -> Result<(), Status> {
        if outcome.compromised {
            self.compromised(&outcome).await?;
        }
        let (spool, sequence) = (outcome.spool.clone(), outcome.sequence);
        let handed_in = match checked_outcome(outcome) {
            Ok(outcome) => self.app.ingest.outcome(outcome, &self.id, &self.acks).await,
            Err(fault) => {
                self.app.metrics.malformed(&fault.to_string());
                self.app.ingest.skip(spool, sequence, &self.acks).await
            }
        };
        handed_in.map_err(|_| Status::unavailable("the control plane is stopping"))
    }

    /// Ends the device's sessions before the outcome is acknowledged: what was not done is told again.
    async fn compromised(&self, outcome: &Outcome) -> Result<(), Status> {
        let caller = self.speaker.call_of_its_own(&self.app);
        caller.note.on(format!("device {}", outcome.device));
        let author = format!("{SIDECARS}{}", self.id);
        let control = &self.app.control;
        let done = control
            .end_compromised(&outcome.device, &author, &outcome.event_id)
            .await;
        let told = match done {
            Ok(Compromised::Known) => return Ok(()),
            Ok(done) => {
                self.app.metrics.compromised(done);
                if done == Compromised::TooMany {
                    caller.note.refused("too many devices were named");
                }
                CallOutcome::Done
            }
            // No device that a session could name: telling it again would not help.
            Err(error @ RevokeError::BadId) => CallOutcome::Failed(error.to_string()),
            Err(error) => return Err(Status::unavailable(error.to_string())),
        };
        tracing::warn!(
            sidecar = %self.id,
            device = outcome.device,
            event_id = outcome.event_id,
            "a credential was used from two copies"
        );
        let access = &self.app.access;
        access.tell(&caller, COMPROMISED, told).await;
        Ok(())
    }

    async fn tell_live(&mut self) -> Result<(), Status> {
        let live = self.live.borrow_and_update().clone();
        let kids: Vec<_> = self
            .own
            .iter()
            .filter(|kid| live.contains(*kid))
            .cloned()
            .collect();
        if kids.is_empty() || kids == self.told_live {
            return Ok(());
        }
        self.told_live.clone_from(&kids);
        self.send(control_message::Message::KeysLive(KeysLive { kids }))
            .await
    }

    async fn tell_stored(&mut self, stored: Stored) -> Result<(), Status> {
        if stored.failed {
            return Err(Status::unavailable(
                "the outcomes could not be stored; tell them again",
            ));
        }
        for (spool, sequence) in stored.up_to {
            if self.told_acks.insert(spool.clone(), sequence) != Some(sequence) {
                self.send(control_message::Message::OutcomeAck(OutcomeAck {
                    spool,
                    sequence,
                }))
                .await?;
            }
        }
        Ok(())
    }

    async fn send(&self, message: control_message::Message) -> Result<(), Status> {
        let message = ControlMessage {
            message: Some(message),
        };
        self.responses
            .send(Ok(message))
            .await
            .map_err(|_| Status::cancelled("the sidecar is gone"))
    }
}
