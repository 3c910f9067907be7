//! A POST that carries a ticket: the checks that come before anything is done for it, in their order.

use axum::extract::Request;
use axum::http::HeaderMap;
use serde::de::DeserializeOwned;

use super::{Refusal, guard};
use crate::app::App;
use crate::authority::Authority;
use crate::cause::Cause;
use crate::limits;
use crate::ticket::{Ticket, UnverifiedTicket};

/// A body that names its ticket.
pub(super) trait TicketBody: DeserializeOwned {
    /// As it was sent; nobody has verified it.
    fn ticket(&self) -> &str;
}

/// A request whose host, body, ticket and origin are in order.
pub(super) struct Presented<B> {
    pub(super) headers: HeaderMap,
    pub(super) host: Authority,
    pub(super) body: B,
    pub(super) ticket: Ticket,
}

impl<B: TicketBody> Presented<B> {
    /// Reads and checks. Every refusal from the ticket on names its event.
    pub(super) async fn read(app: &App, request: Request) -> Result<Self, Refusal> {
        let headers = request.headers().clone();
        let host = guard::host(request.uri().authority().map(|a| a.as_str()), &headers)
            .map_err(Refusal::of)?;
        let body: B = guard::json(request, limits::TICKET_BODY_BYTES)
            .await
            .map_err(Refusal::of)?;
        let settings = app
            .current_settings()
            .ok_or_else(|| Refusal::of(Cause::NotReady))?;
        let ticket = UnverifiedTicket::new(body.ticket()).verify(
            &settings.ticket_keys,
            &host,
            app.clock.now_s(),
        )?;
        guard::same_origin(&headers, &host, &[ticket.scheme()])
            .map_err(|cause| Refusal::with(cause, &ticket))?;
        Ok(Self {
            headers,
            host,
            body,
            ticket,
        })
    }
}
