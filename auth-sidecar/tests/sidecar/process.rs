//! The binary: how it starts, what it says when it cannot, how it stops.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use crate::world::folder;

fn command(folder: &Path, listen: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign-auth-sidecar"));
    command
        .env_clear()
        .env("COUNTERSIGN_CONTROL_PLANE", "http://127.0.0.1:9")
        .env("COUNTERSIGN_KEY_FILE", folder.join("kek"))
        .args(["--listen", listen, "--sidecar-id", "test"])
        .arg("--database-url")
        .arg(format!("sqlite://{}", folder.join("store.db").display()))
        .stderr(Stdio::piped());
    command
}

/// Reads the log until the sidecar serves.
fn wait_until_serving(child: &mut Child) {
    let stderr = BufReader::new(child.stderr.take().unwrap());
    let mut lines = stderr.lines();
    assert!(lines.any(|line| line.unwrap().contains("serving")));
    // The rest must be read by somebody, or a full pipe would stop the child.
    std::thread::spawn(move || lines.for_each(drop));
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn a_signal_to_stop_ends_it_cleanly() {
    for signal in ["TERM", "INT"] {
        let folder = folder();
        let mut child = command(&folder, "127.0.0.1:0").spawn().unwrap();
        wait_until_serving(&mut child);
        let sent = Command::new("kill")
            .args(["-s", signal, &child.id().to_string()])
            .status()
            .unwrap();
        assert!(sent.success());
        assert_eq!(child.wait().unwrap().code(), Some(0), "{signal}");
        std::fs::remove_dir_all(folder).unwrap();
    }
}

#[test]
fn a_port_in_use_is_told_in_one_line_that_names_the_option() {
    let folder = folder();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = command(&folder, &address).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = stderr(&output);
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(
        said.contains(&address) && said.contains("--listen"),
        "{said}"
    );
    assert!(
        !folder.join("store.db").exists(),
        "the store of the other one is not touched"
    );
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn another_stores_key_file_is_told_in_one_line() {
    let folder = folder();
    let mut child = command(&folder, "127.0.0.1:0").spawn().unwrap();
    wait_until_serving(&mut child);
    child.kill().unwrap();
    child.wait().unwrap();
    std::fs::write(folder.join("kek"), [9; 32]).unwrap();
    let output = command(&folder, "127.0.0.1:0").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = stderr(&output);
    assert!(
        said.contains("key file") && said.contains("--key-file"),
        "{said}"
    );
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_control_plane_address_that_is_none_is_told_in_one_line() {
    let folder = folder();
    let output = command(&folder, "127.0.0.1:0")
        .args(["--control-plane", "not a url"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("--control-plane"));
    std::fs::remove_dir_all(folder).unwrap();
}
