//! The syntax of an expression, with places. Ours and not the parser's: its nodes know only the
//! place of their operator.

use std::ops::Range;

/// A node and the bytes of the expression that say it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ast {
    pub(super) kind: AstKind,
    pub(super) span: Range<usize>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum AstKind {
    Literal(Literal),
    Name(String),
    /// `operand.field`
    Select {
        operand: Box<Ast>,
        field: String,
    },
    /// An operator or function by CEL's own name: `_==_`, `startsWith`.
    Call {
        function: String,
        name: Range<usize>,
        target: Option<Box<Ast>>,
        args: Vec<Ast>,
    },
    /// `&&` or `||` over everything that it joins.
    Logic {
        and: bool,
        operands: Vec<Ast>,
    },
    List(Vec<Ast>),
    /// `{…}` or `Type{…}`.
    Construction,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Literal {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    String(String),
    Bytes(Vec<u8>),
}

impl Ast {
    /// The text of a string literal.
    pub(super) fn string(&self) -> Option<&str> {
        match &self.kind {
            AstKind::Literal(Literal::String(text)) => Some(text),
            _ => None,
        }
    }

    /// The dotted name that the node spells: `request.headers`.
    pub(super) fn path(&self) -> Option<String> {
        match &self.kind {
            AstKind::Name(name) => Some(name.trim_start_matches('.').to_owned()),
            AstKind::Select { operand, field } => Some(format!("{}.{field}", operand.path()?)),
            _ => None,
        }
    }
}
