//! Why the command failed, and whose turn it is: exit code 1 for the input, 2 for the environment.

use crate::commands::CommandError;
use crate::commands::check::CheckError;
use crate::commands::expr::ExprError;
use crate::documents::ManError;
use crate::output::OutputError;
use crate::shop::ShopError;
use crate::sources::SourcesError;
use crate::up::UpError;

/// What ends the program.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Command(#[from] CommandError),
    #[error(transparent)]
    Up(#[from] UpError),
    #[error(transparent)]
    Shop(#[from] ShopError),
    #[error(transparent)]
    Man(#[from] ManError),
    /// Tokio needs threads and file descriptors.
    #[error(
        "cannot start: {0}; there may be too few file descriptors (`ulimit -n`) or processes (`ulimit -u`)"
    )]
    Runtime(std::io::Error),
    /// A part of the stack.
    #[error("cannot run: {0}")]
    RunPart(std::io::Error),
}

impl Failure {
    /// The program's exit code.
    pub(crate) fn exit_code(&self) -> u8 {
        let input = match self {
            Self::Command(error) => error.is_input(),
            Self::Up(UpError::Policies(CheckError::Findings { .. })) => true,
            Self::Up(UpError::Policies(CheckError::Sources(error))) => error.is_input(),
            Self::Up(_) | Self::Shop(_) | Self::Man(_) | Self::Runtime(_) | Self::RunPart(_) => {
                false
            }
        };
        if input { 1 } else { 2 }
    }

    /// The reader of a pipe went away, as `head` does: nobody is there to be told.
    pub(crate) fn is_closed_pipe(&self) -> bool {
        matches!(
            self,
            Self::Command(
                CommandError::Output(OutputError::Write(error))
                | CommandError::Expr(ExprError::Write(OutputError::Write(error)))
            ) if error.kind() == std::io::ErrorKind::BrokenPipe
        )
    }
}

impl From<SourcesError> for Failure {
    fn from(error: SourcesError) -> Self {
        Self::Command(error.into())
    }
}
