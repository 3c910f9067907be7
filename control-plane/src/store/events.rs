//! Decision events, found by id or listed newest first.

use countersign_proto::event::v1::DecisionEvent;
use countersign_proto::node::v1::{Outcome, Step};
use countersign_proto::policy::v1::{ActionKind, Assurance};
use prost::Message as _;
use sqlx::any::{Any, AnyArguments};
use sqlx::query::Query;
use sqlx::{Arguments as _, AssertSqlSafe, Row as _};
use tokio_stream::StreamExt as _;

use crate::events::Wanted;
use crate::limits;
use crate::traffic::{Measure, Tallied};

use super::{Row, Store, StoreError, signed, text, unsigned};

/// Which events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// The deciding policy; none = all.
    pub policy: Option<String>,
    /// What was answered; none = all.
    pub action: Option<ActionKind>,
    /// The host; none = all.
    pub host: Option<String>,
    /// From this moment on, milliseconds since the Unix epoch.
    pub from_ms: u64,
    /// Before this moment; 0 = whenever.
    pub to_ms: u64,
    /// Challenges that came to this step.
    pub step: Option<Step>,
    /// Challenges that demanded this.
    pub demanded: Option<Assurance>,
    /// What no index knows: events are read one after the other.
    pub wanted: Wanted,
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
    /// Where the next page begins, if there is one. A search that found little may end before it
    /// looked at everything, see [`limits::MAX_EVENTS_SEARCHED`].
    pub next: Option<(u64, String)>,
}

/// How far events were read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Looked {
    /// How many.
    pub events: u32,
    /// The time of the oldest of them; 0 = there were none.
    pub since_ms: u64,
    /// There are no older ones.
    pub whole: bool,
}

/// Where an event stands in the list: its time and its id.
pub type EventPlace = (u64, String);

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
                .bind(text(id))
                .fetch_optional(&self.readers)
                .await?;
        match row {
            Some(row) => Ok(Some(StoredEvent {
                outcomes: self.outcomes(id).await?,
                ..event(&row)?
            })),
            None => Ok(None),
        }
    }

    /// Events newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn events(&self, filter: &EventFilter) -> Result<EventPage, StoreError> {
        let wanted = &filter.wanted;
        let most = filter.limit as usize;
        let mut events = Vec::new();
        let mut after = filter.after.clone();
        let mut searched = 0_u32;
        loop {
            // One more than shown tells whether there is a next page.
            let asked = if wanted.is_anything() {
                filter.limit.saturating_add(1)
            } else {
                limits::EVENTS_SEARCHED_AT_ONCE
            };
            let rows = self.event_rows(filter, after.as_ref(), asked).await?;
            let all = rows.len() < asked as usize;
            for row in &rows {
                let mut event = event(row)?;
                let place = (event.time_ms, event.decision.event_id.clone());
                // Only challenges are followed by anything.
                let followed = Measure::of_action(event.decision.action()) == Measure::Challenge;
                if followed && wanted.looks_at_outcomes() {
                    event.outcomes = self.outcomes(&event.decision.event_id).await?;
                }
                if wanted.is(&event.decision, &event.outcomes) {
                    if events.len() == most {
                        return Ok(EventPage {
                            events,
                            next: after,
                        });
                    }
                    if followed && !wanted.looks_at_outcomes() {
                        event.outcomes = self.outcomes(&event.decision.event_id).await?;
                    }
                    events.push(event);
                }
                after = Some(place);
            }
            searched = searched.saturating_add(asked);
            if all {
                return Ok(EventPage { events, next: None });
            }
            if searched >= limits::MAX_EVENTS_SEARCHED {
                return Ok(EventPage {
                    events,
                    next: after,
                });
            }
        }
    }

    /// Shows to `each` what is counted of events, newest first, at most `most` of them: how many there were,
    /// and whether that is all there are. One statement, read while it comes: many small ones, and whole
    /// events, take several times as long.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn tally_events(
        &self,
        filter: &EventFilter,
        most: u32,
        mut each: impl FnMut(&Tallied),
    ) -> Result<Looked, StoreError> {
        let mut looked = Looked::default();
        // One more than is looked at tells whether there are others.
        let query = event_query("time_ms, body", filter, None, most.saturating_add(1))?;
        let mut rows = query.fetch(&self.readers);
        while let Some(row) = rows.next().await {
            if looked.events == most {
                return Ok(looked);
            }
            let row = row?;
            let body: &[u8] = row.try_get("body")?;
            each(&Tallied::decode(body).map_err(unreadable)?);
            looked.since_ms = unsigned(row.try_get("time_ms")?);
            looked.events += 1;
        }
        looked.whole = true;
        Ok(looked)
    }

    async fn event_rows(
        &self,
        filter: &EventFilter,
        after: Option<&EventPlace>,
        limit: u32,
    ) -> Result<Vec<Row>, StoreError> {
        let query = event_query("event_id, time_ms, node, body", filter, after, limit)?;
        Ok(query.fetch_all(&self.readers).await?)
    }

    /// How many events there are since a time; `most` where there are more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn events_since(&self, since_ms: u64, most: u64) -> Result<u64, StoreError> {
        let count: i64 = sqlx::query(
            "SELECT COUNT(*) AS events FROM (SELECT 1 AS one FROM events WHERE time_ms >= $1 LIMIT $2) AS counted",
        )
        .bind(signed(since_ms))
        .bind(signed(most))
        .fetch_one(&self.readers)
        .await?
        .try_get("events")?;
        Ok(unsigned(count))
    }

    /// Decisions since a time, newest first, at most so many; with `before`, those that stand behind it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn newest_events(
        &self,
        since_ms: u64,
        before: Option<&EventPlace>,
        count: u32,
    ) -> Result<Vec<(EventPlace, DecisionEvent)>, StoreError> {
        let since = EventFilter {
            from_ms: since_ms,
            ..EventFilter::default()
        };
        let rows = self.event_rows(&since, before, count).await?;
        let told = rows.iter().map(|row| {
            let event = event(row)?;
            let place = (event.time_ms, event.decision.event_id.clone());
            Ok((place, event.decision))
        });
        told.collect()
    }

    /// What followed a challenge, oldest first.
    async fn outcomes(&self, id: &str) -> Result<Vec<Outcome>, StoreError> {
        let told = sqlx::query(
            "SELECT body FROM outcomes WHERE event_id = $1 ORDER BY time_ms, received_ms, sequence",
        )
        .bind(id)
        .fetch_all(&self.readers)
        .await?;
        let mut outcomes = Vec::with_capacity(told.len());
        for row in told {
            let body: Vec<u8> = row.try_get("body")?;
            outcomes.push(Outcome::decode(body.as_slice()).map_err(unreadable)?);
        }
        Ok(outcomes)
    }
}

