//! What became of each ticket: seen, tried how often, passed.

use std::sync::atomic::Ordering;

use super::{Connection, Store, StoreError, sql};
use crate::limits;
use crate::ticket::Ticket;

/// Whether a ticket may start another ceremony.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    /// It may.
    Granted,
    /// It has been passed.
    Passed,
    /// It has had its share.
    TooMany,
}

impl Store {
    /// Whether the ticket was passed.
    pub async fn ticket_passed(&self, event_id: &str) -> Result<bool, StoreError> {
        let passed: Option<i64> =
            sqlx::query_scalar("SELECT passed FROM tickets WHERE event_id = $1")
                .bind(event_id)
                .fetch_optional(self.reads()?)
                .await?;
        Ok(passed.is_some_and(|passed| passed != 0))
    }

    /// Notes that the page was served, `true` the first time.
    pub async fn note_page(
        &self,
        on: &mut Connection,
        ticket: &Ticket,
    ) -> Result<bool, StoreError> {
        let served = "UPDATE tickets SET page_served = 1 WHERE event_id = $1 AND page_served < $2";
        let first = Marks {
            page_served: 1,
            ..Marks::default()
        };
        self.note(on, ticket, served, 1, first).await
    }

    /// Counts one more ceremony, if the ticket may start one.
    pub async fn note_attempt(
        &self,
        on: &mut Connection,
        ticket: &Ticket,
    ) -> Result<Attempt, StoreError> {
        let one_more = "UPDATE tickets SET attempts = attempts + 1 \
                        WHERE event_id = $1 AND passed = 0 AND attempts < $2";
        let first = Marks {
            attempts: 1,
            ..Marks::default()
        };
        let most = limits::ATTEMPTS_PER_TICKET;
        if self.note(on, ticket, one_more, most, first).await? {
            return Ok(Attempt::Granted);
        }
        let passed: i64 = sqlx::query_scalar("SELECT passed FROM tickets WHERE event_id = $1")
            .bind(ticket.event_id())
            .fetch_one(on)
            .await?;
        Ok(if passed != 0 {
            Attempt::Passed
        } else {
            Attempt::TooMany
        })
    }

    /// Counts something that a page, or a refused request, says about a ticket; `false` when it has
    /// said enough: one ticket must not be able to fill the spool.
    pub async fn note_claim(
        &self,
        on: &mut Connection,
        ticket: &Ticket,
    ) -> Result<bool, StoreError> {
        let one_more = "UPDATE tickets SET claims = claims + 1 \
                        WHERE event_id = $1 AND passed = 0 AND claims < $2";
        let first = Marks {
            claims: 1,
            ..Marks::default()
        };
        let most = limits::CLAIMS_PER_TICKET;
        self.note(on, ticket, one_more, most, first).await
    }

    /// Passes the ticket; `false` when another ceremony already has.
    pub async fn pass_ticket(
        &self,
        on: &mut Connection,
        ticket: &Ticket,
    ) -> Result<bool, StoreError> {
        let pass = "UPDATE tickets SET passed = 1 WHERE event_id = $1 AND passed < $2";
        let first = Marks {
            passed: 1,
            ..Marks::default()
        };
        self.note(on, ticket, pass, 1, first).await
    }

    /// Changes the ticket's row by `update`, which holds while something is below `most`, or makes it as
    /// it is `first`; `false` when it may not be changed. The update comes before the row is there,
    /// because it nearly always is.
    async fn note(
        &self,
        on: &mut Connection,
        ticket: &Ticket,
        update: &'static str,
        most: u64,
        first: Marks,
    ) -> Result<bool, StoreError> {
        let updated = sqlx::query(update)
            .bind(ticket.event_id())
            .bind(sql(most))
            .execute(&mut *on)
            .await?;
        if updated.rows_affected() == 1 {
            return Ok(true);
        }
        // A ceremony may outlive the ticket that began it; until then the ticket is remembered, or
        // it could be passed twice.
        let expires = ticket.last_s().saturating_add(limits::CEREMONY_LONGEST_S);
        let full = self.tickets.load(Ordering::Relaxed) >= limits::TICKETS;
        let made = sqlx::query(
            "INSERT INTO tickets (event_id, expires_s, page_served, attempts, claims, passed) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (event_id) DO NOTHING",
        )
        .bind(ticket.event_id())
        .bind(sql(expires))
        .bind(first.page_served)
        .bind(first.attempts)
        .bind(first.claims)
        .bind(first.passed)
        .execute(on)
        .await?;
        match made.rows_affected() {
            // The caller's transaction is dropped with the error, and the row with it.
            1 if full => Err(StoreError::Full("tickets")),
            rows => {
                self.tickets.fetch_add(rows, Ordering::Relaxed);
                Ok(rows == 1)
            }
        }
    }
}

/// What is noted of a ticket.
#[derive(Clone, Copy, Debug, Default)]
struct Marks {
    page_served: i64,
    attempts: i64,
    claims: i64,
    passed: i64,
}
