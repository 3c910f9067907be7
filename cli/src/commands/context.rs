//! `countersign context`: control planes by name.

use clap::Subcommand;
use serde::Serialize;

use super::access::read_stdin;
use super::{CommandError, Context, Outcome};
use crate::contexts::{self, Contexts, Entry};
use crate::output;

/// `countersign context …`
#[derive(Debug, Subcommand)]
pub(crate) enum ContextCommand {
    /// Adds or changes one: what is not given stays as it was
    #[command(after_help = "Examples:
  countersign context set prod --control-plane https://cp.example.com:18000 --ca ca.crt --token-stdin
  countersign context set stage --control-plane https://stage.example.com:18000 --token-file stage.token")]
    Set {
        /// Its name
        name: String,
        /// Read the token from standard input and keep it in the context file
        #[arg(long, conflicts_with = "token_file")]
        token_stdin: bool,
    },
    /// Makes one the current one
    #[command(after_help = "Examples:
  countersign context use prod")]
    Use {
        /// Its name
        name: String,
    },
    /// Lists them; no token is shown
    #[command(after_help = "Examples:
  countersign context list
  countersign context list --output yaml")]
    List,
    /// Forgets one
    #[command(after_help = "Examples:
  countersign context remove stage")]
    Remove {
        /// Its name
        name: String,
    },
}

#[derive(Debug, Serialize)]
struct Row {
    name: String,
    control_plane: String,
    current: bool,
    /// `token`, `token file`, `certificate`, or nothing.
    shows: &'static str,
}

pub(crate) fn run(command: &ContextCommand, context: &Context) -> Result<Outcome, CommandError> {
    let path = contexts::path()?;
    match command {
        ContextCommand::Set { name, token_stdin } => {
            let token = match token_stdin {
                true => Some(read_stdin("the token: ")?),
                false => None,
            };
            let given = &context.control_plane;
            let row = Contexts::change(&path, |contexts| {
                let mut entry = contexts.named(name).cloned().unwrap_or_default();
                entry.name.clone_from(name);
                if let Some(address) = &given.control_plane {
                    // Another address gets nothing that was meant for the former one.
                    if *address != entry.control_plane {
                        entry = Entry {
                            name: name.clone(),
                            control_plane: address.clone(),
                            ..Entry::default()
                        };
                    }
                }
                if entry.control_plane.is_empty() {
                    crate::target::DEFAULT_CONTROL_PLANE.clone_into(&mut entry.control_plane);
                }
                let absolute = |path: &std::path::PathBuf| {
                    std::path::absolute(path).unwrap_or_else(|_| path.clone())
                };
                if let Some(path) = &given.token_file {
                    (entry.token, entry.token_file) = (None, Some(absolute(path)));
                }
                if let Some(token) = token {
                    (entry.token, entry.token_file) = (Some(token), None);
                }
                if let Some(path) = &given.ca {
                    entry.ca = Some(absolute(path));
                }
                if let (Some(certificate), Some(key)) = (&given.certificate, &given.key) {
                    entry.certificate = Some(absolute(certificate));
                    entry.key = Some(absolute(key));
                }
                contexts.set(entry.clone())?;
                contexts.current.get_or_insert_with(|| name.clone());
                Ok(Row::new(entry, contexts.current.as_ref()))
            })?;
            context.output.print(&row, |row| {
                format!("context `{}` is {}\n", row.name, row.control_plane)
            })?;
        }
        ContextCommand::Use { name } => {
            let row = Contexts::change(&path, |contexts| {
                let entry = contexts.named(name)?.clone();
                contexts.current = Some(name.clone());
                Ok(Row::new(entry, contexts.current.as_ref()))
            })?;
            context.output.print(&row, |row| {
                format!("from now on `{}`, {}\n", row.name, row.control_plane)
            })?;
        }
        ContextCommand::Remove { name } => {
            let row = Contexts::change(&path, |contexts| {
                let entry = contexts.named(name)?.clone();
                contexts.contexts.retain(|entry| entry.name != *name);
                if contexts.current.as_ref() == Some(name) {
                    contexts.current = None;
                }
                Ok(Row::new(entry, None))
            })?;
            context
                .output
                .print(&row, |row| format!("context `{}` is forgotten\n", row.name))?;
        }
        ContextCommand::List => {
            let contexts = Contexts::read(&path)?;
            let current = contexts.current.clone();
            let rows: Vec<_> = contexts
                .contexts
                .into_iter()
                .map(|entry| Row::new(entry, current.as_ref()))
                .collect();
            context.output.print(&rows, |rows| {
                let rows = rows.iter().map(|row| {
                    [
                        if row.current { "*" } else { "" }.to_owned(),
                        row.name.clone(),
                        row.control_plane.clone(),
                        row.shows.to_owned(),
                    ]
                });
                let header = ["current", "name", "control plane", "shows"];
                output::table(header, rows, "there is no context yet")
            })?;
        }
    }
    Ok(Outcome::Fine)
}

impl Row {
    fn new(entry: Entry, current: Option<&String>) -> Self {
        Self {
            current: current == Some(&entry.name),
            shows: match (&entry.token, &entry.token_file, &entry.certificate) {
                (Some(_), _, _) => "token",
                (None, Some(_), _) => "token file",
                (None, None, Some(_)) => "certificate",
                (None, None, None) => "",
            },
            name: entry.name,
            control_plane: entry.control_plane,
        }
    }
}
