//! From resources to the compiled policy: parse ([`crate::resource`]), check, lower, load.

pub mod analyse;
mod challenges;
mod checked;
mod conditions;
mod countries;
mod devices;
mod doubts;
mod forms;
mod gateways;
pub mod limits;
mod lists;
mod load;
mod lower;
mod reasons;
mod step_ups;

pub use conditions::{Failure, Function, Language, Memory, Name, language};
pub use forms::{Forms, GatewayForm, NoForms};
pub use reasons::{Reason, reasons};
pub use step_ups::{StepUpTerms, step_ups};

use std::collections::HashMap;

use countersign_engine::Timestamp;
use countersign_proto::policy::v1 as proto;

use crate::diagnostic::{Diagnostic, Findings, Severity};
use crate::resource::Document;

/// What goes into a revision beside the resources.
#[derive(Clone, Debug, Default)]
pub struct RuntimeMaterial {
    /// Public keys of the sidecars.
    pub session_keys: Vec<proto::SessionKey>,
    /// The first one signs, all of them verify.
    pub ticket_keys: Vec<proto::TicketKey>,
    /// Sessions that are no longer good.
    pub revocations: Vec<proto::Revocation>,
    /// One in this many plain allows becomes an event, whatever `Settings` say: for who looks at every
    /// decision.
    pub allow_sampling: Option<u32>,
}

/// A compiled policy that the engine has loaded.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The bodies of its compiled forms, see [`countersign_engine::form`].
    pub forms: Forms,
    /// Of the forms, see [`Forms::hash`].
    pub hash: String,
    /// What compiles and is probably not meant.
    pub warnings: Vec<Diagnostic>,
    /// What in conditions can fail at run time: a condition that fails does not match. The first
    /// [`limits::MAX_FAILURES`].
    pub failures: Vec<Failure>,
    /// How many failures are not among them.
    pub more_failures: usize,
}

/// Compiles a set of documents. The result depends on nothing but the arguments: the same resources
/// in another order, in other files or with other comments have the same hash.
///
/// # Errors
/// The findings of severity error, at most a hundred; a set is compiled whole or not at all.
pub fn compile(
    documents: &[Document],
    runtime: &RuntimeMaterial,
) -> Result<Compiled, Vec<Diagnostic>> {
    on_a_large_stack(documents, runtime, None, &mut Memory::default())
}

/// Like [`compile`], at a known time in milliseconds since the Unix epoch: device rules that have ended
/// by then are warned of and contradict none. What is compiled, and its hash, are the same at any time.
///
/// # Errors
/// See [`compile`].
pub fn compile_at(
    documents: &[Document],
    runtime: &RuntimeMaterial,
    now_ms: u64,
) -> Result<Compiled, Vec<Diagnostic>> {
    compile_again(documents, runtime, now_ms, &mut Memory::default())
}

/// Like [`compile_at`], by somebody who compiles sets that are much the same: `memory` is of the sets
/// before. What is compiled, and what is found, are the same with any memory.
///
/// # Errors
/// See [`compile`].
pub fn compile_again(
    documents: &[Document],
    runtime: &RuntimeMaterial,
    now_ms: u64,
    memory: &mut Memory,
) -> Result<Compiled, Vec<Diagnostic>> {
    let nanos = i64::try_from(now_ms)
        .unwrap_or(i64::MAX)
        .saturating_mul(1_000_000);
    let now = Some(Timestamp::from_nanos(nanos));
    on_a_large_stack(documents, runtime, now, memory)
}

fn on_a_large_stack(
    documents: &[Document],
    runtime: &RuntimeMaterial,
    now: Option<Timestamp>,
    memory: &mut Memory,
) -> Result<Compiled, Vec<Diagnostic>> {
    // The expression parser recurses in frames that a worker's stack may not hold.
    std::thread::scope(|scope| {
        std::thread::Builder::new()
            .name("compile".to_owned())
            .stack_size(limits::COMPILER_STACK_BYTES)
            .spawn_scoped(scope, || {
                let compiled = run(documents, runtime, now, memory);
                memory.end();
                compiled
            })
            .ok()
            .and_then(|thread| thread.join().ok())
            .unwrap_or_else(|| {
                let message = "the compiler could not run".to_owned();
                let help =
                    "this is a fault of the control plane or its machine, not of the resources"
                        .to_owned();
                Err(vec![Diagnostic::general(
                    Severity::Error,
                    message,
                    Some(help),
                )])
            })
    })
}

