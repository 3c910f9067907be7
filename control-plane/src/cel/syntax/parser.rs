//! Tokens into syntax: operators, and what stands behind an operand. Brackets, calls, conditionals and prefix operators recurse and are counted
//! ([`MAX_NESTING`]); chains of operators and fields do not, and what they become is bounded by
//! [`MAX_DEPTH`].

use super::advice;
use super::ast::{BinaryOperator, Call, Expr, ExprKind, UnaryOperator};
use super::lexer::{Kind, Token};
use crate::cel::limits::{MAX_DEPTH, MAX_NESTING};
use crate::cel::problem::{Problem, Span};

pub(super) struct Parser<'a> {
    pub(super) text: &'a str,
    tokens: &'a [Token],
    at: usize,
    nesting: usize,
}

pub(super) type Parsed<T> = Result<T, Problem>;

impl<'a> Parser<'a> {
    pub(super) const fn new(text: &'a str, tokens: &'a [Token]) -> Self {
        Self {
            text,
            tokens,
            at: 0,
            nesting: 0,
        }
    }

    /// The whole text as one expression.
    pub(super) fn parse(mut self) -> Parsed<Expr> {
        let expr = self.conditional()?;
        match self.kind() {
            Kind::End => Ok(expr),
            _ => Err(self.unexpected()),
        }
    }

    pub(super) fn token(&self) -> Token {
        let last = || self.tokens.last().copied();
        self.tokens
            .get(self.at)
            .copied()
            .or_else(last)
            .unwrap_or(Token {
                kind: Kind::End,
                span: Span::new(self.text.len(), self.text.len()),
            })
    }

    pub(super) fn kind(&self) -> Kind {
        self.token().kind
    }

    pub(super) fn next(&mut self) -> Token {
        let token = self.token();
        self.at += 1;
        token
    }

    /// Passes over a token of that kind, if it is next.
    pub(super) fn eat(&mut self, kind: Kind) -> Option<Token> {
        (self.kind() == kind).then(|| self.next())
    }

    pub(super) fn expect(&mut self, kind: Kind) -> Parsed<Token> {
        self.eat(kind).ok_or_else(|| self.unexpected())
    }

    pub(super) fn unexpected(&self) -> Problem {
        let before = self.at.checked_sub(1).and_then(|at| self.tokens.get(at));
        advice::unexpected(self.text, self.token(), before.copied())
    }

    pub(super) fn node(&self, kind: ExprKind, span: Span) -> Parsed<Expr> {
        let expr = Expr::new(kind, span);
        if expr.depth > MAX_DEPTH {
            return Err(Problem::parse(
                span,
                format!("this is deeper than {MAX_DEPTH} levels"),
            )
            .help("each operator of a chain is a level; `&&`, `||` and lists join any number on one")
            .past_limit());
        }
        Ok(expr)
    }

    pub(super) fn nested<T>(&mut self, inner: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        self.nest(1)?;
        let result = inner(self);
        self.nesting -= 1;
        result
    }

    fn nest(&mut self, levels: usize) -> Parsed<()> {
        self.nesting += levels;
        if self.nesting > MAX_NESTING {
            // The bracket or sign that opens the level was taken.
            let opened = self.at.checked_sub(1).and_then(|at| self.tokens.get(at));
            let span = opened.map_or(self.token().span, |token| token.span);
            return Err(Problem::parse(
                span,
                format!("this is nested deeper than {MAX_NESTING} levels"),
            )
            .label("the limit is reached here")
            .help("split the condition over several policies or signals")
            .past_limit());
        }
        Ok(())
    }

    /// `or ["?" or ":" conditional]`
    pub(super) fn conditional(&mut self) -> Parsed<Expr> {
        let condition = self.chain(Kind::Or)?;
        if self.eat(Kind::Question).is_none() {
            return Ok(condition);
        }
        self.nested(|parser| {
            let yes = parser.chain(Kind::Or)?;
            parser.expect(Kind::Colon)?;
            let no = parser.conditional()?;
            let span = condition.span.to(no.span);
            parser.node(ExprKind::Conditional(Box::new([condition, yes, no])), span)
        })
    }

    /// A chain of `||`, or inside it one of `&&`: one node however long.
    fn chain(&mut self, kind: Kind) -> Parsed<Expr> {
        let and = kind == Kind::And;
        let operand = |parser: &mut Self| {
            if and {
                parser.binary(0)
            } else {
                parser.chain(Kind::And)
            }
        };
        let first = operand(self)?;
        if self.kind() != kind {
            return Ok(first);
        }
        let mut operands = vec![first];
        while self.eat(kind).is_some() {
            operands.push(operand(self)?);
        }
        let span = match (operands.first(), operands.last()) {
            (Some(first), Some(last)) => first.span.to(last.span),
            _ => self.token().span,
        };
        self.node(ExprKind::Logic { and, operands }, span)
    }

    /// Comparisons, sums, products: all associate to the left. `least` is the weakest binding that is
    /// still taken here.
    fn binary(&mut self, least: u8) -> Parsed<Expr> {
        let mut left = self.unary()?;
        while let Some((operator, binding)) = binary_operator(self.kind()) {
            if binding < least {
                break;
            }
            let operator_span = self.next().span;
            let right = self.binary(binding + 1)?;
            let span = left.span.to(right.span);
            let kind = ExprKind::Binary {
                operator,
                operator_span,
                operands: Box::new([left, right]),
            };
            left = self.node(kind, span)?;
        }
        Ok(left)
    }

