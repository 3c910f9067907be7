//! The syntax of an expression: every node with the bytes that say it, nothing resolved, no macro
//! expanded.

use crate::cel::problem::Span;

/// A node.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Expr {
    pub(crate) kind: ExprKind,
    pub(crate) span: Span,
    /// Levels of the tree below and with this node.
    pub(crate) depth: u32,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ExprKind {
    Literal(Literal),
    /// `name`, or `.name`
    Name {
        name: String,
        /// Written with a leading dot: neither the container nor a macro's names are looked at.
        global: bool,
    },
    /// `operand.field` or `operand.?field`
    Select {
        operand: Box<Expr>,
        field: String,
        field_span: Span,
        /// Written in backticks: a key of a map, never a part of a qualified name.
        quoted: bool,
        optional: bool,
    },
    /// `operand[index]` or `operand[?index]`
    Index {
        operand: Box<Expr>,
        index: Box<Expr>,
        optional: bool,
    },
    /// `function(args)` or `target.function(args)`
    Call(Call),
    Unary {
        operator: UnaryOperator,
        operand: Box<Expr>,
    },
    Binary {
        operator: BinaryOperator,
        operator_span: Span,
        operands: Box<[Expr; 2]>,
    },
    /// `&&` or `||` over everything that one chain joins.
    Logic {
        and: bool,
        operands: Vec<Expr>,
    },
    /// `condition ? yes : no`
    Conditional(Box<[Expr; 3]>),
    List(Vec<Element>),
    Map(Vec<Entry>),
    /// `Name{field: value}`
    Struct {
        name: String,
        fields: Vec<Field>,
    },
}

/// A call as it is written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Call {
    pub(crate) target: Option<Box<Expr>>,
    pub(crate) function: String,
    pub(crate) name_span: Span,
    /// Written with a leading dot.
    pub(crate) global: bool,
    pub(crate) args: Vec<Expr>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Literal {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    String(String),
    Bytes(Vec<u8>),
}

/// An element of a list; `[?x]` is there only if `x` has a value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Element {
    pub(crate) value: Expr,
    pub(crate) optional: bool,
}

/// An entry of a map.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) key: Expr,
    pub(crate) value: Expr,
    pub(crate) optional: bool,
}

/// A field of a struct.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) value: Expr,
    pub(crate) optional: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UnaryOperator {
    Not,
    Negate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BinaryOperator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

impl UnaryOperator {
    pub(crate) const fn symbol(self) -> &'static str {
        match self {
            Self::Not => "!",
            Self::Negate => "-",
        }
    }
}

impl BinaryOperator {
    pub(crate) const fn symbol(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::In => "in",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
        }
    }
}

impl Expr {
    pub(crate) fn new(kind: ExprKind, span: Span) -> Self {
        let depth = 1 + kind.deepest();
        Self { kind, span, depth }
    }

    /// The dotted name that the node spells: `request.headers`. `true` with a leading dot.
    pub(crate) fn path(&self) -> Option<(String, bool)> {
        let mut fields: Vec<&str> = Vec::new();
        let mut node = self;
        loop {
            match &node.kind {
                ExprKind::Name { name, global } => {
                    let mut path = name.clone();
                    for field in fields.iter().rev() {
                        path.push('.');
                        path.push_str(field);
                    }
                    return Some((path, *global));
                }
                ExprKind::Select {
                    operand,
                    field,
                    quoted: false,
                    optional: false,
                    ..
                } => {
                    fields.push(field.as_str());
                    node = operand;
                }
                _ => return None,
            }
        }
    }

    /// The text of a string literal.
    pub(crate) fn string(&self) -> Option<&str> {
        match &self.kind {
            ExprKind::Literal(Literal::String(text)) => Some(text),
            _ => None,
        }
    }
}

impl ExprKind {
    fn deepest(&self) -> u32 {
        fn deepest<'a>(nodes: impl IntoIterator<Item = &'a Expr>) -> u32 {
            nodes.into_iter().map(|node| node.depth).max().unwrap_or(0)
        }
        match self {
            Self::Literal(_) | Self::Name { .. } => 0,
            Self::Select { operand, .. } | Self::Unary { operand, .. } => operand.depth,
            Self::Index { operand, index, .. } => operand.depth.max(index.depth),
            Self::Call(call) => deepest(call.target.as_deref().into_iter().chain(&call.args)),
            Self::Binary { operands, .. } => deepest(operands.iter()),
            Self::Logic { operands, .. } => deepest(operands),
            Self::Conditional(operands) => deepest(operands.iter()),
            Self::List(elements) => deepest(elements.iter().map(|element| &element.value)),
            Self::Map(entries) => {
                deepest(entries.iter().flat_map(|entry| [&entry.key, &entry.value]))
            }
            Self::Struct { fields, .. } => deepest(fields.iter().map(|field| &field.value)),
        }
    }
}
