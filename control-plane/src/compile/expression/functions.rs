//! Functions, and the refusal by name of those that this version has not.

use std::ops::Range;

use super::ast::{Ast, AstKind};
use super::check::{Checker, Value, article};
use super::names::field_span;
use super::problem::Problem;
use super::typed::{Node, Op};
use super::types::Type;
use crate::diagnostic::{did_you_mean, quoted};
use crate::resource::nanoseconds;

/// What is there, for suggestions.
const AVAILABLE: [&str; 7] = [
    "startsWith",
    "endsWith",
    "contains",
    "matches",
    "has",
    "timestamp",
    "duration",
];

/// Functions and macros of CEL and its extensions that this version does not have. They are known so
/// that an author learns the difference between a slip and a gap.
const UNAVAILABLE: [&str; 62] = [
    "size",
    "all",
    "exists",
    "exists_one",
    "existsOne",
    "map",
    "filter",
    "int",
    "uint",
    "double",
    "string",
    "bytes",
    "bool",
    "dyn",
    "type",
    "lowerAscii",
    "upperAscii",
    "replace",
    "split",
    "join",
    "indexOf",
    "lastIndexOf",
    "substring",
    "trim",
    "charAt",
    "format",
    "reverse",
    "quote",
    "getFullYear",
    "getMonth",
    "getDate",
    "getDayOfMonth",
    "getDayOfWeek",
    "getDayOfYear",
    "getHours",
    "getMinutes",
    "getSeconds",
    "getMilliseconds",
    "ip",
    "cidr",
    "isIP",
    "isCIDR",
    "containsIP",
    "containsCIDR",
    "bind",
    "block",
    "encode",
    "decode",
    "greatest",
    "least",
    "abs",
    "ceil",
    "floor",
    "round",
    "sort",
    "slice",
    "flatten",
    "distinct",
    "optional",
    "transformList",
    "isLoopback",
    "isCanonical",
];

impl Checker<'_, '_> {
    pub(super) fn function(
        &mut self,
        function: &str,
        name: &Range<usize>,
        target: Option<&Ast>,
        args: &[Ast],
        span: &Range<usize>,
    ) -> Value {
        match (function, target, args) {
            ("startsWith", Some(target), [arg]) => self.text_function(Op::StartsWith, target, arg),
            ("endsWith", Some(target), [arg]) => self.text_function(Op::EndsWith, target, arg),
            ("contains", Some(target), [arg]) => self.text_function(Op::Contains, target, arg),
            ("matches", Some(subject), [pattern]) | ("matches", None, [subject, pattern]) => {
                self.matches(subject, pattern)
            }
            ("has", None, [arg]) => self.has(arg),
            ("timestamp", None, [arg]) => self.timestamp(arg),
            ("duration", None, [arg]) => self.duration(arg),
            ("startsWith" | "endsWith" | "contains", _, _) => self.error(
                Problem::error(
                    span.clone(),
                    format!("`{function}` is called on a string and takes one"),
                )
                .help(format!("write `request.path.{function}(\"…\")`")),
            ),
            ("matches", _, _) => self.error(
                Problem::error(
                    span.clone(),
                    "`matches` is called on a string and takes a pattern",
                )
                .help("write `request.path.matches(r\"…\")`"),
            ),
            ("has" | "timestamp" | "duration", _, _) => self.error(Problem::error(
                span.clone(),
                format!("`{function}(…)` takes one argument"),
            )),
            _ => self.unavailable(function, name),
        }
    }

    fn unavailable(&mut self, function: &str, name: &Range<usize>) -> Value {
        let symbol = match function {
            "_?_:_" => "? :",
            "_[?_]" => "[?…]",
            "_?._" => ".?",
            _ => function.trim_matches('_'),
        };
        let problem = Problem::error(name.clone(), format!("`{symbol}` is not available"));
        if symbol == "-" {
            return self.error(problem.help("a name with a dash is written in brackets: `lists[\"bad-asns\"]`, `request.headers[\"user-agent\"]`"));
        }
        if symbol != function || UNAVAILABLE.contains(&function) {
            return self.error(problem);
        }
        let problem = Problem::error(
            name.clone(),
            format!("unknown function {}", quoted(function)),
        );
        self.error(problem.suggest(did_you_mean(function, AVAILABLE)))
    }

    /// A string, or the report that it is none.
    fn string(&mut self, ast: &Ast) -> Option<Node> {
        let value = self.value(ast);
        match value.ty {
            Type::String => Some(value.node),
            Type::Unknown => None,
            other => {
                let message = format!("a string is expected, and this is {}", article(other));
                self.problems
                    .push(Problem::error(ast.span.clone(), message));
                None
            }
        }
    }

