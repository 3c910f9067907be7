//! Resources and revisions, a page at a time.

use countersign_proto::admin::v1 as admin;
use tonic::Status;

use super::{admin_convert as convert, apply_status, history_convert, store_status};
use crate::inventory::{Entry, Key};
use crate::limits;
use crate::runtime::{App, page};

/// Those of a former revision come all at once: they are kept in one piece.
pub(super) async fn resources(
    app: &App,
    request: &admin::ListResourcesRequest,
) -> Result<admin::ListResourcesResponse, Status> {
    let wanted = |word: &str, asked: &str| asked.is_empty() || word == asked;
    if !request.revision.is_empty() {
        let view = app.control.revision(&request.revision).await;
        let view = view.map_err(apply_status)?;
        let resources = view
            .resources
            .into_iter()
            .filter(|resource| wanted(&resource.kind, &request.kind))
            .filter(|resource| wanted(&resource.name, &request.name));
        return Ok(admin::ListResourcesResponse {
            resources: resources.map(history_convert::resource).collect(),
            revision: crate::xds::revision_text(view.info.number, &view.info.hash),
            next_cursor: String::new(),
        });
    }
    let after =
        match request.cursor.as_str() {
            "" => None,
            cursor => Some(Key::read(cursor).ok_or_else(|| {
                Status::invalid_argument("`cursor` is not one of a former answer")
            })?),
        };
    let wanted = |entry: &Entry| {
        wanted(entry.document.kind.as_str(), &request.kind)
            && wanted(&entry.document.name, &request.name)
    };
    let (entries, revision) = app.control.resources_that(wanted).await;
    let (page, next) = page(&entries, after.as_ref(), request.limit as usize);
    Ok(admin::ListResourcesResponse {
        resources: page.iter().map(|entry| convert::resource(entry)).collect(),
        next_cursor: next.map(|key| key.to_string()).unwrap_or_default(),
        revision,
    })
}

pub(super) async fn revisions(
    app: &App,
    request: &admin::ListRevisionsRequest,
) -> Result<admin::ListRevisionsResponse, Status> {
    let limit = match request.limit {
        0 => limits::DEFAULT_EVENTS_LISTED,
        limit => limit.min(limits::MAX_REVISIONS_LISTED),
    };
    let before = (request.before > 0).then_some(request.before);
    let revisions = app.store.revisions(limit, before).await;
    let revisions = revisions.map_err(|error| store_status(&error))?;
    // A page that is not full is the last one.
    let last = revisions
        .last()
        .filter(|_| revisions.len() == limit as usize);
    Ok(admin::ListRevisionsResponse {
        next_before: last.map(|revision| revision.number).unwrap_or_default(),
        revisions: revisions.iter().map(convert::revision).collect(),
    })
}
