//! Sets of texts, as far as conditions describe them.

use std::borrow::Cow;

use countersign_engine::Authority;

use super::effort::{Effort, Spent};
use super::language::{self, Pattern, Wanted};
use super::limits::{MAX_EXCLUDED, MAX_MEMBERS};
use crate::cel::host;

/// What is asked of a text.
#[derive(Clone, Debug)]
pub(super) enum TextTest<'a> {
    /// Is it one of these, which are sorted?
    Among(Cow<'a, [String]>),
    /// Does one of these match it?
    Like(Vec<Pattern>),
    /// Does the regular expression match it? Automata of conditions know every byte, so that a match
    /// never fails.
    Matches(String),
}

impl TextTest<'_> {
    /// One of these texts.
    pub(super) fn among(texts: impl IntoIterator<Item = String>) -> Self {
        let mut texts: Vec<String> = texts.into_iter().collect();
        texts.sort_unstable();
        texts.dedup();
        Self::Among(Cow::Owned(texts))
    }

    /// Is certainly the same asked? Large sets are compared by their place: those of one list have one.
    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Among(one), Self::Among(other)) => {
                one.len() == other.len()
                    && (std::ptr::eq(one.as_ptr(), other.as_ptr())
                        || one.len() <= MAX_EXCLUDED && one == other)
            }
            (Self::Like(one), Self::Like(other)) => one == other,
            (Self::Matches(one), Self::Matches(other)) => one == other,
            _ => false,
        }
    }

    /// Does it hold? `None` where that takes too long to find out.
    pub(super) fn holds(&self, text: &str, effort: &Effort) -> Option<bool> {
        match self {
            Self::Among(texts) => Some(
                texts
                    .binary_search_by(|member| member.as_str().cmp(text))
                    .is_ok(),
            ),
            Self::Like(patterns) => Some(
                patterns
                    .iter()
                    .any(|pattern| pattern.matches(text.as_bytes())),
            ),
            Self::Matches(pattern) => effort
                .take_match()
                .then(|| host::matches(text, pattern).ok())
                .flatten(),
        }
    }
}

/// What all values of an attribute have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Shape {
    /// Nothing.
    Any,
    /// No upper-case letters of ASCII.
    Lower,
    /// No lower-case letters of ASCII, as methods are.
    Upper,
    /// A host, and a port perhaps.
    Host,
    /// The normal form of a path, see [`countersign_engine::normalise_path`].
    Path,
}

impl Shape {
    /// Can a value be this text?
    fn fits(self, text: &str) -> bool {
        let bytes = || text.bytes().all(|byte| !self.never()(byte));
        match self {
            Self::Any => true,
            Self::Lower | Self::Upper => bytes(),
            Self::Host => Authority::parse(text.as_bytes())
                .is_some_and(|authority| authority.to_string() == text),
            Self::Path => {
                let dots = |segment: &str| matches!(segment, "." | "..");
                text.starts_with('/')
                    && !text.contains("//")
                    && bytes()
                    && !text.split('/').any(dots)
            }
        }
    }

    /// The bytes that no value has.
    fn never(self) -> fn(u8) -> bool {
        match self {
            Self::Any => |_| false,
            Self::Lower => |byte| byte.is_ascii_uppercase(),
            Self::Upper => |byte| byte.is_ascii_lowercase(),
            Self::Host => |byte| {
                !matches!(
                    byte,
                    b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b':' | b'[' | b']'
                )
            },
            Self::Path => |byte| matches!(byte, b';' | b'\\'),
        }
    }

    /// What stands for a star where a text is made from a pattern.
    const fn fillers(self) -> [&'static str; 3] {
        match self {
            Self::Upper => ["", "ZQ", "Z"],
            Self::Path => ["", "zq", "zq/0"],
            _ => ["", "zq", "0"],
        }
    }
}

/// A set of texts.
#[derive(Clone, Debug)]
pub(super) struct Texts<'c> {
    /// It holds none but these, if they are known.
    pub(super) members: Option<Vec<Cow<'c, str>>>,
    /// What was asked, and what the answer is to be.
    tests: Vec<(&'c TextTest<'c>, bool)>,
    shape: Shape,
}

impl<'c> Texts<'c> {
    /// Every text of a shape.
    pub(super) const fn all(shape: Shape) -> Self {
        Self {
            members: None,
            tests: Vec::new(),
            shape,
        }
    }

    /// None but these.
    pub(super) fn only(texts: impl IntoIterator<Item = Cow<'c, str>>) -> Self {
        Self {
            members: Some(texts.into_iter().collect()),
            ..Self::all(Shape::Any)
        }
    }

