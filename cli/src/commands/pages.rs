//! Long lists come from the control plane page by page: one page, or all of them where that is asked for.

use crate::limits::MAX_LISTED;
use crate::progress::Spinner;

/// The most that the control plane puts on a page.
const PAGE: u32 = 500;

/// What has come so far.
pub(super) struct Pages<T> {
    taken: Vec<T>,
    what: &'static str,
    all: bool,
    limit: u32,
    spinner: Option<Spinner>,
}

impl<T> Pages<T> {
    pub(super) fn begin(what: &'static str, all: bool, limit: u32) -> Self {
        Self {
            taken: Vec::new(),
            what,
            all,
            limit,
            spinner: all.then(|| Spinner::begin(format!("reading {what}"))),
        }
    }

    /// How many to ask for.
    pub(super) fn limit(&self) -> u32 {
        if self.all { PAGE } else { self.limit }
    }

    /// Is another page to be asked for?
    pub(super) fn take(&mut self, page: Vec<T>, more: bool) -> bool {
        // Whoever promises more and gives nothing would be asked for ever.
        let some = !page.is_empty();
        self.taken.extend(page);
        if let Some(spinner) = &self.spinner {
            spinner.now(format!("reading {}: {}", self.what, self.taken.len()));
        }
        self.all && more && some && self.taken.len() < MAX_LISTED
    }

    pub(super) fn end(self) -> Vec<T> {
        self.taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_page_is_one_page_however_many_there_are() {
        let mut pages = Pages::begin("things", false, 2);
        assert_eq!(pages.limit(), 2);
        assert!(!pages.take(vec![1, 2], true));
        assert_eq!(pages.end(), [1, 2]);
    }

    #[test]
    fn all_pages_are_asked_for_until_there_are_no_more() {
        let mut pages = Pages::begin("things", true, 2);
        assert_eq!(pages.limit(), PAGE);
        assert!(pages.take(vec![1], true));
        assert!(!pages.take(vec![2], false));
        assert_eq!(pages.end(), [1, 2]);
    }

    #[test]
    fn a_list_ends_at_its_bound_and_where_nothing_comes() {
        let mut pages = Pages::begin("things", true, 1);
        assert!(pages.take(vec![0; MAX_LISTED - 1], true));
        assert!(!pages.take(vec![0], true));
        let mut pages = Pages::<u8>::begin("things", true, 1);
        assert!(!pages.take(Vec::new(), true));
    }
}
