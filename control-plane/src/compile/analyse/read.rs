//! From a typed condition to what of it is understood.
//!
//! Whatever is read as a test of one thing is true, false or failing exactly where the engine's
//! evaluator says so. The rest becomes a thing of its own, of which is known that it is true, false or
//! fails, and that parts which say the same come to the same.

mod network;
mod number;

use std::borrow::Cow;
use std::collections::HashMap;
use std::rc::Rc;

use countersign_engine::Attribute;
use countersign_engine::cel::Op;

use super::condition::{Condition, ConditionKind, Test};
use super::language::Pattern;
use super::limits::MAX_RANGES;
use super::part;
use super::ranges::Ranges;
use super::subject::{Key, Kind, Subject, Subjects};
use super::texts::{Shape, TextTest};
use super::world::Members;
use crate::cel::{Constant, ConstantSet, Lowering, Typed, TypedKind};
use number::Number;

/// Reads conditions; what they share is made once.
pub(super) struct Reader<'r, 'a> {
    pub(super) subjects: &'r mut Subjects<'a>,
    /// The lists of numbers and ranges, as tests.
    lists: HashMap<u32, (Rc<Ranges>, Rc<Ranges>)>,
}

impl<'r, 'a> Reader<'r, 'a> {
    pub(super) fn new(subjects: &'r mut Subjects<'a>) -> Self {
        Self {
            subjects,
            lists: HashMap::new(),
        }
    }

