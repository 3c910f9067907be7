//! What the index is told of a request of which only some is known.

use super::known::Known;
use crate::cel::{Evaluator, Value};
use crate::decide::look::{self, found};
use crate::index::{Found, Subject, Values, Wanted};
use crate::revision::View;

/// Answers what the index looks up. What is not known may be anything, so that every policy under it is
/// tried.
pub(super) struct Ask<'k, 'a> {
    view: &'a View<'a>,
    known: &'k Known<'k, 'a>,
    text: Vec<u8>,
    value: Option<Value<'a>>,
}

impl<'k, 'a> Ask<'k, 'a> {
    pub(super) const fn new(view: &'a View<'a>, known: &'k Known<'k, 'a>) -> Self {
        Self {
            view,
            known,
            text: Vec::new(),
            value: None,
        }
    }
}

impl Values for Ask<'_, '_> {
    fn value(&mut self, subject: Subject, _: Wanted) -> Found<'_> {
        let Subject::Node(id) = subject else {
            let ignore_case = !self.view.settings.case_sensitive_paths();
            return look::selector(self.known.request(), subject, ignore_case, &mut self.text);
        };
        self.known.begin();
        self.value = Evaluator::new(&self.view.program, self.known)
            .evaluate(id)
            .ok();
        if self.known.lacked().is_empty() {
            found(self.value.as_ref())
        } else {
            Found::Other
        }
    }
}
