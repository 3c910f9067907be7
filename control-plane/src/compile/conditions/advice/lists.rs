//! Texts of a `List` in which an attribute is looked for that can never hold them.

use std::collections::HashMap;

use countersign_engine::Attribute;

use super::literals;
use crate::cel::{Problem, Span};
use crate::compile::lists::Lists;
use crate::resource::Members;

/// What was found out about lists: a long one is read once for each attribute, however many conditions
/// name both.
#[derive(Debug, Default)]
pub(in crate::compile::conditions) struct ReadLists {
    known: HashMap<(u32, Attribute), Option<Problem>>,
}

impl ReadLists {
    /// The first text of a list that the attribute never holds. `span` is where the list is named.
    pub(super) fn beside(
        &mut self,
        attribute: Attribute,
        list: u32,
        lists: &Lists<'_>,
        span: Span,
    ) -> Option<Problem> {
        let found =
            self.known
                .entry((list, attribute))
                .or_insert_with(|| match lists.members(list) {
                    Some(Members::Strings(texts)) => texts
                        .iter()
                        .find_map(|text| literals::objection(attribute, text)),
                    _ => None,
                });
        let found = found.clone()?;
        // What is advised beside a literal stands below a list.
        let help = if found.help.is_empty() {
            found.label
        } else {
            found.help
        };
        let problem = Problem::warning(span, found.message).label("this list has it");
        Some(problem.help(help))
    }
}
