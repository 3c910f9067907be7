//! Tokens into syntax: operands.

use super::advice;
use super::ast::{Element, Entry, Expr, ExprKind, Field, Literal};
use super::lexer::Kind;
use super::literal;
use super::parser::{Parsed, Parser};
use crate::cel::problem::Span;

impl Parser<'_> {
    pub(super) fn primary(&mut self) -> Parsed<Expr> {
        let token = self.token();
        let span = token.span;
        let literal = match token.kind {
            Kind::Minus if self.begins_number() => {
                self.next();
                let number = self.next().span;
                let literal = literal::number(number.of(self.text), span.to(number), true)?;
                return self.node(ExprKind::Literal(literal), span.to(number));
            }
            Kind::Number => literal::number(span.of(self.text), span, false)?,
            Kind::Text => literal::text(span.of(self.text), span)?,
            Kind::True => Literal::Bool(true),
            Kind::False => Literal::Bool(false),
            Kind::Null => Literal::Null,
            Kind::Name | Kind::Dot => return self.name(),
            Kind::OpenParen => return self.parenthesised(),
            Kind::OpenBracket => return self.list(),
            Kind::OpenBrace => return self.map(),
            _ => return Err(self.unexpected()),
        };
        self.next();
        self.node(ExprKind::Literal(literal), span)
    }

    /// `name`, `.name`, `name(…)`
    fn name(&mut self) -> Parsed<Expr> {
        let dot = self.eat(Kind::Dot);
        let Some(token) = self.eat(Kind::Name) else {
            return Err(match dot {
                Some(_) => advice::no_field(self.text, self.token()),
                None => self.unexpected(),
            });
        };
        let name = token.span.of(self.text);
        if advice::is_reserved(name) {
            return Err(advice::reserved(name, token.span));
        }
        let span = dot.map_or(token.span, |dot| dot.span.to(token.span));
        let global = dot.is_some();
        if self.kind() == Kind::OpenParen {
            return self.call(None, name.to_owned(), token.span, global, span);
        }
        let name = name.to_owned();
        self.node(ExprKind::Name { name, global }, span)
    }

    /// The span is that of what stands inside: operators are joined by what they join.
    fn parenthesised(&mut self) -> Parsed<Expr> {
        let open = self.next();
        let mut expr = self.nested(Self::conditional)?;
        let close = self.expect(Kind::CloseParen)?;
        expr.span = open.span.to(close.span);
        Ok(expr)
    }

    fn list(&mut self) -> Parsed<Expr> {
        let open = self.next();
        let mut elements = Vec::new();
        while self.kind() != Kind::CloseBracket {
            let optional = self.eat(Kind::Question).is_some();
            let value = self.nested(Self::conditional)?;
            elements.push(Element { value, optional });
            if self.eat(Kind::Comma).is_none() {
                break;
            }
        }
        let close = self.expect(Kind::CloseBracket)?;
        self.node(ExprKind::List(elements), open.span.to(close.span))
    }

    fn map(&mut self) -> Parsed<Expr> {
        let open = self.next();
        let mut entries = Vec::new();
        while self.kind() != Kind::CloseBrace {
            let optional = self.eat(Kind::Question).is_some();
            let key = self.nested(Self::conditional)?;
            self.expect(Kind::Colon)?;
            let value = self.nested(Self::conditional)?;
            entries.push(Entry {
                key,
                value,
                optional,
            });
            if self.eat(Kind::Comma).is_none() {
                break;
            }
        }
        let close = self.expect(Kind::CloseBrace)?;
        self.node(ExprKind::Map(entries), open.span.to(close.span))
    }

    /// `Name{field: value}`
    pub(super) fn fields(&mut self, name: String, global: bool, start: Span) -> Parsed<Expr> {
        self.next();
        let mut fields = Vec::new();
        while self.kind() != Kind::CloseBrace {
            let optional = self.eat(Kind::Question).is_some();
            let (name, _, _) = self.field_name()?;
            self.expect(Kind::Colon)?;
            let value = self.nested(Self::conditional)?;
            fields.push(Field {
                name,
                value,
                optional,
            });
            if self.eat(Kind::Comma).is_none() {
                break;
            }
        }
        let close = self.expect(Kind::CloseBrace)?;
        let name = if global { format!(".{name}") } else { name };
        self.node(ExprKind::Struct { name, fields }, start.to(close.span))
    }
}
