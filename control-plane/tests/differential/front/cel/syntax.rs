//! Text into syntax, by the files of the front end.

#[path = "../../../../src/cel/syntax/advice.rs"]
mod advice;
#[path = "../../../../src/cel/syntax/ast.rs"]
pub(crate) mod ast;
#[path = "../../../../src/cel/syntax/lexer.rs"]
mod lexer;
#[path = "../../../../src/cel/syntax/literal.rs"]
mod literal;
#[path = "../../../../src/cel/syntax/parser.rs"]
mod parser;
#[path = "../../../../src/cel/syntax/primary.rs"]
mod primary;

/// Parses an expression as the front end does; `None` where it is none.
pub(crate) fn parse(text: &str) -> Option<ast::Expr> {
    let tokens = lexer::tokens(text).ok()?;
    parser::Parser::new(text, &tokens).parse().ok()
}
