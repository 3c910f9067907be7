//! Text into syntax, by the `cel` crate's parser.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue, SourceInfo, operators};

use super::ast::{Ast, AstKind, Literal};
use super::lexer::{TokenKind, Tokens};
use super::problem::Problem;
use crate::compile::limits::MAX_NESTING;
use crate::diagnostic::quoted;

/// Parses an expression. One problem at most: what a grammar says after the first is a guess.
pub(super) fn parse(text: &str) -> Result<Ast, Problem> {
    let tokens = Tokens::read(text)?;
    // No macros: `has` and `map` stay calls, so that the checker sees what was written.
    let parser = cel::Env::default()
        .parser()
        .max_recursion_depth(u16::try_from(MAX_NESTING).unwrap_or(u16::MAX));
    // The parser is generated code with assertions of its own; one that fails shall cost this
    // expression and not the control plane.
    let parsed = catch_unwind(AssertUnwindSafe(|| parser.parse_with_source_info(text)))
        .map_err(|_| Problem::error(0..text.len(), "this is no expression that can be read"))?;
    match parsed {
        Ok((expr, places)) => Builder {
            text,
            tokens: &tokens,
            places,
        }
        .node(&expr),
        Err(errors) => Err(errors.errors.first().map_or_else(
            || Problem::error(0..text.len(), "this is no expression"),
            |error| explain(text, &tokens, error.pos, &error.msg),
        )),
    }
}

/// A grammar's error in an author's words.
fn explain(text: &str, tokens: &Tokens<'_>, position: (isize, isize), message: &str) -> Problem {
    if message.contains("Recursion limit") || message == "UNKNOWN" {
        return Problem::error(
            0..text.len(),
            format!("this is nested deeper than {MAX_NESTING} levels"),
        );
    }
    let at = offset(text, position);
    let Some((token, word)) = tokens.at(at) else {
        let end = text.trim_end().len();
        return Problem::error(end..end, "the expression ends here").label("something is missing");
    };
    let span = token.span.clone();
    if message.starts_with("reserved identifier") {
        return Problem::error(span, format!("{} is a reserved word of CEL", quoted(word)));
    }
    if message.starts_with("invalid int") || message.starts_with("invalid uint") {
        return Problem::error(span, format!("{} is beyond 64 bits", quoted(word)));
    }
    if message.starts_with("unsupported syntax") {
        return Problem::error(span, "`` ` `` is not available")
            .help("write `request.headers[\"name\"]`");
    }
    if message.starts_with("invalid double") {
        return Problem::error(span, format!("{} is no number", quoted(word)));
    }
    if message.starts_with("invalid string") || message.starts_with("invalid bytes") {
        return Problem::error(span, "this string has an escape that is none")
            .help("write the string as `r\"…\"`, which has no escapes");
    }
    let problem = Problem::error(span.clone(), format!("unexpected {}", quoted(word)));
    match word {
        "and" | "AND" => problem.label("did you mean `&&`?"),
        "or" | "OR" => problem.label("did you mean `||`?"),
        _ if tokens.before(span.start).end <= span.start
            && text.get(tokens.before(span.start)) == Some("not") =>
        {
            Problem::error(tokens.before(span.start), "unexpected `not`").label("did you mean `!`?")
        }
        _ if token.kind == TokenKind::Word
            || token.kind == TokenKind::Text
            || token.kind == TokenKind::Number =>
        {
            problem.label("an operator is missing before this")
        }
        _ => problem,
    }
}

/// The byte of a line and a column as the parser counts them: lines from one, characters from one.
fn offset(text: &str, (line, column): (isize, isize)) -> usize {
    let line = usize::try_from(line).unwrap_or(1).max(1);
    let column = usize::try_from(column).unwrap_or(1).max(1);
    let start: usize = text
        .split_inclusive('\n')
        .take(line - 1)
        .map(str::len)
        .sum();
    let rest = text.get(start..).unwrap_or_default();
    start
        + rest
            .char_indices()
            .nth(column - 1)
            .map_or(rest.len(), |(at, _)| at)
}

struct Builder<'a> {
    text: &'a str,
    tokens: &'a Tokens<'a>,
    places: SourceInfo,
}

