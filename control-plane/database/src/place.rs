//! Where the database is: a SQLite file or a PostgreSQL server. A URL can hold a password, so that what
//! is shown of it is put together from parts that are known to be harmless.

use std::str::FromStr as _;

use sqlx::any::AnyConnectOptions;
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;

use crate::OpenError;

/// Which database it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// One file, one process.
    Sqlite,
    /// A server that speaks PostgreSQL's protocol, and any number of processes on it.
    Postgres,
}

/// A database URL that was understood.
#[derive(Clone)]
pub struct Place {
    /// Which database it is.
    pub kind: Kind,
    pub(crate) options: AnyConnectOptions,
    /// PostgreSQL's own options, for what only its own connections can do.
    pub postgres: Option<PgConnectOptions>,
    shown: String,
}

impl std::fmt::Debug for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.shown)
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.shown)
    }
}

impl Place {
    /// Understands a URL.
    ///
    /// # Errors
    /// When it is none of a database that is known.
    pub fn parse(url: &str) -> Result<Self, OpenError> {
        let scheme = url.split(':').next().unwrap_or_default();
        match scheme {
            "sqlite" => sqlite(url),
            "postgres" | "postgresql" => postgres(url),
            _ => None,
        }
        .ok_or_else(|| OpenError::Url {
            scheme: match scheme {
                "sqlite" | "postgres" | "postgresql" => format!("{scheme}:…"),
                // What has no scheme that is known may be a password that was put in the wrong place.
                _ => "…".to_owned(),
            },
        })
    }
}

fn sqlite(url: &str) -> Option<Place> {
    let rest = url.strip_prefix("sqlite:")?;
    let file = rest.strip_prefix("//").unwrap_or(rest);
    let (path, query) = file.split_once('?').unwrap_or((file, ""));
    // What is only in memory would be another database for each connection, and gone with the process.
    if path.is_empty() || path == ":memory:" || query.contains("mode=memory") {
        return None;
    }
    let query = match query {
        "" => "mode=rwc".to_owned(),
        query if query.contains("mode=") => query.to_owned(),
        query => format!("{query}&mode=rwc"),
    };
    // Without `//`: after that a URL has a host, which a file's name need not be.
    let named = format!("sqlite:{path}?{query}");
    SqliteConnectOptions::from_str(&named).ok()?;
    Some(Place {
        kind: Kind::Sqlite,
        options: AnyConnectOptions::from_str(&named).ok()?,
        postgres: None,
        shown: url.to_owned(),
    })
}

fn postgres(url: &str) -> Option<Place> {
    let options = PgConnectOptions::from_str(url).ok()?;
    let host = match options.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    };
    let database = options.get_database().unwrap_or(options.get_username());
    let shown = format!("postgres://{host}/{database}");
    Some(Place {
        kind: Kind::Postgres,
        options: AnyConnectOptions::from_str(url).ok()?,
        postgres: Some(options),
        shown,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        for url in [
            "postgres://me:hush@db.example:6432/state",
            "postgresql://me@db.example/state?password=hush",
            "postgres://me:hu%73h@localhost/x",
            "postgres://me:hush@db.example:port/state",
            "postgres://me:hush/with@db:1:2/state",
            "me:hush@db.example/state",
            "hush",
            "mysql://me:hush@db/x",
        ] {
            let shown = match Place::parse(url) {
                Ok(place) => format!("{place} {place:?}"),
                Err(error) => format!("{error} {error:?}"),
            };
            assert!(!shown.contains("hush"), "{shown}");
            assert!(!shown.contains("hu%73h"), "{shown}");
        }
    }

    #[test]
    fn what_is_shown_names_the_server_and_the_database() {
        let shown = |url| Place::parse(url).unwrap().to_string();
        assert_eq!(
            shown("postgresql://me:hush@db.example/state"),
            "postgres://db.example:5432/state"
        );
        assert_eq!(
            shown("postgres://me@ignored/state?host=/run/postgresql"),
            "postgres:///run/postgresql/state"
        );
        assert_eq!(shown("sqlite://a b.db"), "sqlite://a b.db");
    }

    #[test]
    fn a_file_may_have_any_name() {
        for url in [
            "sqlite:///tmp/a b/Ä.db",
            "sqlite://State.db",
            "sqlite:x.db",
            "sqlite://a folder/x.db",
            "sqlite://file:x.db?mode=rw",
        ] {
            assert_eq!(Place::parse(url).unwrap().kind, Kind::Sqlite);
        }
    }

    #[test]
    fn what_would_be_gone_with_the_process_is_no_database() {
        for url in ["sqlite::memory:", "sqlite://", "sqlite:x?mode=memory"] {
            assert!(Place::parse(url).is_err(), "{url}");
        }
    }
}
