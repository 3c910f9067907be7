//! The databases that tests run on: a SQLite file, and a database of its own on a PostgreSQL server.
//!
//! The server is the one that `DATABASE_URL` names (`scripts/test.sh` starts one for the whole run), or
//! one that this process starts. A machine without PostgreSQL fails the tests; it does not skip them.

#![allow(
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    reason = "a harness fails its test by panicking"
)]

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use sqlx::{AnyPool, AssertSqlSafe, Connection as _, PgConnection};
use tempfile::TempDir;

/// Which database a test runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// A file of its own.
    Sqlite,
    /// A database of its own on a server.
    Postgres,
}

impl On {
    /// What `COUNTERSIGN_TEST_STORE` says: `postgres`, or a file.
    #[must_use]
    pub fn chosen() -> Self {
        match std::env::var("COUNTERSIGN_TEST_STORE").as_deref() {
            Ok("postgres") => Self::Postgres,
            _ => Self::Sqlite,
        }
    }
}

/// An empty database, gone with this value.
#[derive(Debug)]
pub struct Database {
    url: String,
    held: Held,
}

#[derive(Debug)]
enum Held {
    File {
        _directory: TempDir,
    },
    Server {
        server: String,
        name: String,
    },
    /// By another value.
    Elsewhere,
}

impl Database {
    /// A new one.
    pub async fn new(on: On) -> Self {
        match on {
            On::Sqlite => {
                let directory = tempfile::tempdir().unwrap();
                let url = format!("sqlite://{}", directory.path().join("state.db").display());
                let held = Held::File {
                    _directory: directory,
                };
                Self { url, held }
            }
            On::Postgres => Self::on_server(server()).await,
        }
    }

    /// On a server that the test has to itself.
    pub async fn on_server(server: String) -> Self {
        let name = format!("countersign_{}", uuid::Uuid::new_v4().simple());
        let mut connection = PgConnection::connect(&server).await.unwrap();
        for statement in [
            format!("CREATE DATABASE {name}"),
            // What a test has committed outlives its crash of the server.
            format!("ALTER DATABASE {name} SET synchronous_commit = local"),
        ] {
            sqlx::query(AssertSqlSafe(statement))
                .execute(&mut connection)
                .await
                .unwrap();
        }
        connection.close().await.unwrap();
        let (base, query) = server.split_once('?').unwrap_or((server.as_str(), ""));
        let (base, _) = base.rsplit_once('/').unwrap();
        let url = format!("{base}/{name}?{query}");
        let held = Held::Server { server, name };
        Self { url, held }
    }

    /// The same database for another process; gone with the first value.
    #[must_use]
    pub fn shared(&self) -> Self {
        Self {
            url: self.url.clone(),
            held: Held::Elsewhere,
        }
    }

    /// The same database as another user sees it.
    #[must_use]
    pub fn as_user(&self, user: &str, password: &str) -> Self {
        let (_, place) = self.url.split_once('@').unwrap();
        Self {
            url: format!("postgres://{user}:{password}@{place}"),
            held: Held::Elsewhere,
        }
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Everything that it holds, as who copies it would see it.
    pub async fn bytes(&self) -> Vec<u8> {
        if let Some(file) = self.url.strip_prefix("sqlite://") {
            let parts = ["", "-wal"].map(|end| std::fs::read(format!("{file}{end}")));
            return parts.into_iter().flatten().flatten().collect();
        }
        let raw = self.raw().await;
        let tables: Vec<String> = sqlx::query_scalar(
            "SELECT CAST(tablename AS TEXT) FROM pg_tables WHERE schemaname = 'public'",
        )
        .fetch_all(&raw)
        .await
        .unwrap();
        let mut bytes = Vec::new();
        for table in tables {
            let rows = AssertSqlSafe(format!("SELECT CAST(t.* AS TEXT) FROM {table} AS t"));
            let rows: Vec<String> = sqlx::query_scalar(rows).fetch_all(&raw).await.unwrap();
            bytes.extend(rows.concat().into_bytes());
        }
        raw.close().await;
        bytes
    }

    /// Its tables, as anybody could change them.
    pub async fn raw(&self) -> AnyPool {
        sqlx::any::install_default_drivers();
        // A SQLite file that is not there yet is made.
        let create = if self.url.starts_with("sqlite") {
            "?mode=rwc"
        } else {
            ""
        };
        AnyPool::connect(&format!("{}{create}", self.url))
            .await
            .unwrap()
    }
}

/// `scripts/with-postgres.sh` sets it: the server is gone when the tests are.
const TEMPORARY: &str = "COUNTERSIGN_POSTGRES_IS_TEMPORARY";

impl Drop for Database {
    fn drop(&mut self) {
        let Held::Server { server, name } = &self.held else {
            return;
        };
        let (server, name) = (server.clone(), name.clone());
        // A runtime of its own: this may be dropped inside of one, and after one.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                // A server that the test stopped has nothing that could be dropped.
                if let Ok(mut connection) = PgConnection::connect(&server).await {
                    let statement = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
                    drop(
                        sqlx::query(AssertSqlSafe(statement))
                            .execute(&mut connection)
                            .await,
                    );
                }
            });
        });
        // Waiting here stops the runtime that the test is dropped in, and with it whatever is connecting
        // to the server just then, which the drop would wait for in turn. A server that ends with the
        // tests takes its databases with it.
        if std::env::var_os(TEMPORARY).is_none() {
            drop(dropping.join());
        }
    }
}

/// The server that all tests of this process share.
fn server() -> String {
    static OWN: Mutex<Option<(Server, String)>> = Mutex::new(None);
    if let Ok(url) = std::env::var("DATABASE_URL") {
        return url;
    }
    let mut own = OWN.lock().unwrap_or_else(PoisonError::into_inner);
    let (_, url) = own.get_or_insert_with(Server::start);
    url.clone()
}

/// A PostgreSQL server that ends with the process that started it: its keeper reads a pipe from here.
#[derive(Debug)]
pub struct Server {
    keeper: Child,
}

impl Server {
    /// Starts one, and gives its address.
    #[must_use]
    pub fn start() -> (Self, String) {
        let script = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../scripts/with-postgres.sh"
        );
        let mut keeper = Command::new(script)
            .args(["sh", "-c", "echo \"$DATABASE_URL\"; exec cat >/dev/null"])
            .env("COUNTERSIGN_OWN_POSTGRES", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut url = String::new();
        BufReader::new(keeper.stdout.as_mut().unwrap())
            .read_line(&mut url)
            .unwrap();
        let url = url.trim_end().to_owned();
        assert!(!url.is_empty(), "PostgreSQL did not start");
        (Self { keeper }, url)
    }

    /// As a crash of the server.
    pub fn stop(&self) {
        self.tell("USR1");
    }

    /// Starts it again on what it stored.
    pub fn start_again(&self) {
        self.tell("USR2");
    }

    fn tell(&self, signal: &str) {
        let status = Command::new("kill")
            .args([format!("-{signal}"), self.keeper.id().to_string()])
            .status()
            .unwrap();
        assert!(status.success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        drop(self.keeper.wait());
    }
}
