//! A node of any id that takes what it is sent and reports what it decides.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use countersign_control_plane::xds::{RESOURCE_NAME, TYPE_URL};
use countersign_proto::node::v1::node_service_client::NodeServiceClient;
use countersign_proto::node::v1::{WorkerCounts, WorkerReport};
use envoy_types::pb::envoy::config::core::v3::{Locality, Node as EnvoyNode};
use envoy_types::pb::envoy::service::discovery::v3::DeltaDiscoveryRequest;
use envoy_types::pb::envoy::service::extension::v3::extension_config_discovery_service_client::ExtensionConfigDiscoveryServiceClient;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::Plane;
use super::envoy::{Sent, sent};

/// What it was sent, in order, and what it does with requests.
#[derive(Debug, Default)]
pub(crate) struct Behaviour {
    pub(crate) revisions: Mutex<Vec<String>>,
    /// Requests with each report, and how many of them are blocked once it runs another revision than
    /// its first.
    pub(crate) requests: AtomicU64,
    pub(crate) blocks_later: AtomicU64,
}

pub(crate) struct Node {
    pub(crate) behaviour: Arc<Behaviour>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Node {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Node {
    pub(crate) async fn connect(plane: &Plane, id: &str, zone: &str) -> Self {
        let behaviour = Arc::new(Behaviour::default());
        let channel = plane.channel().await;
        let (requests, receiver) = mpsc::channel(8);
        let first = DeltaDiscoveryRequest {
            node: Some(EnvoyNode {
                id: id.into(),
                locality: Some(Locality {
                    zone: zone.into(),
                    ..Locality::default()
                }),
                ..EnvoyNode::default()
            }),
            type_url: TYPE_URL.into(),
            resource_names_subscribe: vec![RESOURCE_NAME.into()],
            ..DeltaDiscoveryRequest::default()
        };
        requests.send(first).await.unwrap();
        let mut client = ExtensionConfigDiscoveryServiceClient::new(channel.clone());
        let responses = client.delta_extension_configs(ReceiverStream::new(receiver));
        let mut responses = responses.await.unwrap().into_inner();
        let (id, own) = (id.to_owned(), Arc::clone(&behaviour));
        let task = tokio::spawn(async move {
            let mut tick = tokio::time::interval(Duration::from_millis(50));
            let mut running: Option<(Sent, u64, WorkerCounts, mpsc::Sender<WorkerReport>)> = None;
            let mut context = 0;
            loop {
                tokio::select! {
                    response = responses.message() => {
                        let Ok(Some(response)) = response else { return };
                        let taken = sent(&response);
                        own.revisions.lock().unwrap().push(taken.revision.clone());
                        let ack = DeltaDiscoveryRequest {
                            type_url: TYPE_URL.into(),
                            response_nonce: response.nonce.clone(),
                            ..DeltaDiscoveryRequest::default()
                        };
                        requests.send(ack).await.unwrap();
                        context += 1;
                        let (reports, receiver) = mpsc::channel(64);
                        let mut client = NodeServiceClient::new(channel.clone());
                        tokio::spawn(async move {
                            let acks = client.report_worker(ReceiverStream::new(receiver)).await;
                            let Ok(acks) = acks else { return };
                            let mut acks = acks.into_inner();
                            while let Ok(Some(_)) = acks.message().await {}
                        });
                        running = Some((taken, context, WorkerCounts::default(), reports));
                    }
                    _ = tick.tick() => {}
                }
                let Some((taken, context, counts, reports)) = &mut running else {
                    continue;
                };
                let requests = own.requests.load(Ordering::Relaxed);
                counts.requests += requests;
                if *context > 1 {
                    counts.block += own.blocks_later.load(Ordering::Relaxed).min(requests);
                }
                let report = WorkerReport {
                    node_id: id.clone(),
                    vm: format!("vm-{id}"),
                    revision: taken.revision.clone(),
                    attempt: taken.attempt,
                    context: *context,
                    counts: Some(counts.clone()),
                    ..WorkerReport::default()
                };
                let _ = reports.try_send(report);
            }
        });
        Self { behaviour, task }
    }

    /// What it was sent so far.
    pub(crate) fn revisions(&self) -> Vec<String> {
        self.behaviour.revisions.lock().unwrap().clone()
    }
}
