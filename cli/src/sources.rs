//! Policy files from the command line: files, directories with all below them, standard input.

use std::io::{self, Read};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use countersign_control_plane::resource::{SourceFile, list_files};
use nix::errno::Errno;

use crate::limits::{MAX_DEPTH, MAX_FILE_BYTES, MAX_FILES, MAX_LIST_FILE_BYTES, MAX_TOTAL_BYTES};

/// Why files cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SourcesError {
    /// Not there.
    #[error("`{}` is not there", .0.display())]
    Missing(PathBuf),
    /// A directory, a pipe, a device.
    #[error("`{}` is not a file; a list takes its values from one", .0.display())]
    NoFile(PathBuf),
    /// A symbolic link that leads back to itself, or to a directory that it is in.
    #[error("`{}` is a symbolic link that leads back to where it is", .0.display())]
    Loop(PathBuf),
    /// There, and not readable.
    #[error("cannot read `{}`: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A directory without policies is a slip more often than a wish.
    #[error("`{}` holds no `.yaml` or `.yml` file", .0.display())]
    NoFiles(PathBuf),
    /// Too big.
    #[error("`{}` is larger than {} MiB; split it, or let a `List` take its values from a file of their own: `cidrs: {{file: …}}`", .0.display(), MAX_FILE_BYTES / (1024 * 1024))]
    FileTooLarge(PathBuf),
    /// Too big for a file of values.
    #[error("`{}` is larger than {} MiB; make several lists", .0.display(), MAX_LIST_FILE_BYTES / (1024 * 1024))]
    ListTooLarge(PathBuf),
    /// Together too big.
    #[error("the files are larger than {} MiB together; give fewer at a time", MAX_TOTAL_BYTES / (1024 * 1024))]
    AllTooLarge,
    /// Too many, or too deep: probably the wrong directory.
    #[error("`{}` holds more than {MAX_FILES} policy files or goes deeper than {MAX_DEPTH} directories; name a directory further down", .0.display())]
    TooMany(PathBuf),
}

impl SourcesError {
    /// Is it the caller who can do something about it?
    pub(crate) fn is_input(&self) -> bool {
        !matches!(self, Self::Read { .. })
    }
}

/// Reads everything that `paths` name; `-` is standard input. Directories in the order of their names,
/// hidden entries left out.
pub(crate) fn read(paths: &[PathBuf]) -> Result<Vec<SourceFile>, SourcesError> {
    let mut sources = Vec::new();
    let mut total = 0;
    for path in paths {
        if path.as_os_str() == "-" {
            let name = "<stdin>".to_owned();
            let content = policies(io::stdin().lock(), Path::new(&name), &mut total)?;
            sources.push(SourceFile { name, content });
            continue;
        }
        let mut files = Vec::new();
        collect(path, path, &mut Vec::new(), &mut files)?;
        if files.is_empty() {
            return Err(SourcesError::NoFiles(path.clone()));
        }
        for file in files {
            let open = std::fs::File::open(&file).map_err(|source| SourcesError::Read {
                path: file.clone(),
                source,
            })?;
            sources.push(SourceFile {
                name: file.display().to_string(),
                content: policies(open, &file, &mut total)?,
            });
        }
    }
    read_lists(&mut sources, &mut total)?;
    Ok(sources)
}

/// Reads the files that lists name. One that is not there is for the parser to say, with a place.
fn read_lists(sources: &mut Vec<SourceFile>, total: &mut u64) -> Result<(), SourcesError> {
    for name in list_files(sources) {
        let path = PathBuf::from(&name);
        let failed = |source: io::Error| match source.raw_os_error() {
            Some(code) if code == Errno::ELOOP as i32 => SourcesError::Loop(path.clone()),
            _ => SourcesError::Read {
                path: path.clone(),
                source,
            },
        };
        match std::fs::metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(failed(error)),
            // A pipe could be waited for in vain.
            Ok(metadata) if !metadata.is_file() => return Err(SourcesError::NoFile(path)),
            Ok(_) => {}
        }
        let file = std::fs::File::open(&path).map_err(failed)?;
        let Some(content) = bounded(file, MAX_LIST_FILE_BYTES, &path, total)? else {
            return Err(SourcesError::ListTooLarge(path));
        };
        sources.push(SourceFile { name, content });
        if sources.len() > MAX_FILES {
            return Err(SourcesError::TooMany(path));
        }
    }
    Ok(())
}

