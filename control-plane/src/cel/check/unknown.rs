//! What is told about a name that nothing declares.

use super::{Checker, typed};
use crate::cel::env::SetsGroup;
use crate::cel::problem::{Problem, Span};
use crate::cel::syntax::Expr;
use crate::cel::typed::{Typed, TypedKind};
use crate::cel::types::Type;
use crate::diagnostic::{did_you_mean, one_of, quoted};

/// Names of a group that a message lists.
const LISTED: usize = 12;

impl Checker<'_> {
    /// A name that nothing declares.
    pub(super) fn unknown(&mut self, expr: &Expr) -> Typed {
        let path = expr.path().map(|(path, _)| path).unwrap_or_default();
        if !self.env.check {
            return typed(TypedKind::UnknownName(path), Type::Dyn, expr.span);
        }
        // `lists.bad-asns`: what is wrong with the first half was told.
        let behind = self.is_behind_dash(expr.span);
        let told = self.problems.last().map(|problem| problem.span.end + 1);
        if behind && told == Some(expr.span.start) {
            return typed(TypedKind::UnknownName(path), Type::Error, expr.span);
        }
        let problem = if self.is_full() {
            Problem::check(expr.span, "unknown variable")
        } else {
            self.unknown_name(&path, expr.span)
        };
        self.wrong(problem)
    }

    fn unknown_name(&self, path: &str, span: Span) -> Problem {
        if let Some(problem) = self.no_set(path, span) {
            return problem;
        }
        let members = self.members(path);
        if !members.is_empty() {
            let shown = members.iter().copied().take(LISTED);
            return Problem::check(span, format!("{} is a group of variables", quoted(path)))
                .help(format!("name one: {}", one_of(shown)));
        }
        let problem = Problem::check(span, format!("unknown variable {}", quoted(path)));
        let locals = self.scope.iter().map(|local| local.name.as_str());
        let names = self
            .env
            .names()
            .chain(locals.filter(|name| !name.starts_with('@')));
        if let Some(near) = did_you_mean(path, names) {
            return problem.suggest(Some(near));
        }
        if self.is_behind_dash(span) {
            return problem.help("a name with a dash is written in brackets: `x[\"some-name\"]`");
        }
        if self
            .env
            .overloads(path)
            .iter()
            .any(|overload| !overload.member)
        {
            return problem.help(format!("to call the function write `{path}(…)`"));
        }
        // `path` alone, or `req.path`: the last part may be right.
        let last = path.rsplit('.').next().unwrap_or(path);
        let similar: Vec<&str> = self
            .env
            .names()
            .filter(|name| name.rsplit('.').next() == Some(last))
            .collect();
        if let [only] = similar.as_slice() {
            return problem.suggest(Some(only));
        }
        let first = path.split('.').next().unwrap_or(path);
        let members = self.members(first);
        if !members.is_empty() {
            let shown = members.iter().copied().take(LISTED);
            let listed = one_of(shown).replace(" or ", " and ");
            return problem.help(format!("in `{first}` there are {listed}"));
        }
        problem.help(self.overview())
    }

    /// The names inside of a group.
    fn members(&self, group: &str) -> Vec<&str> {
        let inside = |name: &str| {
            name.strip_prefix(group)
                .is_some_and(|rest| rest.starts_with('.'))
        };
        let mut names: Vec<&str> = self.env.names().filter(|name| inside(name)).collect();
        names.sort_unstable();
        names
    }

    /// The names and groups that there are.
    fn overview(&self) -> String {
        let sets = self.env.sets.map(|sets| sets.group);
        let mut groups: Vec<&str> = self
            .env
            .names()
            .filter_map(|name| name.split_once('.').map(|(group, _)| group))
            .chain(sets)
            .collect();
        let mut names: Vec<&str> = self
            .env
            .names()
            .filter(|name| !name.contains('.'))
            .collect();
        for list in [&mut groups, &mut names] {
            list.sort_unstable();
            list.dedup();
            list.truncate(LISTED);
        }
        let names = names.into_iter().map(quoted).collect::<Vec<_>>().join(", ");
        let groups = one_of(groups).replace(" or ", " and ");
        match (names.as_str(), groups.as_str()) {
            ("", "") => String::new(),
            (names, "") => format!("there are {names}"),
            ("", groups) => format!("there is what is in {groups}"),
            (names, groups) => format!("there are {names}, and what is in {groups}"),
        }
    }

    /// `lists.nothing`, or `lists` alone.
    pub(super) fn no_set(&self, path: &str, span: Span) -> Option<Problem> {
        let SetsGroup { group, kind } = self.env.sets?;
        let rest = path.strip_prefix(group)?;
        if rest.is_empty() {
            let message = format!("`{group}` is a group of {group}");
            return Some(Problem::check(span, message).help(self.sets_help(group, kind)));
        }
        let name = rest.strip_prefix('.')?;
        let written = span.of(self.text);
        let place = if written.ends_with(name) {
            Span::new(span.end - name.len(), span.end)
        } else {
            span
        };
        let message = format!("there is no `{kind}` {}", quoted(name));
        let problem = Problem::check(place, message);
        if let Some(dashed) = self.dashed_name(name, span) {
            let whole = format!("{group}.{dashed}");
            if self.env.variable(&whole).is_some() {
                let near = format!("{group}[\"{dashed}\"]");
                return Some(
                    problem
                        .suggest(Some(&near))
                        .help("a name with a dash is written in brackets"),
                );
            }
        }
        let prefix = group.len() + 1;
        let members = self.members(group);
        let names = members.iter().filter_map(|member| member.get(prefix..));
        Some(match did_you_mean(name, names) {
            Some(near) => problem.suggest(Some(near)),
            None => problem.help(self.sets_help(group, kind)),
        })
    }

    /// `lists[x]`, where `x` is no name.
    pub(super) fn set_not_by_name(&self, path: &str, span: Span) -> Option<Problem> {
        let SetsGroup { group, .. } = self.env.sets.filter(|sets| sets.group == path)?;
        let message = format!("one of `{group}` is named by a string literal");
        Some(Problem::check(span, message).help(format!("write `{group}[\"name\"]`")))
    }

    fn sets_help(&self, group: &str, kind: &str) -> String {
        let members = self.members(group);
        let prefix = group.len() + 1;
        let mut names: Vec<&str> = members
            .iter()
            .filter_map(|member| member.get(prefix..))
            .collect();
        names.truncate(LISTED);
        let Some(first) = names.first() else {
            return format!("this set has no `{kind}`");
        };
        let plain = |name: &str| {
            let letters = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
            name.bytes().all(letters) && !name.starts_with(|c: char| c.is_ascii_digit())
        };
        let example = if plain(first) {
            format!("{group}.{first}")
        } else {
            format!("{group}[\"{first}\"]")
        };
        let all = one_of(names.iter().copied()).replace(" or ", " and ");
        format!("name one as `{example}`; there are {all}")
    }

    /// The whole name where a part of it with a dash behind stands at `span`: `bad-asns`.
    fn dashed_name(&self, name: &str, span: Span) -> Option<String> {
        let rest = self.text.get(span.end..)?;
        let of_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let end = rest.find(|c| !of_name(c)).unwrap_or(rest.len());
        let rest = rest.get(..end).filter(|rest| rest.starts_with('-'))?;
        Some(format!("{name}{rest}"))
    }

    /// Does a `-` stand right before, and before that a letter, as in `user-agent`?
    fn is_behind_dash(&self, span: Span) -> bool {
        let before = self.text.get(..span.start).unwrap_or_default();
        before
            .strip_suffix('-')
            .is_some_and(|before| before.ends_with(|c: char| c.is_ascii_alphanumeric()))
    }
}
