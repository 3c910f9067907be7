//! One comparison: text → compiled form → the engine's evaluator, beside the naive evaluator over the
//! syntax tree.

use countersign_control_plane::cel::{Compiler, Env};
use countersign_engine::cel::{self, EvalError, Evaluator, NodeId, Program};
use countersign_engine::form::{FormWriter, Sections};

use super::bridge;
use super::front::cel::syntax::{self, ast::Expr};
use super::naive;
use super::naive::value::{Outcome, Stop, Value, identical};
use super::render;
use super::request::{self, Facts, Read};

/// What came of a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The same value, or errors on both sides.
    Same,
    /// The specification and our decisions say nothing.
    Open,
    /// The engine ran into its own bounds.
    Bound,
    /// What each said.
    Differs(String),
}

/// What became of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Compiled {
    /// The types are right.
    Checked(NodeId),
    /// They are not, and it was compiled without the check.
    Unchecked(NodeId),
    /// Refused either way.
    Refused,
}

impl Compiled {
    pub(crate) const fn node(&self) -> Option<NodeId> {
        match self {
            Self::Checked(node) | Self::Unchecked(node) => Some(*node),
            Self::Refused => None,
        }
    }
}

/// Both environments.
pub(crate) struct Environments {
    checked: Env,
    unchecked: Env,
}

impl Environments {
    pub(crate) fn new() -> Self {
        Self {
            checked: request::environment(),
            unchecked: request::environment().unchecked(),
        }
    }

    /// Compiles a text; what has wrong types, without the check.
    pub(crate) fn compile(
        &self,
        text: &str,
        compiler: &mut Compiler,
    ) -> (Compiled, Option<String>) {
        let problems = match compiler.compile(text, &self.checked) {
            Ok(compiled) => {
                compiler.program.root(compiled.root);
                return (Compiled::Checked(compiled.root), None);
            }
            Err(problems) => problems,
        };
        let told = problems.iter().find(|problem| problem.is_error());
        let told = told.map(|problem| problem.sentence()).unwrap_or_default();
        match compiler.compile(text, &self.unchecked) {
            Ok(compiled) => {
                compiler.program.root(compiled.root);
                (Compiled::Unchecked(compiled.root), Some(told))
            }
            Err(_) => (Compiled::Refused, Some(told)),
        }
    }
}

/// The body of a program, as a revision holds it.
pub(crate) fn body(compiler: Compiler) -> Vec<u8> {
    let mut form = FormWriter::default();
    compiler.program.write(&mut form);
    form.finish().expect("what a test compiles is small")
}

/// Loads a program as the filter does and hands it on.
pub(crate) fn with_program<T>(body: &[u8], then: impl FnOnce(&Program<'_>) -> T) -> T {
    let sections = Sections::read(body).expect("what was written is read");
    then(&Program::load(&sections).expect("what was compiled loads"))
}

/// Compares what both say.
pub(crate) fn judge(found: &Result<cel::Value<'_>, EvalError>, expected: &Outcome) -> Verdict {
    let differs = || {
        let found = match found {
            Ok(value) => format!("{:?}", bridge::from_engine(value)),
            Err(error) => format!("error: {error}"),
        };
        Verdict::Differs(format!("engine: {found}\n  naive:  {expected:?}"))
    };
    match (found, expected) {
        // A `List` resource of ranges is no value; only `in` looks into it.
        (_, Err(Stop::NoOpinion) | Ok(Value::Nets(_))) => Verdict::Open,
        (Err(error), _) if bridge::kinds(error).is_none() => Verdict::Bound,
        (Ok(found), Ok(expected)) => match bridge::from_engine(found) {
            Some(found) if identical(&found, expected) => Verdict::Same,
            _ => differs(),
        },
        (Err(error), Err(Stop::Error(expected))) => match bridge::kinds(error) {
            Some(kinds) if expected.meets(kinds) => Verdict::Same,
            _ => differs(),
        },
        _ => differs(),
    }
}

/// Compares one expression over one request, by itself.
pub(crate) fn alone(expr: &Expr, facts: &Facts, environments: &Environments) -> Verdict {
    let text = render::text(expr);
    let mut compiler = request::compiler();
    let (compiled, _) = environments.compile(&text, &mut compiler);
    let Some(node) = compiled.node() else {
        return Verdict::Open;
    };
    let expected = naive::evaluate(expr, facts);
    with_program(&body(compiler), |program| {
        let found = Evaluator::new(program, Read(facts)).evaluate(node);
        judge(&found, &expected)
    })
}

/// Does the front end read the text of a tree as that tree?
pub(crate) fn reads_back(expr: &Expr, text: &str) -> Result<(), String> {
    let read = syntax::parse(text).ok_or_else(|| format!("does not parse: {text}"))?;
    let (written, read) = (render::canonical(expr), render::canonical(&read));
    if written == read {
        Ok(())
    } else {
        Err(format!("{text}\n  written: {written}\n  read:    {read}"))
    }
}