fn run(
    documents: &[Document],
    runtime: &RuntimeMaterial,
    now: Option<Timestamp>,
    memory: &mut Memory,
) -> Result<Compiled, Vec<Diagnostic>> {
    let mut findings = Findings::default();
    let mut checked = checked::check(documents, now, memory, &mut findings);
    let mut of_gateways = Findings::default();
    gateways::check(documents, &mut of_gateways);
    if findings.has_errors() || of_gateways.has_errors() {
        findings.append(of_gateways);
        return Err(in_order(
            findings.into_result().err().unwrap_or_default(),
            documents,
        ));
    }
    let mut failures = std::mem::take(&mut checked.failures);
    let program = std::mem::take(&mut checked.program);
    let device_rules = std::mem::take(&mut checked.device_rules);
    let (forms, hash, later, doubts) = std::thread::scope(|scope| {
        // Warnings take as long as the rest, and nothing of the rest waits for them.
        let doubting = std::thread::Builder::new()
            .name("doubts".to_owned())
            .stack_size(limits::COMPILER_STACK_BYTES)
            .spawn_scoped(scope, || checked.doubts(documents, now));
        let mut later = Findings::default();
        let body = lower::lower(&checked, program, device_rules, runtime).unwrap_or_default();
        let mut compiling = Compiling {
            runtime,
            now,
            memory,
        };
        let gateways = gateways::forms(documents, &body, &mut compiling, &mut later);
        let forms = Forms {
            everything: body,
            gateways,
        };
        let hash = forms.hash();
        load::load(&forms.everything, &hash, documents, &mut later);
        let doubts = match doubting.map(std::thread::ScopedJoinHandle::join) {
            Ok(Ok(doubts)) => doubts,
            Ok(Err(panic)) => std::panic::resume_unwind(panic),
            Err(_) => checked.doubts(documents, now),
        };
        (forms, hash, later, doubts)
    });
    findings.append(doubts);
    findings.append(of_gateways);
    findings.append(later);
    match findings.into_result() {
        Ok(warnings) => {
            let order = order_of_files(documents);
            failures.told.sort_by_key(|failure| {
                let file = order.get(failure.file.as_str()).copied();
                (file, failure.line, failure.column)
            });
            Ok(Compiled {
                forms,
                hash,
                warnings: in_order(warnings, documents),
                failures: failures.told,
                more_failures: failures.more,
            })
        }
        Err(errors) => Err(in_order(errors, documents)),
    }
}

/// Compiles parts of a set that was checked.
struct Compiling<'r> {
    runtime: &'r RuntimeMaterial,
    now: Option<Timestamp>,
    memory: &'r mut Memory,
}

impl Compiling<'_> {
    /// The body of a part. What is wrong with a part is wrong with the whole, and was reported.
    fn body(&mut self, documents: &[Document]) -> Vec<u8> {
        let mut unheard = Findings::default();
        let mut checked = checked::check(documents, self.now, self.memory, &mut unheard);
        let program = std::mem::take(&mut checked.program);
        let device_rules = std::mem::take(&mut checked.device_rules);
        lower::lower(&checked, program, device_rules, self.runtime).unwrap_or_default()
    }
}

/// Conditions are checked in the order of evaluation; authors read in the order of their files.
fn in_order(mut diagnostics: Vec<Diagnostic>, documents: &[Document]) -> Vec<Diagnostic> {
    let order = order_of_files(documents);
    diagnostics.sort_by_key(|diagnostic| {
        let file = order
            .get(diagnostic.file.as_str())
            .copied()
            .unwrap_or(usize::MAX);
        (file, diagnostic.line, diagnostic.column)
    });
    diagnostics
}

fn order_of_files(documents: &[Document]) -> HashMap<&str, usize> {
    let mut files: Vec<&str> = Vec::new();
    for document in documents {
        if files.last() != Some(&document.file.as_str()) {
            files.push(&document.file);
        }
    }
    let mut order = HashMap::new();
    for (index, file) in files.into_iter().enumerate() {
        order.entry(file).or_insert(index);
    }
    order
}

#[cfg(test)]
mod tests;
