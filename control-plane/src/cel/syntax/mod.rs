//! Text into syntax: the grammar of the language definition, and nothing resolved.
//!
//! The parser is ours and not a library's. The `cel` crate's default one drops pairs of `!!` and `--`,
//! knows no fields in backticks, ends the process on some inputs, keeps of each node only the place of
//! its operator, and takes a tenth of a millisecond for a short condition; its fast one is no public
//! interface and expands macros by itself.

mod advice;
mod ast;
mod lexer;
mod literal;
mod parser;
mod primary;

use super::limits::MAX_SOURCE_BYTES;
use super::problem::{Problem, Span};

pub(super) use ast::{
    BinaryOperator, Call, Element, Entry, Expr, ExprKind, Literal, UnaryOperator,
};

/// Parses an expression. One problem at most: what a grammar says after the first is a guess.
pub(super) fn parse(text: &str) -> Result<Expr, Problem> {
    if text.len() > MAX_SOURCE_BYTES {
        let message = format!("this expression has {} bytes", text.len());
        return Err(Problem::parse(Span::new(0, text.len()), message)
            .help(format!("at most {MAX_SOURCE_BYTES}"))
            .past_limit());
    }
    let tokens = lexer::tokens(text)?;
    parser::Parser::new(text, &tokens).parse()
}

#[cfg(test)]
mod tests;
