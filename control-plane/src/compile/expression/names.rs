//! Names into variables, lists and headers.

use std::ops::Range;

use super::Place;
use super::ast::{Ast, AstKind};
use super::attributes::{self, ATTRIBUTES};
use super::check::{Checker, Value, article};
use super::problem::Problem;
use super::typed::{Node, Op};
use super::types::{Members, Type};
use crate::diagnostic::{did_you_mean, one_of, quoted};
use crate::resource::Members as ListMembers;

/// Headers whose names are no tokens.
const PSEUDO_HEADERS: [&str; 4] = [":authority", ":method", ":path", ":scheme"];

/// The group of the `List` resources.
const LISTS: &str = "lists";

impl Checker<'_, '_> {
    /// Resolves `request.path`, `lists.offices`, `request.headers.host`.
    pub(super) fn named(&mut self, ast: &Ast) -> Value {
        let Some(path) = ast.path() else {
            return self.field_of_value(ast);
        };
        if let Some(attribute) = attributes::find(&path) {
            if attribute.from_signals && self.place == Place::Signal {
                let message = format!("a signal cannot read `{path}`");
                return self.error(
                    Problem::error(ast.span.clone(), message)
                        .label("this is what the signals add up to"),
                );
            }
            return Value::new(Node::Attribute(attribute), attribute.ty);
        }
        if let Some(name) = path
            .strip_prefix("lists.")
            .filter(|name| !name.contains('.'))
        {
            return self.list(name, field_span(ast));
        }
        match &ast.kind {
            AstKind::Select { operand, .. }
                if operand.path().is_some_and(|path| owns_fields(&path)) =>
            {
                self.field_of_value(ast)
            }
            _ => self.unknown_name(ast, &path),
        }
    }

    /// `request.headers.name`, and the refusal of every other field.
    fn field_of_value(&mut self, ast: &Ast) -> Value {
        let AstKind::Select { operand, field } = &ast.kind else {
            return self.error(Problem::error(ast.span.clone(), "this is no name"));
        };
        let value = self.value(operand);
        match value.ty {
            Type::Unknown => Value::unknown(),
            Type::Headers => {
                let key = self.header_text(field, field_span(ast));
                Value::new(Node::Call(Op::Index, vec![value.node, key]), Type::String)
            }
            other => {
                let message = format!("{} has no field {}", article(other), quoted(field));
                self.error(Problem::error(field_span(ast), message))
            }
        }
    }

    fn unknown_name(&mut self, ast: &Ast, path: &str) -> Value {
        let names = || ATTRIBUTES.iter().map(|attribute| attribute.name);
        let problem = Problem::error(
            ast.span.clone(),
            format!("unknown variable {}", quoted(path)),
        );
        let members: Vec<&str> = attributes::within(path).collect();
        if !members.is_empty() {
            let message = format!("`{path}` is a group of variables");
            return self.error(
                Problem::error(ast.span.clone(), message)
                    .help(format!("name one: {}", one_of(members))),
            );
        }
        if path == LISTS {
            let help = self.lists_help();
            return self
                .error(Problem::error(ast.span.clone(), "`lists` is a group of lists").help(help));
        }
        if let Some(near) = did_you_mean(path, names()) {
            return self.error(problem.suggest(Some(near)));
        }
        // `path` alone, or `req.path`: the last part may be right.
        let last = path.rsplit('.').next().unwrap_or(path);
        let similar: Vec<&str> = names()
            .filter(|name| name.rsplit('.').next() == Some(last))
            .collect();
        if let [only] = similar.as_slice() {
            return self.error(problem.suggest(Some(only)));
        }
        let group = path.split('.').next().unwrap_or(path);
        let members: Vec<&str> = attributes::within(group).collect();
        let help = if members.is_empty() {
            let groups = [
                "request",
                "source",
                "connection",
                "session",
                "device",
                "tls",
                "geo",
                LISTS,
            ];
            format!(
                "there are `score`, `reasons`, `verdict`, `now`, and what is in {}",
                one_of(groups).replace(" or ", " and ")
            )
        } else {
            format!(
                "in `{group}` there are {}",
                one_of(members).replace(" or ", " and ")
            )
        };
        self.error(problem.help(help))
    }

