//! The watched directory: its files are the part of the set that belongs to files.
//!
//! Notices only say that something happened; what counts is what the directory holds once it has
//! been still for a moment. So a write, a rename over the old file, or the swap of a symbolic link are
//! all the same. All files are taken together or none: half a directory could leave a path open.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use notify::Watcher as _;
use tokio::sync::{mpsc, watch};

use super::access::Access;
use super::change::ApplyError;
use super::control::Control;
use super::stopping;
use crate::diagnostic::Diagnostic;
use crate::limits;
use crate::resource::limits::MAX_TOTAL_BYTES;
use crate::resource::{SourceFile, list_files};
use crate::runtime::build::finding;

/// Every policy file in a directory, by name.
///
/// # Errors
/// When the directory or a file in it cannot be read, or there are more files than the bound.
pub fn read_directory(directory: &Path) -> std::io::Result<Vec<SourceFile>> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        let hidden = path
            .file_name()
            .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        let extension = path.extension().and_then(|extension| extension.to_str());
        if !hidden && matches!(extension, Some("yaml" | "yml")) && is_file(&path)? {
            paths.push(path);
        }
        if paths.len() > limits::MAX_FILES {
            let message = format!("more than {} policy files", limits::MAX_FILES);
            return Err(std::io::Error::new(
                std::io::ErrorKind::InvalidInput,
                message,
            ));
        }
    }
    paths.sort();
    let mut files = Vec::with_capacity(paths.len());
    let mut total = 0_usize;
    for path in paths {
        let file = read_file(path, limits::MAX_FILE_READ_BYTES)?;
        total = total.saturating_add(file.content.len());
        files.push(file);
        // The compiler says that it is too much; the rest would only be in memory as well.
        if total > MAX_TOTAL_BYTES {
            break;
        }
    }
    for name in list_files(&files) {
        if files.len() > limits::MAX_FILES || total > MAX_TOTAL_BYTES {
            break;
        }
        let path = PathBuf::from(name);
        // What is not there is for the compiler to say, with a place.
        let there = std::fs::symlink_metadata(&path).is_ok();
        if there && is_file(&path)? {
            let file = read_file(path, limits::MAX_LIST_FILE_READ_BYTES)?;
            total = total.saturating_add(file.content.len());
            files.push(file);
        }
    }
    Ok(files)
}

/// Links are followed: a ConfigMap's files are links. One that leads nowhere, or back to itself, is an
/// error: without its policies a path could be open.
fn is_file(path: &Path) -> std::io::Result<bool> {
    match std::fs::metadata(path) {
        Ok(metadata) => Ok(metadata.is_file()),
        // Gone since the directory was listed.
        Err(_) if std::fs::symlink_metadata(path).is_err() => Ok(false),
        Err(error) => Err(named(path, &error)),
    }
}

/// The error with the file that it is about.
fn named(path: &Path, error: &std::io::Error) -> std::io::Error {
    std::io::Error::new(error.kind(), format!("`{}`: {error}", path.display()))
}

/// `most`: one past the bound is enough for the compiler to say that it is too large.
fn read_file(path: PathBuf, most: u64) -> std::io::Result<SourceFile> {
    let mut content = Vec::new();
    std::fs::File::open(&path)
        .and_then(|file| file.take(most).read_to_end(&mut content))
        .map_err(|error| named(&path, &error))?;
    Ok(SourceFile {
        name: path.display().to_string(),
        content,
    })
}

/// A directory that is followed.
pub(super) struct Directory {
    path: PathBuf,
    control: Arc<Control>,
    /// Whose audit log is told of changes.
    access: Arc<Access>,
    /// What was looked at last, taken or refused: the same again is not news.
    last: Option<Vec<(String, Vec<u8>)>>,
    notices: mpsc::Receiver<()>,
    /// None where the system gives no notices; kept for its drop, which ends them.
    watcher: Option<notify::RecommendedWatcher>,
}

impl Directory {
    /// Watches from now on: what changes after the first look is noticed.
    pub(super) fn new(path: PathBuf, control: Arc<Control>, access: Arc<Access>) -> Self {
        let (sender, notices) = mpsc::channel(1);
        let watcher = watch(&path, sender)
            .inspect_err(|error| {
                tracing::warn!(%error, "no notices of changed files; the directory is read again from time to time");
            })
            .ok();
        Self {
            path,
            control,
            access,
            last: None,
            notices,
            watcher,
        }
    }

    /// Looks at the directory and takes what it holds, if that is news.
    pub(super) async fn look(&mut self) {
        let path = self.path.clone();
        let files = match tokio::task::spawn_blocking(move || read_directory(&path)).await {
            Ok(Ok(files)) => files,
            Ok(Err(error)) => {
                let path = self.path.display();
                let message = format!("the policy directory `{path}` cannot be read: {error}");
                self.refused(vec![finding(&message, None)]);
                self.last = None;
                return;
            }
            Err(_) => return,
        };
        let seen: Vec<_> = files
            .iter()
            .map(|file| (file.name.clone(), file.content.clone()))
            .collect();
        if self.last.as_ref() == Some(&seen) {
            return;
        }
        let done = self.control.synchronise(files).await;
        self.access.tell_of_files(&done).await;
        match done {
            Ok(applied) => {
                for warning in &applied.warnings {
                    tracing::warn!("{}", warning.rendered);
                }
                self.accepted();
                self.last = Some(seen);
            }
            Err(ApplyError::Refused(findings)) => {
                self.refused(findings);
                self.last = Some(seen);
            }
            // Not the files' fault: looked at again with the next scan.
            Err(error) => self.refused(vec![finding(&error.to_string(), None)]),
        }
    }

