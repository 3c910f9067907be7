//! One compiled form, and the resources that carry it.

use std::sync::{Arc, OnceLock};

use countersign_engine::blob::{self, BlobError};
use countersign_engine::{LoadError, Revision, RevisionId};
use prost::Message as _;
use prost::bytes::Bytes;

use super::extension::extension;
use super::{RESOURCE_NAME, Version};
use crate::module::Code;

/// A body that the filter's own loader has read.
#[derive(Debug)]
pub struct CompiledForm {
    pub(super) body: Vec<u8>,
    pub(super) kids: Vec<String>,
    pub(super) session_lifetime_s: u32,
    pub(super) session_bound_s: u32,
    /// How many policies it has.
    pub policies: usize,
}

impl CompiledForm {
    /// Loads a body as a filter would.
    ///
    /// # Errors
    /// When a filter would refuse it.
    pub fn load(body: Vec<u8>, id: &RevisionId) -> Result<Self, LoadError> {
        let sealed = blob::seal(&body, id, 0).map_err(LoadError::from)?;
        let loaded = Revision::load(sealed)?;
        Ok(Self {
            kids: loaded.session_kids().map(str::to_owned).collect(),
            session_lifetime_s: loaded.session_lifetime_s(),
            session_bound_s: loaded.session_bound_s(),
            policies: loaded.policy_count(),
            body,
        })
    }
}

/// A form of a published revision. What most nodes are sent is made and encoded once.
#[derive(Debug)]
pub(super) struct Form {
    body: Vec<u8>,
    code: Arc<Code>,
    /// The nonce of the first send.
    attempt: u64,
    /// The resource that is this form by its own name.
    own_name: String,
    own: OnceLock<Bytes>,
    /// As the resource that is for every node what is meant for it.
    meant: OnceLock<Bytes>,
}

impl Form {
    pub(super) fn new(
        form: CompiledForm,
        own_name: String,
        id: &RevisionId,
        attempt: u64,
        code: Arc<Code>,
    ) -> Result<Self, BlobError> {
        let this = Self {
            body: form.body,
            code,
            attempt,
            own_name,
            own: OnceLock::new(),
            meant: OnceLock::new(),
        };
        // What cannot be sealed now could not be later.
        this.sealed(id, attempt).map(|_| this)
    }

    /// The form as a resource, an encoded `Any`, with this version's nonce in its bytes.
    pub(super) fn resource(
        &self,
        name: &str,
        id: &RevisionId,
        version: &Version,
    ) -> Result<Bytes, BlobError> {
        let make = || {
            let blob = self.sealed(id, version.attempt)?;
            let any = extension(blob, name, version.vm, &self.code);
            Ok(Bytes::from(any.encode_to_vec()))
        };
        let usual = version.attempt == self.attempt && version.vm.is_none();
        let kept = match name {
            _ if !usual => return make(),
            RESOURCE_NAME => &self.meant,
            _ if name == self.own_name => &self.own,
            _ => return make(),
        };
        if let Some(made) = kept.get() {
            return Ok(made.clone());
        }
        let made = make()?;
        Ok(kept.get_or_init(|| made).clone())
    }

    fn sealed(&self, id: &RevisionId, attempt: u64) -> Result<Vec<u8>, BlobError> {
        blob::seal(&self.body, id, attempt)
    }
}
