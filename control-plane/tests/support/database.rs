//! The databases that tests run on: a SQLite file, and a database of its own on a PostgreSQL server.
//!
//! The server is the one that `DATABASE_URL` names (`scripts/test.sh` starts one for the whole run), or
//! one that this process starts. A machine without PostgreSQL fails the tests; it does not skip them.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use sqlx::{AnyPool, AssertSqlSafe, Connection as _, PgConnection};
use tempfile::TempDir;

/// Which database a test runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum On {
    Sqlite,
    Postgres,
}

/// A test once for each database: the function takes an `On`, and the tests are its name with
/// `::sqlite` and `::postgres`.
#[allow(unused_macros)] // Each test file uses its part.
macro_rules! on_both {
    ($name:ident $(, $($flavour:tt)*)?) => {
        mod $name {
            use crate::support::database::On;

            #[tokio::test$(($($flavour)*))?]
            async fn sqlite() {
                super::$name(On::Sqlite).await;
            }

            #[tokio::test$(($($flavour)*))?]
            async fn postgres() {
                super::$name(On::Postgres).await;
            }
        }
    };
}
#[allow(unused_imports)]
pub(crate) use on_both;

/// An empty database, gone with this value.
pub(crate) struct Database {
    url: String,
    held: Held,
}

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
    pub(crate) async fn new(on: On) -> Self {
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
    pub(crate) async fn on_server(server: String) -> Self {
        let name = format!("countersign_{}", uuid::Uuid::new_v4().simple());
        let mut connection = PgConnection::connect(&server).await.unwrap();
        let statement = format!("CREATE DATABASE {name}");
        sqlx::query(AssertSqlSafe(statement))
            .execute(&mut connection)
            .await
            .unwrap();
        connection.close().await.unwrap();
        let (base, query) = server.split_once('?').unwrap_or((server.as_str(), ""));
        let (base, _) = base.rsplit_once('/').unwrap();
        let url = format!("{base}/{name}?{query}");
        let held = Held::Server { server, name };
        Self { url, held }
    }

    /// The same database for another control plane; gone with the first value.
    pub(crate) fn shared(&self) -> Self {
        Self {
            url: self.url.clone(),
            held: Held::Elsewhere,
        }
    }

    /// The same database as another user sees it.
    pub(crate) fn as_user(&self, user: &str, password: &str) -> Self {
        let (_, place) = self.url.split_once('@').unwrap();
        Self {
            url: format!("postgres://{user}:{password}@{place}"),
            held: Held::Elsewhere,
        }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Its tables, as anybody could change them.
    pub(crate) async fn raw(&self) -> AnyPool {
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
pub(crate) struct Server {
    keeper: Child,
}

impl Server {
    pub(crate) fn start() -> (Self, String) {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/with-postgres.sh");
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
    pub(crate) fn stop(&self) {
        self.tell("USR1");
    }

    /// Starts it again on what it stored.
    pub(crate) fn start_again(&self) {
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
