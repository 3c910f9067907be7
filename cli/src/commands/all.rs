//! Every resource that the control plane holds, page by page: all of one revision, or none.

use countersign_proto::admin::v1 as admin;

use crate::api::{ApiError, Client};
use crate::limits::{MAX_LIST_ATTEMPTS, RESOURCES_PAGE};
use crate::progress::Spinner;

/// As many as are asked for, behind the request's cursor; 0 = all.
pub(super) async fn resources(
    client: &mut Client,
    request: admin::ListResourcesRequest,
) -> Result<admin::ListResourcesResponse, ApiError> {
    let spinner = Spinner::begin("reading resources");
    for _ in 0..MAX_LIST_ATTEMPTS {
        if let Some(answer) = attempt(client, request.clone(), &spinner).await? {
            return Ok(answer);
        }
    }
    Err(ApiError::Restless)
}

/// `None` where the set changed between two pages.
async fn attempt(
    client: &mut Client,
    mut request: admin::ListResourcesRequest,
    spinner: &Spinner,
) -> Result<Option<admin::ListResourcesResponse>, ApiError> {
    let wanted = match request.limit {
        0 => usize::MAX,
        limit => limit as usize,
    };
    let mut taken: Option<admin::ListResourcesResponse> = None;
    loop {
        let had = taken.as_ref().map_or(0, |taken| taken.resources.len());
        let left = wanted.saturating_sub(had).min(RESOURCES_PAGE as usize);
        request.limit = u32::try_from(left).unwrap_or(RESOURCES_PAGE);
        let page = client.list_resources(request.clone()).await?.into_inner();
        request.cursor.clone_from(&page.next_cursor);
        let more = !page.next_cursor.is_empty() && !page.resources.is_empty();
        let whole = match taken.take() {
            None => page,
            Some(before) if before.revision != page.revision => return Ok(None),
            Some(mut before) => {
                before.resources.extend(page.resources);
                before.next_cursor = page.next_cursor;
                before
            }
        };
        let count = whole.resources.len();
        if !more || count >= wanted {
            return Ok(Some(whole));
        }
        spinner.now(format!("reading resources: {count}"));
        taken = Some(whole);
    }
}