    fn text_function(&mut self, op: Op, target: &Ast, arg: &Ast) -> Value {
        match (self.string(target), self.string(arg)) {
            (Some(target), Some(arg)) => Value::bool(Node::Call(op, vec![target, arg])),
            _ => Value::unknown(),
        }
    }

    fn matches(&mut self, subject: &Ast, pattern: &Ast) -> Value {
        let subject = self.string(subject);
        let Some(text) = pattern.string() else {
            return self.error(
                Problem::error(pattern.span.clone(), "a pattern is a string literal")
                    .label("the automaton is made before any request is seen"),
            );
        };
        match self.scope.patterns.number(text) {
            Ok(number) => match subject {
                Some(subject) => Value::bool(Node::Matches(Box::new(subject), number)),
                None => Value::unknown(),
            },
            Err(refusal) => {
                let span = self.within_literal(pattern, text, &refusal.span);
                let problem = Problem::error(span, refusal.message);
                self.error(problem.help(refusal.help))
            }
        }
    }

    /// The bytes of a part of a string literal, where the literal is written without escapes.
    fn within_literal(
        &self,
        literal: &Ast,
        text: &str,
        part: &Option<Range<usize>>,
    ) -> Range<usize> {
        let source = self.text.get(literal.span.clone()).unwrap_or_default();
        match (source.find(text), part) {
            (Some(at), Some(part)) if !text.is_empty() => {
                let start = literal.span.start + at + part.start;
                start..(start + part.len()).min(literal.span.end)
            }
            _ => literal.span.clone(),
        }
    }

    fn has(&mut self, arg: &Ast) -> Value {
        if let AstKind::Select { operand, field } = &arg.kind
            && operand.path().as_deref() == Some("request.headers")
        {
            let headers = self.value(operand);
            let key = self.header_text(field, field_span(arg));
            return Value::bool(Node::Call(Op::Has, vec![headers.node, key]));
        }
        self.error(
            Problem::error(
                arg.span.clone(),
                "`has(…)` takes a header, `request.headers.name`",
            )
            .help("for a name with a dash write `\"user-agent\" in request.headers`"),
        )
    }

    fn timestamp(&mut self, arg: &Ast) -> Value {
        let Some(text) = arg.string() else {
            return self.error(Problem::error(
                arg.span.clone(),
                "`timestamp(…)` takes a string literal",
            ));
        };
        match rfc3339(text) {
            Some(nanoseconds) => Value::new(Node::Timestamp(nanoseconds), Type::Timestamp),
            None => self.error(
                Problem::error(arg.span.clone(), format!("{} is not a time", quoted(text)))
                    .help("write it as `2026-09-01T12:00:00Z`, from 1678 to 2261"),
            ),
        }
    }

    fn duration(&mut self, arg: &Ast) -> Value {
        let Some(text) = arg.string() else {
            return self.error(Problem::error(
                arg.span.clone(),
                "`duration(…)` takes a string literal",
            ));
        };
        match nanoseconds(text) {
            Some(nanoseconds) => Value::new(Node::Duration(nanoseconds), Type::Duration),
            None => self.error(
                Problem::error(
                    arg.span.clone(),
                    format!("{} is not a duration", quoted(text)),
                )
                .help("write it as `1h`, `30m`, `1.5s` or `250ms`"),
            ),
        }
    }
}

/// Nanoseconds since the epoch of an RFC 3339 time. `jiff` reads more than that.
fn rfc3339(text: &str) -> Option<i64> {
    let shape = matches!(text.as_bytes().get(10), Some(b'T' | b't'))
        && !text.contains('[')
        && (text.ends_with(['Z', 'z'])
            || text.len() > 6 && text.as_bytes().get(text.len() - 3) == Some(&b':'));
    let time: jiff::Timestamp = text.parse().ok().filter(|_| shape)?;
    i64::try_from(time.as_nanosecond()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_rfc_3339() {
        assert_eq!(rfc3339("1970-01-01T00:00:01Z"), Some(1_000_000_000));
        assert_eq!(rfc3339("1970-01-01T01:00:00.5+01:00"), Some(500_000_000));
        for text in [
            "",
            "1970-01-01",
            "1970-01-01T00:00:00",
            "1970-01-01 00:00:00Z",
            "2026-13-01T00:00:00Z",
            "9999-01-01T00:00:00Z",
        ] {
            assert_eq!(rfc3339(text), None, "{text}");
        }
    }
}