/// `above`: the directories that the path is in, by device and inode.
fn collect(
    root: &Path,
    path: &Path,
    above: &mut Vec<(u64, u64)>,
    files: &mut Vec<PathBuf>,
) -> Result<(), SourcesError> {
    let unreadable = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => SourcesError::Missing(path.to_owned()),
        _ if source.raw_os_error() == Some(Errno::ELOOP as i32) => {
            SourcesError::Loop(path.to_owned())
        }
        _ => SourcesError::Read {
            path: path.to_owned(),
            source,
        },
    };
    let metadata = std::fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_dir() {
        // A file that was named is taken whatever its ending.
        files.push(path.to_owned());
        return Ok(());
    }
    if above.len() >= MAX_DEPTH {
        return Err(SourcesError::TooMany(root.to_owned()));
    }
    let identity = (metadata.dev(), metadata.ino());
    if above.contains(&identity) {
        return Err(SourcesError::Loop(path.to_owned()));
    }
    above.push(identity);
    let mut entries = std::fs::read_dir(path)
        .and_then(|entries| {
            entries
                .map(|entry| entry.map(|e| e.path()))
                .collect::<io::Result<Vec<_>>>()
        })
        .map_err(unreadable)?;
    entries.sort();
    for entry in entries {
        let name = entry
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let is_policy = matches!(
            entry.extension().and_then(|extension| extension.to_str()),
            Some("yaml" | "yml")
        );
        if name.starts_with('.') {
            continue;
        }
        if entry.is_dir() || is_policy {
            collect(root, &entry, above, files)?;
        }
        if files.len() > MAX_FILES {
            return Err(SourcesError::TooMany(root.to_owned()));
        }
    }
    above.pop();
    Ok(())
}

fn policies(read: impl Read, path: &Path, total: &mut u64) -> Result<Vec<u8>, SourcesError> {
    bounded(read, MAX_FILE_BYTES, path, total)?
        .ok_or_else(|| SourcesError::FileTooLarge(path.to_owned()))
}

