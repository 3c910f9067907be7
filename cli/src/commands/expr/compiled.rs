//! Expressions that were compiled, the latest of which are kept: what asks a lot asks the same often.

use countersign_control_plane::cel::{Compiler, Env, Lowering, Problem, Span, Type, Variable};
use countersign_engine::cel::NodeId;
use countersign_engine::form::FormWriter;

use super::request::Request;
use crate::limits::{MAX_KEPT_EXPRESSION_BYTES, MAX_KEPT_EXPRESSIONS};

/// An expression in the compiled form.
#[derive(Debug)]
pub(super) struct Compiled {
    /// The bytes that a filter would load.
    pub(super) body: Vec<u8>,
    pub(super) root: NodeId,
    /// The whole expression.
    pub(super) span: Span,
    /// Parts that can only fail, and how.
    pub(super) doomed: Vec<(Span, String)>,
    /// Parts that can fail.
    pub(super) failures: Vec<Span>,
}

/// The latest expressions.
#[derive(Debug, Default)]
pub(super) struct Cache {
    /// The latest last.
    kept: Vec<(Question, Compiled)>,
    /// One that is too large to be kept.
    passing: Option<Compiled>,
}

/// What decides what an expression becomes.
#[derive(Debug, PartialEq, Eq)]
struct Question {
    expr: String,
    container: String,
    check: bool,
    names: Vec<(String, Type)>,
}

impl Question {
    fn is(&self, request: &Request<'_>, names: &[(&str, Type)]) -> bool {
        self.expr == request.expr
            && self.container == request.container
            && self.check == request.check
            && self.names.len() == names.len()
            && self
                .names
                .iter()
                .zip(names)
                .all(|((name, ty), (other, other_ty))| name == other && ty == other_ty)
    }
}

impl Cache {
    /// The compiled form of what a line asks.
    pub(super) fn compile(
        &mut self,
        request: &Request<'_>,
        names: &[(&str, Type)],
    ) -> Result<&Compiled, Vec<Problem>> {
        let known = self
            .kept
            .iter()
            .rposition(|(question, _)| question.is(request, names));
        if let Some(known) = known {
            // What is asked again stays.
            let latest = self.kept.remove(known);
            self.kept.push(latest);
        } else {
            let compiled = compile(request, names)?;
            if compiled.body.len() + request.expr.len() > MAX_KEPT_EXPRESSION_BYTES {
                return Ok(self.passing.insert(compiled));
            }
            if self.kept.len() >= MAX_KEPT_EXPRESSIONS {
                self.kept.remove(0);
            }
            let question = Question {
                expr: request.expr.clone(),
                container: request.container.clone(),
                check: request.check,
                names: names
                    .iter()
                    .map(|(name, ty)| ((*name).to_owned(), ty.clone()))
                    .collect(),
            };
            self.kept.push((question, compiled));
        }
        self.passing = None;
        self.kept
            .last()
            .map(|(_, compiled)| compiled)
            .ok_or_else(Vec::new)
    }
}

fn compile(request: &Request<'_>, names: &[(&str, Type)]) -> Result<Compiled, Vec<Problem>> {
    let mut env = Env::default()
        .in_container(&request.container)
        .with_computed_patterns();
    if !request.check {
        env = env.unchecked();
    }
    for (number, (name, ty)) in (0_u32..).zip(names) {
        let variable = Variable {
            ty: ty.clone(),
            lowering: Lowering::Variable(number),
            absent: None,
        };
        env.declare(*name, variable);
    }
    let mut compiler = Compiler::default();
    let compiled = compiler.compile(&request.expr, &env)?;
    let mut form = FormWriter::default();
    compiler.program.write(&mut form);
    Ok(Compiled {
        // Only what no limit lets compile has no form; its bytes are refused when they are loaded.
        body: form.finish().unwrap_or_default(),
        root: compiled.root,
        span: compiled.tree.span,
        doomed: compiled
            .warnings
            .into_iter()
            .map(|warning| (warning.span, warning.label))
            .collect(),
        failures: compiled
            .failures
            .into_iter()
            .map(|failure| failure.span)
            .collect(),
    })
}
