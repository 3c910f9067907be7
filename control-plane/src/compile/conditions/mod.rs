//! Conditions of policies and signals: compiled by [`crate::cel`] into the one program of the set, so
//! that what several of them say stands in it once, and looked at with an author's eyes.

mod advice;
mod environment;
mod failures;
mod language;
mod memory;
mod place;

use std::sync::Arc;

use countersign_engine::cel::{NodeId, ProgramBuilder};
use countersign_engine::{Attribute, AttributeSet};

use super::limits::MAX_NODES;
use super::lists::Lists;
use crate::cel::{Compiler, Constant, Env, Lowering, Problem, Span, Typed, TypedKind};
use crate::diagnostic::{Findings, MAX_FINDINGS};
use crate::resource::{Document, Members, Settings};

use advice::ReadLists;
use memory::Known;

pub use failures::Failure;
pub(super) use failures::Failures;
pub use language::{Function, Language, Name, language};
pub use memory::Memory;
pub(crate) use place::Place;

/// A condition in the program.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    /// `None`: it holds whatever the request.
    pub(super) root: Option<NodeId>,
    /// Typed and folded; lists have the numbers that [`Conditions::lists`] gives them.
    pub(super) tree: Arc<Typed>,
    /// Places of which something was said.
    pub(super) told: Vec<Span>,
}

/// The conditions of a set while they are compiled.
#[derive(Debug)]
pub(super) struct Conditions<'a, 'm> {
    compiler: Compiler,
    env: Env,
    lists: Lists<'a>,
    read_lists: ReadLists,
    reads: AttributeSet,
    failures: Failures,
    memory: &'m mut Memory,
    /// [`MAX_NODES`], or less in tests.
    most_nodes: usize,
    /// The program has all the nodes that it may have.
    full: bool,
}

impl<'a, 'm> Conditions<'a, 'm> {
    /// For the conditions of these documents, which can name their lists and read what `settings` have
    /// trusted hops tell.
    pub(super) fn of(
        documents: &'a [Document],
        settings: Option<&Settings>,
        memory: &'m mut Memory,
    ) -> Self {
        memory.begin(settings);
        let lists = Lists::of(documents);
        Self {
            compiler: Compiler::default(),
            env: environment::of(&lists, settings),
            lists,
            read_lists: ReadLists::default(),
            reads: AttributeSet::default(),
            failures: Failures::default(),
            memory,
            most_nodes: MAX_NODES,
            full: false,
        }
    }

    /// Compiles a condition. `None` where something is wrong with it; what, is in `findings`.
    pub(super) fn add(&mut self, place: Place<'_>, findings: &mut Findings) -> Option<Condition> {
        let known = match self.known(&place) {
            Ok(known) => known,
            Err(problems) => {
                place.report(problems, findings);
                return None;
            }
        };
        let told = known.warnings.iter().map(|warning| warning.span).collect();
        place.report(known.warnings.clone(), findings);
        self.failures
            .add(&place, &known.tree, known.failures.clone());
        let mut tree = Arc::clone(&known.tree);
        if tree.constant() == Some(&Constant::Bool(true)) {
            let root = None;
            return Some(Condition { root, tree, told });
        }
        if !self.read(&tree) {
            self.place_lists(Arc::make_mut(&mut tree));
        }
        if self.full {
            return None;
        }
        let root = self.compiler.add(&tree);
        if self.compiler.program.len() > self.most_nodes {
            self.full = true;
            place.report(vec![too_many_nodes(&tree, self.most_nodes)], findings);
            return None;
        }
        Some(Condition {
            root: Some(root),
            tree,
            told,
        })
    }

    /// The lists that conditions name, by their numbers in the program.
    pub(super) fn lists(&self) -> impl Iterator<Item = (u32, &'a Members)> + '_ {
        self.lists.placed()
    }

    fn known(&mut self, place: &Place<'_>) -> Result<Arc<Known>, Vec<Problem>> {
        let (kind, text) = (place.kind, place.expression.text());
        if let Some(known) = self.memory.get(kind, text) {
            return Ok(known);
        }
        let lists = (&self.lists, &mut self.read_lists);
        let mut alone = false;
        let mut ready = self
            .compiler
            .ready_condition(text, &self.env, |tree, problems| {
                alone = memory::stands_alone(tree);
                advice::look(kind, lists, tree, problems);
            })?;
        advice::add_decided(&ready.tree, &ready.decided, &mut ready.warnings);
        let known = Arc::new(Known::from(ready));
        if alone {
            self.memory.put(kind, text, &known);
        }
        Ok(known)
    }

    /// The program, what it reads, and what in it can fail.
    pub(super) fn finish(self) -> (ProgramBuilder, AttributeSet, Failures) {
        (self.compiler.program, self.reads, self.failures)
    }

    /// Notes what the tree reads. Does it name no list?
    fn read(&mut self, tree: &Typed) -> bool {
        let mut without_lists = true;
        if let TypedKind::Variable { lowering, .. } = &tree.kind {
            match lowering {
                Lowering::Attribute(number) | Lowering::Headers(number) => {
                    if let Some(attribute) = Attribute::from_number(*number) {
                        self.reads.insert(attribute);
                    }
                }
                Lowering::Set(_) => without_lists = false,
                Lowering::Variable(_) => {}
            }
        }
        for child in tree.children() {
            without_lists &= self.read(child);
        }
        without_lists
    }

    /// Gives to the lists that the tree names their places in the program: one that no condition names does
    /// not travel.
    fn place_lists(&mut self, tree: &mut Typed) {
        if let TypedKind::Variable {
            lowering: Lowering::Set(list),
            ..
        } = &mut tree.kind
        {
            *list = self.lists.place(*list, &mut self.compiler.program);
        }
        for child in tree.children_mut() {
            self.place_lists(child);
        }
    }
}

fn too_many_nodes(tree: &Typed, most: usize) -> Problem {
    let message = format!("the conditions of this set have more than {most} parts");
    Problem::check(tree.span, message)
        .label("this is the first past the limit")
        .help("what several conditions say counts once; many values belong into a `List`")
        .past_limit()
}

/// Problems of one gravity that are reported for one condition: each is traced back through the
/// scalar's notation, and more than are shown need not be.
const MAX_REPORTED: usize = MAX_FINDINGS;

#[cfg(test)]
mod tests;
