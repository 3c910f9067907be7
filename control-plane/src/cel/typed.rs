//! The typed form: names resolved, macros expanded, types known. Every tree of these can be lowered.

use countersign_engine::cel::Op;

use super::env::{Facts, Lowering};
use super::problem::Span;
use super::types::Type;

/// A node of the typed form.
#[derive(Clone, Debug, PartialEq)]
pub struct Typed {
    /// What it is.
    pub kind: TypedKind,
    /// The type of its value.
    pub ty: Type,
    /// What says it.
    pub span: Span,
}

/// What a node of the typed form is.
#[derive(Clone, Debug, PartialEq)]
pub enum TypedKind {
    /// A scalar that is known.
    Constant(Constant),
    /// A variable.
    Variable {
        /// What reading it becomes.
        lowering: Lowering,
        /// Why it may not be there, if it may not.
        absent: Option<&'static str>,
        /// What else is known of it.
        facts: Facts,
    },
    /// The header of that name, which is in lower case.
    Header(String),
    /// Is the header of that name there?
    HasHeader(String),
    /// A name that a macro bound, counted from the outermost.
    Local(u32),
    /// A name that nothing declares.
    UnknownName(String),
    /// A call of a function that nothing declares.
    UnknownFunction(String),
    /// An operation. The field of a selection is a constant string; a macro's names are bound for all
    /// arguments but the first.
    Call(Op, Vec<Typed>),
    /// Does a constant pattern match?
    Matches(Box<Typed>, Pattern),
    /// A constant list of one kind of scalar, looked up as a set.
    Set(ConstantSet),
}

/// A constant pattern.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pattern {
    /// As it is written.
    pub source: String,
    /// The number of its automaton in the program.
    pub automaton: u32,
}

/// A scalar that is known.
#[derive(Clone, Debug, PartialEq)]
pub enum Constant {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// An int.
    Int(i64),
    /// A uint.
    Uint(u64),
    /// A double.
    Double(f64),
    /// Text.
    String(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// Seconds since the epoch and nanoseconds.
    Timestamp(i64, u32),
    /// Seconds, and nanoseconds of the same sign.
    Duration(i64, i32),
    /// A type, by the name that it has at run time.
    Type(String),
}

/// The members of a constant list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConstantSet {
    /// Texts.
    Strings(Vec<String>),
    /// Numbers.
    Numbers(Vec<i64>),
}

impl Typed {
    /// The nodes right below this one.
    pub fn children(&self) -> &[Self] {
        match &self.kind {
            TypedKind::Call(_, args) => args,
            TypedKind::Matches(subject, _) => std::slice::from_ref(subject),
            _ => &[],
        }
    }

    pub(crate) fn children_mut(&mut self) -> &mut [Self] {
        match &mut self.kind {
            TypedKind::Call(_, args) => args,
            TypedKind::Matches(subject, _) => std::slice::from_mut(subject),
            _ => &mut [],
        }
    }

    /// The value, if it is a scalar that is known.
    #[must_use]
    pub const fn constant(&self) -> Option<&Constant> {
        match &self.kind {
            TypedKind::Constant(constant) => Some(constant),
            _ => None,
        }
    }

    /// The text, if it is one that is known.
    #[must_use]
    pub fn constant_string(&self) -> Option<&str> {
        match self.constant() {
            Some(Constant::String(text)) => Some(text),
            _ => None,
        }
    }

    /// Levels of the tree below and with this node.
    #[must_use]
    pub fn depth(&self) -> u32 {
        let below = self.children().iter().map(Self::depth).max();
        below.unwrap_or(0) + 1
    }

    /// Do two nodes say the same, wherever they stand?
    #[must_use]
    pub fn says_the_same(&self, other: &Self) -> bool {
        let kinds = match (&self.kind, &other.kind) {
            (TypedKind::Call(op, _), TypedKind::Call(other, _)) => op == other,
            (TypedKind::Matches(_, pattern), TypedKind::Matches(_, other)) => pattern == other,
            (one, other) => return one == other,
        };
        let (ones, others) = (self.children(), other.children());
        kinds
            && ones.len() == others.len()
            && ones
                .iter()
                .zip(others)
                .all(|(one, other)| one.says_the_same(other))
    }

    /// Is the value of a node the same whatever the request and whatever a macro bound?
    pub(super) fn is_closed(&self, bound: u32) -> bool {
        match &self.kind {
            TypedKind::Constant(_) => true,
            TypedKind::Local(number) => *number >= bound,
            TypedKind::Call(_, args) => args.iter().all(|arg| arg.is_closed(bound)),
            TypedKind::Matches(subject, _) => subject.is_closed(bound),
            _ => false,
        }
    }
}
