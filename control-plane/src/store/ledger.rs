//! Events that workers say they wrote, beside events that arrived.
//!
//! Both are counted by node and by the time that they carry themselves, in slots: a report of a worker
//! says how many events it wrote until then, so that all events until the end of a slot must be at least
//! as many as the last reports of that slot say. What arrives again counts once, and what arrives late
//! counts in its own slot, so that a gap closes when a relay delivers.

use std::collections::BTreeMap;

use sqlx::Row as _;

use super::{Store, StoreError, Tx, bulk, signed, text, unsigned};
use crate::limits::{self, millis};

/// What a configuration of a VM wrote until a time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Written {
    /// The node.
    pub node: String,
    /// One of its workers' VMs.
    pub vm: String,
    /// Which configuration of it.
    pub context: u64,
    /// When it said so, see [`slot`].
    pub slot: u64,
    /// Events since the configuration began.
    pub events: u64,
}

/// A node's events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gap {
    /// Its workers wrote so many.
    pub written: u64,
    /// So many arrived, each counted once.
    pub received: u64,
}

impl Gap {
    /// At least so many were written and have not arrived.
    #[must_use]
    pub const fn missing(&self) -> u64 {
        self.written.saturating_sub(self.received)
    }
}

/// The slot of a time in milliseconds since the Unix epoch.
#[must_use]
pub const fn slot(time_ms: u64) -> u64 {
    time_ms / millis(limits::LEDGER_SLOT)
}

impl Store {
    /// Notes what workers wrote; what was noted before, here or by another replica, is not noted again.
    ///
    /// # Errors
    /// When the database fails: then nothing was noted.
    pub async fn note_written(&self, told: &[Written]) -> Result<(), StoreError> {
        if told.is_empty() {
            return Ok(());
        }
        let mut tx = self.begin().await?;
        let mut sums: BTreeMap<(&str, u64), u64> = BTreeMap::new();
        for written in told {
            let before = self.told_before(&mut tx, written).await?;
            let more = written.events.saturating_sub(before);
            if more > 0 {
                let sum = sums.entry((&written.node, written.slot)).or_default();
                *sum = sum.saturating_add(more);
            }
        }
        let sums: Vec<_> = sums
            .into_iter()
            .map(|((node, slot), written)| (node.to_owned(), slot, written))
            .collect();
        add(&mut tx, &sums, "written").await?;
        tx.commit().await?;
        Ok(())
    }

    /// What the configuration had told before, which is then what it tells now.
    async fn told_before(&self, tx: &mut Tx, written: &Written) -> Result<u64, StoreError> {
        let node = text(&written.node);
        let known = sqlx::query(
            "SELECT slot, events FROM event_told WHERE node = $1 AND vm = $2 AND context = $3",
        )
        .bind(node.clone())
        .bind(text(&written.vm))
        .bind(signed(written.context))
        .fetch_optional(&mut **tx)
        .await?;
        // A node that is new to the ledger is compared from a slot on by which its workers were heard.
        // What each of them tells first from then on is where it begins: it may have written a part of
        // that before.
        let from = self.opened_at(tx, written).await?;
        let before = match known {
            Some(row) if unsigned(row.try_get("slot")?) >= from => unsigned(row.try_get("events")?),
            None if written.slot > from => 0,
            _ => written.events,
        };
        sqlx::query(
            "INSERT INTO event_told (node, vm, context, slot, events) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (node, vm, context) DO UPDATE SET slot = excluded.slot, events = excluded.events \
             WHERE event_told.events < excluded.events OR event_told.slot < excluded.slot",
        )
        .bind(node)
        .bind(text(&written.vm))
        .bind(signed(written.context))
        .bind(signed(written.slot))
        .bind(signed(written.events.max(before)))
        .execute(&mut **tx)
        .await?;
        Ok(before)
    }

    async fn opened_at(&self, tx: &mut Tx, written: &Written) -> Result<u64, StoreError> {
        let node = text(&written.node);
        sqlx::query(
            "INSERT INTO event_nodes (node, from_slot) VALUES ($1, $2) ON CONFLICT (node) DO NOTHING",
        )
        .bind(node.clone())
        .bind(signed(written.slot.saturating_add(limits::LEDGER_OPENS)))
        .execute(&mut **tx)
        .await?;
        let row = sqlx::query("SELECT from_slot FROM event_nodes WHERE node = $1")
            .bind(node)
            .fetch_one(&mut **tx)
            .await?;
        Ok(unsigned(row.try_get("from_slot")?))
    }

