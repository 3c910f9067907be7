//! Chromium in its own process group with a fresh profile; both are gone on drop.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use super::connection::Connection;
use super::page::Page;
use crate::paths::Scratch;
use crate::process::Group;
use crate::wait;

/// A cold start on two busy cores.
const START_LIMIT: Duration = Duration::from_secs(30);
/// A window that a click opens.
const WINDOW_LIMIT: Duration = Duration::from_secs(15);
/// Device Bound Session Credentials without a security chip.
const BINDING: &str = "--enable-features=DeviceBoundSessions,EnableBoundSessionCredentialsSoftwareKeysForManualTesting";
/// The names under which distributions install it.
const NAMES: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];

/// How the browser is started.
#[derive(Debug, Clone)]
pub struct Options {
    /// Base64 SHA-256 of the leaf's SPKI that is trusted whoever issued it.
    pub trusted_key: Option<String>,
    /// `MAP` rules of the resolver, for names other than localhost.
    pub hosts: Option<String>,
    /// The language that the browser asks for.
    pub language: &'static str,
    /// Binds sessions to keys of its own, as some browsers do by default; here the keys are in software.
    pub binds: bool,
    /// Its owner has forbidden cookies, everywhere.
    pub without_cookies: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            trusted_key: None,
            hosts: None,
            language: "en-US",
            binds: false,
            without_cookies: false,
        }
    }
}

/// A running Chromium.
pub struct Browser {
    connection: Mutex<Connection>,
    port: u16,
    // Dropped in this order: the process first, then its profile folder.
    process: Group,
    _profile: Scratch,
}

/// Cookies, storage and credentials apart from every other profile's.
#[derive(Debug)]
pub struct Profile<'a> {
    browser: &'a Browser,
    id: String,
}

/// What a tab shows, or a frame of another origin in it: a process of its own.
#[derive(Debug, Clone, Copy)]
enum Shown {
    Tab,
    Frame,
}

impl std::fmt::Debug for Browser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Browser").field("port", &self.port).finish()
    }
}

impl Browser {
    /// Starts Chromium and connects to it.
    ///
    /// # Errors
    /// When there is no Chromium or it does not come up.
    pub fn launch(options: &Options) -> Result<Self> {
        let profile = Scratch::new("chromium")?;
        let mut command = Command::new(program()?);
        command.args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--disable-breakpad",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--no-proxy-server",
            "--remote-debugging-port=0",
        ]);
        command.arg(format!("--user-data-dir={}", profile.path().display()));
        if options.without_cookies {
            let folder = profile.path().join("Default");
            std::fs::create_dir_all(&folder)?;
            let blocked = json!({"profile": {"default_content_setting_values": {"cookies": 2}}});
            std::fs::write(folder.join("Preferences"), blocked.to_string())?;
        }
        command.arg(format!("--lang={}", options.language));
        command.arg(format!("--accept-lang={}", options.language));
        if let Some(key) = &options.trusted_key {
            command.arg(format!("--ignore-certificate-errors-spki-list={key}"));
        }
        if let Some(hosts) = &options.hosts {
            command.arg(format!("--host-resolver-rules={hosts}"));
        }
        if options.binds {
            command.arg(BINDING);
        }
        command.arg("about:blank");
        let mut process = Group::spawn(&mut command, &profile.path().join("chromium.log"))?;

        let port_file = profile.path().join("DevToolsActivePort");
        let found = wait::until("Chromium listens", START_LIMIT, || {
            let text = std::fs::read_to_string(&port_file).unwrap_or_default();
            let mut lines = text.lines();
            let port = lines.next().and_then(|line| line.parse::<u16>().ok());
            Ok(port.zip(lines.next().map(str::to_owned)))
        });
        let (port, path) = match found {
            Ok(found) => found,
            Err(error) => {
                process.kill();
                return Err(error.context(process.tail()));
            }
        };
        Ok(Self {
            connection: Mutex::new(Connection::open(port, &path)?),
            port,
            process,
            _profile: profile,
        })
    }

    /// A new profile with nothing in it, which is what a private window is.
    ///
    /// # Errors
    /// When the browser refuses.
    pub fn profile(&self) -> Result<Profile<'_>> {
        let answer = self.call(
            "Target.createBrowserContext",
            json!({"disposeOnDetach": true}),
        )?;
        Ok(Profile {
            browser: self,
            id: text(&answer, "browserContextId")?,
        })
    }

    /// A new tab in the profile that the browser was started with, which is no private one.
    ///
    /// # Errors
    /// When the browser refuses.
    pub fn ordinary_page(&self) -> Result<Page> {
        let answer = self.call("Target.createTarget", json!({"url": "about:blank"}))?;
        let target = text(&answer, "targetId")?;
        let connection = Connection::open(self.port, &format!("/devtools/page/{target}"))?;
        Page::attach(connection)
    }

    /// The process group, to see that nothing of it is left.
    #[must_use]
    pub fn process_group(&self) -> u32 {
        self.process.id()
    }

    fn call(&self, method: &str, params: Value) -> Result<Value> {
        let Ok(mut connection) = self.connection.lock() else {
            bail!("the browser's connection broke in another thread");
        };
        connection.call(method, params)
    }
}

