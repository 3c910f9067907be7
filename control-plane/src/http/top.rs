//! What occurs most.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use serde::{Deserialize, Serialize};

use super::json::{CountsJson, time};
use super::problem::Problem;
use super::words;
use crate::grpc::traffic_counts;
use crate::limits;
use crate::runtime::App;
use crate::store::{EventFilter, Looked};
use crate::traffic::{By, Counts, Tally};

/// The parameters as they come.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Parameters {
    by: String,
    from: String,
    to: String,
    policy: String,
    host: String,
    action: String,
    limit: u32,
}

#[derive(Debug, Serialize)]
struct EntryJson {
    key: String,
    counts: CountsJson,
}

/// The answer.
#[derive(Debug, Serialize)]
pub(super) struct TopJson {
    by: &'static str,
    entries: Vec<EntryJson>,
    /// The sum of all that are not among the entries.
    others: CountsJson,
    /// Of which events; none where roll-ups were counted, which know all.
    #[serde(skip_serializing_if = "Option::is_none")]
    events: Option<EventsJson>,
}

#[derive(Debug, Serialize)]
struct EventsJson {
    looked_at: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    /// Those are all that there are in the range.
    whole: bool,
}

/// Where no range is given.
const DEFAULT_RANGE_MS: u64 = 3_600_000;

/// `GET /api/v1/top`.
pub(super) async fn top(
    State(app): State<App>,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Result<Json<TopJson>, Problem> {
    let Query(asked) = parameters.map_err(|error| Problem::bad_request(error.body_text()))?;
    let by =
        By::parse(&asked.by).ok_or_else(|| words::none_of("by", By::ALL.map(|(word, _)| word)))?;
    let given_to = words::moment("to", &asked.to)?;
    let to = match given_to {
        0 => app.clock.now(),
        to => to,
    };
    let from = match words::moment("from", &asked.from)? {
        0 => to.saturating_sub(DEFAULT_RANGE_MS),
        from => from,
    };
    let most = match asked.limit {
        0 => limits::DEFAULT_TOP,
        limit => limit.min(limits::MAX_TOP),
    };
    let action = words::action(&asked.action)?;
    let mut tally = Tally::new(by);
    // The roll-ups of an action alone could be had as well; what is behind a figure is looked for in
    // the events.
    let rolled_up = by.is_rolled_up() && asked.action.is_empty();
    let looked = if rolled_up {
        let minutes = (from / 60_000, to / 60_000);
        let by_policy = by == By::Policy;
        let sums = app
            .store
            .sums(by_policy, minutes, &asked.policy, &asked.host)
            .await?;
        for (key, measure, count) in sums {
            tally.add_sum(&key, measure, count);
        }
        None
    } else {
        let some = |text: String| (!text.is_empty()).then_some(text);
        let filter = EventFilter {
            policy: some(asked.policy),
            host: some(asked.host),
            action: (!asked.action.is_empty()).then_some(action),
            from_ms: from,
            to_ms: given_to,
            ..EventFilter::default()
        };
        let most = limits::MAX_EVENTS_TALLIED;
        let each = |event: &_| tally.add(event);
        Some(app.store.tally_events(&filter, most, each).await?)
    };
    let (entries, others) = tally.top(most as usize);
    let entries = entries.into_iter().map(|entry| EntryJson {
        counts: counts(&entry.counts),
        key: entry.key,
    });
    Ok(Json(TopJson {
        by: by.as_str(),
        entries: entries.collect(),
        others: counts(&others),
        events: looked.map(EventsJson::from),
    }))
}

fn counts(counts: &Counts) -> CountsJson {
    traffic_counts(counts).into()
}

impl From<Looked> for EventsJson {
    fn from(looked: Looked) -> Self {
        Self {
            looked_at: looked.events,
            since: time(looked.since_ms),
            whole: looked.whole,
        }
    }
}
