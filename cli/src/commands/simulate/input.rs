//! Recordings, with a bar on a terminal for how much of them was read.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal as _, Read};
use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Bytes read at once: the bar moves as often.
const BUFFER_BYTES: usize = 256 * 1024;

/// Why a recording cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InputError {
    /// Not there.
    #[error("`{}` is not there", .0.display())]
    Missing(PathBuf),
    /// Of a directory nobody knows which files are recordings.
    #[error("`{}` is a directory; name the files with the recorded requests", .0.display())]
    Directory(PathBuf),
    /// There, and not readable.
    #[error("cannot read `{name}`: {source}")]
    Read {
        /// Which.
        name: String,
        /// Why.
        source: io::Error,
    },
}

impl InputError {
    /// Is it the caller who can do something about it?
    pub(crate) fn is_input(&self) -> bool {
        !matches!(self, Self::Read { .. })
    }
}

/// A recording.
pub(super) struct Input {
    pub(super) name: String,
    /// None where nobody knows.
    bytes: Option<u64>,
    source: Box<dyn Read>,
}

/// Opens all of them, so that a slip in the last one's name is said at once.
pub(super) fn open(paths: &[PathBuf]) -> Result<Vec<Input>, InputError> {
    paths.iter().map(|path| open_one(path)).collect()
}

fn open_one(path: &Path) -> Result<Input, InputError> {
    if path == Path::new("-") {
        return Ok(Input {
            name: "<stdin>".to_owned(),
            bytes: None,
            source: Box::new(io::stdin()),
        });
    }
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => InputError::Missing(path.to_owned()),
        _ => InputError::Read {
            name: path.display().to_string(),
            source,
        },
    };
    let file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if metadata.is_dir() {
        return Err(InputError::Directory(path.to_owned()));
    }
    Ok(Input {
        name: path.display().to_string(),
        // A pipe has no length.
        bytes: Some(metadata.len()).filter(|_| metadata.is_file()),
        source: Box::new(file),
    })
}

impl Input {
    /// Its bytes. On a terminal a bar tells how far it is.
    pub(super) fn into_reader(self) -> impl BufRead {
        let bar = io::stderr().is_terminal().then(|| bar(&self));
        BufReader::with_capacity(
            BUFFER_BYTES,
            Watched {
                source: self.source,
                bar,
            },
        )
    }
}

struct Watched {
    source: Box<dyn Read>,
    bar: Option<ProgressBar>,
}

impl Read for Watched {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        if let Some(bar) = &self.bar {
            bar.inc(read as u64);
        }
        Ok(read)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn bar(input: &Input) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(input.bytes, ProgressDrawTarget::stderr());
    let style = if input.bytes.is_some() {
        "{prefix} [{wide_bar}] {percent:>3} %  {eta} left"
    } else {
        "{spinner} {prefix} {binary_bytes}  {binary_bytes_per_sec}"
    };
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style.progress_chars("█▉▊▋▌▍▎▏ "));
    }
    bar.set_prefix(input.name.clone());
    bar
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn what_is_no_file_is_the_callers_fault() {
        let dir = Scratch::new();
        let missing = open(&[dir.path().join("no.jsonl")]).err().unwrap();
        assert!(matches!(missing, InputError::Missing(_)) && missing.is_input());
        let directory = open(&[dir.path().to_owned()]).err().unwrap();
        assert!(matches!(directory, InputError::Directory(_)) && directory.is_input());
    }

    #[test]
    fn a_file_is_read_whole() {
        let dir = Scratch::new();
        let file = dir.file("a", vec![b'x'; BUFFER_BYTES * 2 + 1]);
        let input = open(&[file]).unwrap().remove(0);
        let mut read = Vec::new();
        input.into_reader().read_to_end(&mut read).unwrap();
        assert_eq!(read.len(), BUFFER_BYTES * 2 + 1);
    }
}
