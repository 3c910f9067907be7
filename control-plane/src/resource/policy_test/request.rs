//! The request of a test: what a client and its connection would say.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use countersign_engine::{Authority, parse_address};

use super::line;
use crate::diagnostic::{Finding, Located, quoted};
use crate::resource::fields::{Field, Fields, Reader};
use crate::resource::mitigation_policy::method;
use crate::resource::yaml::{Node, Value};
use crate::resource::{header, limits};

/// A request as Envoy would show it to the filter.
#[derive(Clone, Debug)]
pub(crate) struct RequestSpec {
    pub(crate) method: String,
    pub(crate) target: Target,
    /// Lower-case names, without pseudo headers.
    pub(crate) headers: Vec<(String, String)>,
    /// The connection's other end; the client is whom the trusted-hop rule finds.
    pub(crate) peer: SocketAddr,
    pub(crate) ja4: Option<String>,
    pub(crate) tls_version: Option<String>,
    pub(crate) sni: Option<String>,
    pub(crate) mtls: bool,
}

/// Where the request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// `http` or `https`.
    pub(crate) scheme: String,
    /// Host, and port if there is one.
    pub(crate) authority: String,
    /// Path and query.
    pub(crate) path: String,
}

const SCHEMES: [(&str, &str); 2] = [("https", "https"), ("http", "http")];
const DEFAULT_HOST: &str = "shop.example.com";
const DEFAULT_PEER: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// Some port of a client.
const DEFAULT_PEER_PORT: u16 = 50_000;

impl RequestSpec {
    pub(super) fn read(reader: &mut Reader<'_>, field: Field) -> Option<Self> {
        let mut fields = reader.fields(field)?;
        let method = match fields.take(reader, "method") {
            Some(field) => reader.text(&field).and_then(|text| method(reader, text)),
            None => Some("GET".to_owned()),
        };
        let target = Target::read(reader, &mut fields);
        let headers = match fields.take(reader, "headers") {
            Some(field) => headers(reader, &field),
            None => Some(Vec::new()),
        };
        let peer = match fields.take(reader, "from") {
            Some(field) => peer(reader, &field),
            None => Some(SocketAddr::new(DEFAULT_PEER, DEFAULT_PEER_PORT)),
        };
        let mut optional = |name| {
            let field = fields.take(reader, name)?;
            line(reader, &field).map(|text| text.value)
        };
        let ja4 = optional("ja4");
        let tls_version = optional("tlsVersion");
        let sni = optional("sni");
        let mtls = fields
            .take(reader, "mtls")
            .and_then(|field| reader.boolean(&field))
            .unwrap_or_default();
        fields.finish(reader);
        Some(Self {
            method: method?,
            target: target?,
            headers: headers?,
            peer: peer?,
            ja4,
            tls_version,
            sni,
            mtls,
        })
    }
}