    pub(super) fn condition(&mut self, tree: &'a Typed) -> Condition<'a> {
        let kind = self
            .kind(tree)
            .unwrap_or_else(|| ConditionKind::Test(self.opaque(tree), Test::truth()));
        Condition {
            kind,
            span: tree.span,
        }
    }

    fn kind(&mut self, tree: &'a Typed) -> Option<ConditionKind<'a>> {
        match &tree.kind {
            TypedKind::Constant(Constant::Bool(value)) => Some(ConditionKind::Constant(*value)),
            TypedKind::HasHeader(name) => {
                let header = self.subjects.number(Key::Header(name.clone()), Vec::new);
                Some(ConditionKind::Test(header, Test::Present))
            }
            TypedKind::Variable {
                lowering: Lowering::Attribute(number),
                ..
            } => {
                let attribute = Attribute::from_number(*number)?;
                let truth = part::kind(tree)? == Kind::Truth;
                truth
                    .then(|| ConditionKind::Test(self.subjects.attribute(attribute), Test::truth()))
            }
            TypedKind::Matches(subject, pattern) => {
                let (subject, _) = self.text(subject, [])?;
                let test = TextTest::Matches(pattern.source.clone());
                Some(ConditionKind::Test(subject, Test::Text(test)))
            }
            TypedKind::Call(op, args) => self.call(*op, args),
            _ => None,
        }
    }

    fn call(&mut self, op: Op, args: &'a [Typed]) -> Option<ConditionKind<'a>> {
        match (op, args) {
            (Op::Not, [inner]) => Some(ConditionKind::Not(Box::new(self.condition(inner)))),
            (Op::And, args) => Some(ConditionKind::All(self.all(args))),
            (Op::Or, args) => Some(ConditionKind::Any(self.all(args))),
            (Op::Conditional, [asked, yes, no]) => {
                let parts = [asked, yes, no].map(|part| self.condition(part));
                Some(ConditionKind::If(Box::new(parts)))
            }
            (Op::Eq | Op::Ne | Op::Lt | Op::Le | Op::Gt | Op::Ge, [left, right]) => {
                self.comparison(op, left, right)
            }
            (Op::In, [needle, haystack]) => self.membership(needle, haystack),
            (Op::InCidrs, [needle, list]) => self.in_networks(needle, list),
            (Op::CidrContainsIp, [range, needle]) => self.in_network(range, needle),
            (Op::StartsWith | Op::EndsWith | Op::Contains, [subject, text]) => {
                let text = text.constant_string()?;
                let (subject, _) = self.text(subject, [text])?;
                let pattern = Pattern::around(op != Op::StartsWith, text, op != Op::EndsWith);
                let test = Test::Text(TextTest::Like(vec![pattern]));
                Some(ConditionKind::Test(subject, test))
            }
            _ => None,
        }
    }

    fn all(&mut self, parts: &'a [Typed]) -> Vec<Condition<'a>> {
        parts.iter().map(|part| self.condition(part)).collect()
    }

    /// A thing whose values have a type for certain, and which.
    fn thing(&mut self, tree: &'a Typed) -> Option<(Subject, Kind)> {
        let kind = part::kind(tree)?;
        match &tree.kind {
            TypedKind::Header(name) => {
                let header = self.subjects.number(Key::Header(name.clone()), Vec::new);
                Some((header, kind))
            }
            TypedKind::Variable {
                lowering: Lowering::Attribute(number),
                ..
            } => {
                let attribute = Attribute::from_number(*number)?;
                let kind = match attribute {
                    Attribute::RequestUrlPath => Kind::Text(Shape::Path),
                    _ => kind,
                };
                Some((self.subjects.attribute(attribute), kind))
            }
            TypedKind::Call(..) => {
                let name = part::name(tree)?;
                let needs = self.needs(tree);
                let number = self.subjects.number(Key::Part(name, kind), || needs);
                Some((number, kind))
            }
            _ => None,
        }
    }

    /// A thing that is a text. What it is compared with must be texts that the analysis knows as the
    /// engine does: of a path it knows bytes, and a byte that is no UTF-8 is U+FFFD in a condition.
    /// Every other character of a path stands in a condition as its own bytes.
    fn text<'t>(
        &mut self,
        tree: &'a Typed,
        others: impl IntoIterator<Item = &'t str>,
    ) -> Option<(Subject, Kind)> {
        let (subject, kind) = self.thing(tree)?;
        match kind {
            Kind::Text(Shape::Path) => others
                .into_iter()
                .all(|other| !other.contains(char::REPLACEMENT_CHARACTER))
                .then_some((subject, kind)),
            Kind::Text(_) | Kind::Address => Some((subject, kind)),
            _ => None,
        }
    }

    fn needs(&mut self, tree: &'a Typed) -> Vec<Subject> {
        let mut leaves = Vec::new();
        part::needs(tree, &mut leaves);
        leaves
            .into_iter()
            .filter_map(|leaf| self.thing(leaf))
            .map(|(subject, _)| subject)
            .collect()
    }

    /// What is not understood: true, false or failing.
    fn opaque(&mut self, tree: &'a Typed) -> Subject {
        match part::name(tree) {
            Some(name) => self.subjects.number(Key::Part(name, Kind::Truth), Vec::new),
            None => self.subjects.once(),
        }
    }

    fn comparison(
        &mut self,
        op: Op,
        left: &'a Typed,
        right: &'a Typed,
    ) -> Option<ConditionKind<'a>> {
        let (subject, constant, op) = match (left.constant(), right.constant()) {
            (None, Some(constant)) => (left, constant, op),
            (Some(constant), None) => (right, constant, mirrored(op)),
            (None, None) => return self.network_address(op, left, right),
            _ => return None,
        };
        if let Constant::Bool(value) = constant {
            return self.compared_truth(op, subject, *value);
        }
        let test = match constant {
            Constant::String(text) if matches!(op, Op::Eq | Op::Ne) => {
                let (subject, _) = self.text(subject, [text.as_str()])?;
                let test = Test::Text(TextTest::among([text.clone()]));
                return Some(negated_if(op == Op::Ne, subject, test));
            }
            Constant::Int(number) => Number::Whole((*number).into()),
            Constant::Uint(number) => Number::Whole((*number).into()),
            Constant::Double(number) if !number.is_nan() => Number::Double(*number),
            Constant::Timestamp(seconds, nanos) => {
                Number::Whole(i128::from(*seconds) * NANOS + i128::from(*nanos))
            }
            Constant::Duration(seconds, nanos) => {
                Number::Whole(i128::from(*seconds) * NANOS + i128::from(*nanos))
            }
            _ => return None,
        };
        let (subject, kind) = self.thing(subject)?;
        let fits = match (kind, constant) {
            (Kind::Moment, Constant::Timestamp(..)) | (Kind::Span, Constant::Duration(..)) => true,
            (Kind::Int | Kind::Count | Kind::Uint, constant) => {
                !matches!(constant, Constant::Timestamp(..) | Constant::Duration(..))
            }
            _ => false,
        };
        fits.then(|| ConditionKind::Test(subject, Test::numbers(test.ordered(op))))
    }

    /// `x == true`: `x` itself. `x == false` is `!x`, which fails where `x` does.
    fn compared_truth(
        &mut self,
        op: Op,
        subject: &'a Typed,
        value: bool,
    ) -> Option<ConditionKind<'a>> {
        let positive = match op {
            Op::Eq => value,
            Op::Ne => !value,
            _ => return None,
        };
        // Of what may be no truth value nothing is known: another value is unequal to both.
        let inner = self.condition(subject);
        let is_truth = match &inner.kind {
            ConditionKind::Test(subject, _) => self.subjects.get(*subject).is_some_and(|entry| {
                !matches!(entry.key, Key::Once(_) | Key::Part(_, Kind::Truth))
            }),
            ConditionKind::If(_) => false,
            _ => true,
        };
        is_truth.then(|| {
            if positive {
                inner.kind
            } else {
                ConditionKind::Not(Box::new(inner))
            }
        })
    }

    fn membership(&mut self, needle: &'a Typed, haystack: &'a Typed) -> Option<ConditionKind<'a>> {
        match &haystack.kind {
            TypedKind::Variable {
                lowering: Lowering::Attribute(number),
                ..
            } if *number == Attribute::Reasons.number() => {
                let reason = needle.constant_string()?.to_owned();
                let given = self.subjects.number(Key::Reason(reason), Vec::new);
                Some(ConditionKind::Test(given, Test::truth()))
            }
            TypedKind::Variable {
                lowering: Lowering::Set(number),
                ..
            } => match self.known_list(*number)? {
                Members::Strings(texts) => self.among(needle, Cow::Borrowed(texts)),
                Members::Numbers(numbers) => {
                    let (subject, kind) = self.thing(needle)?;
                    let test = self.list(*number, || {
                        Ranges::points(numbers.iter().map(|&number| number.into()))
                    });
                    matches!(kind, Kind::Int | Kind::Count)
                        .then_some(ConditionKind::Test(subject, test))
                }
                Members::Cidrs(_) => None,
            },
            TypedKind::Set(ConstantSet::Strings(texts)) => {
                let mut texts = texts.clone();
                texts.sort_unstable();
                texts.dedup();
                self.among(needle, Cow::Owned(texts))
            }
            TypedKind::Set(ConstantSet::Numbers(numbers)) => {
                let (subject, kind) = self.thing(needle)?;
                let points = Ranges::points(numbers.iter().map(|&number| number.into()));
                matches!(kind, Kind::Int | Kind::Count)
                    .then(|| ConditionKind::Test(subject, Test::numbers(points)))
            }
            TypedKind::Call(Op::List, items) => self.listed(needle, items),
            _ => None,
        }
    }

