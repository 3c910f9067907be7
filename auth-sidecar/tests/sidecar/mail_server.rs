//! A real mail server of another make: aiosmtpd, with STARTTLS and AUTH.

use std::io::{BufRead as _, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use countersign_auth_sidecar::channels::ChannelOptions;
use countersign_auth_sidecar::otp::options::MailOptions;
use rcgen::{CertificateParams, KeyPair};
use serde_json::Value;

use crate::world::{World, folder};

const PASSWORD: &str = "p4ss wörd";

pub struct MailServer {
    child: Child,
    port: u16,
    folder: PathBuf,
    mails: std::sync::mpsc::Receiver<Value>,
}

impl Drop for MailServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Where aiosmtpd is; fetched where it is not there yet.
fn site() -> String {
    let script = repository().join("scripts/fetch-aiosmtpd.sh");
    let out = Command::new(script).output().unwrap();
    assert!(out.status.success(), "{out:?}");
    String::from_utf8(out.stdout).unwrap().trim().to_owned()
}

impl MailServer {
    pub fn start() -> Self {
        let folder = folder();
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = params.self_signed(&key).unwrap();
        std::fs::write(folder.join("cert.pem"), certificate.pem()).unwrap();
        std::fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
        std::fs::write(folder.join("password"), format!("{PASSWORD}\n")).unwrap();
        let mut child = Command::new("python3")
            .arg(repository().join("scripts/mail-server.py"))
            .args([folder.join("cert.pem"), folder.join("key.pem")])
            .args(["sidecar", PASSWORD])
            .env("PYTHONPATH", site())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // It tells what its own next version will do.
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.next().unwrap().unwrap();
        let port = first.strip_prefix("port ").unwrap().parse().unwrap();
        Self {
            child,
            port,
            folder,
            mails: read(lines),
        }
    }

    /// What a sidecar has to be told to send by it.
    pub fn options(&self) -> MailOptions {
        MailOptions {
            smtp_url: format!("smtp://localhost:{}", self.port).parse().ok(),
            smtp_user: Some("sidecar".to_owned()),
            smtp_password_file: Some(self.folder.join("password")),
            smtp_ca: Some(self.folder.join("cert.pem")),
            mail_from: "Shop <no-reply@shop.example>".parse().ok(),
            otp_email_domains: Vec::new(),
        }
    }

    pub async fn world(&self) -> World {
        world(self.options()).await
    }

    /// The next mail, once it has come.
    pub async fn mail(&self) -> Value {
        for _ in 0..400 {
            match self.mails.try_recv() {
                Ok(mail) => return mail,
                Err(_) => tokio::time::sleep(Duration::from_millis(25)).await,
            }
        }
        panic!("no mail came");
    }

    /// A mail that has come already.
    pub fn another(&self) -> Option<Value> {
        self.mails.try_recv().ok()
    }

    pub fn stop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn read(lines: Lines<BufReader<ChildStdout>>) -> std::sync::mpsc::Receiver<Value> {
    let (send, mails) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            let _ = send.send(serde_json::from_str(&line).unwrap());
        }
    });
    mails
}

/// A sidecar that mails.
pub async fn world(mail: MailOptions) -> World {
    World::with(ChannelOptions {
        mail,
        ..ChannelOptions::default()
    })
    .await
}

/// The code in a mail.
pub fn code(mail: &Value) -> String {
    let text = mail["text"].as_str().unwrap();
    let code = text.lines().find_map(|line| line.strip_prefix("    "));
    code.unwrap().to_owned()
}