    /// Every node's events until the end of a slot.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn gaps(&self, until: u64) -> Result<BTreeMap<String, Gap>, StoreError> {
        let rows = sqlx::query(
            "SELECT l.node, CAST(SUM(l.written) AS BIGINT) AS written, \
             CAST(SUM(l.received) AS BIGINT) AS received \
             FROM event_ledger l JOIN event_nodes n ON n.node = l.node \
             WHERE l.slot <= $1 AND (l.slot = 0 OR l.slot >= n.from_slot) GROUP BY l.node",
        )
        .bind(signed(until))
        .fetch_all(&self.readers)
        .await?;
        rows.iter()
            .map(|row| {
                let gap = Gap {
                    written: unsigned(row.try_get("written")?),
                    received: unsigned(row.try_get("received")?),
                };
                Ok((row.try_get("node")?, gap))
            })
            .collect()
    }
}

/// Counts events that arrived and were not there before.
pub(super) async fn add_received(
    tx: &mut Tx,
    received: BTreeMap<(&str, u64), u64>,
) -> Result<(), StoreError> {
    let sums: Vec<_> = received
        .into_iter()
        .map(|((node, slot), count)| (node.to_owned(), slot, count))
        .collect();
    add(tx, &sums, "received").await
}

async fn add(
    tx: &mut Tx,
    sums: &[(String, u64, u64)],
    column: &'static str,
) -> Result<(), StoreError> {
    let other = if column == "written" {
        "received"
    } else {
        "written"
    };
    for stretch in bulk::stretches(sums) {
        let sql = bulk::values(
            &format!("INSERT INTO event_ledger (node, slot, {column}, {other}) VALUES"),
            4,
            stretch.len(),
            &format!(
                " ON CONFLICT (node, slot) DO UPDATE SET {column} = event_ledger.{column} + excluded.{column}"
            ),
        );
        // Safe: the names of columns are the two above.
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
        for (node, slot, count) in stretch {
            query = query
                .bind(text(node))
                .bind(signed(*slot))
                .bind(signed(*count))
                .bind(0_i64);
        }
        query.execute(&mut **tx).await?;
    }
    Ok(())
}

/// Sums up what is long past, and forgets configurations and nodes that are long gone.
pub(super) async fn fold(tx: &mut Tx, now: u64) -> Result<(), StoreError> {
    let before = signed(slot(now.saturating_sub(millis(limits::LEDGER_FOLDS_AFTER))));
    let gone = signed(slot(
        now.saturating_sub(millis(limits::LEDGER_FORGETS_AFTER)),
    ));
    for (statement, bound) in [
        (
            "INSERT INTO event_ledger (node, slot, written, received) \
             SELECT l.node, 0, CAST(SUM(l.written) AS BIGINT), CAST(SUM(l.received) AS BIGINT) \
             FROM event_ledger l JOIN event_nodes n ON n.node = l.node \
             WHERE l.slot > 0 AND l.slot < $1 AND l.slot >= n.from_slot GROUP BY l.node \
             ON CONFLICT (node, slot) DO UPDATE SET \
             written = event_ledger.written + excluded.written, \
             received = event_ledger.received + excluded.received",
            before,
        ),
        (
            "DELETE FROM event_ledger WHERE slot > 0 AND slot < $1",
            before,
        ),
        ("DELETE FROM event_told WHERE slot < $1", gone),
    ] {
        sqlx::query(statement)
            .bind(bound)
            .execute(&mut **tx)
            .await?;
    }
    for statement in [
        "DELETE FROM event_nodes WHERE from_slot < $1 AND NOT EXISTS \
         (SELECT 1 FROM event_told t WHERE t.node = event_nodes.node)",
        "DELETE FROM event_ledger WHERE slot < $1 AND NOT EXISTS \
         (SELECT 1 FROM event_nodes n WHERE n.node = event_ledger.node)",
    ] {
        sqlx::query(statement).bind(gone).execute(&mut **tx).await?;
    }
    Ok(())
}
