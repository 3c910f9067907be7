//! A revision in the form in which Envoy takes it: one form for everybody, and one for each gateway.

use std::sync::Arc;

use super::form::{CompiledForm, Form};
use super::{Target, Version};
use crate::module::Code;
use crate::nodes::{Introduction, Selector};

use countersign_engine::RevisionId;
use countersign_engine::blob::BlobError;
use prost::bytes::Bytes;

/// The resource that is for every node what is meant for it: the name of the `http_filters` entry.
pub const RESOURCE_NAME: &str = "countersign";
/// What an extension config discovery stream carries.
pub const TYPE_URL: &str = "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig";

/// Behind [`RESOURCE_NAME`] and this stands a gateway's name: its form, whoever the node is.
const BY_NAME: char = '/';

/// A revision that nodes shall run.
#[derive(Debug)]
pub struct Published {
    /// `number-hash`.
    pub revision: String,
    /// Its number.
    pub number: u64,
    /// The hash of its content.
    pub hash: String,
    /// The nonce of its first send.
    pub attempt: u64,
    /// The session keys that it holds.
    pub kids: Vec<String>,
    /// How long sessions last, for the sidecars.
    pub session_lifetime_s: u32,
    /// How long a copy of a bound session lasts; 0 = sessions are not bound.
    pub session_bound_s: u32,
    everything: Form,
    module_travels: bool,
    /// By name.
    gateways: Vec<PublishedGateway>,
}

#[derive(Debug)]
struct PublishedGateway {
    name: Arc<str>,
    selector: Option<Selector>,
    form: Form,
}

/// A gateway that was compiled.
#[derive(Debug)]
pub struct CompiledGateway {
    /// Its name.
    pub name: String,
    /// Which nodes are it without asking for it by name.
    pub selector: Option<Selector>,
    /// What it runs.
    pub form: CompiledForm,
}

/// What a resource is for a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// There is none of that name.
    Nothing,
    /// A form.
    Form {
        /// The gateway whose form it is; none = the set of everything.
        gateway: Option<Arc<str>>,
        /// What is odd about how it was found; empty = nothing.
        note: String,
    },
}

impl Published {
    /// A revision, ready to be sent: as the filter's loader read it, and what it read.
    ///
    /// # Errors
    /// When a form is larger than a filter takes.
    pub fn new(
        id: RevisionId,
        attempt: u64,
        everything: CompiledForm,
        mut gateways: Vec<CompiledGateway>,
        code: &Arc<Code>,
    ) -> Result<Self, BlobError> {
        gateways.sort_by(|one, other| one.name.cmp(&other.name));
        let kids = everything.kids.clone();
        let session_lifetime_s = everything.session_lifetime_s;
        let session_bound_s = everything.session_bound_s;
        let seal = |form: CompiledForm, name: String| {
            Form::new(form, name, &id, attempt, Arc::clone(code))
        };
        let gateways = gateways.into_iter().map(|gateway| {
            Ok(PublishedGateway {
                form: seal(gateway.form, named(&gateway.name))?,
                name: gateway.name.into(),
                selector: gateway.selector,
            })
        });
        Ok(Self {
            revision: id.to_string(),
            attempt,
            kids,
            session_lifetime_s,
            session_bound_s,
            module_travels: code.travels(),
            gateways: gateways.collect::<Result<_, BlobError>>()?,
            everything: seal(everything, RESOURCE_NAME.to_owned())?,
            number: id.number,
            hash: id.hash,
        })
    }

    /// What the resource of that name is for the node.
    #[must_use]
    pub fn find(&self, resource: &str, node: &Introduction) -> Found {
        if resource == RESOURCE_NAME {
            return self.meant_for(node);
        }
        let name = resource
            .strip_prefix(RESOURCE_NAME)
            .and_then(|rest| rest.strip_prefix(BY_NAME));
        match name.and_then(|name| self.gateway(name)) {
            Some(gateway) => Found::Form {
                gateway: Some(Arc::clone(&gateway.name)),
                note: String::new(),
            },
            None => Found::Nothing,
        }
    }

    /// Does the filter's module come with it?
    #[must_use]
    pub const fn module_travels(&self) -> bool {
        self.module_travels
    }

    /// The form that was found, as something to reach.
    #[must_use]
    pub fn target<'p>(&'p self, gateway: Option<&'p str>) -> Target<'p> {
        Target {
            revision: &self.revision,
            gateway,
            attempt: self.attempt,
        }
    }

    /// A resource in a version of this revision: an encoded `google.protobuf.Any`. Whoever is sent the
    /// same has the same bytes.
    ///
    /// # Errors
    /// When it is larger than a filter takes, which [`Published::new`] has ruled out.
    pub fn resource(&self, resource: &str, version: &Version) -> Result<Bytes, BlobError> {
        let gateway = version.gateway.as_deref();
        let form = gateway
            .and_then(|name| self.gateway(name))
            .map_or(&self.everything, |gateway| &gateway.form);
        let id = RevisionId {
            number: self.number,
            hash: self.hash.clone(),
        };
        form.resource(resource, &id, version)
    }

    fn gateway(&self, name: &str) -> Option<&PublishedGateway> {
        let at = self
            .gateways
            .binary_search_by(|gateway| (*gateway.name).cmp(name));
        at.ok().and_then(|at| self.gateways.get(at))
    }

    /// The gateway that selects the node: of several the first by name.
    fn meant_for(&self, node: &Introduction) -> Found {
        let mut selecting: Vec<&Arc<str>> = Vec::new();
        let mut failed = None;
        for gateway in &self.gateways {
            let Some(selector) = &gateway.selector else {
                continue;
            };
            match selector.selects(node) {
                Ok(true) => selecting.push(&gateway.name),
                Ok(false) => {}
                Err(error) => {
                    failed.get_or_insert_with(|| format!("gateway `{}`: {error}", gateway.name));
                }
            }
        }
        let note = match selecting.as_slice() {
            [first, second, ..] => format!(
                "gateways `{first}` and `{second}` both select it; the first by name counts"
            ),
            _ => failed.unwrap_or_default(),
        };
        Found::Form {
            gateway: selecting.first().map(|name| Arc::clone(name)),
            note,
        }
    }
}

/// The resource that is a gateway's form, whoever asks.
#[must_use]
pub fn named(gateway: &str) -> String {
    format!("{RESOURCE_NAME}{BY_NAME}{gateway}")
}

/// How a revision is written everywhere.
#[must_use]
pub fn revision_text(number: u64, hash: &str) -> String {
    format!("{number}-{hash}")
}

#[cfg(test)]
mod tests;