/// Reads no more than `most` bytes; `None` where there are more.
fn bounded(
    read: impl Read,
    most: u64,
    path: &Path,
    total: &mut u64,
) -> Result<Option<Vec<u8>>, SourcesError> {
    let mut content = Vec::new();
    // One byte more than allowed tells a file at the limit from one past it.
    read.take(most + 1)
        .read_to_end(&mut content)
        .map_err(|source| SourcesError::Read {
            path: path.to_owned(),
            source,
        })?;
    let length = content.len() as u64;
    if length > most {
        return Ok(None);
    }
    *total += length;
    if *total > MAX_TOTAL_BYTES {
        return Err(SourcesError::AllTooLarge);
    }
    Ok(Some(content))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn a_directory_gives_its_policy_files_in_order_and_nothing_else() {
        let dir = Scratch::new();
        for name in [
            "b.yaml",
            "a.yml",
            "sub/c.yaml",
            "readme.md",
            ".hidden.yaml",
            ".git/d.yaml",
        ] {
            dir.file(name, name);
        }
        let found = read(&[dir.path().to_owned()]).unwrap();
        let found: Vec<_> = found
            .iter()
            .map(|source| String::from_utf8_lossy(&source.content))
            .collect();
        assert_eq!(found, ["a.yml", "b.yaml", "sub/c.yaml"]);
    }

    #[test]
    fn a_named_file_is_taken_whatever_its_ending() {
        let dir = Scratch::new();
        let file = dir.file("policy.txt", "x");
        assert_eq!(read(&[file]).unwrap().len(), 1);
    }

    #[test]
    fn missing_and_empty_places_are_the_callers_fault() {
        let dir = Scratch::new();
        let missing = read(&[dir.path().join("no.yaml")]).unwrap_err();
        assert!(matches!(missing, SourcesError::Missing(_)) && missing.is_input());
        let empty = read(&[dir.path().to_owned()]).unwrap_err();
        assert!(matches!(empty, SourcesError::NoFiles(_)) && empty.is_input());
    }

    #[test]
    fn a_file_at_the_limit_is_read_and_one_byte_more_is_refused() {
        let dir = Scratch::new();
        let limit = usize::try_from(MAX_FILE_BYTES).unwrap();
        let fits = dir.file("fits.yaml", vec![b' '; limit]);
        assert_eq!(read(&[fits]).unwrap()[0].content.len(), limit);
        let large = dir.file("large.yaml", vec![b' '; limit + 1]);
        let error = read(&[large]).unwrap_err();
        assert!(matches!(error, SourcesError::FileTooLarge(_)));
    }

    #[test]
    fn a_link_to_nothing_or_to_itself_is_the_callers_fault() {
        for target in ["gone.yaml", "link.yaml"] {
            let dir = Scratch::new();
            dir.file("a.yaml", "x");
            let link = dir.path().join("link.yaml");
            std::os::unix::fs::symlink(target, &link).unwrap();
            for paths in [dir.path(), &link] {
                let error = read(&[paths.to_owned()]).unwrap_err();
                assert!(error.is_input(), "{error}");
                assert!(error.to_string().contains("link.yaml"), "{error}");
            }
        }
    }

    #[test]
    fn a_directory_that_links_to_the_one_around_it_is_refused() {
        let dir = Scratch::new();
        dir.file("a.yaml", "x");
        std::os::unix::fs::symlink(dir.path(), dir.path().join("again")).unwrap();
        let error = read(&[dir.path().to_owned()]).unwrap_err();
        assert!(matches!(error, SourcesError::Loop(_)), "{error}");
    }

    #[test]
    fn the_files_of_lists_are_read_along_and_those_that_cannot_be_are_told() {
        const LIST: &str = "kind: List\nspec: {cidrs: {file: nets.txt}}\n";
        let dir = Scratch::new();
        let list = dir.file("a.yaml", LIST);
        let names = |sources: Vec<SourceFile>| -> Vec<String> {
            let name = |source: SourceFile| source.name.rsplit_once('/').unwrap().1.to_owned();
            sources.into_iter().map(name).collect()
        };
        // For the parser to say, with a place.
        assert_eq!(
            names(read(std::slice::from_ref(&list)).unwrap()),
            ["a.yaml"]
        );
        let nets = dir.file("nets.txt", "10.0.0.0/8\n");
        for paths in [dir.path(), &list] {
            let sources = read(&[paths.to_owned()]).unwrap();
            assert_eq!(names(sources), ["a.yaml", "nets.txt"]);
        }
        let file = std::fs::File::create(&nets).unwrap();
        file.set_len(MAX_LIST_FILE_BYTES).unwrap();
        assert!(read(std::slice::from_ref(&list)).is_ok());
        file.set_len(MAX_LIST_FILE_BYTES + 1).unwrap();
        let error = read(std::slice::from_ref(&list)).unwrap_err();
        assert!(matches!(error, SourcesError::ListTooLarge(_)), "{error}");
        assert!(error.to_string().contains("32 MiB"), "{error}");
        std::fs::remove_file(&nets).unwrap();
        std::fs::create_dir(&nets).unwrap();
        let error = read(std::slice::from_ref(&list)).unwrap_err();
        assert!(
            matches!(error, SourcesError::NoFile(_)) && error.is_input(),
            "{error}"
        );
        std::fs::remove_dir(&nets).unwrap();
        std::os::unix::fs::symlink("nets.txt", &nets).unwrap();
        let error = read(&[list]).unwrap_err();
        assert!(
            matches!(error, SourcesError::Loop(_)) && error.is_input(),
            "{error}"
        );
    }

    #[test]
    fn files_are_bounded_together() {
        let dir = Scratch::new();
        let count = MAX_TOTAL_BYTES / MAX_FILE_BYTES;
        for name in 0..count {
            let file = std::fs::File::create(dir.path().join(format!("{name}.yaml"))).unwrap();
            file.set_len(MAX_FILE_BYTES).unwrap();
        }
        assert!(read(&[dir.path().to_owned()]).is_ok());
        dir.file("more.yaml", "x");
        let error = read(&[dir.path().to_owned()]).unwrap_err();
        assert!(matches!(error, SourcesError::AllTooLarge), "{error}");
        assert!(error.to_string().contains("96 MiB"), "{error}");
    }

    #[test]
    fn a_tree_without_end_is_refused() {
        let dir = Scratch::new();
        let deep: PathBuf = std::iter::repeat_n("d", MAX_DEPTH + 1).collect();
        dir.file(deep.join("a.yaml").to_str().unwrap(), "x");
        let error = read(&[dir.path().to_owned()]).unwrap_err();
        assert!(matches!(error, SourcesError::TooMany(_)), "{error}");
    }
}