    /// `!`s or `-`s and what they stand before; the last `-` before a number is the number's.
    fn unary(&mut self) -> Parsed<Expr> {
        let (kind, operator) = match self.kind() {
            Kind::Not => (Kind::Not, UnaryOperator::Not),
            Kind::Minus => (Kind::Minus, UnaryOperator::Negate),
            _ => return self.member(),
        };
        let mut signs = Vec::new();
        while self.kind() == kind && !self.begins_number() {
            signs.push(self.next().span);
        }
        self.nest(signs.len())?;
        let mut operand = self.member()?;
        self.nesting -= signs.len();
        for sign in signs.into_iter().rev() {
            let span = sign.to(operand.span);
            let kind = ExprKind::Unary {
                operator,
                operand: Box::new(operand),
            };
            operand = self.node(kind, span)?;
        }
        Ok(operand)
    }

    /// Is next a `-` and behind it a number?
    pub(super) fn begins_number(&self) -> bool {
        let behind = self.tokens.get(self.at + 1);
        self.kind() == Kind::Minus && behind.is_some_and(|token| token.kind == Kind::Number)
    }

    /// A primary expression and the fields, indices and calls behind it.
    fn member(&mut self) -> Parsed<Expr> {
        let mut expr = self.primary()?;
        loop {
            expr = match self.kind() {
                Kind::Dot => self.select(expr)?,
                Kind::OpenBracket => self.index(expr)?,
                Kind::OpenBrace => match expr.path() {
                    Some((name, global)) => self.fields(name, global, expr.span)?,
                    None => return Err(self.unexpected()),
                },
                _ => return Ok(expr),
            };
        }
    }

    fn select(&mut self, operand: Expr) -> Parsed<Expr> {
        self.next();
        let optional = self.eat(Kind::Question).is_some();
        let (field, field_span, quoted) = self.field_name()?;
        if self.kind() == Kind::OpenParen && !optional && !quoted {
            let start = operand.span;
            return self.call(Some(operand), field, field_span, false, start);
        }
        let span = operand.span.to(field_span);
        let kind = ExprKind::Select {
            operand: Box::new(operand),
            field,
            field_span,
            quoted,
            optional,
        };
        self.node(kind, span)
    }

    /// The name behind a dot, where reserved words are names like any other.
    pub(super) fn field_name(&mut self) -> Parsed<(String, Span, bool)> {
        let token = self.token();
        let word = token.span.of(self.text);
        match token.kind {
            Kind::Name => {
                self.next();
                Ok((word.to_owned(), token.span, false))
            }
            Kind::Quoted => {
                self.next();
                Ok((word.trim_matches('`').to_owned(), token.span, true))
            }
            _ => Err(advice::no_field(self.text, token)),
        }
    }

    fn index(&mut self, operand: Expr) -> Parsed<Expr> {
        self.next();
        let optional = self.eat(Kind::Question).is_some();
        let index = self.nested(Self::conditional)?;
        let close = self.expect(Kind::CloseBracket)?;
        let span = operand.span.to(close.span);
        let kind = ExprKind::Index {
            operand: Box::new(operand),
            index: Box::new(index),
            optional,
        };
        self.node(kind, span)
    }

    pub(super) fn call(
        &mut self,
        target: Option<Expr>,
        function: String,
        name_span: Span,
        global: bool,
        start: Span,
    ) -> Parsed<Expr> {
        self.next();
        let mut args = Vec::new();
        if self.kind() != Kind::CloseParen {
            args.push(self.nested(Self::conditional)?);
            while self.eat(Kind::Comma).is_some() {
                args.push(self.nested(Self::conditional)?);
            }
        }
        let close = self.expect(Kind::CloseParen)?;
        let kind = ExprKind::Call(Call {
            target: target.map(Box::new),
            function,
            name_span,
            global,
            args,
        });
        self.node(kind, start.to(close.span))
    }
}

/// The operator and how strongly it binds.
const fn binary_operator(kind: Kind) -> Option<(BinaryOperator, u8)> {
    Some(match kind {
        Kind::Equal => (BinaryOperator::Equal, 0),
        Kind::NotEqual => (BinaryOperator::NotEqual, 0),
        Kind::Less => (BinaryOperator::Less, 0),
        Kind::LessOrEqual => (BinaryOperator::LessOrEqual, 0),
        Kind::Greater => (BinaryOperator::Greater, 0),
        Kind::GreaterOrEqual => (BinaryOperator::GreaterOrEqual, 0),
        Kind::In => (BinaryOperator::In, 0),
        Kind::Plus => (BinaryOperator::Add, 1),
        Kind::Minus => (BinaryOperator::Subtract, 1),
        Kind::Star => (BinaryOperator::Multiply, 2),
        Kind::Slash => (BinaryOperator::Divide, 2),
        Kind::Percent => (BinaryOperator::Remainder, 2),
        _ => return None,
    })
}
