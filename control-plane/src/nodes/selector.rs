//! Which nodes an expression or a percentage means. Pure: a node is its introduction.
//!
//! What a node says is a stranger's word. A selection decides which policies a node gets and when it gets
//! them, never whether somebody is let through.

use countersign_engine::cel::{EvalError, Evaluator, NodeId, Program, Source, Text, Value};
use countersign_engine::form::{FormWriter, Sections};
use sha2::{Digest as _, Sha256};

use super::Introduction;
use crate::cel::values::from_plain;
use crate::cel::{Compiler, Constant, Env, Lowering, Problem, Span, Type, Variable, host};
use crate::compile::limits::COMPILER_STACK_BYTES;
use crate::limits;

/// What a variable holds of a node.
type Read = fn(&Introduction) -> &str;

/// What expressions over nodes may name, by the numbers of their variables.
const VARIABLES: [(&str, Read); 6] = [
    ("node.id", |node| &node.id),
    ("node.cluster", |node| &node.cluster),
    ("node.version", |node| &node.envoy_version),
    ("locality.region", |node| &node.locality.region),
    ("locality.zone", |node| &node.locality.zone),
    ("locality.sub_zone", |node| &node.locality.sub_zone),
];
const METADATA: &str = "node.metadata";
/// The number behind those of [`VARIABLES`].
const METADATA_NUMBER: u32 = 6;

/// An expression over nodes that compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    text: String,
    body: Vec<u8>,
    root: NodeId,
    /// It means every node.
    always: bool,
}

/// Why it cannot be said whether a node is selected; it is not, then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{selector}` cannot be answered for this node: {reason}")]
pub struct SelectError {
    /// The expression.
    pub selector: String,
    /// What failed.
    pub reason: String,
}

impl Selector {
    /// Compiles an expression that must be true or false. The warnings come with it.
    ///
    /// # Errors
    /// Every problem that was found; at least one is an error.
    pub fn compile(text: &str) -> Result<(Self, Vec<Problem>), Vec<Problem>> {
        if text.len() > limits::MAX_SELECTOR_BYTES {
            return Err(vec![too_large(text, "bytes", limits::MAX_SELECTOR_BYTES)]);
        }
        // The expression parser recurses in frames that a worker's stack may not hold.
        let compiled = std::thread::scope(|scope| {
            std::thread::Builder::new()
                .stack_size(COMPILER_STACK_BYTES)
                .spawn_scoped(scope, || compile(text))
                .ok()
                .and_then(|thread| thread.join().ok())
        });
        compiled.unwrap_or_else(|| {
            let problem = Problem::check(Span::new(0, text.len()), "the compiler could not run");
            Err(vec![problem])
        })
    }

    /// As it is written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Do both mean the same nodes for certain? Where it cannot be told, no.
    #[must_use]
    pub fn surely_overlaps(&self, other: &Self) -> bool {
        (self.always && other.always) || self.text.trim() == other.text.trim()
    }

    /// Is this node meant?
    ///
    /// # Errors
    /// Where it cannot be said: metadata that is not there or is of another type.
    pub fn selects(&self, node: &Introduction) -> Result<bool, SelectError> {
        let failed = |reason: String| SelectError {
            selector: self.text.clone(),
            reason,
        };
        let sections = Sections::read(&self.body).map_err(|error| failed(error.to_string()))?;
        let program = Program::load(&sections).map_err(|error| failed(error.to_string()))?;
        Evaluator::new(&program, Of(node))
            .holds(self.root)
            .map_err(|error| failed(error.to_string()))
    }
}

/// Is a node among these percent of all? By a hash of its id: whoever is among few is among more, and a
/// node is selected or not whatever other nodes there are.
#[must_use]
pub fn in_percent(id: &str, percent: u32) -> bool {
    let digest = Sha256::digest(id.as_bytes());
    let place = digest
        .iter()
        .take(8)
        .fold(0_u64, |place, byte| (place << 8) | u64::from(*byte));
    // The place as a fraction of all places, in whole percent rounded down: 0 to 99.
    let place = (u128::from(place).saturating_mul(100)) >> 64;
    place < u128::from(percent)
}

fn compile(text: &str) -> Result<(Selector, Vec<Problem>), Vec<Problem>> {
    let mut env = Env::default().with_computed_patterns();
    let names = VARIABLES.iter().map(|(name, _)| (*name, Type::String));
    let metadata = (METADATA, Type::map(Type::String, Type::Dyn));
    for (number, (name, ty)) in (0_u32..).zip(names.chain([metadata])) {
        let lowering = Lowering::Variable(number);
        let variable = Variable {
            ty,
            lowering,
            absent: None,
        };
        env.declare(name, variable);
    }
    let mut compiler = Compiler::default();
    let compiled = compiler.condition(text, &env)?;
    if compiled.tree.depth() > limits::MAX_SELECTOR_DEPTH {
        let most = limits::MAX_SELECTOR_DEPTH as usize;
        return Err(vec![too_large(text, "levels", most)]);
    }
    let mut form = FormWriter::default();
    compiler.program.write(&mut form);
    let Some(body) = form.finish() else {
        return Err(vec![too_large(text, "bytes", limits::MAX_SELECTOR_BYTES)]);
    };
    let selector = Selector {
        text: text.to_owned(),
        body,
        root: compiled.root,
        always: compiled.tree.constant() == Some(&Constant::Bool(true)),
    };
    Ok((selector, compiled.warnings))
}

fn too_large(text: &str, what: &str, most: usize) -> Problem {
    let message = format!("this has more than {most} {what}");
    Problem::check(Span::new(0, text.len()), message)
        .help("mark such nodes in their metadata, and ask for the mark")
}

/// A node, for the evaluator.
struct Of<'n>(&'n Introduction);

impl<'n> Source<'n> for Of<'n> {
    fn attribute(&self, _number: u32) -> Result<Value<'n>, EvalError> {
        Err(EvalError::NotAvailable)
    }

    fn header(&self, _name: &str) -> Option<Text<'n>> {
        None
    }

    fn header_count(&self) -> usize {
        0
    }

    fn header_name(&self, _index: usize) -> Option<Text<'n>> {
        None
    }

    fn variable(&self, number: u32) -> Result<Value<'n>, EvalError> {
        if number == METADATA_NUMBER {
            let fields = self.0.metadata.fields().iter();
            let entries = fields.map(|(name, value)| {
                let value = from_plain(value).map_err(|_| EvalError::NotAvailable)?;
                Ok((Value::text(name), value))
            });
            return Value::map(entries.collect::<Result<_, EvalError>>()?);
        }
        let known = usize::try_from(number)
            .ok()
            .and_then(|number| VARIABLES.get(number));
        known
            .map(|(_, read)| Value::text(read(self.0)))
            .ok_or(EvalError::NoSuchVariable(number))
    }

    fn matches(&self, text: &str, pattern: &str) -> Result<bool, EvalError> {
        host::matches(text, pattern)
    }

    fn zone_offset(&self, name: &str, seconds: i64) -> Option<i32> {
        host::zone_offset(name, seconds)
    }
}

#[cfg(test)]
mod tests;
