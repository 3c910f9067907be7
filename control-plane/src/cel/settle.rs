//! What an evaluation needs beside the tree, because a worker could not make it in time: the automata
//! of patterns, the transitions of time zones.

use std::collections::{HashMap, HashSet};

use countersign_engine::cel::{Op, ProgramBuilder};

use super::env::Env;
use super::limits::MAX_AUTOMATA_BYTES;
use super::pattern::{self, Refusal};
use super::problem::{Problem, Span};
use super::typed::{Pattern, Typed, TypedKind};
use super::{zone, zone::is_offset};
use crate::diagnostic::quoted;

/// What the expressions of one program share.
#[derive(Debug, Default)]
pub(super) struct Shared {
    automata: HashMap<String, u32>,
    automata_bytes: usize,
    zones: HashSet<String>,
}

/// Settles the patterns and time zones of a tree.
pub(super) fn settle(
    text: &str,
    tree: &mut Typed,
    env: &Env,
    shared: &mut Shared,
    builder: &mut ProgramBuilder,
) -> Vec<Problem> {
    let mut settler = Settler {
        text,
        env,
        shared,
        builder,
        problems: Vec::new(),
    };
    settler.node(tree);
    settler.problems
}

struct Settler<'s> {
    text: &'s str,
    env: &'s Env,
    shared: &'s mut Shared,
    builder: &'s mut ProgramBuilder,
    problems: Vec<Problem>,
}

impl Settler<'_> {
    fn node(&mut self, node: &mut Typed) {
        for child in node.children_mut() {
            self.node(child);
        }
        match &mut node.kind {
            TypedKind::Call(Op::MatchesDynamic, args) => {
                if let Some(kind) = self.pattern(args) {
                    node.kind = kind;
                }
            }
            TypedKind::Call(
                Op::GetFullYear
                | Op::GetMonth
                | Op::GetDate
                | Op::GetDayOfMonth
                | Op::GetDayOfWeek
                | Op::GetDayOfYear
                | Op::GetHours
                | Op::GetMinutes
                | Op::GetSeconds
                | Op::GetMilliseconds,
                args,
            ) => {
                if let [_, zone] = args.as_slice() {
                    self.zone(zone);
                }
            }
            _ => {}
        }
    }

    fn pattern(&mut self, args: &mut Vec<Typed>) -> Option<TypedKind> {
        let [_, pattern] = args.as_slice() else {
            return None;
        };
        let Some(source) = pattern.constant_string().map(str::to_owned) else {
            if !self.env.computed_patterns {
                self.problems.push(
                    Problem::check(pattern.span, "a pattern is a constant")
                        .label("its automaton is made before any request is seen"),
                );
            }
            return None;
        };
        match self.automaton(&source) {
            Ok(automaton) => {
                let subject = args.drain(..).next()?;
                Some(TypedKind::Matches(
                    Box::new(subject),
                    Pattern { source, automaton },
                ))
            }
            // Where patterns are made at run time, a wrong one is wrong when it is reached.
            Err(_) if self.env.computed_patterns => None,
            Err(refusal) => {
                let span = self.within_literal(pattern.span, &source, &refusal);
                let problem = Problem::check(span, refusal.message).help(refusal.help);
                self.problems.push(if refusal.limit {
                    problem.past_limit()
                } else {
                    problem
                });
                None
            }
        }
    }

    fn automaton(&mut self, source: &str) -> Result<u32, Refusal> {
        if let Some(number) = self.shared.automata.get(source) {
            return Ok(*number);
        }
        let automaton = pattern::automaton(source)?;
        let bytes = self.shared.automata_bytes + automaton.len();
        if bytes > MAX_AUTOMATA_BYTES {
            return Err(Refusal {
                message: format!(
                    "the automata of this set take more than {MAX_AUTOMATA_BYTES} bytes"
                ),
                help: "`startsWith`, `endsWith`, `contains` and lists need none".to_owned(),
                span: None,
                limit: true,
            });
        }
        self.shared.automata_bytes = bytes;
        let number = self.builder.automaton(automaton, source);
        self.shared.automata.insert(source.to_owned(), number);
        Ok(number)
    }

    /// The place of a part of a pattern, where its literal is written without escapes.
    fn within_literal(&self, literal: Span, pattern: &str, refusal: &Refusal) -> Span {
        match (literal.of(self.text).find(pattern), &refusal.span) {
            (Some(at), Some(part)) if !pattern.is_empty() => {
                let start = literal.start + at + part.start;
                Span::new(start, (start + part.len()).min(literal.end))
            }
            _ => literal,
        }
    }

    fn zone(&mut self, zone: &Typed) {
        let Some(name) = zone.constant_string() else {
            if !self.env.computed_patterns {
                self.problems.push(
                    Problem::check(zone.span, "a time zone is a constant")
                        .label("its transitions are written down before any request is seen"),
                );
            }
            return;
        };
        if is_offset(name) || self.shared.zones.contains(name) {
            return;
        }
        match zone::zone(name) {
            Some(found) => {
                self.shared.zones.insert(name.to_owned());
                self.builder.zone(found);
            }
            None if self.env.computed_patterns => {}
            None => self.problems.push(
                Problem::check(zone.span, format!("there is no time zone {}", quoted(name)))
                    .help("write it as `Europe/Berlin`, `UTC` or `+01:00`"),
            ),
        }
    }
}
