//! The service of tokens, certificates and the audit log.

use countersign_proto::access::v1 as proto;
use countersign_proto::access::v1::access_service_server::AccessService;
use tonic::{Extensions, Request, Response, Status};

use super::store_status;
use crate::access::Caller;
use crate::access::{CertificateEntry, Identity, Note, Role, TokenEntry};
use crate::limits;
use crate::runtime::{AccessError, App, Created, Granted, ListedPasskey, PasskeyError};
use crate::store::{AuditFilter, AuditRow};

/// The service.
#[derive(Clone, Debug)]
pub struct AccessEdge {
    app: App,
}

impl AccessEdge {
    /// On top of the running parts.
    #[must_use]
    pub fn new(app: App) -> Self {
        Self { app }
    }
}

/// Who calls; put there by the guard.
pub(crate) fn caller<T>(request: &Request<T>) -> Caller {
    caller_among(request.extensions())
}

pub(super) fn caller_among(extensions: &Extensions) -> Caller {
    let found = extensions.get::<Caller>().cloned();
    found.unwrap_or_else(|| Caller {
        identity: Identity::open(),
        address: None,
        request_id: std::sync::Arc::from(""),
        note: Note::default(),
    })
}

fn path(method: &str) -> String {
    format!("/countersign.access.v1.AccessService/{method}")
}

#[tonic::async_trait]
impl AccessService for AccessEdge {
    async fn bootstrap(
        &self,
        request: Request<proto::BootstrapRequest>,
    ) -> Result<Response<proto::CreateTokenResponse>, Status> {
        let caller = caller(&request);
        let proto::BootstrapRequest { token, name } = request.into_inner();
        let action = path("Bootstrap");
        let made = self.app.access.bootstrap(&caller, &token, &name, &action);
        Ok(Response::new(created(made.await.map_err(status)?)))
    }

    async fn who_am_i(
        &self,
        request: Request<proto::WhoAmIRequest>,
    ) -> Result<Response<proto::WhoAmIResponse>, Status> {
        let identity = caller(&request).identity;
        Ok(Response::new(proto::WhoAmIResponse {
            name: identity.name().to_owned(),
            role: identity
                .role()
                .map_or(proto::Role::Unspecified, role)
                .into(),
            source: identity.source().to_string(),
        }))
    }

    async fn create_token(
        &self,
        request: Request<proto::CreateTokenRequest>,
    ) -> Result<Response<proto::CreateTokenResponse>, Status> {
        let caller = caller(&request);
        let request = request.into_inner();
        let role = asked_role(request.role())?;
        let expires = (request.expires_ms > 0).then_some(request.expires_ms);
        let action = path("CreateToken");
        let access = &self.app.access;
        let granted = Granted {
            role,
            node: &request.node,
        };
        let made = access.create_token(&caller, &request.name, granted, expires, &action);
        Ok(Response::new(created(made.await.map_err(status)?)))
    }

    async fn list_tokens(
        &self,
        _request: Request<proto::ListTokensRequest>,
    ) -> Result<Response<proto::ListTokensResponse>, Status> {
        let stored = self.app.access.list().await;
        let stored = stored.map_err(|error| store_status(&error))?;
        Ok(Response::new(proto::ListTokensResponse {
            tokens: stored.tokens.into_iter().map(token).collect(),
        }))
    }

    async fn revoke_token(
        &self,
        request: Request<proto::RevokeTokenRequest>,
    ) -> Result<Response<proto::RevokeTokenResponse>, Status> {
        let caller = caller(&request);
        let id = request.into_inner().id;
        let action = path("RevokeToken");
        let revoked = self.app.access.revoke_token(&caller, &id, &action).await;
        Ok(Response::new(proto::RevokeTokenResponse {
            token: Some(token(revoked.map_err(status)?)),
        }))
    }