impl Target {
    /// Either `url`, or `path` with what else is known.
    fn read(reader: &mut Reader<'_>, fields: &mut Fields) -> Option<Self> {
        let url = fields.take(reader, "url");
        let path = fields.take(reader, "path");
        let host = fields.take(reader, "host");
        let scheme = fields.take(reader, "scheme");
        let Some(url) = url else {
            let scheme = match scheme {
                Some(field) => reader.word(&field, &SCHEMES)?.value,
                None => "https",
            };
            let authority = match host {
                Some(field) => {
                    let text = reader.text(&field)?;
                    authority(reader, &text.value, text.span)?
                }
                None => DEFAULT_HOST.to_owned(),
            };
            let Some(field) = path else {
                fields.require_one_of(reader, &["url", "path"]);
                return None;
            };
            let path = reader.text(&field)?;
            return Some(Self {
                scheme: scheme.to_owned(),
                authority,
                path: checked_path(reader, path)?,
            });
        };
        for other in [&path, &host, &scheme].into_iter().flatten() {
            let message = format!("`{}` is there beside `url`", other.key.value);
            let finding = Finding::error(reader.source(), other.key.span.clone(), message)
                .label("the URL says this")
                .related(reader.source(), url.key.span.clone(), "here");
            reader.push(finding);
        }
        let text = reader.text(&url)?;
        let parts = text
            .value
            .split_once("://")
            .filter(|(scheme, _)| SCHEMES.iter().any(|(known, _)| known == scheme));
        let Some((scheme, rest)) = parts else {
            let message = format!("{} is not the URL of a request", quoted(&text.value));
            let help = "write `https://shop.example.com/checkout/cart`, or `path` and `host`";
            reader.error(text.span, message, help);
            return None;
        };
        let (host, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let authority = authority(reader, host, text.span.clone())?;
        // What a browser sends for `https://shop.example.com?a=b`.
        let path = if path.starts_with('/') {
            path.to_owned()
        } else {
            format!("/{path}")
        };
        Some(Self {
            scheme: scheme.to_owned(),
            authority,
            path: checked_path(reader, Located::new(path, text.span))?,
        })
    }
}

fn authority(reader: &mut Reader<'_>, text: &str, span: std::ops::Range<usize>) -> Option<String> {
    if Authority::parse(text.as_bytes()).is_some() {
        return Some(text.to_owned());
    }
    let message = format!("{} is not a host", quoted(text));
    let help = "write a host as `shop.example.com` or `shop.example.com:8443`";
    reader.error(span, message, help);
    None
}

/// Anything that HTTP lets through: how odd paths are read is what some tests are about.
fn checked_path(reader: &mut Reader<'_>, path: Located<String>) -> Option<String> {
    let help = if path.value.contains('#') {
        "leave out `#` and what follows: no client sends it"
    } else if path.value.chars().any(|c| c.is_control() || c == ' ') {
        "percent-encode spaces and control characters, as a client does"
    } else if path.value.len() > limits::MAX_TEST_VALUE_BYTES {
        "it is longer than a header may be"
    } else if path.value.starts_with('/') {
        return Some(path.value);
    } else {
        "a path starts with `/`"
    };
    let message = format!("{} is not the path of a request", quoted(&path.value));
    reader.error(path.span, message, help);
    None
}

/// Names to a string or several.
fn headers(reader: &mut Reader<'_>, field: &Field) -> Option<Vec<(String, String)>> {
    let Value::Mapping(entries) = &field.node.value else {
        reader.wrong_type("headers", &field.node, "a mapping");
        return None;
    };
    if entries.len() > limits::MAX_FIELDS {
        let message = format!("`headers` has {} entries", entries.len());
        let help = format!("at most {}", limits::MAX_FIELDS);
        reader.error(field.key.span.clone(), message, &help);
        return None;
    }
    let mut headers: Vec<(String, String)> = Vec::with_capacity(entries.len());
    let mut whole = true;
    for (name, value) in entries {
        let known = header_name(reader, name);
        let values = match &value.value {
            Value::Sequence(items) => items.as_slice(),
            _ => std::slice::from_ref(value),
        };
        if known
            .as_ref()
            .is_some_and(|known| headers.iter().any(|(name, _)| name == known))
        {
            let message = format!("header {} is there twice", quoted(&name.value));
            let help = "give one name a list of values";
            reader.error(name.span.clone(), message, help);
            whole = false;
        }
        for node in values {
            match (header_value(reader, &name.value, node), &known) {
                (Some(value), Some(name)) => headers.push((name.clone(), value)),
                _ => whole = false,
            }
        }
        whole &= known.is_some();
    }
    whole.then_some(headers)
}

fn header_name(reader: &mut Reader<'_>, name: &Located<String>) -> Option<String> {
    let lower = name.value.to_ascii_lowercase();
    let help = if lower.starts_with(':') || lower == "host" {
        "say it by `method`, `path`, `host` and `scheme`"
    } else if !lower.is_empty()
        && lower.len() <= limits::MAX_HEADER_BYTES
        && lower.bytes().all(header::is_token)
    {
        return Some(lower);
    } else {
        "a header name is letters, digits and dashes, such as `x-bot-score`"
    };
    let message = format!("{} is not a header of a test", quoted(&name.value));
    reader.error(name.span.clone(), message, help);
    None
}

fn header_value(reader: &mut Reader<'_>, name: &str, node: &Node) -> Option<String> {
    let Value::Text(value) = &node.value else {
        reader.wrong_type(name, node, "a string or a list of strings");
        return None;
    };
    if value.len() > limits::MAX_TEST_VALUE_BYTES {
        let message = format!("this value has {} bytes", value.len());
        let help = format!("at most {}", limits::MAX_TEST_VALUE_BYTES);
        reader.error(node.span.clone(), message, &help);
        return None;
    }
    // Envoy would have refused the request (RFC 9110, section 5.5).
    if value.contains(['\r', '\n', '\0']) {
        let message = format!("`{name}` holds what no header can");
        reader.error(node.span.clone(), message, "leave out line breaks and NUL");
        return None;
    }
    Some(value.clone())
}

fn peer(reader: &mut Reader<'_>, field: &Field) -> Option<SocketAddr> {
    let text = reader.text(field)?;
    let Some((address, port)) = parse_address(&text.value) else {
        let message = format!("{} is not an address", quoted(&text.value));
        let help = "write it as `192.0.2.7`, `192.0.2.7:5000` or `2001:db8::7`";
        reader.error(text.span, message, help);
        return None;
    };
    Some(SocketAddr::new(address, port.unwrap_or(DEFAULT_PEER_PORT)))
}
