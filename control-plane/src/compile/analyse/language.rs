//! Patterns of texts, and whether a text can fit some and not fit others: a walk through what the
//! patterns have left to match, all at once.

use std::collections::HashSet;
use std::rc::Rc;

use super::effort::{Effort, Spent};
use super::limits::{MAX_PATTERN_BYTES, MAX_STATES};

/// A pattern that matches whole texts, byte by byte.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Pattern(Rc<[Token]>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Token {
    Byte(u8),
    /// An ASCII letter, here in lower case, in either case.
    Letter(u8),
    /// Any one byte.
    Any,
    /// Any run of bytes.
    Star,
}

impl Token {
    fn takes(self, byte: u8) -> bool {
        match self {
            Self::Byte(wanted) => wanted == byte,
            Self::Letter(wanted) => wanted == byte.to_ascii_lowercase(),
            Self::Any | Self::Star => true,
        }
    }
}

impl Pattern {
    /// An endpoint pattern, see [`countersign_engine::glob_matches`].
    pub(super) fn glob(text: &str, ignore_case: bool) -> Self {
        let token = |byte: u8| match byte {
            b'*' => Token::Star,
            b'?' => Token::Any,
            byte if ignore_case && byte.is_ascii_alphabetic() => {
                Token::Letter(byte.to_ascii_lowercase())
            }
            byte => Token::Byte(byte),
        };
        Self(text.bytes().map(token).collect())
    }

    /// This text, with whatever stands before and after it where that is allowed.
    pub(super) fn around(before: bool, text: &str, after: bool) -> Self {
        let star = |there: bool| there.then_some(Token::Star);
        let tokens = star(before)
            .into_iter()
            .chain(text.bytes().map(Token::Byte))
            .chain(star(after));
        Self(tokens.collect())
    }

    /// Two patterns, one after the other.
    pub(super) fn then(&self, other: &Self) -> Self {
        Self(self.0.iter().chain(other.0.iter()).copied().collect())
    }

    /// Any text of at least one byte.
    pub(super) fn something() -> Self {
        Self(Rc::from([Token::Any, Token::Star]))
    }

    /// Does it match every path? Each starts with a slash.
    pub(super) fn takes_every_path(&self) -> bool {
        let rest = match &*self.0 {
            [Token::Byte(b'/'), rest @ ..] => rest,
            all => all,
        };
        !rest.is_empty() && rest.iter().all(|token| *token == Token::Star)
    }

    /// What every text that matches begins with, letters in lower case.
    pub(super) fn beginning(&self) -> Vec<u8> {
        let known = |token: &Token| match token {
            Token::Byte(byte) => Some(byte.to_ascii_lowercase()),
            Token::Letter(letter) => Some(*letter),
            Token::Any | Token::Star => None,
        };
        self.0.iter().map_while(known).collect()
    }

    /// A text that matches, with `filler` for every star. `None` where that is no text.
    pub(super) fn filled(&self, filler: &str) -> Option<String> {
        let mut bytes = Vec::with_capacity(self.0.len());
        for token in self.0.iter() {
            match token {
                Token::Byte(byte) | Token::Letter(byte) => bytes.push(*byte),
                Token::Any => bytes.push(b'0'),
                Token::Star => bytes.extend_from_slice(filler.as_bytes()),
            }
        }
        String::from_utf8(bytes).ok()
    }

    /// Does the whole text match?
    pub(super) fn matches(&self, text: &[u8]) -> bool {
        let (mut at, mut taken) = (0, 0);
        // Where to go on when what follows the last star does not fit.
        let mut resume: Option<(usize, usize)> = None;
        while let Some(&byte) = text.get(taken) {
            match self.0.get(at) {
                Some(Token::Star) => {
                    at += 1;
                    resume = Some((at, taken));
                }
                Some(token) if token.takes(byte) => {
                    at += 1;
                    taken += 1;
                }
                _ => match resume {
                    Some((after, from)) => {
                        at = after;
                        taken = from + 1;
                        resume = Some((after, taken));
                    }
                    None => return false,
                },
            }
        }
        let rest = self.0.get(at..).unwrap_or_default();
        rest.iter().all(|token| *token == Token::Star)
    }
}

/// Patterns of which one must match, or none may.
pub(super) struct Wanted<'p> {
    pub(super) patterns: &'p [Pattern],
    pub(super) matches: bool,
}