    async fn add_certificate(
        &self,
        request: Request<proto::AddCertificateRequest>,
    ) -> Result<Response<proto::AddCertificateResponse>, Status> {
        let caller = caller(&request);
        let request = request.into_inner();
        let role = asked_role(request.role())?;
        let action = path("AddCertificate");
        let access = &self.app.access;
        let granted = Granted {
            role,
            node: &request.node,
        };
        let added = access.add_certificate(&caller, &request.name, granted, &action);
        Ok(Response::new(proto::AddCertificateResponse {
            certificate: Some(certificate(added.await.map_err(status)?)),
        }))
    }

    async fn list_certificates(
        &self,
        _request: Request<proto::ListCertificatesRequest>,
    ) -> Result<Response<proto::ListCertificatesResponse>, Status> {
        let stored = self.app.access.list().await;
        let stored = stored.map_err(|error| store_status(&error))?;
        Ok(Response::new(proto::ListCertificatesResponse {
            certificates: stored.certificates.into_iter().map(certificate).collect(),
        }))
    }

    async fn remove_certificate(
        &self,
        request: Request<proto::RemoveCertificateRequest>,
    ) -> Result<Response<proto::RemoveCertificateResponse>, Status> {
        let caller = caller(&request);
        let id = request.into_inner().id;
        let action = path("RemoveCertificate");
        let access = &self.app.access;
        let removed = access.remove_certificate(&caller, &id, &action).await;
        Ok(Response::new(proto::RemoveCertificateResponse {
            certificate: Some(certificate(removed.map_err(status)?)),
        }))
    }

    async fn list_passkeys(
        &self,
        _request: Request<proto::ListPasskeysRequest>,
    ) -> Result<Response<proto::ListPasskeysResponse>, Status> {
        let listed = self.app.access.list_passkeys().await;
        let listed = listed.map_err(|error| store_status(&error))?;
        Ok(Response::new(proto::ListPasskeysResponse {
            passkeys: listed.into_iter().map(passkey).collect(),
        }))
    }

    async fn remove_passkey(
        &self,
        request: Request<proto::RemovePasskeyRequest>,
    ) -> Result<Response<proto::RemovePasskeyResponse>, Status> {
        let caller = caller(&request);
        let id = request.into_inner().id;
        let action = path("RemovePasskey");
        let removed = self.app.access.remove_passkey(&caller, &id, &action).await;
        let entry = removed.map_err(passkey_status)?;
        Ok(Response::new(proto::RemovePasskeyResponse {
            passkey: Some(passkey(ListedPasskey {
                entry,
                ends_ms: None,
                good: false,
            })),
        }))
    }

    async fn list_audit(
        &self,
        request: Request<proto::ListAuditRequest>,
    ) -> Result<Response<proto::ListAuditResponse>, Status> {
        let request = request.into_inner();
        let filter = AuditFilter {
            before: read_cursor(&request.cursor)
                .ok_or_else(|| Status::invalid_argument("this is no cursor of an audit log"))?,
            identity: request.identity,
            action: request.action,
            outcome: request.outcome,
            from_ms: request.from_ms,
            to_ms: match request.to_ms {
                0 => u64::MAX,
                to => to,
            },
            limit: match request.limit {
                0 => limits::DEFAULT_EVENTS_LISTED,
                limit => limit.min(limits::MAX_EVENTS_LISTED),
            },
        };
        let page = self.app.access.audit(&filter).await;
        let page = page.map_err(|error| store_status(&error))?;
        Ok(Response::new(proto::ListAuditResponse {
            next_cursor: cursor(page.next.as_ref()),
            entries: page.rows.into_iter().map(entry).collect(),
        }))
    }
}

/// `TIME-ID`; an empty text begins at the newest. `None` is no cursor.
pub(crate) fn read_cursor(text: &str) -> Option<Option<(u64, String)>> {
    if text.is_empty() {
        return Some(None);
    }
    let (time, id) = text.split_once('-')?;
    Some(Some((time.parse().ok()?, id.to_owned())))
}

