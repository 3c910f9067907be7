//! `countersign diff`: what tells two revisions apart.

use std::io::IsTerminal as _;

use clap::Args;
use countersign_proto::admin::v1 as admin;
use serde::Serialize;

use super::history::Revision;
use super::patch::Difference;
use super::{CommandError, Context, Outcome};
use crate::{api, colour};

/// The options of `countersign diff`.
#[derive(Debug, Args)]
pub(crate) struct DiffArgs {
    /// The former revision; 0 is before the first [default: before the last change up to TO]
    #[arg(default_value = "", hide_default_value = true)]
    from: String,
    /// The later revision [default: the current one]
    #[arg(default_value = "", hide_default_value = true)]
    to: String,
}

#[derive(Debug, Serialize)]
struct Diff {
    /// None before the first.
    from: Option<Revision>,
    to: Option<Revision>,
    differences: Vec<Difference>,
}

pub(crate) async fn run(args: &DiffArgs, context: &Context) -> Result<Outcome, CommandError> {
    let request = admin::DiffRevisionsRequest {
        from: args.from.clone(),
        to: args.to.clone(),
    };
    let mut client = api::connect(&context.control_plane).await?;
    let answer = client.diff_revisions(request).await?.into_inner();
    let colour = colour::wanted(std::io::stdout().is_terminal());
    context
        .output
        .print(&Diff::new(answer), |diff| diff.text(colour))?;
    Ok(Outcome::Fine)
}

impl Diff {
    fn new(answer: admin::DiffRevisionsResponse) -> Self {
        let (from, to) = (
            answer.from.map(Revision::from),
            answer.to.map(Revision::from),
        );
        let name = |revision: &Option<Revision>| {
            revision
                .as_ref()
                .map(|revision| revision.name.clone())
                .unwrap_or_else(|| "0".to_owned())
        };
        let (former, later) = (name(&from), name(&to));
        let differences = answer.differences.into_iter();
        Self {
            differences: differences
                .map(|difference| Difference::new(difference, &former, &later))
                .collect(),
            from,
            to,
        }
    }

    fn text(&self, colour: bool) -> String {
        if self.differences.is_empty() {
            return "no resource is another\n".to_owned();
        }
        let texts = self.differences.iter();
        texts.map(|difference| difference.text(colour)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revisions_with_the_same_resources_say_so() {
        let diff = Diff::new(admin::DiffRevisionsResponse::default());
        assert_eq!(diff.text(false), "no resource is another\n");
    }

    #[test]
    fn both_revisions_are_named_at_each_resource() {
        let info = |number| {
            Some(admin::RevisionInfo {
                number,
                hash: "abc".to_owned(),
                ..admin::RevisionInfo::default()
            })
        };
        let difference = admin::ResourceDifference {
            resource: Some(admin::ResourceRef {
                kind: "List".to_owned(),
                name: "a".to_owned(),
            }),
            before: Some("1\n".to_owned()),
            after: Some("2\n".to_owned()),
            ..admin::ResourceDifference::default()
        };
        let text = Diff::new(admin::DiffRevisionsResponse {
            from: info(1),
            to: info(2),
            differences: vec![difference],
        })
        .text(false);
        assert!(
            text.starts_with("--- List/a\t1-abc\n+++ List/a\t2-abc\n"),
            "{text}"
        );
    }
}