    fn accepted(&self) {
        self.control.metrics.file_errors.set(0);
        let had = self.control.file_errors.send_replace(Arc::default());
        if !had.is_empty() {
            tracing::info!(directory = %self.path.display(), "the policy directory is in force again");
        }
    }

    fn refused(&self, findings: Vec<Diagnostic>) {
        let findings = Arc::new(findings);
        let before = self.control.file_errors.send_replace(Arc::clone(&findings));
        if before == findings {
            return;
        }
        self.control.metrics.files_refused.inc();
        self.control
            .metrics
            .file_errors
            .set(i64::try_from(findings.len()).unwrap_or(i64::MAX));
        tracing::error!(directory = %self.path.display(), "the policy directory is refused, nothing was changed");
        for finding in findings.iter() {
            tracing::error!("\n{}", finding.rendered);
        }
    }

    /// Follows the directory until the end.
    pub(super) async fn follow(mut self, mut stop: watch::Receiver<bool>) {
        loop {
            tokio::select! {
                () = stopping(&mut stop) => return,
                Some(()) = self.notices.recv(), if self.watcher.is_some() => {
                    settle(&mut self.notices).await;
                }
                () = tokio::time::sleep(limits::WATCH_RESCANS) => {}
            }
            self.look().await;
        }
    }
}

/// Waits until nothing has happened for a moment; not longer than ten of them.
async fn settle(news: &mut mpsc::Receiver<()>) {
    for _ in 0..10 {
        if tokio::time::timeout(limits::WATCH_SETTLES, news.recv())
            .await
            .is_err()
        {
            return;
        }
    }
}

fn watch(path: &Path, notices: mpsc::Sender<()>) -> notify::Result<notify::RecommendedWatcher> {
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        // Our own reading is an event too; answering it would never end.
        if event.is_ok_and(|event| event.kind.is_access()) {
            return;
        }
        // A full channel already says that there is something to look at.
        let _ = notices.try_send(());
    })?;
    watcher.watch(path, notify::RecursiveMode::NonRecursive)?;
    Ok(watcher)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_policy_files_are_read_in_the_order_of_their_names() {
        let directory = tempfile::tempdir().unwrap();
        for name in [
            "b.yaml",
            "a.yml",
            ".hidden.yaml",
            "notes.txt",
            "c.yaml~",
            "d.yaml.swp",
        ] {
            std::fs::write(directory.path().join(name), name).unwrap();
        }
        std::fs::create_dir(directory.path().join("sub.yaml")).unwrap();
        let files = read_directory(directory.path()).unwrap();
        let contents: Vec<_> = files.iter().map(|file| file.content.as_slice()).collect();
        assert_eq!(contents, [b"a.yml".as_slice(), b"b.yaml"]);
    }

    #[test]
    fn a_link_to_nothing_or_to_itself_is_an_error_that_names_it() {
        for target in ["gone.yaml", "link.yaml"] {
            let directory = tempfile::tempdir().unwrap();
            std::fs::write(directory.path().join("a.yaml"), "a").unwrap();
            std::os::unix::fs::symlink(target, directory.path().join("link.yaml")).unwrap();
            let error = read_directory(directory.path()).unwrap_err().to_string();
            assert!(error.contains("link.yaml`: "), "{error}");
        }
    }

    #[test]
    fn the_files_of_lists_are_read_along() {
        let directory = tempfile::tempdir().unwrap();
        let list = "kind: List\nspec: {cidrs: {file: nets.txt}}\n";
        std::fs::write(directory.path().join("a.yaml"), list).unwrap();
        let names = || {
            let files = read_directory(directory.path()).unwrap().into_iter();
            let name = |file: SourceFile| file.name.rsplit_once('/').unwrap().1.to_owned();
            files.map(name).collect::<Vec<_>>()
        };
        assert_eq!(names(), ["a.yaml"]);
        std::fs::write(directory.path().join("nets.txt"), "10.0.0.0/8\n").unwrap();
        std::fs::write(directory.path().join("other.txt"), "10.0.0.0/8\n").unwrap();
        assert_eq!(names(), ["a.yaml", "nets.txt"]);
        std::fs::remove_file(directory.path().join("nets.txt")).unwrap();
        std::os::unix::fs::symlink("nets.txt", directory.path().join("nets.txt")).unwrap();
        assert!(read_directory(directory.path()).is_err());
    }

    #[test]
    fn no_more_is_read_than_the_compiler_needs_to_refuse_it() {
        let directory = tempfile::tempdir().unwrap();
        for name in 0..20 {
            let path = directory.path().join(format!("{name}.yaml"));
            // Without its content: a file of zeros takes no room on the disk.
            let file = std::fs::File::create(path).unwrap();
            file.set_len(10 * limits::MAX_FILE_READ_BYTES).unwrap();
        }
        let files = read_directory(directory.path()).unwrap();
        let bound = usize::try_from(limits::MAX_FILE_READ_BYTES).unwrap();
        assert!(files.iter().all(|file| file.content.len() == bound));
        assert_eq!(files.len(), MAX_TOTAL_BYTES / bound + 1);
    }

    #[test]
    fn a_directory_that_is_gone_is_an_error_and_not_an_empty_one() {
        let directory = tempfile::tempdir().unwrap();
        assert!(read_directory(&directory.path().join("gone")).is_err());
    }
}
