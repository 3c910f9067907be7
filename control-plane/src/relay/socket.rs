//! The unix socket that Envoy connects to.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use tokio::net::UnixListener;

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Somebody listens there.
    #[error("another process listens on {}; choose another socket with --listen", .0.display())]
    InUse(PathBuf),
    /// Something else has the name.
    #[error("{} is there and is no socket; choose another path with --listen", .0.display())]
    NoSocket(PathBuf),
    /// The system refuses.
    #[error("cannot listen on {}: {source}; choose another socket with --listen", path.display())]
    Listen {
        /// The socket.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// Listens on a path with these permissions; what a killed relay left there is replaced.
pub(super) fn listen(path: &Path, mode: u32) -> Result<UnixListener, SocketError> {
    let failed = |source| SocketError::Listen {
        path: path.to_owned(),
        source,
    };
    match std::fs::symlink_metadata(path) {
        Ok(found) if !found.file_type().is_socket() => {
            return Err(SocketError::NoSocket(path.to_owned()));
        }
        Ok(_) => {
            if std::os::unix::net::UnixStream::connect(path).is_ok() {
                return Err(SocketError::InUse(path.to_owned()));
            }
            std::fs::remove_file(path).map_err(failed)?;
        }
        Err(_) => {}
    }
    // Under a name of its own until its permissions are set: nobody connects before.
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(".new");
    let fresh = PathBuf::from(fresh);
    let _absent = std::fs::remove_file(&fresh);
    let listener = UnixListener::bind(&fresh).map_err(failed)?;
    std::fs::set_permissions(&fresh, Permissions::from_mode(mode)).map_err(failed)?;
    std::fs::rename(&fresh, path).map_err(failed)?;
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_socket_that_a_killed_relay_left_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("relay.sock");
        drop(listen(&path, 0o600).unwrap());
        let listener = listen(&path, 0o660).unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o660);
        assert!(matches!(listen(&path, 0o600), Err(SocketError::InUse(_))));
        drop(listener);
    }

    #[tokio::test]
    async fn what_is_no_socket_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("relay.sock");
        std::fs::write(&path, "precious").unwrap();
        assert!(matches!(
            listen(&path, 0o600),
            Err(SocketError::NoSocket(_))
        ));
        assert_eq!(std::fs::read(&path).unwrap(), b"precious");
    }
}
