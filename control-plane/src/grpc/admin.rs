//! The operator's service.

use countersign_proto::admin::v1 as admin;
use countersign_proto::admin::v1::admin_service_server::AdminService;
use tonic::{Request, Response, Status};

use super::admin_convert as convert;
use super::answered::answered;
use super::rollout_convert as rollouts;
use super::sessions_convert as sessions;
use super::traffic::{TrafficFault, TrafficQuestion, answer};
use super::{apply_status, caller, store_status};
use super::{history_convert, listed};
use crate::limits;
use crate::resource::SourceFile;
use crate::runtime::{App, Apply, Choice, Delete, Rollback, SkipFault};

/// The service.
#[derive(Clone, Debug)]
pub struct Admin {
    app: App,
}

impl Admin {
    /// On top of the running parts.
    #[must_use]
    pub fn new(app: App) -> Self {
        Self { app }
    }
}

#[tonic::async_trait]
impl AdminService for Admin {
    async fn apply(
        &self,
        request: Request<admin::ApplyRequest>,
    ) -> Result<Response<admin::ApplyResponse>, Status> {
        let caller = caller(&request);
        let admin::ApplyRequest {
            files,
            dry_run,
            author,
            message,
            base,
            prune,
            strategy,
            now,
        } = request.into_inner();
        let file = |file: admin::SourceFile| SourceFile {
            name: file.name,
            content: file.content,
        };
        let files = files.into_iter().map(file).collect();
        if dry_run {
            caller.note.dry_run();
        }
        if now && !dry_run {
            let may = self.app.control.may_skip_approval(&caller).await;
            may.map_err(|fault| match fault {
                SkipFault::Role(_) => Status::permission_denied(fault.to_string()),
                SkipFault::Change(error) => apply_status(error),
            })?;
        }
        answered(
            self.app
                .control
                .apply(Apply {
                    files,
                    author: &caller.author(&author),
                    message: &message,
                    base: &base,
                    prune,
                    dry_run,
                    choice: Choice::of(&strategy, now),
                })
                .await,
            &caller.note,
        )
    }

    async fn delete_resources(
        &self,
        request: Request<admin::DeleteResourcesRequest>,
    ) -> Result<Response<admin::ApplyResponse>, Status> {
        let caller = caller(&request);
        let request = request.into_inner();
        if request.resources.len() > limits::MAX_FILES {
            let many = "too many resources in one request";
            return Err(Status::invalid_argument(many));
        }
        let named: Vec<_> = request
            .resources
            .into_iter()
            .map(|named| (named.kind, named.name))
            .collect();
        let delete = Delete {
            named: &named,
            author: &caller.author(&request.author),
            base: &request.base,
        };
        answered(self.app.control.delete(delete).await, &caller.note)
    }

    async fn rollback(
        &self,
        request: Request<admin::RollbackRequest>,
    ) -> Result<Response<admin::ApplyResponse>, Status> {
        let caller = caller(&request);
        let request = request.into_inner();
        if request.dry_run {
            caller.note.dry_run();
        }
        let rollback = Rollback {
            revision: &request.revision,
            author: &caller.author(&request.author),
            message: &request.message,
            base: &request.base,
            dry_run: request.dry_run,
            choice: Choice::Usual,
        };
        answered(self.app.control.rollback(rollback).await, &caller.note)
    }

    async fn get_revision(
        &self,
        request: Request<admin::GetRevisionRequest>,
    ) -> Result<Response<admin::GetRevisionResponse>, Status> {
        let name = request.into_inner().revision;
        let view = self.app.control.revision(&name).await;
        let view = view.map_err(apply_status)?;
        Ok(Response::new(history_convert::view(view)))
    }

    async fn diff_revisions(
        &self,
        request: Request<admin::DiffRevisionsRequest>,
    ) -> Result<Response<admin::DiffRevisionsResponse>, Status> {
        let request = request.into_inner();
        let diff = self.app.control.diff(&request.from, &request.to).await;
        let diff = diff.map_err(apply_status)?;
        Ok(Response::new(history_convert::diff(&diff)))
    }

    async fn list_resources(
        &self,
        request: Request<admin::ListResourcesRequest>,
    ) -> Result<Response<admin::ListResourcesResponse>, Status> {
        let listed = listed::resources(&self.app, &request.into_inner()).await?;
        Ok(Response::new(listed))
    }

    async fn list_revisions(
        &self,
        request: Request<admin::ListRevisionsRequest>,
    ) -> Result<Response<admin::ListRevisionsResponse>, Status> {
        let listed = listed::revisions(&self.app, &request.into_inner()).await?;
        Ok(Response::new(listed))
    }

    async fn list_nodes(
        &self,
        request: Request<admin::ListNodesRequest>,
    ) -> Result<Response<admin::ListNodesResponse>, Status> {
        listed::nodes(&self.app, &request.into_inner()).map(Response::new)
    }

    async fn list_events(
        &self,
        request: Request<admin::ListEventsRequest>,
    ) -> Result<Response<admin::ListEventsResponse>, Status> {
        let filter = convert::event_filter(request.into_inner())
            .map_err(|error| Status::invalid_argument(error.to_string()))?;
        let page = self
            .app
            .store
            .events(&filter)
            .await
            .map_err(|error| store_status(&error))?;
        Ok(Response::new(admin::ListEventsResponse {
            events: page.events.into_iter().map(convert::stored_event).collect(),
            next_cursor: convert::cursor(page.next),
        }))
    }

