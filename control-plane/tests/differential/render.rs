//! Syntax as text again: with as few brackets as the grammar needs, which tests the parser's
//! precedence, or with all of them, which tells two trees apart.

use super::front::cel::syntax::ast::{
    BinaryOperator, Call, Expr, ExprKind, Literal, UnaryOperator,
};

/// With as few brackets as the grammar needs.
pub(crate) fn text(expr: &Expr) -> String {
    let mut out = String::new();
    Writer {
        out: &mut out,
        all: false,
    }
    .expr(expr, Level::Conditional);
    out
}

/// With brackets around everything that has parts: equal for equal trees only.
pub(crate) fn canonical(expr: &Expr) -> String {
    let mut out = String::new();
    Writer {
        out: &mut out,
        all: true,
    }
    .expr(expr, Level::Conditional);
    out
}

/// What binds weakest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Conditional,
    Or,
    And,
    Relation,
    Sum,
    Product,
    Unary,
    Member,
}

struct Writer<'o> {
    out: &'o mut String,
    all: bool,
}

impl Writer<'_> {
    /// Writes what may stand where at least `least` is wanted.
    fn expr(&mut self, expr: &Expr, least: Level) {
        let own = level(expr);
        let leaf = matches!(expr.kind, ExprKind::Literal(_) | ExprKind::Name { .. });
        if own < least || (self.all && !leaf) {
            self.out.push('(');
            self.bare(expr);
            self.out.push(')');
        } else {
            self.bare(expr);
        }
    }

    fn bare(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Literal(value) => literal(value, self.out),
            ExprKind::Name { name, global } => {
                if *global {
                    self.out.push('.');
                }
                self.out.push_str(name);
            }
            ExprKind::Select {
                operand,
                field,
                quoted,
                optional,
                ..
            } => {
                self.expr(operand, Level::Member);
                self.out.push_str(if *optional { ".?" } else { "." });
                let quote = if *quoted { "`" } else { "" };
                self.out.push_str(quote);
                self.out.push_str(field);
                self.out.push_str(quote);
            }
            ExprKind::Index {
                operand,
                index,
                optional,
            } => {
                self.expr(operand, Level::Member);
                self.out.push_str(if *optional { "[?" } else { "[" });
                self.expr(index, Level::Conditional);
                self.out.push(']');
            }
            ExprKind::Call(call) => self.call(call),
            ExprKind::Unary { operator, operand } => {
                self.out.push_str(operator.symbol());
                // The same operator again is no bracket's business, the other one is.
                let again = matches!(
                    &operand.kind,
                    ExprKind::Unary { operator: inner, .. } if inner == operator
                );
                if again && !self.all {
                    self.bare(operand);
                } else if *operator == UnaryOperator::Negate && is_number(operand) {
                    // Without them the sign would be the number's own.
                    self.out.push('(');
                    self.bare(operand);
                    self.out.push(')');
                } else {
                    self.expr(operand, Level::Member);
                }
            }
            ExprKind::Binary {
                operator, operands, ..
            } => {
                let own = binary(*operator);
                let [left, right] = operands.as_ref();
                self.expr(left, own);
                self.out.push(' ');
                self.out.push_str(operator.symbol());
                self.out.push(' ');
                self.expr(right, above(own));
            }
            ExprKind::Logic { and, operands } => {
                let (symbol, inner) = if *and {
                    (" && ", Level::Relation)
                } else {
                    (" || ", Level::And)
                };
                for (index, operand) in operands.iter().enumerate() {
                    if index > 0 {
                        self.out.push_str(symbol);
                    }
                    self.expr(operand, inner);
                }
            }
            ExprKind::Conditional(operands) => {
                let [condition, yes, no] = operands.as_ref();
                self.expr(condition, Level::Or);
                self.out.push_str(" ? ");
                self.expr(yes, Level::Or);
                self.out.push_str(" : ");
                self.expr(no, Level::Conditional);
            }
            ExprKind::List(elements) => {
                self.out.push('[');
                for (index, element) in elements.iter().enumerate() {
                    self.comma(index);
                    self.question(element.optional);
                    self.expr(&element.value, Level::Conditional);
                }
                self.out.push(']');
            }
            ExprKind::Map(entries) => {
                self.out.push('{');
                for (index, entry) in entries.iter().enumerate() {
                    self.comma(index);
                    self.question(entry.optional);
                    self.expr(&entry.key, Level::Conditional);
                    self.out.push_str(": ");
                    self.expr(&entry.value, Level::Conditional);
                }
                self.out.push('}');
            }
            ExprKind::Struct { name, fields } => {
                self.out.push_str(name);
                self.out.push('{');
                for (index, field) in fields.iter().enumerate() {
                    self.comma(index);
                    self.question(field.optional);
                    self.out.push_str(&field.name);
                    self.out.push_str(": ");
                    self.expr(&field.value, Level::Conditional);
                }
                self.out.push('}');
            }
        }
    }

    fn call(&mut self, call: &Call) {
        if let Some(target) = &call.target {
            self.expr(target, Level::Member);
            self.out.push('.');
        } else if call.global {
            self.out.push('.');
        }
        self.out.push_str(&call.function);
        self.out.push('(');
        for (index, arg) in call.args.iter().enumerate() {
            self.comma(index);
            // A macro looks at how these are written.
            let plain = matches!(arg.kind, ExprKind::Select { .. } | ExprKind::List(_));
            if self.all && plain {
                self.bare(arg);
            } else {
                self.expr(arg, Level::Conditional);
            }
        }
        self.out.push(')');
    }

    fn comma(&mut self, index: usize) {
        if index > 0 {
            self.out.push_str(", ");
        }
    }

    fn question(&mut self, optional: bool) {
        if optional {
            self.out.push('?');
        }
    }
}

