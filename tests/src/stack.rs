//! The real stack, started by `countersign up` on ports of its own. Its parts can be killed one by one
//! and started again the way `up` offers; nothing of it outlives the value, nor this process.

mod ask;
mod keeper;
mod parts;
mod program;
mod record;
mod second;
mod sidecars;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use crate::admin::Admin;
use crate::forge::NodeAccess;
use crate::paths::{self, Scratch};
use crate::ports::Ports;
use crate::process::{self, Group};
use crate::wait;

pub use program::countersign;
use program::countersign_for_this_process;
pub use record::Part;
use record::Record;
pub use second::SecondEnvoy;
pub use sidecars::Sidecar;

/// A first start on two busy cores; a later one takes under five seconds.
const START_LIMIT: Duration = Duration::from_secs(60);
/// Four parts have 650 ms each to end after SIGTERM.
const STOP_LIMIT: Duration = Duration::from_secs(10);
/// A part that was started alone is up within this.
const PART_LIMIT: Duration = Duration::from_secs(15);
/// An event travels by the access log and is stored in batches.
pub(crate) const EVENT_LIMIT: Duration = Duration::from_secs(10);
/// How often a change of the policies may take to be seen everywhere, far above the promised second.
pub const PUSH_LIMIT: Duration = Duration::from_secs(15);

/// The filter's module as cargo names it.
const MODULE: &str = "countersign_filter.wasm";

/// Names the context file: nobody's own is touched.
const CONTEXTS: &str = "COUNTERSIGN_CONTEXTS";

/// The state directory below the stack's folder.
const STATE: &str = "state";

/// What a stack keeps when it is started again.
#[derive(Debug)]
struct Place {
    ports: Ports,
    folder: Scratch,
    environment: Vec<(String, String)>,
}

/// A running stack.
#[derive(Debug)]
pub struct Stack {
    up: Group,
    /// Parts that were started again alone.
    alone: Vec<Group>,
    record: Record,
    authority: Vec<u8>,
    options: Vec<String>,
    place: Arc<Place>,
    admin: Admin,
    /// An approver's.
    token: String,
}

impl Stack {
    /// Starts everything with these policy files and waits until every part is ready.
    ///
    /// # Errors
    /// When a part does not come up; the logs' ends are told.
    pub fn start(name: &str, policies: &[(&str, &str)]) -> Result<Self> {
        Self::start_with(name, policies, &[])
    }

    /// The same with more options of `countersign up`.
    ///
    /// # Errors
    /// As [`Stack::start`].
    pub fn start_with(name: &str, policies: &[(&str, &str)], options: &[&str]) -> Result<Self> {
        Self::start_in(Scratch::new(name)?, policies, options, &[])
    }

    /// With variables for the parts' environment: options of theirs that `countersign up` has none for.
    ///
    /// # Errors
    /// As [`Stack::start`].
    pub fn start_with_environment(
        name: &str,
        policies: &[(&str, &str)],
        environment: &[(&str, String)],
    ) -> Result<Self> {
        Self::start_in(Scratch::new(name)?, policies, &[], environment)
    }

    fn start_in(
        folder: Scratch,
        policies: &[(&str, &str)],
        options: &[&str],
        environment: &[(&str, String)],
    ) -> Result<Self> {
        let ports = Ports::reserve()?;
        let directory = folder.path().join("policies");
        std::fs::create_dir_all(&directory)?;
        for (file, text) in policies {
            let text = text.replace("${HTTPS_PORT}", &ports.at(10_443).to_string());
            std::fs::write(directory.join(file), text)?;
        }
        let options = options.iter().map(|&option| option.to_owned()).collect();
        let own = |(name, value): &(&str, String)| ((*name).to_owned(), value.clone());
        let place = Place {
            ports,
            folder,
            environment: environment.iter().map(own).collect(),
        };
        Self::up(Arc::new(place), options)
    }

