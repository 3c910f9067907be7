//! `countersign expr`: evaluates expressions, a JSON line in and a JSON line out, by what the filter
//! evaluates them with.

mod answer;
mod compiled;
mod lines;
mod request;
mod source;

use std::io::{self, BufRead, Write};
use std::thread;

use answer::Answer;
use compiled::Cache;
use lines::{Line, Lines};

use super::{CommandError, Outcome};
use crate::limits::EXPR_STACK_BYTES;
use crate::output::OutputError;

/// Why the command did not end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExprError {
    #[error("cannot read standard input: {0}")]
    Read(io::Error),
    #[error(transparent)]
    Write(OutputError),
    #[error("cannot start: {0}")]
    Thread(io::Error),
}

/// Answers every line of standard input.
pub(crate) fn run() -> Result<Outcome, CommandError> {
    let worker = thread::Builder::new()
        .name("expr".to_owned())
        .stack_size(EXPR_STACK_BYTES)
        .spawn(|| answer_all(io::stdin().lock(), io::stdout().lock()))
        .map_err(ExprError::Thread)?;
    match worker.join() {
        Ok(answered) => answered?,
        Err(panic) => std::panic::resume_unwind(panic),
    }
    Ok(Outcome::Fine)
}

/// Answers line by line: who waits for an answer before the next question gets it.
fn answer_all(input: impl BufRead, output: impl Write) -> Result<(), ExprError> {
    let mut lines = Lines::new(input);
    let mut output = io::BufWriter::new(output);
    let mut cache = Cache::default();
    while let Some(line) = lines.next().map_err(ExprError::Read)? {
        let answer = match line {
            Line::Whole(bytes) => answer::to(bytes, &mut cache),
            Line::TooLong(least) => Answer::to_no_line(least),
        };
        let written = serde_json::to_writer(&mut output, &answer)
            .map_err(OutputError::from)
            .and_then(|()| Ok(output.write_all(b"\n")?));
        written.map_err(ExprError::Write)?;
        if !lines.has_more_at_hand() {
            output
                .flush()
                .map_err(|error| ExprError::Write(error.into()))?;
        }
    }
    output
        .flush()
        .map_err(|error| ExprError::Write(error.into()))
}

#[cfg(test)]
mod tests;