    /// Leaves those for which the answer is this. `false` where it is certain that none is left.
    pub(super) fn restrict(
        &mut self,
        test: &'c TextTest<'c>,
        wanted: bool,
        effort: &Effort,
    ) -> Result<bool, Spent> {
        effort.spend(1)?;
        if let Some(members) = &mut self.members {
            effort.spend(members.len())?;
            members.retain(|member| test.holds(member, effort) != Some(!wanted));
            return Ok(!members.is_empty());
        }
        if let TextTest::Among(texts) = test
            && wanted
            && texts.len() <= MAX_MEMBERS
        {
            effort.spend(texts.len())?;
            let members = texts.iter().filter(|text| self.has(text, effort));
            let members: Vec<Cow<'c, str>> =
                members.map(|text| Cow::Borrowed(text.as_str())).collect();
            let any = !members.is_empty();
            self.members = Some(members);
            return Ok(any);
        }
        for &(known, answer) in &self.tests {
            if std::ptr::eq(known, test) || known.is_same(test) {
                return Ok(answer == wanted);
            }
        }
        self.tests.push((test, wanted));
        Ok(true)
    }

    /// Leaves none but these.
    pub(super) fn keep(&mut self, texts: Vec<String>, effort: &Effort) -> bool {
        let kept = texts.into_iter().filter(|text| self.has(text, effort));
        let kept: Vec<Cow<'c, str>> = kept.map(Cow::Owned).collect();
        let any = !kept.is_empty();
        self.members = Some(kept);
        any
    }

    /// Leaves those of the known members that a function keeps.
    pub(super) fn retain(&mut self, keep: impl Fn(&str) -> bool) -> bool {
        match &mut self.members {
            Some(members) => {
                members.retain(|member| keep(member));
                !members.is_empty()
            }
            None => true,
        }
    }

    /// May the text be in it?
    pub(super) fn has(&self, text: &str, effort: &Effort) -> bool {
        self.shape.fits(text)
            && self
                .members
                .as_ref()
                .is_none_or(|members| members.iter().any(|member| member == text))
            && self
                .tests
                .iter()
                .all(|&(test, wanted)| test.holds(text, effort) != Some(!wanted))
    }

    /// Is it certainly empty?
    pub(super) fn is_empty(&self, effort: &Effort) -> Result<bool, Spent> {
        if let Some(members) = &self.members {
            return Ok(members.is_empty());
        }
        if self.tests.is_empty() || self.witness(effort)?.is_some() {
            return Ok(false);
        }
        // What takes no part here makes the set larger than it is.
        let mut small: Vec<Vec<Pattern>> = Vec::new();
        for &(test, wanted) in &self.tests {
            if let (TextTest::Among(texts), false) = (test, wanted)
                && texts.len() <= MAX_EXCLUDED
            {
                let exact = texts.iter().map(|text| Pattern::around(false, text, false));
                small.push(exact.collect());
            }
        }
        let rooted = [Pattern::around(false, "/", true)];
        let doubled = [Pattern::around(true, "//", true)];
        let mut all: Vec<Wanted<'_>> = small
            .iter()
            .map(|patterns| Wanted {
                patterns,
                matches: false,
            })
            .collect();
        for &(test, matches) in &self.tests {
            if let TextTest::Like(patterns) = test {
                all.push(Wanted { patterns, matches });
            }
        }
        if all.is_empty() {
            return Ok(false);
        }
        if self.shape == Shape::Path {
            for (patterns, matches) in [(&rooted, true), (&doubled, false)] {
                all.push(Wanted { patterns, matches });
            }
        }
        language::is_empty(&all, self.shape.never(), effort)
    }

    /// A text in it that is easily made from one of its patterns. Most sets that are not empty have one,
    /// and it is found faster than by a walk.
    pub(super) fn witness(&self, effort: &Effort) -> Result<Option<String>, Spent> {
        if let Some(members) = &self.members {
            return Ok(members.first().map(|member| member.clone().into_owned()));
        }
        if self.asks_automata() {
            // Each try would make one.
            return Ok(None);
        }
        let mut liked = self.tests.iter().filter_map(|&(test, wanted)| match test {
            TextTest::Like(patterns) if wanted => patterns.first(),
            _ => None,
        });
        let pattern = liked.next();
        for filler in self.shape.fillers() {
            effort.spend(2 + self.tests.len())?;
            let text = match pattern {
                Some(pattern) => pattern.filled(filler),
                None if self.shape == Shape::Path => Some(format!("/{filler}")),
                None => Some(filler.to_owned()),
            };
            if let Some(text) = text.filter(|text| self.has(text, effort)) {
                return Ok(Some(text));
            }
        }
        Ok(None)
    }

    /// Is a regular expression among what was asked?
    pub(super) fn asks_automata(&self) -> bool {
        let mut tests = self.tests.iter();
        tests.any(|(test, _)| matches!(test, TextTest::Matches(_)))
    }
}

#[cfg(test)]
mod tests;
