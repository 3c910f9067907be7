//! One file for each command, and what each of them may fail with.

pub(crate) mod access;
mod all;
pub(crate) mod apply;
pub(crate) mod audit;
pub(crate) mod check;
pub(crate) mod context;
pub(crate) mod diagnostics;
pub(crate) mod diff;
pub(crate) mod doctor;
pub(crate) mod events;
pub(crate) mod explain;
pub(crate) mod expr;
pub(crate) mod history;
pub(crate) mod keys;
pub(crate) mod kinds;
pub(crate) mod nodes;
mod pages;
pub(crate) mod passkeys;
mod patch;
pub(crate) mod proposals;
pub(crate) mod relays;
mod replay;
pub(crate) mod resources;
pub(crate) mod rollback;
pub(crate) mod rollout;
pub(crate) mod sessions;
mod set;
pub(crate) mod simulate;
pub(crate) mod test;
pub(crate) mod traffic;
pub(crate) mod words;

use countersign_control_plane::simulate::GivenError;

use crate::api::ApiError;
use crate::contexts::ContextsError;
use crate::output::{Output, OutputError};
use crate::sources::SourcesError;
use crate::target::Target;
use simulate::InputError;

/// What every command needs to know.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    /// Which control plane, and as whom.
    pub(crate) control_plane: Target,
    pub(crate) output: Output,
}

/// What a command that ended found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All is well.
    Fine,
    /// The input has errors; they are printed already.
    Refused,
}

/// Why a command did not end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    #[error(transparent)]
    Api(#[from] ApiError),
    #[error(transparent)]
    Output(#[from] OutputError),
    #[error(transparent)]
    Sources(#[from] SourcesError),
    /// Context file.
    #[error(transparent)]
    Contexts(#[from] ContextsError),
    /// A token that cannot be read or written.
    #[error(transparent)]
    Token(#[from] access::TokenError),
    #[error(transparent)]
    Expr(#[from] expr::ExprError),
    /// A kind that there is not.
    #[error("there is no kind `{0}`; the kinds are {known}", known = kinds::known())]
    UnknownKind(String),
    /// A run that tests nothing must not look like one that passed.
    #[error(
        "there are no tests in these files; a test is written in a document of `kind: PolicyTest`, beside the policies (see `countersign test --help`)"
    )]
    NoTests,
    /// A request given to `explain`.
    #[error(transparent)]
    Given(#[from] GivenError),
    /// Recordings given to `simulate`.
    #[error(transparent)]
    Input(#[from] InputError),
    /// `-` in two places.
    #[error("`-` stands for standard input in two places; it can be read once")]
    StandardInputTwice,
    /// A gate that can never close.
    #[error(
        "`--fail-on-change` needs something to compare with: `--against DIR` or `--against-current`"
    )]
    NothingToCompare,
}

impl From<tonic::Status> for CommandError {
    fn from(status: tonic::Status) -> Self {
        Self::Api(ApiError::from(status))
    }
}

impl CommandError {
    /// Is it the caller who can do something about it?
    pub(crate) fn is_input(&self) -> bool {
        match self {
            Self::Api(error) => error.is_input(),
            Self::Sources(error) => error.is_input(),
            Self::Contexts(_) | Self::Token(_) => true,
            Self::Input(error) => error.is_input(),
            Self::UnknownKind(_)
            | Self::NoTests
            | Self::Given(_)
            | Self::StandardInputTwice
            | Self::NothingToCompare => true,
            Self::Output(_) | Self::Expr(_) => false,
        }
    }
}