impl Builder<'_> {
    /// The bytes of the token that a node was made from; the parser's ends are inclusive.
    fn token(&self, id: u64) -> Range<usize> {
        match self.places.offset_for(id) {
            Some((start, stop)) => {
                let start = (start as usize).min(self.text.len());
                start
                    ..(stop as usize)
                        .saturating_add(1)
                        .clamp(start, self.text.len())
            }
            None => 0..self.text.len(),
        }
    }

    fn node(&self, expr: &IdedExpr) -> Result<Ast, Problem> {
        let token = self.token(expr.id);
        let (kind, span) = match &expr.expr {
            Expr::Literal(literal) => {
                let kind = self.literal(literal);
                let negative = match kind {
                    Literal::Int(int) => int < 0,
                    Literal::Double(double) => double.is_sign_negative(),
                    _ => false,
                };
                // The parser folds the sign into the number and forgets its place.
                let sign = self.tokens.before(token.start);
                let signed = negative && self.text.get(sign.clone()) == Some("-");
                let start = if signed { sign.start } else { token.start };
                (AstKind::Literal(kind), start..token.end)
            }
            Expr::Ident(name) => (AstKind::Name(name.clone()), token),
            Expr::Select(select) => {
                let operand = Box::new(self.node(&select.operand)?);
                let span = operand.span.start..self.tokens.after(token.end).end;
                (
                    AstKind::Select {
                        operand,
                        field: select.field.clone(),
                    },
                    span,
                )
            }
            Expr::Call(call) => return self.call(call, token),
            Expr::List(list) => {
                if list.optional_indices.is_empty() {
                    let items = list
                        .elements
                        .iter()
                        .map(|item| self.node(item))
                        .collect::<Result<_, _>>()?;
                    let end = self.tokens.closing(token.start);
                    (AstKind::List(items), token.start..end)
                } else {
                    return Err(Problem::error(token, "`?` in a list is not available"));
                }
            }
            Expr::Map(_) | Expr::Struct(_) => {
                let end = self.tokens.closing(token.start);
                (AstKind::Construction, token.start..end)
            }
            Expr::Comprehension(_) | Expr::Unspecified => {
                return Err(Problem::error(token, "this is no expression"));
            }
        };
        Ok(Ast { kind, span })
    }

    fn call(&self, call: &CallExpr, token: Range<usize>) -> Result<Ast, Problem> {
        let function = call.func_name.as_str();
        if function == operators::LOGICAL_AND || function == operators::LOGICAL_OR {
            let mut operands = Vec::new();
            self.flatten(call, &mut operands)?;
            let start = operands
                .first()
                .map_or(token.start, |first| first.span.start);
            let end = operands.last().map_or(token.end, |last| last.span.end);
            let and = function == operators::LOGICAL_AND;
            return Ok(Ast {
                kind: AstKind::Logic { and, operands },
                span: start..end,
            });
        }
        let target = call
            .target
            .as_deref()
            .map(|target| self.node(target))
            .transpose()?
            .map(Box::new);
        let args: Vec<Ast> = call
            .args
            .iter()
            .map(|arg| self.node(arg))
            .collect::<Result<_, _>>()?;
        let bracketed = self
            .text
            .get(token.clone())
            .is_some_and(|text| text.starts_with(['(', '[']));
        let name = if self.text.get(token.clone()) == Some("(") {
            self.tokens.before(token.start)
        } else {
            token.clone()
        };
        let first = target
            .as_deref()
            .or(args.first())
            .map_or(name.start, |first| first.span.start);
        let end = if bracketed {
            self.tokens.closing(token.start)
        } else {
            args.last().map_or(token.end, |last| last.span.end)
        };
        let span = first.min(name.start)..end.max(name.end);
        Ok(Ast {
            kind: AstKind::Call {
                function: function.to_owned(),
                name,
                target,
                args,
            },
            span,
        })
    }

    /// The operands of a chain of one logical operator, which the parser balances into a tree.
    fn flatten(&self, call: &CallExpr, operands: &mut Vec<Ast>) -> Result<(), Problem> {
        for arg in &call.args {
            match &arg.expr {
                Expr::Call(inner) if inner.func_name == call.func_name => {
                    self.flatten(inner, operands)?
                }
                _ => operands.push(self.node(arg)?),
            }
        }
        Ok(())
    }

    fn literal(&self, literal: &LiteralValue) -> Literal {
        match literal {
            LiteralValue::Null => Literal::Null,
            LiteralValue::Boolean(value) => Literal::Bool(*value.inner()),
            LiteralValue::Int(value) => Literal::Int(*value.inner()),
            LiteralValue::UInt(value) => Literal::Uint(*value.inner()),
            LiteralValue::Double(value) => Literal::Double(*value.inner()),
            LiteralValue::String(value) => Literal::String(value.inner().to_owned()),
            LiteralValue::Bytes(value) => Literal::Bytes(value.inner().to_owned()),
        }
    }
}
