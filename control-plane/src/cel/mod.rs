//! CEL, the Common Expression Language: text in, the compiled form out, in steps of which each knows
//! only the one before.
//!
//! 1. `syntax`: text → syntax, by the grammar of the language definition. Says what is no CEL.
//! 2. `check`: syntax → [`Typed`]. Expands `macros`, resolves names against an [`Env`], finds out
//!    types. Says what is CEL and makes no sense.
//! 3. `fold`: computes what depends on nothing, with the engine's own evaluator.
//! 4. `settle`: makes the automata of patterns and the transitions of time zones.
//! 5. `failures`: lists what can fail at run time.
//! 6. `lower`: [`Typed`] → the nodes of a [`ProgramBuilder`].

mod check;
mod env;
mod failures;
mod fold;
pub mod functions;
pub mod host;
pub mod limits;
mod lower;
mod macros;
mod pattern;
mod problem;
mod settle;
mod syntax;
mod typed;
mod types;
pub mod values;
mod zone;

use countersign_engine::cel::{NodeId, ProgramBuilder};

pub use env::{Env, Facts, Lowering, ThereIf, Variable};
pub use failures::Failure;
pub(crate) use fold::{Decided, why_doomed};
pub use problem::{Gravity, Problem, ProblemKind, Span};
pub use typed::{Constant, ConstantSet, Pattern, Typed, TypedKind};
pub use types::{Members, NoType, Type, Words};

use limits::{MAX_DEPTH, MAX_PROBLEMS};

/// Compiles expressions into one program.
#[derive(Debug, Default)]
pub struct Compiler {
    /// The program. Others may add to it between expressions.
    pub program: ProgramBuilder,
    shared: settle::Shared,
}

/// An expression that compiled.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// Its node in the program.
    pub root: NodeId,
    /// The type of its value.
    pub ty: Type,
    /// The typed form, folded.
    pub tree: Typed,
    /// What can fail at run time, and why.
    pub failures: Vec<Failure>,
    /// What compiles, and probably not to what was meant.
    pub warnings: Vec<Problem>,
}

/// An expression in which nothing is wrong, before it is a part of the program.
#[derive(Debug)]
pub(crate) struct Ready {
    /// See [`Compiled::tree`].
    pub(crate) tree: Typed,
    /// See [`Compiled::failures`].
    pub(crate) failures: Vec<Failure>,
    /// See [`Compiled::warnings`].
    pub(crate) warnings: Vec<Problem>,
    /// Parts that are true or false whatever the request.
    pub(crate) decided: Vec<Decided>,
}

impl Compiler {
    /// Compiles an expression.
    ///
    /// # Errors
    /// Every problem that was found; at least one is an error.
    pub fn compile(&mut self, text: &str, env: &Env) -> Result<Compiled, Vec<Problem>> {
        let ready = self.ready(text, env, |_, _| {})?;
        Ok(self.finish(ready))
    }

    /// Compiles an expression that must be true or false.
    ///
    /// # Errors
    /// Every problem that was found; at least one is an error.
    pub fn condition(&mut self, text: &str, env: &Env) -> Result<Compiled, Vec<Problem>> {
        let ready = self.ready_condition(text, env, |_, _| {})?;
        Ok(self.finish(ready))
    }

    /// Does everything for a condition but to add it to the program; [`Self::add`] does that. `look`
    /// sees the tree as it is written, before anything is computed, may rewrite it, and says what it
    /// thinks of it.
    pub(crate) fn ready_condition(
        &mut self,
        text: &str,
        env: &Env,
        look: impl FnOnce(&mut Typed, &mut Vec<Problem>),
    ) -> Result<Ready, Vec<Problem>> {
        self.ready(text, env, |tree, problems| {
            problems.extend(no_condition(tree));
            look(tree, problems);
        })
    }

    /// Adds a tree to the program.
    pub(crate) fn add(&mut self, tree: &Typed) -> NodeId {
        lower::lower(tree, &mut self.program)
    }

    fn finish(&mut self, ready: Ready) -> Compiled {
        Compiled {
            root: self.add(&ready.tree),
            ty: ready.tree.ty.clone(),
            tree: ready.tree,
            failures: ready.failures,
            warnings: ready.warnings,
        }
    }

    fn ready(
        &mut self,
        text: &str,
        env: &Env,
        look: impl FnOnce(&mut Typed, &mut Vec<Problem>),
    ) -> Result<Ready, Vec<Problem>> {
        let syntax = syntax::parse(text).map_err(|problem| vec![problem])?;
        let (mut tree, mut problems) = check::check(text, &syntax, env);
        look(&mut tree, &mut problems);
        refuse(&mut problems)?;
        if tree.depth() > MAX_DEPTH {
            return Err(vec![check::too_deep(tree.span)]);
        }
        let folded = fold::fold(&mut tree);
        problems.extend(settle::settle(
            text,
            &mut tree,
            env,
            &mut self.shared,
            &mut self.program,
        ));
        refuse(&mut problems)?;
        if tree.depth() > MAX_DEPTH {
            return Err(vec![check::too_deep(tree.span)]);
        }
        problems.extend(
            folded.doomed.into_iter().map(|doomed| {
                Problem::warning(doomed.span, "this can only fail").label(doomed.error)
            }),
        );
        problems.truncate(MAX_PROBLEMS);
        Ok(Ready {
            failures: failures::failures(text, &tree),
            tree,
            warnings: problems,
            decided: folded.decided,
        })
    }
}

/// What is neither true nor false is no condition.
fn no_condition(tree: &Typed) -> Option<Problem> {
    if tree.ty == Type::Bool || tree.ty.is_dynamic() || tree.ty.has_error() {
        return None;
    }
    let problem = Problem::check(tree.span, "a condition must be true or false")
        .label(format!("this is {}", tree.ty.article()));
    Some(match tree.ty {
        Type::String | Type::Word(_) => problem.help("compare it: `… == \"…\"`"),
        _ => problem,
    })
}

/// Ends with the problems if one of them is an error. What is no CEL comes first.
fn refuse(problems: &mut Vec<Problem>) -> Result<(), Vec<Problem>> {
    if !problems.iter().any(Problem::is_error) {
        return Ok(());
    }
    let mut problems = std::mem::take(problems);
    problems.sort_by_key(|problem| (!problem.is_error(), problem.kind != ProblemKind::Parse));
    problems.truncate(MAX_PROBLEMS);
    Err(problems)
}

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
