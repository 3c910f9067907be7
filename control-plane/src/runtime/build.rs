//! From the set of resources and the keys to a revision that is known to load.

use std::sync::{Arc, PoisonError};

use countersign_engine::{LoadError, RevisionId};

use super::change::ApplyError;
use super::control::Control;
use crate::clock;
use crate::compile::{Compiled, Forms, GatewayForm, RuntimeMaterial, compile_again};
use crate::diagnostic::{Diagnostic, Finding, Severity, Source};
use crate::inventory::Conflict;
use crate::module::Code;
use crate::nodes::Selector;
use crate::resource::Document;
use crate::store::{NewRevision, StoredRevision};
use crate::xds::{CompiledForm, CompiledGateway, Published};

impl Control {
    /// A compiled set, off the async threads: compiling is work, not waiting.
    pub(super) async fn compiled(
        &self,
        documents: Vec<Document>,
        material: RuntimeMaterial,
    ) -> Result<Compiled, ApplyError> {
        let memory = Arc::clone(&self.memory);
        let now = self.clock.now();
        tokio::task::spawn_blocking(move || {
            let mut memory = memory.lock().unwrap_or_else(PoisonError::into_inner);
            compile_again(&documents, &material, now, &mut memory)
        })
        .await
        .map_err(|_| ApplyError::Stopped)?
        .map_err(ApplyError::Refused)
    }
}

/// What a revision's line in the history says.
pub(super) struct Label<'a> {
    pub(super) number: u64,
    pub(super) resources: usize,
    pub(super) now: u64,
    pub(super) author: &'a str,
    pub(super) message: &'a str,
}

/// Numbers a compiled set, seals it, and loads it as the filter will: "accepted" means "loads".
pub(super) async fn revision(
    compiled: Compiled,
    label: Label<'_>,
    code: &Arc<Code>,
) -> Result<(NewRevision, Arc<Published>), ApplyError> {
    let attempt = clock::random_attempt()?;
    let id = RevisionId {
        number: label.number,
        hash: compiled.hash.clone(),
    };
    let stored = compiled.forms.to_bytes();
    let (published, policies) = load(id, compiled.forms, attempt, code).await?;
    let info = StoredRevision {
        number: label.number,
        hash: compiled.hash,
        time_ms: label.now,
        author: label.author.to_owned(),
        message: label.message.to_owned(),
        policies: u32::try_from(policies).unwrap_or(u32::MAX),
        resources: Some(u32::try_from(label.resources).unwrap_or(u32::MAX)),
        attempt,
        resources_of: None,
    };
    Ok((
        NewRevision {
            info,
            compiled: stored,
        },
        Arc::new(published),
    ))
}

/// A stored revision, if this release's filter still loads it.
pub(super) async fn stored(
    revision: &NewRevision,
    code: &Arc<Code>,
) -> Result<Arc<Published>, ApplyError> {
    let id = RevisionId {
        number: revision.info.number,
        hash: revision.info.hash.clone(),
    };
    let forms =
        Forms::from_bytes(&revision.compiled).map_err(|error| refused(&error.to_string()))?;
    let (published, _) = load(id, forms, revision.info.attempt, code).await?;
    Ok(Arc::new(published))
}

async fn load(
    id: RevisionId,
    forms: Forms,
    attempt: u64,
    code: &Arc<Code>,
) -> Result<(Published, usize), ApplyError> {
    let code = Arc::clone(code);
    let loaded = tokio::task::spawn_blocking(move || load_now(id, forms, attempt, &code));
    loaded.await.map_err(|_| ApplyError::Stopped)?
}

fn load_now(
    id: RevisionId,
    forms: Forms,
    attempt: u64,
    code: &Arc<Code>,
) -> Result<(Published, usize), ApplyError> {
    let wrong =
        |error: LoadError| refused(&format!("the filter would refuse this policy: {error}"));
    let gateway = |gateway: GatewayForm| {
        Ok(CompiledGateway {
            selector: selector(&gateway)?,
            form: CompiledForm::load(gateway.body, &id).map_err(wrong)?,
            name: gateway.name,
        })
    };
    let gateways = forms.gateways.into_iter().map(gateway);
    let gateways = gateways.collect::<Result<Vec<_>, ApplyError>>()?;
    let everything = CompiledForm::load(forms.everything, &id).map_err(wrong)?;
    let policies = everything.policies;
    let published = Published::new(id, attempt, everything, gateways, code);
    Ok((published.map_err(|error| wrong(error.into()))?, policies))
}

fn selector(gateway: &GatewayForm) -> Result<Option<Selector>, ApplyError> {
    if gateway.nodes.is_empty() {
        return Ok(None);
    }
    match Selector::compile(&gateway.nodes) {
        Ok((selector, _)) => Ok(Some(selector)),
        Err(_) => {
            let name = &gateway.name;
            let message = format!("the nodes of gateway `{name}` cannot be told by this release");
            Err(refused(&message))
        }
    }
}

/// Refused for a reason that no line of it gives.
pub(super) fn refused(message: &str) -> ApplyError {
    ApplyError::Refused(vec![finding(message, None)])
}

/// A finding of the control plane itself, beside those of the compiler.
pub(super) fn finding(message: &str, advice: Option<&str>) -> Diagnostic {
    Diagnostic::general(
        Severity::Error,
        message.to_owned(),
        advice.map(str::to_owned),
    )
}

/// Why a change of the set is refused, with its place where it has one.
pub(super) fn conflict(conflict: &Conflict) -> Diagnostic {
    const ADVICE: &str = "change it in that file, or take it out of that file first";
    match conflict {
        Conflict::KeptInFile {
            key,
            refused: Some(refused),
            ..
        } => {
            let source = Source::new(&refused.file, &refused.source, refused.line);
            let metadata = refused.source.find("metadata").unwrap_or(0);
            let name = refused
                .source
                .get(metadata..)
                .and_then(|rest| rest.find(&key.name));
            let span = name.map_or(0..0, |at| metadata + at..metadata + at + key.name.len());
            Finding::error(&source, span, conflict.to_string())
                .help(ADVICE)
                .build()
        }
        Conflict::KeptInFile { refused: None, .. } => finding(&conflict.to_string(), Some(ADVICE)),
        Conflict::WasInFile { .. } => finding(
            &conflict.to_string(),
            Some("put it back into that file, or apply it under your own name"),
        ),
        Conflict::Unknown { .. } => finding(&conflict.to_string(), None),
    }
}
