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

pub use env::{Env, Lowering, Variable};
pub use failures::Failure;
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

impl Compiler {
    /// Compiles an expression.
    ///
    /// # Errors
    /// Every problem that was found; at least one is an error.
    pub fn compile(&mut self, text: &str, env: &Env) -> Result<Compiled, Vec<Problem>> {
        self.compile_if(text, env, |_| None)
    }

    /// Compiles an expression that must be true or false.
    ///
    /// # Errors
    /// Every problem that was found; at least one is an error.
    pub fn condition(&mut self, text: &str, env: &Env) -> Result<Compiled, Vec<Problem>> {
        self.compile_if(text, env, |tree| {
            if tree.ty == Type::Bool || tree.ty.is_dynamic() || tree.ty.has_error() {
                return None;
            }
            let problem = Problem::check(tree.span, "a condition must be true or false")
                .label(format!("this is {}", tree.ty.article()));
            Some(match tree.ty {
                Type::String => problem.help("compare it: `… == \"…\"`"),
                _ => problem,
            })
        })
    }

    fn compile_if(
        &mut self,
        text: &str,
        env: &Env,
        objection: impl FnOnce(&Typed) -> Option<Problem>,
    ) -> Result<Compiled, Vec<Problem>> {
        let syntax = syntax::parse(text).map_err(|problem| vec![problem])?;
        let (mut tree, mut problems) = check::check(text, &syntax, env);
        problems.extend(objection(&tree));
        refuse(&mut problems)?;
        if tree.depth() > MAX_DEPTH {
            return Err(vec![check::too_deep(tree.span)]);
        }
        let doomed = fold::fold(&mut tree);
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
            doomed.into_iter().map(|doomed| {
                Problem::warning(doomed.span, "this can only fail").label(doomed.error)
            }),
        );
        problems.truncate(MAX_PROBLEMS);
        let failures = failures::failures(&tree);
        let root = lower::lower(&tree, &mut self.program);
        Ok(Compiled {
            root,
            ty: tree.ty.clone(),
            tree,
            failures,
            warnings: problems,
        })
    }
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