/// Events that the indexes know, newest first.
fn event_query(
    columns: &'static str,
    filter: &EventFilter,
    after: Option<&EventPlace>,
    limit: u32,
) -> Result<Query<'static, Any, AnyArguments>, StoreError> {
    let mut conditions = String::new();
    let mut arguments = AnyArguments::default();
    let mut place = |condition: &str, value: Value<'_>| {
        let added = match value {
            Value::Text(said) => arguments.add(text(said)),
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
    if filter.from_ms > 0 {
        place(" AND time_ms >= $#", Value::Number(signed(filter.from_ms)))?;
    }
    if filter.to_ms > 0 {
        place(" AND time_ms < $#", Value::Number(signed(filter.to_ms)))?;
    }
    if let Some(step) = filter.step {
        place(
            " AND EXISTS (SELECT 1 FROM funnel WHERE funnel.event_id = events.event_id AND funnel.step = $#)",
            Value::Number(i64::from(i32::from(step))),
        )?;
    }
    if let Some(demanded) = filter.demanded {
        let demanded = i64::from(i32::from(demanded));
        place(" AND demanded = $#", Value::Number(demanded))?;
    }
    if let Some((time, id)) = after {
        let time = signed(*time);
        place(" AND (time_ms < $#", Value::Number(time))?;
        place(" OR (time_ms = $#", Value::Number(time))?;
        place(" AND event_id < $#))", Value::Text(id))?;
    }
    place(
        " ORDER BY time_ms DESC, event_id DESC LIMIT $#",
        Value::Number(i64::from(limit)),
    )?;
    let statement = format!("SELECT {columns} FROM events WHERE 1 = 1{conditions}");
    // Safe: it is put together from the texts above; what was asked for is bound.
    Ok(sqlx::query_with(AssertSqlSafe(statement), arguments))
}

fn unreadable(_: prost::DecodeError) -> StoreError {
    StoreError::Unreadable { what: "event" }
}

/// An event, without what followed it.
fn event(row: &Row) -> Result<StoredEvent, StoreError> {
    let body: Vec<u8> = row.try_get("body")?;
    Ok(StoredEvent {
        decision: DecisionEvent::decode(body.as_slice()).map_err(unreadable)?,
        node: row.try_get("node")?,
        time_ms: unsigned(row.try_get("time_ms")?),
        outcomes: Vec::new(),
    })
}
