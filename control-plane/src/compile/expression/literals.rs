//! Literals beside a variable whose values have a form of their own: what can never be equal is said,
//! since a condition that never holds protects nothing.

use std::net::IpAddr;

use super::ast::Ast;
use super::check::{Checker, Value};
use super::problem::Problem;
use super::typed::Node;
use crate::diagnostic::quoted;

impl Checker<'_, '_> {
    /// `value`, written as `ast`, is to be equal to `beside`.
    pub(super) fn beside_attribute(&mut self, value: Value, ast: &Ast, beside: &Node) -> Value {
        let (Some(text), Node::Attribute(attribute)) = (ast.string(), beside) else {
            return value;
        };
        match attribute.name {
            "source.address" => self.address(value, ast, text),
            "request.method" => {
                self.wrong_case(
                    ast,
                    text,
                    text.to_ascii_uppercase(),
                    "methods are compared by case",
                );
                value
            }
            "request.scheme" | "request.host" => {
                let lower = text.to_ascii_lowercase();
                self.wrong_case(
                    ast,
                    text,
                    lower,
                    "hosts and schemes are compared in lower case",
                );
                value
            }
            _ => value,
        }
    }

    /// Addresses are compared as text in one spelling; a range is not a text.
    fn address(&mut self, value: Value, ast: &Ast, text: &str) -> Value {
        if let Ok(address) = text.parse::<IpAddr>() {
            return Value::new(Node::String(address.to_canonical().to_string()), value.ty);
        }
        let problem = Problem::error(
            ast.span.clone(),
            format!("{} is not an address", quoted(text)),
        );
        self.error(if text.contains('/') {
            problem.help(
                "put ranges into a `List` with `cidrs`, and write `source.address in lists.NAME`",
            )
        } else {
            problem.help("an address is written as `192.0.2.1` or `2001:db8::1`, without a port")
        })
    }

    fn wrong_case(&mut self, ast: &Ast, text: &str, right: String, why: &str) {
        if text == right {
            return;
        }
        let message = format!("{} is never equal: {why}", quoted(text));
        self.problems
            .push(Problem::warning(ast.span.clone(), message).suggest(Some(&right)));
    }
}