pub(crate) fn cursor(next: Option<&(u64, String)>) -> String {
    next.map(|(time, id)| format!("{time}-{id}"))
        .unwrap_or_default()
}

fn status(error: AccessError) -> Status {
    match error {
        AccessError::Store(error) => store_status(&error),
        AccessError::Name
        | AccessError::Ended
        | AccessError::NoBinding(_)
        | AccessError::BoundRole(_)
        | AccessError::BadName(_) => Status::invalid_argument(error.to_string()),
        AccessError::Full | AccessError::Exists => Status::failed_precondition(error.to_string()),
        AccessError::Missing(_) => Status::not_found(error.to_string()),
        AccessError::NotAToken(_) | AccessError::NotOnce => {
            Status::unauthenticated(error.to_string())
        }
        AccessError::TooMany => Status::resource_exhausted(error.to_string()),
        AccessError::Entropy(_) => Status::unavailable(error.to_string()),
    }
}

fn passkey_status(error: PasskeyError) -> Status {
    match error {
        PasskeyError::Missing(_) => Status::not_found(error.to_string()),
        PasskeyError::NotYours(_) => Status::permission_denied(error.to_string()),
        PasskeyError::Store(error) => store_status(&error),
        // Nothing else comes of removing one.
        error => Status::internal(error.to_string()),
    }
}

fn role(role: Role) -> proto::Role {
    match role {
        Role::Viewer => proto::Role::Viewer,
        Role::Editor => proto::Role::Editor,
        Role::Approver => proto::Role::Approver,
        Role::Node => proto::Role::Node,
    }
}

fn asked_role(role: proto::Role) -> Result<Role, Status> {
    Ok(match role {
        proto::Role::Viewer => Role::Viewer,
        proto::Role::Editor => Role::Editor,
        proto::Role::Approver => Role::Approver,
        proto::Role::Node => Role::Node,
        proto::Role::Unspecified => return Err(Status::invalid_argument("it needs a role")),
    })
}

fn created(created: Created) -> proto::CreateTokenResponse {
    proto::CreateTokenResponse {
        token: Some(token(created.entry)),
        secret: created.secret.reveal().to_owned(),
    }
}

fn token(entry: TokenEntry) -> proto::Token {
    proto::Token {
        id: entry.id,
        name: entry.name,
        role: role(entry.role).into(),
        created_ms: entry.created_ms,
        created_by: entry.created_by,
        expires_ms: entry.expires_ms.unwrap_or(0),
        used_ms: entry.used_ms.unwrap_or(0),
        revoked_ms: entry.revoked_ms.unwrap_or(0),
        node: entry.node.map(|node| node.to_string()).unwrap_or_default(),
    }
}

fn passkey(listed: ListedPasskey) -> proto::Passkey {
    let entry = listed.entry;
    proto::Passkey {
        id: entry.id,
        name: entry.name,
        identity: entry.identity,
        role: role(entry.role).into(),
        created_ms: entry.created_ms,
        created_by: entry.created_by,
        used_ms: entry.used_ms.unwrap_or(0),
        ends_ms: listed.ends_ms.unwrap_or(0),
        removed_ms: entry.removed_ms.unwrap_or(0),
        good: listed.good,
    }
}

fn certificate(entry: CertificateEntry) -> proto::Certificate {
    proto::Certificate {
        id: entry.id,
        name: entry.name.to_string(),
        role: role(entry.role).into(),
        created_ms: entry.created_ms,
        created_by: entry.created_by,
        node: entry.node.map(|node| node.to_string()).unwrap_or_default(),
    }
}

fn entry(row: AuditRow) -> proto::AuditEntry {
    proto::AuditEntry {
        id: row.id,
        time_ms: row.time_ms,
        identity: row.identity,
        source: row.source,
        address: row.address,
        action: row.action,
        object: row.object,
        outcome: row.outcome.to_owned(),
        detail: row.detail,
        revision: row.revision,
        request_id: row.request_id,
    }
}
