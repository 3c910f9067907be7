//! What a POST must be before its content is looked at: JSON, small, of this origin.

use axum::body::Bytes;
use axum::extract::Request;
use axum::http::{HeaderMap, header};
use serde::de::DeserializeOwned;

use crate::authority::Authority;
use crate::cause::Cause;
use crate::limits;
use crate::ticket::Scheme;

/// The host that the browser asked.
pub(super) fn host(request_host: Option<&str>, headers: &HeaderMap) -> Result<Authority, Cause> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().map_err(|_| Cause::HostInvalid)?,
        // HTTP/2 has `:authority`, which is part of the address.
        (None, _) => request_host.ok_or(Cause::HostInvalid)?,
        (Some(_), Some(_)) => return Err(Cause::HostInvalid),
    };
    Authority::parse(host).map_err(|_| Cause::HostInvalid)
}

/// Reads a JSON body of at most `limit` bytes.
pub(super) async fn json<T: DeserializeOwned>(request: Request, limit: usize) -> Result<T, Cause> {
    let content_type = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let essence = content_type
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default()
        .trim();
    // A form of another site can send three content types without asking first; this is none of them.
    if !essence.eq_ignore_ascii_case("application/json") {
        return Err(Cause::NotJson);
    }
    let length = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok());
    if length
        .and_then(|value| value.parse::<usize>().ok())
        .is_some_and(|length| length > limit)
    {
        return Err(Cause::BodyTooLarge);
    }
    let body = read(request, limit).await?;
    serde_json::from_slice(&body).map_err(|_| Cause::BodyMalformed)
}

/// Reads a form's body of at most `limit` bytes.
pub(super) async fn form<T: DeserializeOwned>(request: Request, limit: usize) -> Result<T, Cause> {
    let content_type = request.headers().get(header::CONTENT_TYPE);
    let form = content_type.is_some_and(|value| {
        value
            .as_bytes()
            .to_ascii_lowercase()
            .starts_with(b"application/x-www-form-urlencoded")
    });
    if !form {
        return Err(Cause::NotForm);
    }
    let body = read(request, limit).await?;
    let pairs = url::form_urlencoded::parse(&body).map(|(name, value)| {
        let value = serde_json::Value::from(value.into_owned());
        (name.into_owned(), value)
    });
    serde_json::from_value(serde_json::Value::Object(pairs.collect()))
        .map_err(|_| Cause::BodyMalformed)
}

/// Whether a form came from elsewhere. Browsers without JavaScript are often old ones that say neither
/// where they are nor where they were, and `null` is what our own page's referrer policy makes of
/// `Origin`; so only what says that it is another site's is refused. What it could do by a form of ours
/// is to have its visitor pass a challenge.
pub(super) fn not_cross_site(
    headers: &HeaderMap,
    host: &Authority,
    schemes: &[Scheme],
) -> Result<(), Cause> {
    let origin = headers.get(header::ORIGIN).map(|value| value.as_bytes());
    let silent = !headers.contains_key("sec-fetch-site") && matches!(origin, None | Some(b"null"));
    if silent {
        return Ok(());
    }
    same_origin(headers, host, schemes)
}

pub(super) async fn read(request: Request, limit: usize) -> Result<Bytes, Cause> {
    let bytes = axum::body::to_bytes(request.into_body(), limit);
    match tokio::time::timeout(limits::BODY_TIMEOUT, bytes).await {
        Err(_) => Err(Cause::BodyMalformed),
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) if std::error::Error::source(&error).is_some_and(is_length_limit) => {
            Err(Cause::BodyTooLarge)
        }
        Ok(Err(_)) => Err(Cause::BodyMalformed),
    }
}

fn is_length_limit(error: &(dyn std::error::Error + 'static)) -> bool {
    error.to_string() == "length limit exceeded"
}

/// Whether a page of this host sent the request. Browsers say so in a header that no page can write;
/// old ones say where from in `Origin`. Who sends neither is no browser.
pub(super) fn same_origin(
    headers: &HeaderMap,
    host: &Authority,
    schemes: &[Scheme],
) -> Result<(), Cause> {
    let one = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let ours = |origin: &str| {
        schemes
            .iter()
            .any(|scheme| origin == format!("{}://{}", scheme.as_str(), host.as_str()))
    };
    let allowed = match (one("sec-fetch-site"), one("origin")) {
        (Some(site), _) => site == "same-origin",
        (None, origin) => origin.is_some_and(ours),
    };
    if allowed {
        Ok(())
    } else {
        Err(Cause::CrossSite)
    }
}
