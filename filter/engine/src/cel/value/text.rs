//! Texts and bytes: borrowed from the request or the blob where they can be.

use std::borrow::Cow;
use std::fmt::{self, Debug, Formatter};
use std::ops::{Deref, Range};
use std::rc::Rc;

/// Borrowed, or made by the evaluation and shared by whoever holds it.
pub enum Shared<'a, T: ?Sized> {
    /// Lives as long as the request or the blob.
    Borrowed(&'a T),
    /// Made.
    Made(Rc<T>),
}

/// A string.
pub type Text<'a> = Shared<'a, str>;

/// Bytes.
pub type Bytes<'a> = Shared<'a, [u8]>;

impl<T: ?Sized> Clone for Shared<'_, T> {
    #[inline]
    fn clone(&self) -> Self {
        match self {
            Self::Borrowed(borrowed) => Self::Borrowed(borrowed),
            Self::Made(made) => Self::Made(Rc::clone(made)),
        }
    }
}

impl<T: ?Sized> Deref for Shared<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        match self {
            Self::Borrowed(borrowed) => borrowed,
            Self::Made(made) => made,
        }
    }
}

impl<T: ?Sized + Debug> Debug for Shared<'_, T> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        (**self).fmt(formatter)
    }
}

impl<'a, T: ?Sized> From<&'a T> for Shared<'a, T> {
    fn from(borrowed: &'a T) -> Self {
        Self::Borrowed(borrowed)
    }
}

impl From<String> for Text<'_> {
    fn from(text: String) -> Self {
        Self::Made(text.into())
    }
}

impl<'a> From<Cow<'a, str>> for Text<'a> {
    fn from(text: Cow<'a, str>) -> Self {
        match text {
            Cow::Borrowed(text) => Self::Borrowed(text),
            Cow::Owned(text) => text.into(),
        }
    }
}

impl From<Vec<u8>> for Bytes<'_> {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Made(bytes.into())
    }
}

impl<'a> Text<'a> {
    /// A part; borrowed where the whole is. Empty where the range leaves the text or splits a character,
    /// which the callers have ruled out.
    pub(in crate::cel) fn part(&self, range: Range<usize>) -> Self {
        match self {
            Self::Borrowed(text) => Self::Borrowed(text.get(range).unwrap_or_default()),
            Self::Made(text) if range == (0..text.len()) => self.clone(),
            Self::Made(text) => Self::Made(text.get(range).unwrap_or_default().into()),
        }
    }

    /// The text's UTF-8, without a copy.
    pub(in crate::cel) fn into_bytes(self) -> Bytes<'a> {
        match self {
            Self::Borrowed(text) => Shared::Borrowed(text.as_bytes()),
            Self::Made(text) => Shared::Made(Rc::from(text)),
        }
    }
}

impl<'a> Bytes<'a> {
    /// The text whose UTF-8 the bytes are, borrowed where they are.
    pub(in crate::cel) fn to_text(&self) -> Option<Text<'a>> {
        match self {
            Self::Borrowed(bytes) => std::str::from_utf8(bytes).ok().map(Shared::Borrowed),
            Self::Made(bytes) => std::str::from_utf8(bytes)
                .ok()
                .map(|text| Shared::Made(text.into())),
        }
    }
}
