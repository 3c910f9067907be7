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
        let mut contexts: BTreeMap<Context<'_>, Vec<&Written>> = BTreeMap::new();
        // A node that is new is compared from a slot on by which its workers were heard.
        let mut opened: BTreeMap<&str, u64> = BTreeMap::new();
        for written in told {
            let context = (written.node.as_str(), written.vm.as_str(), written.context);
            contexts.entry(context).or_default().push(written);
            let from = written.slot.saturating_add(limits::LEDGER_OPENS);
            let first = opened.entry(&written.node).or_insert(from);
            *first = from.min(*first);
        }
        let mut tx = self.begin().await?;
        let opened: Vec<_> = opened.into_iter().collect();
        let from = open(&mut tx, &opened).await?;
        let mut sums: BTreeMap<(&str, u64), u64> = BTreeMap::new();
        let contexts: Vec<_> = contexts.into_iter().collect();
        for stretch in bulk::stretches(&contexts) {
            let known = told_before(&mut tx, stretch).await?;
            let mut now = Vec::with_capacity(stretch.len());
            for (context, said) in stretch {
                let from = from.get(context.0).copied().unwrap_or(0);
                let mut last = known.get(context).copied();
                let mut said = said.clone();
                said.sort_unstable_by_key(|written| written.slot);
                for written in said {
                    let before = last.before(written, from);
                    let more = written.events.saturating_sub(before);
                    if more > 0 {
                        let sum = sums.entry((context.0, written.slot)).or_default();
                        *sum = sum.saturating_add(more);
                    }
                    last = last.after(written.slot, written.events.max(before));
                }
                now.extend(last.map(|told| (*context, told)));
            }
            tell(&mut tx, &now).await?;
        }
        let sums: Vec<_> = sums
            .into_iter()
            .map(|((node, slot), written)| (node.to_owned(), slot, written))
            .collect();
        add(&mut tx, &sums, "written").await?;
        tx.commit().await?;
        Ok(())
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

/// Node, VM, configuration.
type Context<'a> = (&'a str, &'a str, u64);

/// What a configuration told last: slot and events.
type Told = (u64, u64);

/// What was told before, and what is with what is told now.
trait Telling {
    fn before(&self, written: &Written, from: u64) -> u64;
    fn after(self, slot: u64, events: u64) -> Self;
}

impl Telling for Option<Told> {
    /// What each worker tells first from `from` on is where it begins: it may have written a part of that
    /// before. A configuration that began later begins at zero.
    fn before(&self, written: &Written, from: u64) -> u64 {
        match self {
            Some((slot, events)) if *slot >= from => *events,
            None if written.slot > from => 0,
            _ => written.events,
        }
    }

    fn after(self, slot: u64, events: u64) -> Self {
        match self {
            Some((known, most)) if most >= events && known >= slot => Some((known, most)),
            _ => Some((slot, events)),
        }
    }
}

/// Opens the nodes that are not, and tells from which slot on each is compared.
async fn open<'a>(
    tx: &mut Tx,
    nodes: &[(&'a str, u64)],
) -> Result<BTreeMap<&'a str, u64>, StoreError> {
    let mut from = BTreeMap::new();
    for stretch in bulk::stretches(nodes) {
        let sql = bulk::values(
            "INSERT INTO event_nodes (node, from_slot) VALUES",
            2,
            stretch.len(),
            " ON CONFLICT (node) DO NOTHING",
        );
        // Safe: it is put together from places only.
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
        for (node, slot) in stretch {
            query = query.bind(text(node)).bind(signed(*slot));
        }
        query.execute(&mut **tx).await?;
        let sql = bulk::list(
            "SELECT node, from_slot FROM event_nodes WHERE node IN",
            stretch.len(),
            "",
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
        for (node, _) in stretch {
            query = query.bind(text(node));
        }
        let mut slots = BTreeMap::new();
        for row in query.fetch_all(&mut **tx).await? {
            let slot = unsigned(row.try_get("from_slot")?);
            slots.insert(row.try_get::<String, _>("node")?, slot);
        }
        for (node, _) in stretch {
            if let Some(slot) = slots.get(&text(node)) {
                from.insert(*node, *slot);
            }
        }
    }
    Ok(from)
}

async fn told_before<'a>(
    tx: &mut Tx,
    stretch: &[(Context<'a>, Vec<&Written>)],
) -> Result<BTreeMap<Context<'a>, Told>, StoreError> {
    let sql = bulk::values(
        "SELECT node, vm, context, slot, events FROM event_told WHERE (node, vm, context) IN (VALUES",
        3,
        stretch.len(),
        ")",
    );
    let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
    for ((node, vm, context), _) in stretch {
        query = query.bind(text(node)).bind(text(vm)).bind(signed(*context));
    }
    let mut rows = BTreeMap::new();
    for row in query.fetch_all(&mut **tx).await? {
        let context = (
            row.try_get::<String, _>("node")?,
            row.try_get::<String, _>("vm")?,
            row.try_get::<i64, _>("context")?,
        );
        let told = (
            unsigned(row.try_get("slot")?),
            unsigned(row.try_get("events")?),
        );
        rows.insert(context, told);
    }
    let known = stretch.iter().filter_map(|(context, _)| {
        let (node, vm, number) = *context;
        let stored = (text(node), text(vm), signed(number));
        Some((*context, *rows.get(&stored)?))
    });
    Ok(known.collect())
}

async fn tell(tx: &mut Tx, told: &[(Context<'_>, Told)]) -> Result<(), StoreError> {
    for stretch in bulk::stretches(told) {
        let sql = bulk::values(
            "INSERT INTO event_told (node, vm, context, slot, events) VALUES",
            5,
            stretch.len(),
            " ON CONFLICT (node, vm, context) DO UPDATE SET slot = excluded.slot, \
             events = excluded.events \
             WHERE event_told.events < excluded.events OR event_told.slot < excluded.slot",
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
        for ((node, vm, context), (slot, events)) in stretch {
            query = query
                .bind(text(node))
                .bind(text(vm))
                .bind(signed(*context))
                .bind(signed(*slot))
                .bind(signed(*events));
        }
        query.execute(&mut **tx).await?;
    }
    Ok(())
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