    async fn get_event(
        &self,
        request: Request<admin::GetEventRequest>,
    ) -> Result<Response<admin::GetEventResponse>, Status> {
        let id = request.into_inner().event_id;
        let event = self
            .app
            .store
            .event(&id)
            .await
            .map_err(|error| store_status(&error))?;
        let event = event.ok_or_else(|| Status::not_found("there is no event of this id"))?;
        Ok(Response::new(admin::GetEventResponse {
            event: Some(convert::stored_event(event)),
        }))
    }

    async fn get_traffic(
        &self,
        request: Request<admin::GetTrafficRequest>,
    ) -> Result<Response<admin::GetTrafficResponse>, Status> {
        let admin::GetTrafficRequest {
            from_ms,
            to_ms,
            step_s,
            policy,
            host,
        } = request.into_inner();
        let question = TrafficQuestion {
            from_ms,
            to_ms,
            step_s,
            policy,
            host,
        };
        let now = self.app.clock.now();
        match answer(&self.app.store, &question, now).await {
            Ok(traffic) => Ok(Response::new(traffic)),
            Err(TrafficFault::Store(error)) => Err(store_status(&error)),
            Err(fault) => Err(Status::invalid_argument(fault.to_string())),
        }
    }

    async fn list_keys(
        &self,
        _request: Request<admin::ListKeysRequest>,
    ) -> Result<Response<admin::ListKeysResponse>, Status> {
        let keys = sessions::keys(&self.app.control).await;
        Ok(Response::new(admin::ListKeysResponse { keys }))
    }

    async fn get_rollout(
        &self,
        _request: Request<admin::GetRolloutRequest>,
    ) -> Result<Response<admin::GetRolloutResponse>, Status> {
        let rollout = self.app.control.rollout().await;
        Ok(Response::new(admin::GetRolloutResponse {
            rollout: rollout.as_ref().map(rollouts::rollout),
        }))
    }

    async fn list_rollouts(
        &self,
        request: Request<admin::ListRolloutsRequest>,
    ) -> Result<Response<admin::ListRolloutsResponse>, Status> {
        let limit = match request.into_inner().limit {
            0 => limits::DEFAULT_EVENTS_LISTED,
            limit => limit.min(limits::MAX_REVISIONS_LISTED),
        };
        let listed = self.app.store.rollouts(limit).await;
        let listed = listed.map_err(|error| store_status(&error))?;
        Ok(Response::new(admin::ListRolloutsResponse {
            rollouts: listed.iter().map(rollouts::rollout).collect(),
        }))
    }

    async fn act_on_rollout(
        &self,
        request: Request<admin::ActOnRolloutRequest>,
    ) -> Result<Response<admin::Rollout>, Status> {
        let caller = caller(&request);
        let request = request.into_inner();
        let action = rollouts::action(request.action())
            .ok_or_else(|| Status::invalid_argument("name what is to be done"))?;
        caller.note.on(format!("rollout: {action:?}"));
        caller
            .identity
            .may(action.need())
            .map_err(|refusal| Status::permission_denied(refusal.to_string()))?;
        let author = caller.author(&request.author);
        let why = action.why(&caller, &request.message);
        let done = self.app.control.act_on_rollout(action, &author, &why);
        match done.await {
            Ok(rollout) => Ok(Response::new(rollouts::rollout(&rollout))),
            Err(fault) => Err(rollouts::status(fault)),
        }
    }

    async fn list_proposals(
        &self,
        request: Request<admin::ListProposalsRequest>,
    ) -> Result<Response<admin::ListProposalsResponse>, Status> {
        let hours = request.into_inner().hours;
        let proposals = self.app.control.proposals(hours).await;
        let proposals = proposals.map_err(|error| store_status(&error))?;
        Ok(Response::new(rollouts::proposals(proposals, hours)))
    }

    async fn list_relays(
        &self,
        _request: Request<admin::ListRelaysRequest>,
    ) -> Result<Response<admin::ListRelaysResponse>, Status> {
        let relays = self.app.relays.views().into_iter();
        Ok(Response::new(admin::ListRelaysResponse {
            relays: relays.map(super::replay_convert::relay).collect(),
        }))
    }

    async fn rotate_keys(
        &self,
        request: Request<admin::RotateKeysRequest>,
    ) -> Result<Response<admin::RotateKeysResponse>, Status> {
        let note = caller(&request).note;
        let rotation = self.app.rotate_session_keys().await;
        sessions::rotated(rotation, &note).map(Response::new)
    }

    async fn list_revocations(
        &self,
        _request: Request<admin::ListRevocationsRequest>,
    ) -> Result<Response<admin::ListRevocationsResponse>, Status> {
        let revocations = self.app.control.revocations().await;
        Ok(Response::new(admin::ListRevocationsResponse {
            revocations: revocations.into_iter().map(sessions::revocation).collect(),
        }))
    }

    async fn revoke(
        &self,
        request: Request<admin::RevokeRequest>,
    ) -> Result<Response<admin::Revocation>, Status> {
        let caller = caller(&request);
        let request = request.into_inner();
        let author = caller.author(&request.author);
        let what = sessions::revoked(request.session, request.device)?;
        caller.note.on(sessions::named(&what));
        let control = &self.app.control;
        let done = control.revoke(what, &author, &request.message).await;
        let row = done.map_err(sessions::revoke_status)?;
        Ok(Response::new(sessions::revocation(row)))
    }

    async fn unrevoke(
        &self,
        request: Request<admin::UnrevokeRequest>,
    ) -> Result<Response<admin::UnrevokeResponse>, Status> {
        let caller = caller(&request);
        let request = request.into_inner();
        let author = caller.author(&request.author);
        caller.note.on(format!("revocation {}", request.id));
        let done = self.app.control.unrevoke(&request.id, &author).await;
        done.map_err(sessions::revoke_status)?;
        Ok(Response::new(admin::UnrevokeResponse {}))
    }
}
