//! `countersign up` and its processes, with the demo shop as the one part: how it comes, how it goes.
//! The whole stack is started by the end-to-end tests.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Far more than any of it takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// One `up --only shop` in a place of its own.
struct Up {
    child: Child,
    dir: PathBuf,
    ready_file: PathBuf,
}

impl Up {
    /// Each test has its own base port: they run at the same time.
    fn start(name: &str, base: u16) -> std::io::Result<Self> {
        let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("up-{name}-{}", std::process::id()));
        std::fs::create_dir_all(dir.join("policies"))?;
        // The shop needs neither Envoy nor the filter; `up` wants to know them all the same.
        let envoy = dir.join("envoy");
        std::fs::write(
            &envoy,
            "#!/bin/sh\necho 'envoy  version: 0/1.40.0/Clean/RELEASE/BoringSSL'\n",
        )?;
        std::fs::set_permissions(&envoy, std::fs::Permissions::from_mode(0o755))?;
        let module = dir.join("filter.wasm");
        std::fs::write(&module, "")?;
        let ready_file = dir.join("ready.json");
        let child = Command::new(env!("CARGO_BIN_EXE_countersign"))
            .args(["up", "--only", "shop", "--base-port", &base.to_string()])
            .arg("--state-dir")
            .arg(dir.join("state"))
            .arg("--policies")
            .arg(dir.join("policies"))
            .arg("--envoy")
            .arg(envoy)
            .arg("--filter-module")
            .arg(module)
            .arg("--ready-file")
            .arg(&ready_file)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        Ok(Self {
            child,
            dir,
            ready_file,
        })
    }

    /// The record, once it is ready.
    fn ready(&self) -> Option<Value> {
        wait_for(|| {
            let text = std::fs::read(&self.ready_file).ok()?;
            serde_json::from_slice(&text).ok()
        })
    }

    fn signal(&self, signal: &str) -> std::io::Result<bool> {
        send(signal, self.child.id())
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
        let _gone = std::fs::remove_dir_all(&self.dir);
    }
}

fn send(signal: &str, pid: u32) -> std::io::Result<bool> {
    let status = Command::new("kill")
        .args([signal, &pid.to_string()])
        .status()?;
    Ok(status.success())
}

fn wait_for<T>(mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match ask() {
            Some(answer) => return Some(answer),
            None if Instant::now() > deadline => return None,
            None => std::thread::yield_now(),
        }
    }
}

/// Gone, or dead and not yet collected by whoever is its parent now.
fn is_gone(pid: u64) -> bool {
    match std::fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(stat) => stat
            .rsplit(") ")
            .next()
            .is_some_and(|rest| rest.starts_with('Z')),
        Err(_) => true,
    }
}

fn shop_pid(record: &Value) -> Option<u64> {
    record.pointer("/parts/0/pid")?.as_u64()
}

#[test]
fn a_stopped_up_takes_its_part_with_it_and_removes_the_ready_file() {
    let mut up = Up::start("stop", 24_510).unwrap();
    let record = up.ready().unwrap();
    let pid = shop_pid(&record).unwrap();
    assert!(!is_gone(pid));
    let began = Instant::now();
    assert!(up.signal("-TERM").unwrap());
    let status = up.child.wait().unwrap();
    assert!(began.elapsed() < Duration::from_secs(3));
    assert_eq!(status.code(), Some(0));
    assert!(is_gone(pid));
    assert!(!up.ready_file.exists());
}

#[test]
fn a_killed_up_leaves_no_part_behind() {
    let mut up = Up::start("kill", 24_520).unwrap();
    let pid = shop_pid(&up.ready().unwrap()).unwrap();
    assert!(up.signal("-KILL").unwrap());
    up.child.wait().unwrap();
    assert!(wait_for(|| is_gone(pid).then_some(())).is_some());
}

#[test]
fn a_part_that_dies_alone_ends_up_with_2_and_says_how() {
    let mut up = Up::start("died", 24_530).unwrap();
    let pid = shop_pid(&up.ready().unwrap()).unwrap();
    assert!(send("-KILL", u32::try_from(pid).unwrap()).unwrap());
    let mut stderr = up.child.stderr.take().unwrap();
    let status = up.child.wait().unwrap();
    let mut shown = String::new();
    std::io::Read::read_to_string(&mut stderr, &mut shown).unwrap();
    assert_eq!(status.code(), Some(2), "{shown}");
    assert!(shown.contains("demo shop was killed by SIGKILL"), "{shown}");
    assert!(shown.contains("logs/shop.log"), "{shown}");
}

#[test]
fn the_record_says_where_everything_is() {
    let up = Up::start("record", 24_540).unwrap();
    let record = up.ready().unwrap();
    assert_eq!(record["addresses"]["https"], "https://localhost:24983");
    assert_eq!(
        record["addresses"]["control_plane"],
        "http://127.0.0.1:32540"
    );
    assert_eq!(record["settings"]["concurrency"], 2);
    let ca = record["tls"]["ca"].as_str().unwrap();
    assert!(
        std::fs::read_to_string(ca)
            .unwrap()
            .contains("BEGIN CERTIFICATE")
    );
    assert_eq!(record["tls"]["spki_sha256"].as_str().unwrap().len(), 44);
}