    fn among(&mut self, needle: &'a Typed, texts: Cow<'a, [String]>) -> Option<ConditionKind<'a>> {
        let (subject, _) = self.text(needle, texts.iter().map(String::as_str))?;
        Some(ConditionKind::Test(
            subject,
            Test::Text(TextTest::Among(texts)),
        ))
    }

    /// `x in [constants]`. A constant of another type is equal to none of its values.
    fn listed(&mut self, needle: &'a Typed, items: &'a [Typed]) -> Option<ConditionKind<'a>> {
        let constants: Option<Vec<&Constant>> = items.iter().map(Typed::constant).collect();
        let constants = constants?;
        let (_, kind) = self.thing(needle)?;
        match kind {
            Kind::Text(_) | Kind::Address => {
                let texts = constants.into_iter().filter_map(|constant| match constant {
                    Constant::String(text) => Some(text.clone()),
                    _ => None,
                });
                let mut texts: Vec<String> = texts.collect();
                texts.sort_unstable();
                texts.dedup();
                self.among(needle, Cow::Owned(texts))
            }
            Kind::Int | Kind::Count | Kind::Uint => {
                let mut points = Vec::new();
                for constant in constants {
                    match constant {
                        Constant::Int(number) => points.push(i128::from(*number)),
                        Constant::Uint(number) => points.push(i128::from(*number)),
                        Constant::Double(_) => return None,
                        _ => {}
                    }
                }
                let (subject, _) = self.thing(needle)?;
                let test = Test::numbers(Ranges::points(points));
                Some(ConditionKind::Test(subject, test))
            }
            _ => None,
        }
    }

    /// A list, unless it is empty, for then it is there to be filled, or too large to be looked into.
    fn known_list(&self, number: u32) -> Option<&'a Members<'a>> {
        let members = self.subjects.world().lists.get(&number)?;
        let is_known = match members {
            Members::Strings(texts) => !texts.is_empty(),
            Members::Numbers(numbers) => (1..=MAX_RANGES).contains(&numbers.len()),
            Members::Cidrs(networks) => (1..=MAX_RANGES).contains(&networks.len()),
        };
        is_known.then_some(members)
    }

    /// The test of a list, which many conditions may share.
    fn list(&mut self, number: u32, make: impl FnOnce() -> Ranges) -> Test<'a> {
        let (inside, outside) = self.lists.entry(number).or_insert_with(|| {
            let inside = make();
            (Rc::new(inside.clone()), Rc::new(inside.complement()))
        });
        Test::Numbers {
            inside: Rc::clone(inside),
            outside: Rc::clone(outside),
        }
    }
}

const NANOS: i128 = 1_000_000_000;

fn negated_if<'a>(negated: bool, subject: Subject, test: Test<'a>) -> ConditionKind<'a> {
    let kind = ConditionKind::Test(subject, test);
    if negated {
        ConditionKind::Not(Box::new(Condition {
            kind,
            span: crate::cel::Span::default(),
        }))
    } else {
        kind
    }
}

/// The operator that says the same with its sides exchanged.
const fn mirrored(op: Op) -> Op {
    match op {
        Op::Lt => Op::Gt,
        Op::Le => Op::Ge,
        Op::Gt => Op::Lt,
        Op::Ge => Op::Le,
        other => other,
    }
}
