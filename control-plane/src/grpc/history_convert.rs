//! The history of revisions in the words of the operator's API.

use countersign_proto::admin::v1 as admin;
use prost::Message as _;
use tonic::{Code, Status};

use super::admin_convert::{change_word, revision};
use crate::inventory::Difference;
use crate::limits;
use crate::runtime::{RevisionDiff, RevisionView, Stale};
use crate::store::{StoredChange, StoredResource};
use crate::xds::revision_text;

/// What the details of a status are called.
const TYPE_URL: &str = "type.googleapis.com/countersign.admin.v1.ChangedMeanwhile";

pub(super) fn difference(difference: &Difference) -> admin::ResourceDifference {
    admin::ResourceDifference {
        resource: Some(named(&difference.kind, &difference.name)),
        change: change_word(difference.change()).into(),
        before: difference.before.clone(),
        after: difference.after.clone(),
    }
}

pub(super) fn resource(stored: StoredResource) -> admin::Resource {
    admin::Resource {
        r#ref: Some(named(&stored.kind, &stored.name)),
        source: stored.source,
        file: stored.file,
        changed_ms: stored.changed_ms,
        author: stored.author,
    }
}

pub(super) fn view(view: RevisionView) -> admin::GetRevisionResponse {
    let change = |change: &StoredChange| admin::ResourceChange {
        resource: Some(named(&change.kind, &change.name)),
        change: change_word(change.change).into(),
    };
    admin::GetRevisionResponse {
        revision: Some(revision(&view.info)),
        changes: view.changes.iter().map(change).collect(),
        more_changes: view.more_changes,
        resources: view.resources.into_iter().map(resource).collect(),
    }
}

pub(super) fn diff(diff: &RevisionDiff) -> admin::DiffRevisionsResponse {
    admin::DiffRevisionsResponse {
        from: diff.from.as_ref().map(revision),
        to: Some(revision(&diff.to)),
        differences: diff.differences.iter().map(difference).collect(),
    }
}

/// ABORTED, with what changed meanwhile as far as a trailer holds it.
pub(super) fn stale_status(stale: &Stale) -> Status {
    let mut told = admin::ChangedMeanwhile {
        base: stale.base.clone(),
        current: stale.current.clone(),
        ..admin::ChangedMeanwhile::default()
    };
    let mut room = limits::MAX_DETAIL_BYTES;
    for change in &stale.meanwhile {
        let change = meanwhile(change);
        match room.checked_sub(change.encoded_len()) {
            Some(left) => {
                room = left;
                told.changes.push(change);
            }
            None => break,
        }
    }
    let more = stale.meanwhile.len().saturating_sub(told.changes.len());
    let unlisted = u32::try_from(stale.more).unwrap_or(u32::MAX);
    told.more = u32::try_from(more)
        .unwrap_or(u32::MAX)
        .saturating_add(unlisted);
    let details = admin::StatusDetails {
        code: Code::Aborted.into(),
        message: stale.to_string(),
        details: vec![admin::status_details::Detail {
            type_url: TYPE_URL.to_owned(),
            value: told.encode_to_vec(),
        }],
    };
    Status::with_details(
        Code::Aborted,
        stale.to_string(),
        details.encode_to_vec().into(),
    )
}

fn meanwhile(change: &StoredChange) -> admin::MeanwhileChange {
    admin::MeanwhileChange {
        resource: Some(named(&change.kind, &change.name)),
        change: change_word(change.change).into(),
        revision: revision_text(change.revision, &change.hash),
        author: change.author.clone(),
        time_ms: change.time_ms,
    }
}

fn named(kind: &str, name: &str) -> admin::ResourceRef {
    admin::ResourceRef {
        kind: kind.to_owned(),
        name: name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::Change;

    fn told(changes: usize) -> admin::ChangedMeanwhile {
        let change = |n| StoredChange {
            kind: "MitigationPolicy".to_owned(),
            name: format!("policy-{n}"),
            change: Change::Updated,
            revision: 2,
            hash: "abc".to_owned(),
            author: "a".repeat(limits::MAX_LABEL_BYTES),
            time_ms: 1,
        };
        let status = stale_status(&Stale {
            base: "1".to_owned(),
            current: "2-abc".to_owned(),
            meanwhile: (0..changes).map(change).collect(),
            more: 0,
        });
        assert_eq!(status.code(), Code::Aborted);
        let details = admin::StatusDetails::decode(status.details()).unwrap();
        assert_eq!(details.details[0].type_url, TYPE_URL);
        admin::ChangedMeanwhile::decode(details.details[0].value.as_slice()).unwrap()
    }

    #[test]
    fn what_changed_meanwhile_is_in_the_details_of_the_status() {
        let told = told(2);
        assert_eq!((told.changes.len(), told.more), (2, 0));
        assert_eq!(told.changes[0].revision, "2-abc");
        assert_eq!(told.current, "2-abc");
    }

    #[test]
    fn what_is_too_much_for_a_trailer_is_counted() {
        let told = told(1_000);
        assert_eq!(told.changes.len() + told.more as usize, 1_000);
        assert!(told.encoded_len() <= limits::MAX_DETAIL_BYTES + 256);
        assert!(!told.changes.is_empty());
    }
}
