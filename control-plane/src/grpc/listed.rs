//! Resources, revisions and nodes, a page at a time.

use countersign_proto::admin::v1 as admin;
use tonic::Status;

use super::{admin_convert as convert, apply_status, history_convert, store_status};
use crate::inventory::{Entry, Key};
use crate::limits;
use crate::nodes::{Listing, NodeState, NodeView, Sought};
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

pub(super) fn nodes(
    app: &App,
    request: &admin::ListNodesRequest,
) -> Result<admin::ListNodesResponse, Status> {
    let state = match request.state.as_str() {
        "" => None,
        word => Some(
            NodeState::from_word(word)
                .ok_or_else(|| Status::invalid_argument("there is no such `state`"))?,
        ),
    };
    let target_revision = app.target_revision();
    let plan = app.control.plan().borrow().clone();
    let gaps = app.ledger.gaps();
    let sought = Sought::new(state, &request.text);
    let limit = request.limit.min(limits::MAX_NODES_LISTED) as usize;
    let listing = Listing::by_id(app.fleet.views(), &sought, &request.after, limit);
    let node = |view: NodeView| {
        let target = plan.target(&view.about).map(|it| it.revision.clone());
        let gap = gaps.get(&view.id).copied().unwrap_or_default();
        convert::node(view, target.unwrap_or_default(), gap)
    };
    Ok(admin::ListNodesResponse {
        nodes: listing.nodes.into_iter().map(node).collect(),
        target_revision,
        total: u32::try_from(listing.total).unwrap_or(u32::MAX),
        next_after: listing.next.unwrap_or_default(),
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