    fn up(place: Arc<Place>, options: Vec<String>) -> Result<Self> {
        let Place {
            ports,
            folder,
            environment,
        } = &*place;
        let ready = folder.path().join("ready.json");
        let mut command = countersign_for_this_process()?;
        command
            .arg("up")
            .arg(format!("--base-port={}", ports.base()))
            .arg(format!(
                "--state-dir={}",
                folder.path().join(STATE).display()
            ))
            .arg(format!(
                "--policies={}",
                folder.path().join("policies").display()
            ))
            .arg(format!("--ready-file={}", ready.display()))
            // The end of Envoy would otherwise be the end of the stack.
            .arg("--restart-parts=envoy")
            .args(&options)
            .env(CONTEXTS, contexts(folder))
            .envs(environment.iter().cloned())
            .current_dir(paths::repository());
        let mut up = keeper::spawn(command, folder.path().join("up.log"))?;
        let started = wait::until("the stack is ready", START_LIMIT, || match up.ended()? {
            Some(status) => Ok(Some(Err(status))),
            None => Ok(std::fs::read(&ready)
                .ok()
                .filter(|text| !text.is_empty())
                .map(Ok)),
        });
        let text = match started {
            Ok(Ok(text)) => text,
            Ok(Err(status)) => bail!("`countersign up` ended: {status}\n{}", logs(folder.path())),
            Err(error) => {
                let logs = logs(folder.path());
                up.kill();
                return Err(error.context(logs));
            }
        };
        let record: Record = serde_json::from_slice(&text).context("the ready file")?;
        let token = std::fs::read_to_string(&record.access.operator)?;
        let token = token.trim_end().to_owned();
        Ok(Self {
            authority: std::fs::read(&record.tls.ca)?,
            admin: Admin::new(ports.at(18_000), &token)?,
            token,
            alone: Vec::new(),
            up,
            record,
            options,
            place,
        })
    }

    /// The same with a copy of the filter's module that a test may break.
    ///
    /// # Errors
    /// As [`Stack::start`].
    pub fn start_with_own_module(name: &str, policies: &[(&str, &str)]) -> Result<Self> {
        Self::start_with_own_module_and(name, policies, &[])
    }

    /// The same with more options of `countersign up`.
    ///
    /// # Errors
    /// As [`Stack::start`].
    pub fn start_with_own_module_and(
        name: &str,
        policies: &[(&str, &str)],
        options: &[&str],
    ) -> Result<Self> {
        let folder = Scratch::new(name)?;
        let copy = folder.path().join(MODULE);
        let built = paths::target("filter")?.join(MODULE);
        std::fs::copy(&built, &copy)
            .with_context(|| format!("{} is not built: run `make build`", built.display()))?;
        let module = format!("--filter-module={}", copy.display());
        let mut all = vec![module.as_str()];
        all.extend(options);
        Self::start_in(folder, policies, &all, &[])
    }

    /// The module that only this stack loads.
    ///
    /// # Errors
    /// When the stack was started without one.
    pub fn own_module(&self) -> Result<PathBuf> {
        let copy = self.place.folder.path().join(MODULE);
        ensure!(copy.is_file(), "the stack has no module of its own");
        Ok(copy)
    }

    /// `https://localhost:PORT`.
    #[must_use]
    pub fn https(&self) -> &str {
        &self.record.addresses.https
    }

    /// `http://localhost:PORT`.
    #[must_use]
    pub fn http(&self) -> &str {
        &self.record.addresses.http
    }

    /// `localhost:PORT`, as a browser sends it over https.
    #[must_use]
    pub fn authority(&self) -> String {
        format!("localhost:{}", self.https_port())
    }

    /// Envoy's https port.
    #[must_use]
    pub fn https_port(&self) -> u16 {
        self.place.ports.at(10_443)
    }

    /// Envoy's plaintext port.
    #[must_use]
    pub fn http_port(&self) -> u16 {
        self.place.ports.at(10_000)
    }

    /// How a node's part reaches the control plane.
    ///
    /// # Errors
    /// When the node's token cannot be read.
    pub fn node_access(&self) -> Result<NodeAccess> {
        let token = std::fs::read_to_string(&self.record.access.node)?;
        Ok(NodeAccess {
            port: self.place.ports.at(18_000),
            token: token.trim_end().to_owned(),
        })
    }