fn level(expr: &Expr) -> Level {
    match &expr.kind {
        ExprKind::Conditional(_) => Level::Conditional,
        ExprKind::Logic { and: false, .. } => Level::Or,
        ExprKind::Logic { and: true, .. } => Level::And,
        ExprKind::Binary { operator, .. } => binary(*operator),
        ExprKind::Unary { .. } => Level::Unary,
        // `5.size()` is a double and a name; `-5.0.x` reads as it should, and nobody would read it so.
        ExprKind::Literal(Literal::Int(_) | Literal::Uint(_) | Literal::Double(_)) => Level::Unary,
        _ => Level::Member,
    }
}

const fn binary(operator: BinaryOperator) -> Level {
    match operator {
        BinaryOperator::Add | BinaryOperator::Subtract => Level::Sum,
        BinaryOperator::Multiply | BinaryOperator::Divide | BinaryOperator::Remainder => {
            Level::Product
        }
        _ => Level::Relation,
    }
}

const fn above(level: Level) -> Level {
    match level {
        Level::Relation => Level::Sum,
        Level::Sum => Level::Product,
        _ => Level::Unary,
    }
}

fn is_number(expr: &Expr) -> bool {
    matches!(
        expr.kind,
        ExprKind::Literal(Literal::Int(_) | Literal::Uint(_) | Literal::Double(_))
    )
}

fn literal(literal: &Literal, out: &mut String) {
    match literal {
        Literal::Null => out.push_str("null"),
        Literal::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Literal::Int(value) => out.push_str(&value.to_string()),
        Literal::Uint(value) => out.push_str(&format!("{value}u")),
        // Debug keeps the point or the exponent that makes it a double.
        Literal::Double(value) => out.push_str(&format!("{value:?}")),
        Literal::String(value) => {
            out.push('"');
            for character in value.chars() {
                match character {
                    '"' | '\\' => {
                        out.push('\\');
                        out.push(character);
                    }
                    '\n' => out.push_str("\\n"),
                    '\r' => out.push_str("\\r"),
                    '\t' => out.push_str("\\t"),
                    character if character < ' ' || character == '\u{7f}' => {
                        out.push_str(&format!("\\u{:04x}", u32::from(character)));
                    }
                    character => out.push(character),
                }
            }
            out.push('"');
        }
        Literal::Bytes(value) => {
            out.push_str("b\"");
            for &byte in value {
                match byte {
                    b'"' | b'\\' => {
                        out.push('\\');
                        out.push(char::from(byte));
                    }
                    b' '..=b'~' => out.push(char::from(byte)),
                    _ => out.push_str(&format!("\\x{byte:02x}")),
                }
            }
            out.push('"');
        }
    }
}
