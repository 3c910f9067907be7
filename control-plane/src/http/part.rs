//! The parts of a path that are chosen by the client.

use axum::extract::{FromRequestParts, Path};
use axum::http::request;
use serde::de::DeserializeOwned;

use super::problem::Problem;

/// As [`Path`], but what cannot be read, bytes that are no UTF-8, is refused as every other fault is.
#[derive(Debug)]
pub(super) struct Part<T>(pub(super) T);

impl<S, T> FromRequestParts<S> for Part<T>
where
    S: Send + Sync,
    T: DeserializeOwned + Send,
{
    type Rejection = Problem;

    async fn from_request_parts(
        parts: &mut request::Parts,
        state: &S,
    ) -> Result<Self, Self::Rejection> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(part)) => Ok(Self(part)),
            Err(fault) => Err(Problem::new(fault.status(), fault.body_text())),
        }
    }
}
