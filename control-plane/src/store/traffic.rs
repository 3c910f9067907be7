//! Roll-ups: storage grows with policies and minutes, not with requests.

use sqlx::Row as _;

use super::{Row, Store, StoreError, signed, text, unsigned};
use crate::traffic::Measure;
use countersign_engine::Assurance as Grade;
use countersign_proto::policy::v1::Assurance;

/// A sum over one stretch of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RollupRow {
    /// The stretch's first minute, since the Unix epoch.
    pub minute: u64,
    /// Empty = none.
    pub policy: String,
    /// Of what.
    pub measure: Measure,
    /// What was demanded; of `satisfied` what the session had proven.
    pub assurance: Assurance,
    /// Why rejected, what a pass has proven; else empty.
    pub detail: String,
    /// How much.
    pub count: u64,
}

/// Everything ever counted and still kept, by policy and measure.
pub type RollupTotals = Vec<(String, Measure, u64)>;

impl Store {
    /// Sums by stretches of `step` minutes over the minutes `from..=to`; an empty policy or host is
    /// all of them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn traffic(
        &self,
        (from, to): (u64, u64),
        step: u64,
        policy: &str,
        host: &str,
    ) -> Result<Vec<RollupRow>, StoreError> {
        let step = step.max(1);
        let rows = sqlx::query(
            "SELECT minute / $1 AS stretch, policy, measure, assurance, detail, \
             CAST(SUM(count) AS BIGINT) AS sum FROM rollups \
             WHERE minute >= $2 AND minute <= $3 AND ($4 = '' OR policy = $4) AND ($5 = '' OR host = $5) \
             GROUP BY minute / $1, policy, measure, assurance, detail",
        )
        .bind(signed(step))
        .bind(signed(from))
        .bind(signed(to))
        .bind(text(policy))
        .bind(text(host))
        .fetch_all(&self.readers)
        .await?;
        let mut sums = Vec::with_capacity(rows.len());
        for row in rows {
            // A measure of a later release is not ours to count.
            let Some(measure) = Measure::parse(row.try_get("measure")?) else {
                continue;
            };
            sums.push(RollupRow {
                minute: unsigned(row.try_get("stretch")?).saturating_mul(step),
                policy: row.try_get("policy")?,
                measure,
                assurance: assurance(row.try_get("assurance")?),
                detail: row.try_get("detail")?,
                count: unsigned(row.try_get("sum")?),
            });
        }
        sums.sort_by(|a, b| {
            let place = (a.minute, &a.policy, a.measure).cmp(&(b.minute, &b.policy, b.measure));
            let (a_grade, b_grade) = (i32::from(a.assurance), i32::from(b.assurance));
            place.then_with(|| (a_grade, &a.detail).cmp(&(b_grade, &b.detail)))
        });
        Ok(sums)
    }

    /// Sums over the minutes `from..=to` by host or, if `by_policy`, by policy: key, measure, how much.
    /// An empty policy or host is all of them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sums(
        &self,
        by_policy: bool,
        (from, to): (u64, u64),
        policy: &str,
        host: &str,
    ) -> Result<RollupTotals, StoreError> {
        let sql = if by_policy {
            "SELECT policy AS place, measure, CAST(SUM(count) AS BIGINT) AS sum FROM rollups \
             WHERE minute >= $1 AND minute <= $2 AND ($3 = '' OR policy = $3) AND ($4 = '' OR host = $4) \
             GROUP BY policy, measure"
        } else {
            "SELECT host AS place, measure, CAST(SUM(count) AS BIGINT) AS sum FROM rollups \
             WHERE minute >= $1 AND minute <= $2 AND ($3 = '' OR policy = $3) AND ($4 = '' OR host = $4) \
             GROUP BY host, measure"
        };
        let rows = sqlx::query(sql)
            .bind(signed(from))
            .bind(signed(to))
            .bind(text(policy))
            .bind(text(host))
            .fetch_all(&self.readers)
            .await?;
        sums(&rows, "place")
    }

    /// Sums over everything that is kept.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn totals(&self) -> Result<RollupTotals, StoreError> {
        let rows = sqlx::query(
            "SELECT policy, measure, CAST(SUM(count) AS BIGINT) AS sum FROM rollups \
             GROUP BY policy, measure",
        )
        .fetch_all(&self.readers)
        .await?;
        sums(&rows, "policy")
    }

    /// The hosts that have roll-ups of their own in this minute.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn hosts_of_minute(&self, minute: u64) -> Result<Vec<String>, StoreError> {
        let rows = sqlx::query("SELECT DISTINCT host FROM rollups WHERE minute = $1")
            .bind(signed(minute))
            .fetch_all(&self.readers)
            .await?;
        rows.iter().map(|row| Ok(row.try_get("host")?)).collect()
    }
}

fn sums(rows: &[Row], place: &str) -> Result<RollupTotals, StoreError> {
    let mut sums = Vec::with_capacity(rows.len());
    for row in rows {
        // A measure of a later release is not ours to count.
        let Some(measure) = Measure::parse(row.try_get("measure")?) else {
            continue;
        };
        let count = unsigned(row.try_get("sum")?);
        sums.push((row.try_get(place)?, measure, count));
    }
    Ok(sums)
}

/// A grade of a later release counts as none.
fn assurance(word: &str) -> Assurance {
    Grade::from_word(word).unwrap_or_default().to_wire()
}
