//! What an auth sidecar says.

use countersign_proto::node::v1::control_message::Message;
use countersign_proto::node::v1::node_service_client::NodeServiceClient;
use countersign_proto::node::v1::{
    ControlMessage, Outcome, SessionKeys, SidecarHello, SidecarMessage, SidecarSettings, Step,
    sidecar_message,
};
use countersign_proto::policy::v1::SessionKey;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

use super::{PATIENCE, Plane};

pub(crate) struct Sidecar {
    messages: mpsc::Sender<SidecarMessage>,
    responses: Streaming<ControlMessage>,
    pub(crate) settings: SidecarSettings,
}

impl Sidecar {
    /// Connects, says hello, and reads the settings.
    pub(crate) async fn connect(plane: &Plane, name: &str) -> Self {
        let (messages, receiver) = mpsc::channel(256);
        let hello = SidecarHello {
            sidecar_id: name.into(),
            version: "test".into(),
        };
        messages
            .send(message(sidecar_message::Message::Hello(hello)))
            .await
            .unwrap();
        let mut client = NodeServiceClient::new(plane.channel().await);
        let responses = client
            .connect_sidecar(ReceiverStream::new(receiver))
            .await
            .unwrap()
            .into_inner();
        let mut sidecar = Self {
            messages,
            responses,
            settings: SidecarSettings::default(),
        };
        let Message::Settings(settings) = sidecar.receive().await else {
            panic!("not settings")
        };
        sidecar.settings = settings;
        sidecar
    }

    pub(crate) async fn receive(&mut self) -> Message {
        self.next().await.unwrap()
    }

    pub(crate) async fn next(&mut self) -> Result<Message, Status> {
        let response = tokio::time::timeout(PATIENCE, self.responses.message()).await;
        response
            .expect("nothing was said")
            .map(|message| message.unwrap().message.unwrap())
    }

    pub(crate) async fn register(&self, kids: &[&str]) {
        let key = |kid: &&str| SessionKey {
            kid: (*kid).into(),
            public_key: public_key(kid),
        };
        let keys = SessionKeys {
            keys: kids.iter().map(key).collect(),
        };
        self.messages
            .send(message(sidecar_message::Message::Keys(keys)))
            .await
            .unwrap();
    }

    pub(crate) async fn tell(&self, outcome: Outcome) {
        self.messages
            .send(message(sidecar_message::Message::Outcome(outcome)))
            .await
            .unwrap();
    }

    /// Tells outcomes and waits until all are stored.
    pub(crate) async fn tell_all(&mut self, outcomes: Vec<Outcome>) {
        let last = outcomes.last().unwrap().sequence;
        for outcome in outcomes {
            self.tell(outcome).await;
        }
        loop {
            if let Message::OutcomeAck(ack) = self.receive().await
                && ack.sequence == last
            {
                assert_eq!(ack.spool, "spool");
                return;
            }
        }
    }

    /// Everything that was handed in before this is stored when this returns.
    pub(crate) async fn fence(&mut self) {
        self.tell_all(vec![outcome(
            u64::from(u32::MAX),
            "fence",
            Step::PageServed,
        )])
        .await;
    }
}

fn message(message: sidecar_message::Message) -> SidecarMessage {
    SidecarMessage {
        message: Some(message),
    }
}

/// A point on the curve for each name: the engine takes no other bytes for a key.
fn public_key(kid: &str) -> Vec<u8> {
    let number = kid.bytes().fold(0_u8, u8::wrapping_add);
    ed25519_dalek::SigningKey::from_bytes(&[number; 32])
        .verifying_key()
        .to_bytes()
        .to_vec()
}

pub(crate) fn outcome(sequence: u64, event_id: &str, step: Step) -> Outcome {
    Outcome {
        sequence,
        event_id: event_id.into(),
        step: step.into(),
        kind: "fido".into(),
        spool: "spool".into(),
        time_ms: 1,
        ..Outcome::default()
    }
}