    /// The folder of the watched policies.
    #[must_use]
    pub fn policies(&self) -> PathBuf {
        self.place.folder.path().join("policies")
    }

    /// A folder of this stack's own.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.place.folder.path()
    }

    /// The operator's API.
    #[must_use]
    pub fn admin(&self) -> &Admin {
        &self.admin
    }

    /// Writes a watched policy file in one go, as editors and deployments do.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn write_policy(&self, file: &str, text: impl AsRef<[u8]>) -> Result<()> {
        let fresh = self.place.folder.path().join(format!("{file}.new"));
        std::fs::write(&fresh, text)?;
        std::fs::rename(&fresh, self.policies().join(file))?;
        Ok(())
    }

    /// Writes a watched policy file and waits until every worker runs a revision with it. Only for a
    /// change that is one: the same text again makes no revision.
    ///
    /// # Errors
    /// When it cannot be written, or does not get there.
    pub fn change_policy(&self, file: &str, text: impl AsRef<[u8]>) -> Result<()> {
        let before = self.admin.nodes()?.target_revision;
        self.write_policy(file, text)?;
        wait::until("the change is a revision", PUSH_LIMIT, || {
            Ok((self.admin.nodes()?.target_revision != before).then_some(()))
        })?;
        self.wait_until_live()?;
        Ok(())
    }

    /// Removes a watched policy file.
    ///
    /// # Errors
    /// When it is not there.
    pub fn remove_policy(&self, file: &str) -> Result<()> {
        Ok(std::fs::remove_file(self.policies().join(file))?)
    }

    /// Waits until the node runs the newest revision in every worker; gives that revision and the time.
    ///
    /// # Errors
    /// When it does not come to that.
    pub fn wait_until_live(&self) -> Result<(String, Duration)> {
        let start = Instant::now();
        wait::until("the node is LIVE", PUSH_LIMIT, || {
            let answer = self.admin.nodes()?;
            let live = answer.nodes.iter().all(|node| {
                use countersign_proto::admin::v1::NodeState;
                node.state() == NodeState::Live && node.revision == answer.target_revision
            });
            Ok((live && !answer.nodes.is_empty()).then_some(answer.target_revision))
        })
        .map(|revision| (revision, start.elapsed()))
    }

    /// The ends of every part's log.
    #[must_use]
    pub fn logs(&self) -> String {
        logs(self.place.folder.path())
    }

    /// Runs a test; what fails is told with the parts' logs.
    ///
    /// # Errors
    /// The test's own.
    pub fn watched<T>(&self, run: impl FnOnce(&Self) -> Result<T>) -> Result<T> {
        let _shown = ShownOnPanic(self);
        run(self).map_err(|error| error.context(self.logs()))
    }

    /// The same for a test that kills parts.
    ///
    /// # Errors
    /// The test's own.
    pub fn watched_mut<T>(&mut self, run: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        match run(self) {
            Ok(value) => Ok(value),
            Err(error) => Err(error.context(self.logs())),
        }
    }
}

struct ShownOnPanic<'a>(&'a Stack);

impl Drop for ShownOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.0.logs());
        }
    }
}

fn contexts(folder: &Scratch) -> PathBuf {
    folder.path().join("contexts.json")
}

fn logs(folder: &Path) -> String {
    let mut files: Vec<PathBuf> = [folder.to_path_buf(), folder.join(STATE).join("logs")]
        .iter()
        .filter_map(|folder| std::fs::read_dir(folder).ok())
        .flat_map(|entries| entries.flatten().map(|entry| entry.path()))
        .filter(|file| file.extension().is_some_and(|extension| extension == "log"))
        .collect();
    files.sort();
    files
        .iter()
        .map(|file| {
            let name = file.file_name().unwrap_or_default().display();
            format!("--- the end of {name}\n{}\n", process::tail(file))
        })
        .collect()
}