impl Profile<'_> {
    /// The window that a page of this profile has opened at such an address, once it is there.
    ///
    /// # Errors
    /// When there is none in time.
    pub fn opened(&self, address_part: &str) -> Result<Page> {
        self.shown(Shown::Tab, address_part)
    }

    /// What a frame of another site shows that stands in a page of this profile, once it is there.
    ///
    /// # Errors
    /// When there is none in time.
    pub fn framed(&self, address_part: &str) -> Result<Page> {
        self.shown(Shown::Frame, address_part)
    }

    /// Closes its tabs and forgets everything, as a private window that is closed.
    ///
    /// # Errors
    /// When the browser refuses.
    pub fn close(self) -> Result<()> {
        self.browser.call(
            "Target.disposeBrowserContext",
            json!({"browserContextId": self.id}),
        )?;
        Ok(())
    }

    fn shown(&self, what: Shown, address_part: &str) -> Result<Page> {
        let kind = match what {
            Shown::Tab => "page",
            Shown::Frame => "iframe",
        };
        let target = wait::until("a window is opened", WINDOW_LIMIT, || {
            let answer = self.browser.call("Target.getTargets", json!({}))?;
            let targets = answer.get("targetInfos").and_then(Value::as_array);
            let ours = |target: &&Value| {
                let is = |field: &str, value: &str| {
                    target.get(field).and_then(Value::as_str) == Some(value)
                };
                let url = target.get("url").and_then(Value::as_str);
                is("type", kind)
                    && is("browserContextId", &self.id)
                    && url.is_some_and(|url| url.contains(address_part))
            };
            let found = targets.and_then(|targets| targets.iter().find(ours));
            found.map(|target| text(target, "targetId")).transpose()
        })?;
        let connection = Connection::open(self.browser.port, &format!("/devtools/page/{target}"))?;
        Page::attach(connection)
    }

    /// A new tab.
    ///
    /// # Errors
    /// When the browser refuses.
    pub fn page(&self) -> Result<Page> {
        let answer = self.browser.call(
            "Target.createTarget",
            json!({"url": "about:blank", "browserContextId": self.id}),
        )?;
        let target = text(&answer, "targetId")?;
        let connection = Connection::open(self.browser.port, &format!("/devtools/page/{target}"))?;
        Page::attach(connection)
    }
}

fn text(answer: &Value, field: &str) -> Result<String> {
    let text = answer.get(field).and_then(Value::as_str);
    Ok(text.with_context(|| format!("no `{field}`"))?.to_owned())
}

fn program() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os("CHROMIUM_BIN") {
        return Ok(named.into());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .flat_map(|folder| NAMES.map(|name| folder.join(name)))
        .find(|file| file.is_file())
        .context(
            "there is no Chromium: apt-get install -y --no-install-recommends chromium, \
             or name one in CHROMIUM_BIN",
        )
}
