//! The control plane's gRPC API, asked from plain functions.

use std::time::Duration;

use anyhow::Result;
use countersign_proto::admin::v1::admin_service_client::AdminServiceClient;
use countersign_proto::admin::v1::{
    ApplyRequest, ApplyResponse, DeleteResourcesRequest, GetEventRequest, GetRolloutRequest,
    GetTrafficRequest, Key, ListEventsRequest, ListKeysRequest, ListNodesRequest,
    ListNodesResponse, ResourceRef, RevokeRequest, Rollout, RotateKeysRequest, RotateKeysResponse,
    SourceFile, StoredEvent, TrafficCounts, UnrevokeRequest,
};
use tokio::runtime::Runtime;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};

/// No call takes longer.
const CALL_LIMIT: Duration = Duration::from_secs(10);

/// A client of the operator's API that connects on demand, also again after an outage.
#[derive(Debug)]
pub struct Admin {
    runtime: Runtime,
    client: Client,
}

type Client = AdminServiceClient<InterceptedService<Channel, Token>>;

/// Shown on each call.
#[derive(Clone)]
struct Token(MetadataValue<Ascii>);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token")
    }
}

impl Interceptor for Token {
    fn call(
        &mut self,
        mut request: tonic::Request<()>,
    ) -> Result<tonic::Request<()>, tonic::Status> {
        let metadata = request.metadata_mut();
        metadata.insert("authorization", self.0.clone());
        Ok(request)
    }
}

impl Admin {
    /// A client of the control plane at this port that shows this token.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub fn new(port: u16, token: &str) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let endpoint = Endpoint::from_shared(format!("http://127.0.0.1:{port}"))?
            .connect_timeout(CALL_LIMIT)
            .timeout(CALL_LIMIT);
        let channel = {
            let _inside = runtime.enter();
            endpoint.connect_lazy()
        };
        let token = Token(format!("Bearer {token}").parse()?);
        let client = AdminServiceClient::with_interceptor(channel, token)
            .max_encoding_message_size(64 * 1024 * 1024);
        Ok(Self { runtime, client })
    }

    fn call<T>(
        &self,
        call: impl AsyncFnOnce(Client) -> Result<tonic::Response<T>, tonic::Status>,
    ) -> Result<T, tonic::Status> {
        let answer = self.runtime.block_on(call(self.client.clone()))?;
        Ok(answer.into_inner())
    }

    /// The nodes and what they run.
    ///
    /// # Errors
    /// What the control plane answers as an error.
    pub fn nodes(&self) -> Result<ListNodesResponse, tonic::Status> {
        self.call(async |mut client| client.list_nodes(ListNodesRequest::default()).await)
    }

    /// The rollout under way or the last one.
    ///
    /// # Errors
    /// What the control plane answers as an error.
    pub fn rollout(&self) -> Result<Option<Rollout>, tonic::Status> {
        let answer =
            self.call(async |mut client| client.get_rollout(GetRolloutRequest {}).await)?;
        Ok(answer.rollout)
    }

    /// Applies one file.
    ///
    /// # Errors
    /// What the control plane answers as an error.
    pub fn apply(
        &self,
        name: &str,
        content: impl Into<Vec<u8>>,
    ) -> Result<ApplyResponse, tonic::Status> {
        let request = ApplyRequest {
            files: vec![SourceFile {
                name: name.to_owned(),
                content: content.into(),
            }],
            author: "e2e".to_owned(),
            ..ApplyRequest::default()
        };
        self.call(async |mut client| client.apply(request).await)
    }

    /// Deletes one resource.
    ///
    /// # Errors
    /// What the control plane answers as an error.
    pub fn delete(&self, kind: &str, name: &str) -> Result<ApplyResponse, tonic::Status> {
        let request = DeleteResourcesRequest {
            resources: vec![ResourceRef {
                kind: kind.to_owned(),
                name: name.to_owned(),
            }],
            author: "e2e".to_owned(),
            ..DeleteResourcesRequest::default()
        };
        self.call(async |mut client| client.delete_resources(request).await)
    }

    /// Ends a session; gives the revocation's id.
    ///
    /// # Errors
    /// What the control plane answers as an error.
    pub fn revoke_session(&self, session: &str) -> Result<String, tonic::Status> {
        let request = RevokeRequest {
            session: session.to_owned(),
            author: "e2e".to_owned(),
            ..RevokeRequest::default()
        };
        let answer = self.call(async |mut client| client.revoke(request).await)?;
        Ok(answer.id)
    }

    /// Ends all sessions that a device has earned so far; gives the revocation's id.
    ///
    /// # Errors
    /// What the control plane answers as an error.
    pub fn revoke_device(&self, device: &str) -> Result<String, tonic::Status> {
        let request = RevokeRequest {
            device: device.to_owned(),
            author: "e2e".to_owned(),
            ..RevokeRequest::default()
        };
        let answer = self.call(async |mut client| client.revoke(request).await)?;
        Ok(answer.id)
    }

    /// Takes a revocation back.
    ///
    /// # Errors
    /// What the control plane answers as an error.
    pub fn unrevoke(&self, id: &str) -> Result<(), tonic::Status> {
        let request = UnrevokeRequest {
            id: id.to_owned(),
            author: "e2e".to_owned(),
        };
        self.call(async |mut client| client.unrevoke(request).await)
            .map(drop)
    }

    /// One event.
    ///
    /// # Errors
    /// What the control plane answers as an error.
    pub fn event(&self, id: &str) -> Result<Option<StoredEvent>, tonic::Status> {
        let request = GetEventRequest {
            event_id: id.to_owned(),
        };
        let answer = self.call(async |mut client| client.get_event(request).await)?;
        Ok(answer.event)
    }

    /// The newest events of a policy.
    ///
    /// # Errors
    /// What the control plane answers as an error.
    pub fn events(&self, policy: &str) -> Result<Vec<StoredEvent>, tonic::Status> {
        let request = ListEventsRequest {
            policy: policy.to_owned(),
            limit: 500,
            ..ListEventsRequest::default()
        };
        let answer = self.call(async |mut client| client.list_events(request).await)?;
        Ok(answer.events)
    }

    /// What a policy did in the last hour.
    ///
    /// # Errors
    /// What the control plane answers as an error.
    pub fn traffic(&self, policy: &str) -> Result<TrafficCounts, tonic::Status> {
        let request = GetTrafficRequest {
            policy: policy.to_owned(),
            ..GetTrafficRequest::default()
        };
        let answer = self.call(async |mut client| client.get_traffic(request).await)?;
        let found = answer.policies.into_iter().find(|it| it.policy == policy);
        Ok(found.and_then(|it| it.counts).unwrap_or_default())
    }

    /// The keys that may sign sessions.
    ///
    /// # Errors
    /// What the control plane answers as an error.
    pub fn keys(&self) -> Result<Vec<Key>, tonic::Status> {
        let answer = self.call(async |mut client| client.list_keys(ListKeysRequest {}).await)?;
        Ok(answer.keys)
    }

    /// Tells every sidecar to make a new key.
    ///
    /// # Errors
    /// What the control plane answers as an error.
    pub fn rotate_keys(&self) -> Result<RotateKeysResponse, tonic::Status> {
        self.call(async |mut client| client.rotate_keys(RotateKeysRequest {}).await)
    }
}
