//! Where the program agrees to listen.

use std::process::Command;

fn refusal(arguments: &[&str]) -> std::io::Result<(Option<i32>, String)> {
    let output = Command::new(env!("CARGO_BIN_EXE_countersign-control-plane"))
        .args(["--filter-module", "/nowhere/filter.wasm"])
        .args(["--database-url", "sqlite:///nowhere/at/all.db"])
        .args(arguments)
        .output()?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    Ok((output.status.code(), text))
}

#[test]
fn an_address_beyond_loopback_is_refused_with_the_option() {
    for option in ["--grpc-listen", "--http-listen"] {
        let (code, text) = refusal(&[option, "0.0.0.0:0"]).unwrap();
        assert_eq!(code, Some(2), "{text}");
        let wanted = format!("{option} 0.0.0.0:0 is not a loopback address");
        assert!(text.contains(&wanted), "{text}");
    }
}

#[test]
fn who_accepts_it_may_listen_beyond_loopback() {
    let (code, text) =
        refusal(&["--grpc-listen", "0.0.0.0:0", "--insecure-public-listen"]).unwrap();
    // It goes on, to the database that is not there.
    assert_eq!(code, Some(2), "{text}");
    assert!(!text.contains("loopback"), "{text}");
}

#[test]
fn open_access_is_for_loopback_and_tls_needs_both_files() {
    let (code, text) = refusal(&["--http-listen", "0.0.0.0:0", "--access", "open"]).unwrap();
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("whoever reaches it may everything"), "{text}");
    let (code, text) = refusal(&["--tls-certificate", "/nowhere/tls.crt"]).unwrap();
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("--tls-key"), "{text}");
}

#[test]
fn with_tls_it_may_listen_beyond_loopback() {
    let (code, text) = refusal(&[
        "--grpc-listen",
        "0.0.0.0:0",
        "--tls-certificate",
        "/nowhere/tls.crt",
        "--tls-key",
        "/nowhere/tls.key",
    ])
    .unwrap();
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("`/nowhere/tls.crt` cannot be read"), "{text}");
}
