//! How a refusal is counted, told to the control plane, and shown.

use axum::Json;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use super::page;
use crate::app::App;
use crate::cause::{Cause, Face};
use crate::kind::Kind;
use crate::language::Language;
use crate::outcome::Step;
use crate::store::StoreError;
use crate::ticket::{Ticket, TicketError};

/// A request that is not followed.
#[derive(Debug)]
pub struct Refusal {
    /// The internal reason.
    pub cause: Cause,
    /// The ticket, where one was verified.
    ticket: Option<Box<Ticket>>,
    /// Tell the control plane: only while the ticket was valid.
    tell: bool,
    /// The device, where it is known.
    device: String,
    /// The kind of the ceremony, where there is one.
    kind: Option<Kind>,
    /// The ceremony goes on: so many answers more.
    tries_left: Option<u32>,
    /// The browser has what it came for: send it here.
    go: Option<String>,
    /// A `Set-Cookie` that goes with it.
    cookie: Option<HeaderValue>,
}

impl Refusal {
    /// Without a ticket.
    #[must_use]
    pub fn of(cause: Cause) -> Self {
        Self {
            cause,
            ticket: None,
            tell: false,
            device: String::new(),
            kind: None,
            tries_left: None,
            go: None,
            cookie: None,
        }
    }

    /// Of something that a valid ticket was asked for.
    #[must_use]
    pub fn with(cause: Cause, ticket: &Ticket) -> Self {
        // A passed ticket is no longer valid, and its challenge has its outcome already.
        let tell = !matches!(
            cause,
            Cause::TicketUsed | Cause::NotReady | Cause::Busy | Cause::StoreAway | Cause::Internal
        );
        Self {
            ticket: Some(Box::new(ticket.clone())),
            tell,
            ..Self::of(cause)
        }
    }

    /// The control plane knows already.
    #[must_use]
    pub fn untold(mut self) -> Self {
        self.tell = false;
        self
    }

    /// Names the device.
    #[must_use]
    pub fn by(mut self, device: &str) -> Self {
        device.clone_into(&mut self.device);
        self
    }

    /// Names the kind.
    #[must_use]
    pub fn of_kind(mut self, kind: Kind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// The ceremony takes so many answers more.
    #[must_use]
    pub fn tries_left(mut self, tries: u32) -> Self {
        self.tries_left = Some(tries);
        self
    }

    /// Sends the browser on.
    #[must_use]
    pub fn go(mut self, path: Option<String>) -> Self {
        self.go = path;
        self
    }

    /// Sets a cookie all the same.
    #[must_use]
    pub fn cookie(mut self, cookie: Option<HeaderValue>) -> Self {
        self.cookie = cookie;
        self
    }

    /// The ticket of a ceremony that goes on in spite of it.
    pub(super) fn goes_on(&self) -> Option<&Ticket> {
        self.tries_left.and(self.ticket.as_deref())
    }

    /// The problem document.
    pub async fn problem(self, app: &App) -> Response {
        self.settle(app).await;
        let face = self.cause.face();
        let mut body = json!({
            "type": format!("urn:countersign:problem:{}", face.slug()),
            "title": face.title(),
            "status": face.status().as_u16(),
        });
        if let (Some(ticket), Some(map)) = (&self.ticket, body.as_object_mut()) {
            map.insert("event_id".to_owned(), Value::from(ticket.event_id()));
        }
        if let (Some(path), Some(map)) = (&self.go, body.as_object_mut()) {
            map.insert("return".to_owned(), Value::from(path.as_str()));
        }
        if let (Some(tries), Some(map)) = (self.tries_left, body.as_object_mut()) {
            map.insert("tries_left".to_owned(), Value::from(tries));
        }
        let content_type = [(header::CONTENT_TYPE, "application/problem+json")];
        let mut response = (face.status(), content_type, Json(body)).into_response();
        self.finish(&mut response, face);
        response
    }

    /// The page.
    pub(super) async fn page(
        self,
        app: &App,
        language: &Language,
        teller: impl FnOnce(&Ticket) -> Option<page::Teller>,
    ) -> Response {
        self.settle(app).await;
        let face = self.cause.face();
        let teller = self.ticket.as_deref().and_then(teller);
        let ticket = self.ticket.as_deref();
        let mut response = page::notice(app, language, face, ticket, teller.as_ref());
        self.finish(&mut response, face);
        response
    }

    fn finish(self, response: &mut Response, face: Face) {
        if matches!(
            face,
            Face::Busy | Face::NotReady | Face::SlowDown | Face::MailAway
        ) {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
        }
        if let Some(cookie) = self.cookie {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }

    /// Counts, logs, and spools the outcome.
    pub(crate) async fn settle(&self, app: &App) {
        app.metrics
            .refusals
            .with_label_values(&[self.cause.name()])
            .inc();
        let event_id = self.ticket.as_ref().map(|ticket| ticket.event_id());
        tracing::info!(cause = self.cause.name(), event_id, "refused");
        if let (true, Some(ticket)) = (self.tell, &self.ticket)
            && let Err(error) = self.spool(app, ticket).await
        {
            tracing::error!(%error, "cannot spool an outcome");
        }
    }

    async fn spool(&self, app: &App, ticket: &Ticket) -> Result<(), StoreError> {
        let mut tx = app.store.write().await?;
        if app.store.note_claim(&mut tx, ticket).await? {
            let step = Step::Rejected(self.cause);
            app.record(&mut tx, ticket, self.kind, step, &self.device)
                .await?;
            tx.commit().await?;
            app.spool_grew.notify_one();
        }
        Ok(())
    }
}

impl From<TicketError> for Refusal {
    fn from(error: TicketError) -> Self {
        let cause = error.cause();
        let ticket = match error {
            // Its signature fits, so its path and id may be shown; valid it is no longer.
            TicketError::Expired(ticket) => Some(ticket),
            _ => None,
        };
        Self {
            ticket,
            ..Self::of(cause)
        }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Full(table) => {
                tracing::warn!(table, "full");
                Self::of(Cause::Busy)
            }
            error => Self::of(error.cause()),
        }
    }
}

impl From<sqlx::Error> for Refusal {
    fn from(error: sqlx::Error) -> Self {
        StoreError::from(error).into()
    }
}

impl From<crate::world::NoRandomness> for Refusal {
    fn from(error: crate::world::NoRandomness) -> Self {
        tracing::error!(%error, "no randomness");
        Self::of(Cause::Internal)
    }
}
