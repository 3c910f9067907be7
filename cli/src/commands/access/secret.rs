//! Secrets on their way in: from a file or standard input, never from the process list.

use std::io::{IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};

use crate::target::looks_like_token;

/// A token is 63 characters; whatever is much longer is another file.
const MAX_TOKEN_BYTES: u64 = 4_096;

/// Why a token cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TokenError {
    /// A file.
    #[error("cannot use `{}`: {source}", path.display())]
    File {
        path: PathBuf,
        source: std::io::Error,
    },
    /// Of an earlier token, it may be.
    #[error("`{}` is there already; name another file with `--token-out`", .0.display())]
    Taken(PathBuf),
    /// Standard input.
    #[error("cannot read the token from standard input: {0}")]
    Stdin(std::io::Error),
    /// It holds nothing.
    #[error("there is no token in what was given; a token is one line that begins with `csn`")]
    Empty,
    /// Never shown again, and seen by whoever looked at the process list.
    #[error(
        "`--bootstrap-token-file` takes the name of a file, and a token was given; leave the option out, and give the token on standard input"
    )]
    TokenAsFile,
}

/// What a file holds, without the line break at its end.
pub(in crate::commands) fn read_token(path: &Path) -> Result<String, TokenError> {
    if looks_like_token(path) {
        return Err(TokenError::TokenAsFile);
    }
    let file = std::fs::File::open(path).map_err(in_file(path))?;
    let mut text = String::new();
    file.take(MAX_TOKEN_BYTES)
        .read_to_string(&mut text)
        .map_err(in_file(path))?;
    some(&text)
}

/// A line of standard input.
pub(in crate::commands) fn read_stdin(prompt: &str) -> Result<String, TokenError> {
    let mut text = String::new();
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        eprint!("{prompt}");
        stdin.read_line(&mut text).map_err(TokenError::Stdin)?;
    } else {
        stdin
            .take(MAX_TOKEN_BYTES)
            .read_to_string(&mut text)
            .map_err(TokenError::Stdin)?;
    }
    some(&text)
}

/// Where the token of this name is written to when nothing is said of it.
pub(super) fn own_file(name: &str) -> Result<PathBuf, TokenError> {
    let fine = |c: char| c.is_ascii_alphanumeric() || "._-@".contains(c);
    let name = name.trim_start_matches('.').chars();
    let name: String = name.map(|c| if fine(c) { c } else { '-' }).collect();
    let path = PathBuf::from(format!("{name}.token"));
    if path.exists() {
        return Err(TokenError::Taken(path));
    }
    Ok(path)
}

fn some(text: &str) -> Result<String, TokenError> {
    match text.trim() {
        "" => Err(TokenError::Empty),
        text => Ok(text.to_owned()),
    }
}

pub(super) fn in_file(path: &Path) -> impl Fn(std::io::Error) -> TokenError + use<> {
    let path = path.to_owned();
    move |source| TokenError::File {
        path: path.clone(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tokens_own_file_is_named_after_it_and_stays_in_this_folder() {
        for (name, file) in [
            ("ci", "ci.token"),
            ("ann@example.com", "ann@example.com.token"),
            ("../../etc/x", "-..-etc-x.token"),
            ("..", ".token"),
            ("ann b\u{1b}", "ann-b-.token"),
        ] {
            assert_eq!(own_file(name).unwrap(), PathBuf::from(file), "{name}");
        }
    }
}
