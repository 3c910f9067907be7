//! A POST that carries a ticket: the checks that come before anything is done for it, in their order.

use axum::extract::Request;
use axum::http::HeaderMap;
use serde::de::DeserializeOwned;

use super::{Refusal, guard};
use crate::app::App;
use crate::authority::Authority;
use crate::cause::Cause;
use crate::limits;
use crate::session::Session;
use crate::ticket::{Scheme, Ticket, UnverifiedTicket};

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
    /// Reads and checks what a page's script sends. Every refusal from the ticket on names its event.
    pub(super) async fn read(app: &App, request: Request) -> Result<Self, Refusal> {
        let (headers, host) = asked(&request)?;
        let body = guard::json(request, limits::TICKET_BODY_BYTES).await;
        Self::check(app, headers, host, body, guard::same_origin)
    }

    /// The same of a form, which may come from where nobody says where from.
    pub(super) async fn read_form(app: &App, request: Request) -> Result<Self, Refusal> {
        let (headers, host) = asked(&request)?;
        let body = guard::form(request, limits::TICKET_BODY_BYTES).await;
        Self::check(app, headers, host, body, guard::not_cross_site)
    }

    fn check(
        app: &App,
        headers: HeaderMap,
        host: Authority,
        body: Result<B, Cause>,
        origin: fn(&HeaderMap, &Authority, &[Scheme]) -> Result<(), Cause>,
    ) -> Result<Self, Refusal> {
        let body = body.map_err(Refusal::of)?;
        let settings = app
            .current_settings()
            .ok_or_else(|| Refusal::of(Cause::NotReady))?;
        let ticket = UnverifiedTicket::new(body.ticket()).verify(
            &settings.ticket_keys,
            &host,
            app.clock.now_s(),
        )?;
        origin(&headers, &host, &[ticket.scheme()])
            .map_err(|cause| Refusal::with(cause, &ticket))?;
        Ok(Self {
            headers,
            host,
            body,
            ticket,
        })
    }
}

fn asked(request: &Request) -> Result<(HeaderMap, Authority), Refusal> {
    let headers = request.headers().clone();
    let authority = request.uri().authority().map(|a| a.as_str());
    let host = guard::host(authority, &headers).map_err(Refusal::of)?;
    Ok((headers, host))
}

/// The device that the browser's cookie names, where its session names it as well. Without that the name
/// is only a word that somebody sent.
pub(super) fn proven<'a>(session: Option<&'a Session>, cookie: Option<&str>) -> Option<&'a str> {
    let device = session.map(|session| session.device.as_str());
    device.filter(|device| cookie == Some(device))
}
