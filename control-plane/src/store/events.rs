//! Decision events, found by id or listed newest first.

use countersign_proto::event::v1::DecisionEvent;
use countersign_proto::node::v1::Outcome;
use countersign_proto::policy::v1::ActionKind;
use prost::Message as _;
use sqlx::any::AnyArguments;
use sqlx::{Arguments as _, AssertSqlSafe, Row as _};

use super::{Row, Store, StoreError, signed, unsigned};

/// Which events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// The deciding policy; none = all.
    pub policy: Option<String>,
    /// What was answered; none = all.
    pub action: Option<ActionKind>,
    /// The host; none = all.
    pub host: Option<String>,
    /// At most so many.
    pub limit: u32,
    /// Only what comes after this place: time and id of the last one shown.
    pub after: Option<(u64, String)>,
}

/// An event and what followed it.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredEvent {
    /// What the filter told.
    pub decision: DecisionEvent,
    /// The node that told it.
    pub node: String,
    /// Its place in the list.
    pub time_ms: u64,
    /// What followed, oldest first.
    pub outcomes: Vec<Outcome>,
}

/// Some events, newest first.
#[derive(Clone, Debug, PartialEq)]
pub struct EventPage {
    /// The events.
    pub events: Vec<StoredEvent>,
    /// Where the next page begins, if there is one.
    pub next: Option<(u64, String)>,
}

/// What a condition compares with.
enum Value<'a> {
    Text(&'a str),
    Number(i64),
}

impl Store {
    /// One event with what followed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn event(&self, id: &str) -> Result<Option<StoredEvent>, StoreError> {
        let row =
            sqlx::query("SELECT event_id, time_ms, node, body FROM events WHERE event_id = $1")
                .bind(id)
                .fetch_optional(&self.readers)
                .await?;
        match row {
            Some(row) => Ok(Some(self.with_outcomes(&row).await?)),
            None => Ok(None),
        }
    }

    /// Events newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn events(&self, filter: &EventFilter) -> Result<EventPage, StoreError> {
        let mut conditions = String::new();
        let mut arguments = AnyArguments::default();
        let mut place = |condition: &str, value: Value<'_>| {
            let added = match value {
                Value::Text(text) => arguments.add(text.to_owned()),
                Value::Number(number) => arguments.add(number),
            };
            let number = arguments.len().to_string();
            conditions.push_str(&condition.replace('#', &number));
            added.map_err(sqlx::Error::Encode)
        };
        if let Some(policy) = &filter.policy {
            place(" AND policy = $#", Value::Text(policy))?;
        }
        if let Some(action) = filter.action {
            let action = i64::from(i32::from(action));
            place(" AND action = $#", Value::Number(action))?;
        }
        if let Some(host) = &filter.host {
            place(" AND host = $#", Value::Text(host))?;
        }
        if let Some((time, id)) = &filter.after {
            let time = signed(*time);
            place(" AND (time_ms < $#", Value::Number(time))?;
            place(" OR (time_ms = $#", Value::Number(time))?;
            place(" AND event_id < $#))", Value::Text(id))?;
        }
        // One more than shown tells whether there is a next page.
        let limit = i64::from(filter.limit).saturating_add(1);
        place(
            " ORDER BY time_ms DESC, event_id DESC LIMIT $#",
            Value::Number(limit),
        )?;
        let statement =
            format!("SELECT event_id, time_ms, node, body FROM events WHERE 1 = 1{conditions}");
        // Safe: it is put together from the texts above; what was asked for is bound.
        let query = sqlx::query_with(AssertSqlSafe(statement), arguments);
        let mut rows = query.fetch_all(&self.readers).await?;
        let more = rows.len() > filter.limit as usize;
        rows.truncate(filter.limit as usize);
        let mut events = Vec::with_capacity(rows.len());
        for row in &rows {
            events.push(self.with_outcomes(row).await?);
        }
        let last = events.last().filter(|_| more);
        let next = last.map(|event| (event.time_ms, event.decision.event_id.clone()));
        Ok(EventPage { events, next })
    }

    async fn with_outcomes(&self, row: &Row) -> Result<StoredEvent, StoreError> {
        let unreadable = |_| StoreError::Unreadable { what: "event" };
        let id: String = row.try_get("event_id")?;
        let body: Vec<u8> = row.try_get("body")?;
        let told = sqlx::query(
            "SELECT body FROM outcomes WHERE event_id = $1 ORDER BY time_ms, received_ms, sequence",
        )
        .bind(&id)
        .fetch_all(&self.readers)
        .await?;
        let mut outcomes = Vec::with_capacity(told.len());
        for row in told {
            let body: Vec<u8> = row.try_get("body")?;
            outcomes.push(Outcome::decode(body.as_slice()).map_err(unreadable)?);
        }
        Ok(StoredEvent {
            decision: DecisionEvent::decode(body.as_slice()).map_err(unreadable)?,
            node: row.try_get("node")?,
            time_ms: unsigned(row.try_get("time_ms")?),
            outcomes,
        })
    }
}