/// Is there no text that is as every one of these wants it? Texts have no byte that `never` says.
pub(super) fn is_empty(
    wanted: &[Wanted<'_>],
    never: fn(u8) -> bool,
    effort: &Effort,
) -> Result<bool, Spent> {
    let walk = Walk::new(wanted)?;
    let start = walk.closed(walk.starts.clone());
    let mut seen: HashSet<Vec<u16>> = HashSet::new();
    let mut open = vec![start];
    while let Some(state) = open.pop() {
        effort.spend(1 + state.len() / 4)?;
        if walk.is_dead(&state, wanted) {
            continue;
        }
        if walk.accepts(&state, wanted) {
            return Ok(false);
        }
        for byte in walk.bytes(&state, never) {
            let next = walk.after(&state, byte);
            effort.spend(1)?;
            if !seen.contains(&next) {
                if seen.len() >= MAX_STATES {
                    return Err(Spent);
                }
                seen.insert(next.clone());
                open.push(next);
            }
        }
    }
    Ok(true)
}

/// All patterns in a row; a state is the positions that are reached, in order.
struct Walk {
    /// `None` is the end of a pattern.
    tokens: Vec<Option<Token>>,
    /// Which of the wanted each position belongs to.
    owners: Vec<usize>,
    starts: Vec<u16>,
}

impl Walk {
    fn new(wanted: &[Wanted<'_>]) -> Result<Self, Spent> {
        let mut walk = Self {
            tokens: Vec::new(),
            owners: Vec::new(),
            starts: Vec::new(),
        };
        for (owner, one) in wanted.iter().enumerate() {
            for pattern in one.patterns {
                let start = u16::try_from(walk.tokens.len()).map_err(|_| Spent)?;
                walk.starts.push(start);
                walk.tokens.extend(pattern.0.iter().copied().map(Some));
                walk.tokens.push(None);
                walk.owners.resize(walk.tokens.len(), owner);
                if walk.tokens.len() > MAX_PATTERN_BYTES {
                    return Err(Spent);
                }
            }
        }
        Ok(walk)
    }

    fn token(&self, position: u16) -> Option<Token> {
        self.tokens.get(usize::from(position)).copied().flatten()
    }

    fn owner(&self, position: u16) -> usize {
        self.owners
            .get(usize::from(position))
            .copied()
            .unwrap_or(usize::MAX)
    }

    /// With the positions that a star lets be reached for nothing.
    fn closed(&self, mut state: Vec<u16>) -> Vec<u16> {
        let mut index = 0;
        while let Some(&position) = state.get(index) {
            if self.token(position) == Some(Token::Star) {
                state.push(position + 1);
            }
            index += 1;
        }
        state.sort_unstable();
        state.dedup();
        state
    }

    fn after(&self, state: &[u16], byte: u8) -> Vec<u16> {
        let mut next = Vec::with_capacity(state.len() + 2);
        for &position in state {
            match self.token(position) {
                Some(Token::Star) => next.push(position),
                Some(token) if token.takes(byte) => next.push(position + 1),
                _ => {}
            }
        }
        self.closed(next)
    }

    /// Can no text that goes on from here be as it is wanted? A pattern that must match has nothing left,
    /// or one that must not will match whatever comes.
    fn is_dead(&self, state: &[u16], wanted: &[Wanted<'_>]) -> bool {
        wanted.iter().enumerate().any(|(owner, one)| {
            let mut own = state
                .iter()
                .filter(|&&position| self.owner(position) == owner);
            if one.matches {
                own.next().is_none()
            } else {
                own.any(|&position| {
                    self.token(position) == Some(Token::Star) && self.token(position + 1).is_none()
                })
            }
        })
    }

    fn accepts(&self, state: &[u16], wanted: &[Wanted<'_>]) -> bool {
        wanted.iter().enumerate().all(|(owner, one)| {
            let ends = state
                .iter()
                .any(|&position| self.owner(position) == owner && self.token(position).is_none());
            ends == one.matches
        })
    }

    /// The bytes that are told apart from here, and one of all others.
    fn bytes(&self, state: &[u16], never: fn(u8) -> bool) -> Vec<u8> {
        let mut bytes = Vec::new();
        for &position in state {
            match self.token(position) {
                Some(Token::Byte(byte)) => bytes.push(byte),
                Some(Token::Letter(letter)) => {
                    bytes.extend([letter, letter.to_ascii_uppercase()]);
                }
                _ => {}
            }
        }
        bytes.sort_unstable();
        bytes.dedup();
        let other = (0..=u8::MAX)
            .rev()
            .find(|byte| !never(*byte) && bytes.binary_search(byte).is_err());
        bytes.retain(|byte| !never(*byte));
        bytes.extend(other);
        bytes
    }
}

#[cfg(test)]
mod tests;
