//! `countersign get` and `countersign delete`: the resources that the control plane holds.

use clap::Args;
use countersign_proto::admin::v1 as admin;
use serde::Serialize;

use super::apply::{Applied, author};
use super::{CommandError, Context, Outcome, all, kinds};
use crate::api::{self, ApiError};
use crate::output::{self, Output, OutputError};

/// The options of `countersign get`.
#[derive(Debug, Args)]
pub(crate) struct GetArgs {
    /// `policy`, `signal`, `list`, … [default: all]
    kind: Option<String>,
    /// One resource by its name
    #[arg(requires = "kind")]
    name: Option<String>,
    /// As they were at this revision, named as `countersign history` shows it or by its number
    #[arg(
        long,
        default_value = "",
        value_name = "REVISION",
        hide_default_value = true
    )]
    revision: String,
    /// How many at most, by kind and name [default: all]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..), conflicts_with = "revision")]
    limit: Option<u32>,
    /// Go on where a former list ended
    #[arg(
        long,
        default_value = "",
        value_name = "KIND/NAME",
        hide_default_value = true,
        conflicts_with = "revision"
    )]
    cursor: String,
}

/// The options of `countersign delete`.
#[derive(Debug, Args)]
pub(crate) struct DeleteArgs {
    /// `policy`, `signal`, `list`, …
    kind: String,
    /// The resource's name
    name: String,
    /// The revision that the change was made against: refused when resources were changed since
    #[arg(
        long,
        default_value = "",
        value_name = "REVISION",
        hide_default_value = true
    )]
    base: String,
}

#[derive(Debug, Serialize)]
struct Resources {
    /// The revision that holds them.
    revision: String,
    resources: Vec<Resource>,
    #[serde(skip_serializing_if = "String::is_empty")]
    next_cursor: String,
}

#[derive(Debug, Serialize)]
struct Resource {
    kind: String,
    name: String,
    file: String,
    author: String,
    changed: Option<String>,
    /// As its author wrote it.
    source: String,
    #[serde(skip)]
    changed_ms: u64,
}

pub(crate) async fn get(args: &GetArgs, context: &Context) -> Result<Outcome, CommandError> {
    let kind = match &args.kind {
        Some(word) => kinds::parse(word)?.as_str().to_owned(),
        None => String::new(),
    };
    let name = args.name.clone().unwrap_or_default();
    let mut client = api::connect(&context.control_plane).await?;
    let request = admin::ListResourcesRequest {
        kind: kind.clone(),
        name: name.clone(),
        revision: args.revision.clone(),
        limit: args.limit.unwrap_or_default(),
        cursor: args.cursor.clone(),
    };
    let answer = all::resources(&mut client, request).await?;
    let resources = Resources {
        revision: answer.revision,
        resources: answer.resources.into_iter().map(Resource::from).collect(),
        next_cursor: answer.next_cursor,
    };
    if resources.resources.is_empty() && !name.is_empty() {
        return Err(ApiError::NotFound(format!(
            "there is no {kind} `{name}`; `countersign get {kind}` lists those that there are"
        ))
        .into());
    }
    match context.output {
        // What `apply` takes, not a document about documents.
        Output::Yaml => print_sources(&resources)?,
        other => other.print(&resources, table)?,
    }
    Ok(Outcome::Fine)
}

pub(crate) async fn delete(args: &DeleteArgs, context: &Context) -> Result<Outcome, CommandError> {
    let request = admin::DeleteResourcesRequest {
        resources: vec![admin::ResourceRef {
            kind: kinds::parse(&args.kind)?.as_str().to_owned(),
            name: args.name.clone(),
        }],
        author: author(),
        base: args.base.clone(),
    };
    let mut client = api::connect(&context.control_plane).await?;
    let answer = client.delete_resources(request).await?.into_inner();
    Applied::new(answer, false).print(context)
}

impl From<admin::Resource> for Resource {
    fn from(resource: admin::Resource) -> Self {
        let admin::ResourceRef { kind, name } = resource.r#ref.unwrap_or_default();
        Self {
            kind,
            name,
            file: resource.file,
            author: resource.author,
            changed: output::rfc3339(resource.changed_ms),
            source: resource.source,
            changed_ms: resource.changed_ms,
        }
    }
}

fn print_sources(resources: &Resources) -> Result<(), OutputError> {
    Output::Table.print(&sources_text(resources), Clone::clone)
}

fn sources_text(resources: &Resources) -> String {
    let documents: Vec<_> = resources
        .resources
        .iter()
        .map(|resource| {
            let text = resource.source.trim_start_matches("---").trim();
            format!("{text}\n")
        })
        .collect();
    documents.join("---\n")
}

fn table(resources: &Resources) -> String {
    let rows = resources.resources.iter().map(|resource| {
        [
            resource.kind.clone(),
            resource.name.clone(),
            output::time(resource.changed_ms),
            resource.author.clone(),
            resource.file.clone(),
        ]
    });
    let mut text = output::table(
        ["kind", "name", "changed", "by", "file"],
        rows,
        "no resources; apply some with `countersign apply -f FILE`",
    );
    if !resources.next_cursor.is_empty() {
        text.push_str(&format!("\nmore with --cursor {}\n", resources.next_cursor));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resources(sources: &[&str]) -> Resources {
        let resource = |source: &&str| {
            Resource::from(admin::Resource {
                r#ref: Some(admin::ResourceRef {
                    kind: "List".to_owned(),
                    name: "a".to_owned(),
                }),
                source: (*source).to_owned(),
                ..admin::Resource::default()
            })
        };
        Resources {
            revision: "1-a".to_owned(),
            resources: sources.iter().map(resource).collect(),
            next_cursor: String::new(),
        }
    }

    #[test]
    fn yaml_is_what_apply_takes_again() {
        let text = sources_text(&resources(&["---\nkind: List\n", "kind: Signal"]));
        assert_eq!(text, "kind: List\n---\nkind: Signal\n");
    }

    #[test]
    fn the_table_shows_kind_and_name() {
        let text = table(&resources(&["x"]));
        assert!(
            text.lines().nth(1).unwrap().starts_with("List  a"),
            "{text}"
        );
    }
}
