//! The list of models: lines of `permit AAGUID` and `prohibit AAGUID`; `#` begins a comment.

use std::collections::BTreeSet;

use uuid::Uuid;

/// Models by name.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Models {
    /// Empty: every model that is not prohibited.
    pub(super) permitted: BTreeSet<Uuid>,
    pub(super) prohibited: BTreeSet<Uuid>,
}

/// A line that is none.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidModels {
    /// Another shape.
    #[error("line {line}: a line is `permit AAGUID` or `prohibit AAGUID`")]
    Line {
        /// Which, beginning at 1.
        line: usize,
    },
    /// Not an AAGUID.
    #[error("line {line}: `{text}` is no AAGUID, such as cb69481e-8ff7-4039-93ec-0a2729a154a8")]
    Aaguid {
        /// Which.
        line: usize,
        /// What stands there.
        text: String,
    },
    /// Said twice, perhaps both ways.
    #[error("line {line}: {model} is named before")]
    Twice {
        /// Which.
        line: usize,
        /// The model.
        model: Uuid,
    },
}

impl Models {
    pub(super) fn parse(text: &str) -> Result<Self, InvalidModels> {
        let mut models = Self::default();
        for (index, line) in text.lines().enumerate() {
            let number = index.saturating_add(1);
            let said = line.split_once('#').map_or(line, |(said, _)| said);
            let mut words = said.split_whitespace();
            let (word, model) = match (words.next(), words.next(), words.next()) {
                (None, ..) => continue,
                (Some(word), Some(model), None) => (word, model),
                _ => return Err(InvalidModels::Line { line: number }),
            };
            let model = Uuid::try_parse(model).map_err(|_| InvalidModels::Aaguid {
                line: number,
                text: model.chars().take(64).collect(),
            })?;
            let known = models.permitted.contains(&model) || models.prohibited.contains(&model);
            if known {
                return Err(InvalidModels::Twice {
                    line: number,
                    model,
                });
            }
            match word {
                "permit" => models.permitted.insert(model),
                "prohibit" => models.prohibited.insert(model),
                _ => return Err(InvalidModels::Line { line: number }),
            };
        }
        Ok(models)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "cb69481e-8ff7-4039-93ec-0a2729a154a8";
    const OTHER: &str = "2fc0579f-8113-47ea-b116-bb5a8db9202a";

    #[test]
    fn a_list_says_what_is_permitted_and_what_is_not() {
        let text = format!("# ours\n\n permit {ONE} # the blue ones\nprohibit\t{OTHER}\n");
        let models = Models::parse(&text).unwrap();
        assert_eq!(models.permitted, BTreeSet::from([ONE.parse().unwrap()]));
        assert_eq!(models.prohibited, BTreeSet::from([OTHER.parse().unwrap()]));
    }

    #[test]
    fn an_error_names_its_line() {
        let error = |text: &str| Models::parse(text).unwrap_err().to_string();
        assert!(error("\nallow").starts_with("line 2: a line is"));
        assert!(error(&format!("allow {ONE}")).starts_with("line 1: a line is"));
        assert!(error("permit 12").starts_with("line 1: `12` is no AAGUID"));
        let twice = error(&format!("permit {ONE}\nprohibit {ONE}"));
        assert_eq!(twice, format!("line 2: {ONE} is named before"));
    }
}