    /// The list of that name.
    fn list(&mut self, name: &str, span: Range<usize>) -> Value {
        match self.scope.lists.find(name) {
            Some((number, members)) => {
                let members = match members {
                    ListMembers::Strings(_) => Members::Strings,
                    ListMembers::Numbers(_) => Members::Numbers,
                    ListMembers::Cidrs(_) => Members::Cidrs,
                };
                Value::new(Node::List(number), Type::NamedList(members))
            }
            None => {
                let near = did_you_mean(name, self.scope.lists.names()).map(str::to_owned);
                let help = self.lists_help();
                let problem = Problem::error(span, format!("there is no `List` {}", quoted(name)));
                self.error(match near {
                    Some(near) => problem.suggest(Some(&near)),
                    None => problem.help(help),
                })
            }
        }
    }

    fn lists_help(&self) -> String {
        let mut names: Vec<&str> = self.scope.lists.names().collect();
        names.sort_unstable();
        names.truncate(10);
        if names.is_empty() {
            "this set has no `List`".to_owned()
        } else {
            format!(
                "lists are named as `lists.{}`; there are {}",
                names.first().unwrap_or(&"name"),
                one_of(names.iter().copied()).replace(" or ", " and ")
            )
        }
    }

    /// `request.headers["name"]` and `lists["name"]`.
    pub(super) fn index(&mut self, map: &Ast, key: &Ast, span: &Range<usize>) -> Value {
        if map.path().as_deref() == Some(LISTS) {
            return match key.string() {
                Some(name) => self.list(name, key.span.clone()),
                None => self.error(Problem::error(
                    key.span.clone(),
                    "a list is named by a string, `lists[\"name\"]`",
                )),
            };
        }
        let (container, key_value) = (self.value(map), self.value(key));
        if container.ty == Type::Unknown || key_value.ty == Type::Unknown {
            return Value::unknown();
        }
        if container.ty != Type::Headers {
            let message = format!(
                "`[…]` is available for `request.headers`, and this is {}",
                article(container.ty)
            );
            return self.error(Problem::error(span.clone(), message));
        }
        if key_value.ty != Type::String {
            let message = format!(
                "headers are found by a string, and this is {}",
                article(key_value.ty)
            );
            return self.error(Problem::error(key.span.clone(), message));
        }
        let key = self.header_name(key_value.node, key);
        Value::new(
            Node::Call(Op::Index, vec![container.node, key]),
            Type::String,
        )
    }

    /// A header's name: what is known of it now is checked now.
    pub(super) fn header_name(&mut self, node: Node, ast: &Ast) -> Node {
        match node {
            Node::String(name) => self.header_text(&name, ast.span.clone()),
            other => other,
        }
    }

    pub(super) fn header_text(&mut self, name: &str, span: Range<usize>) -> Node {
        let lower = name.to_ascii_lowercase();
        // Envoy has the pseudo-headers among the headers.
        if PSEUDO_HEADERS.contains(&name) {
            return Node::String(lower);
        }
        if name.is_empty()
            || name
                .bytes()
                .any(|byte| !(byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)))
        {
            self.problems.push(Problem::warning(
                span,
                format!("no header has the name {}", quoted(name)),
            ));
        } else if lower != name {
            self.problems.push(
                Problem::warning(
                    span,
                    format!("the header {} is written in the wrong case", quoted(name)),
                )
                .label(format!("read as `{lower}`"))
                .help("header names are lower-case here, whatever the client sent"),
            );
        }
        Node::String(lower)
    }
}

/// Is `path` something whose fields are not variables of their own?
fn owns_fields(path: &str) -> bool {
    attributes::find(path).is_some()
        || ATTRIBUTES.iter().any(|attribute| {
            path.strip_prefix(attribute.name)
                .is_some_and(|rest| rest.starts_with('.'))
        })
}

/// The bytes of the last name of a path.
pub(super) fn field_span(ast: &Ast) -> Range<usize> {
    match &ast.kind {
        AstKind::Select { field, .. } => {
            ast.span.end.saturating_sub(field.len()).max(ast.span.start)..ast.span.end
        }
        _ => ast.span.clone(),
    }
}
