//! What the audit log is told, and what it is spared.

use std::sync::PoisonError;

use super::super::change::{Applied, ApplyError};
use super::super::control::FILES_AUTHOR;
use super::{Access, Mode};
use crate::access::{Caller, Identity, Note, Refusal, Source};
use crate::grpc::note_change;
use crate::limits::cut;
use crate::store::{AuditFilter, AuditPage, AuditRow, StoreError};

/// A detail longer than this says nothing more.
const MAX_DETAIL_BYTES: usize = 500;

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    Failed(String),
}

impl Access {
    /// Tells of a call that may have changed something. It is written before the answer goes out.
    pub(crate) async fn tell(&self, caller: &Caller, action: &str, outcome: Outcome) {
        let told = caller.note.told();
        // A dry run changes nothing.
        if told.dry_run || told.written {
            return;
        }
        let strangers = self.mode == Mode::Required && !caller.identity.is_known();
        if strangers && outcome != Outcome::Done && !self.tells_strangers() {
            return;
        }
        let row = self.row(caller, action);
        let row = match outcome {
            Outcome::Done if told.refused.is_empty() => AuditRow {
                outcome: "done",
                ..row
            },
            Outcome::Done => AuditRow {
                outcome: "failed",
                detail: told.refused,
                ..row
            },
            Outcome::Failed(why) => AuditRow {
                outcome: "failed",
                detail: if told.refused.is_empty() {
                    cut(&why, MAX_DETAIL_BYTES).to_owned()
                } else {
                    told.refused
                },
                ..row
            },
        };
        self.write(&[row]).await;
    }

    /// Tells of a change by the watched directory.
    pub(in crate::runtime) async fn tell_of_files(&self, done: &Result<Applied, ApplyError>) {
        let caller = Caller {
            identity: Identity::open(),
            address: None,
            request_id: self.new_id(),
            note: Note::default(),
        };
        note_change(&caller.note, done);
        let told = caller.note.told();
        let outcome = match done {
            // Nothing of it was another one.
            Ok(_) if told.object.is_empty() => return,
            Ok(_) => "done",
            Err(ApplyError::Refused(_)) => "failed",
            // The store's fault, and tried again.
            Err(_) => return,
        };
        let row = AuditRow {
            identity: FILES_AUTHOR.to_owned(),
            outcome,
            detail: told.refused,
            ..self.row(&caller, "policy directory")
        };
        self.write(&[row]).await;
    }

    /// The row of a change of the access table, which is written with the change.
    pub(super) fn row(&self, caller: &Caller, action: &str) -> AuditRow {
        let told = caller.note.told();
        AuditRow {
            id: self.new_id().to_string(),
            time_ms: self.clock.now(),
            identity: caller.identity.name().to_owned(),
            source: source(caller),
            address: caller
                .address
                .map(|address| address.to_canonical().to_string())
                .unwrap_or_default(),
            action: action.to_owned(),
            object: told.object,
            outcome: "done",
            detail: String::new(),
            revision: told.revision,
            request_id: caller.request_id.to_string(),
        }
    }

    /// Tells of a refused attempt, later and in bounded number.
    pub(super) fn tell_refused(&self, caller: &Caller, action: &str, refusal: &Refusal) {
        self.tell_attempt(caller, action, refusal.is_strangers(), &refusal.to_string());
    }

    /// The same with the reason in words.
    pub(super) fn tell_attempt(&self, caller: &Caller, action: &str, strangers: bool, why: &str) {
        if strangers && !self.tells_strangers() {
            return;
        }
        let row = AuditRow {
            outcome: "refused",
            detail: cut(why, MAX_DETAIL_BYTES).to_owned(),
            // The path of an unknown call is the caller's text.
            action: cut(action, MAX_DETAIL_BYTES).to_owned(),
            ..self.row(caller, "")
        };
        if self.refused.try_send(row).is_err() {
            self.metrics.access.audit_summed.inc();
        }
    }

    /// Has the log room for one more attempt of a stranger? If not, it is counted.
    fn tells_strangers(&self) -> bool {
        let now = self.elapsed();
        let mut rates = self.rates.lock().unwrap_or_else(PoisonError::into_inner);
        let told = rates.audited.take(&(), now).is_ok();
        if !told {
            self.metrics.access.audit_summed.inc();
        }
        told
    }

    /// One row for all the refused attempts that got none of their own since the last.
    pub(super) async fn sum_up(&self) {
        let counted = self.metrics.access.audit_summed.get();
        let mut told = self.summed.lock().await;
        let more = counted.saturating_sub(*told);
        if more == 0 {
            return;
        }
        *told = counted;
        let row = AuditRow {
            id: self.new_id().to_string(),
            time_ms: self.clock.now(),
            outcome: "refused",
            detail: format!("{more} more attempts within a minute, not told one by one"),
            ..AuditRow::default()
        };
        self.write(&[row]).await;
    }

    pub(super) async fn write(&self, rows: &[AuditRow]) {
        if rows.is_empty() {
            return;
        }
        if let Err(error) = self.store.audit(rows).await {
            let lost = u64::try_from(rows.len()).unwrap_or(u64::MAX);
            self.metrics.access.audit_lost.inc_by(lost);
            for row in rows {
                // At least somewhere.
                tracing::error!(%error, ?row, "the audit log could not take an entry");
            }
        }
    }

    /// A page of the log.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn audit(&self, filter: &AuditFilter) -> Result<AuditPage, StoreError> {
        self.store.audit_page(filter).await
    }
}

fn source(caller: &Caller) -> String {
    match caller.identity.source() {
        Source::Open => String::new(),
        source => source.to_string(),
    }
}
