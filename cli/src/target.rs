//! Which control plane is asked, and as whom: options, environment, context file.
//!
//! A token never stands in the command line, where every user of the machine could read it.

use std::path::{Path, PathBuf};

use clap::Args;
use countersign_control_plane::tls::ClientFiles;
use tonic::metadata::{Ascii, MetadataValue};

use crate::contexts::{self, Contexts, ContextsError, Entry};

/// Where the control plane of a stack with the default ports answers.
pub(crate) const DEFAULT_CONTROL_PLANE: &str = "http://127.0.0.1:18000";

/// Global options.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Target {
    /// The control plane's gRPC address [default: the context's, else http://127.0.0.1:18000]
    #[arg(
        long,
        global = true,
        env = "COUNTERSIGN_CONTROL_PLANE",
        value_name = "URL"
    )]
    pub(crate) control_plane: Option<String>,

    /// The context to use (see `countersign context --help`) [default: that of the address, else the
    /// current one]
    #[arg(
        long,
        global = true,
        env = "COUNTERSIGN_CONTEXT",
        value_name = "NAME",
        conflicts_with = "control_plane"
    )]
    pub(crate) context: Option<String>,

    /// A file that holds the token; COUNTERSIGN_TOKEN may hold the token itself
    #[arg(
        long,
        global = true,
        env = "COUNTERSIGN_TOKEN_FILE",
        value_name = "PATH"
    )]
    pub(crate) token_file: Option<PathBuf>,

    /// The authority of the control plane's certificate (PEM) [default: those of the system]
    #[arg(long, global = true, env = "COUNTERSIGN_CA", value_name = "PATH")]
    pub(crate) ca: Option<PathBuf>,

    /// A client certificate (PEM)
    #[arg(
        long,
        global = true,
        env = "COUNTERSIGN_CERTIFICATE",
        value_name = "PATH"
    )]
    pub(crate) certificate: Option<PathBuf>,

    /// Its key (PEM)
    #[arg(long, global = true, env = "COUNTERSIGN_KEY", value_name = "PATH")]
    pub(crate) key: Option<PathBuf>,
}

/// A token as it is sent; nobody prints it.
#[derive(Clone, Default)]
pub(crate) struct Token(Option<MetadataValue<Ascii>>);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token")
    }
}

/// Everything that a connection needs.
#[derive(Clone, Debug)]
pub(crate) struct Resolved {
    pub(crate) address: String,
    pub(crate) token: Token,
    pub(crate) tls: ClientFiles,
}

/// Why nobody can be asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TargetError {
    /// The context file.
    #[error(transparent)]
    Contexts(#[from] ContextsError),
    /// The token file.
    #[error("cannot read the token file `{}`: {source}; name another with `--token-file`", path.display())]
    TokenFile {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// What it holds.
    #[error("what {0} holds is no token; a token is one line that begins with `csn_`")]
    NotAToken(&'static str),
    /// Never shown again, and seen by whoever looked at the process list.
    #[error(
        "`--token-file` takes the name of a file, and a token was given; revoke that token, since everybody on this machine could read it (`countersign access tokens list`)"
    )]
    TokenAsFile,
    /// One without the other.
    #[error("a client certificate needs its key: give `--certificate` and `--key`")]
    HalfIdentity,
    /// Everybody on the way could read it.
    #[error(
        "the token would travel in clear to `{0}`; give an address that begins with `https://`, or one of this machine"
    )]
    InClear(String),
}

impl Target {
    /// Only an address, for tests.
    #[cfg(test)]
    pub(crate) fn at(address: &str) -> Self {
        Self {
            control_plane: Some(address.to_owned()),
            ..Self::default()
        }
    }

    /// Looks everything up.
    pub(crate) fn resolve(&self) -> Result<Resolved, TargetError> {
        let entry = self.entry()?;
        let address = self
            .control_plane
            .clone()
            .or_else(|| entry.as_ref().map(|entry| entry.control_plane.clone()))
            .unwrap_or_else(|| DEFAULT_CONTROL_PLANE.to_owned());
        let entry = entry.unwrap_or_default();
        let environment = std::env::var("COUNTERSIGN_TOKEN").ok();
        let environment = environment.filter(|token| !token.is_empty());
        let token = match (&self.token_file, environment) {
            (Some(path), _) => Some(Token::read(path)?),
            (None, Some(text)) => Some(Token::parse(&text, "COUNTERSIGN_TOKEN")?),
            (None, None) => match (&entry.token, &entry.token_file) {
                (Some(text), _) => Some(Token::parse(text, "the context")?),
                (None, Some(path)) => Some(Token::read(path)?),
                (None, None) => None,
            },
        };
        if token.is_some() && !is_private(&address) {
            return Err(TargetError::InClear(address));
        }
        let own = self.certificate.is_some() || self.key.is_some();
        let (certificate, key) = if own {
            (self.certificate.clone(), self.key.clone())
        } else {
            (entry.certificate, entry.key)
        };
        let identity = match (certificate, key) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            _ => return Err(TargetError::HalfIdentity),
        };
        Ok(Resolved {
            address,
            token: token.unwrap_or_default(),
            tls: ClientFiles {
                ca: self.ca.clone().or(entry.ca),
                identity,
            },
        })
    }

    fn entry(&self) -> Result<Option<Entry>, TargetError> {
        let path = match contexts::path() {
            Ok(path) => path,
            // Without a home there are no contexts, and none is needed where none is named.
            Err(ContextsError::NoHome) if self.context.is_none() => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let contexts = Contexts::read(&path)?;
        Ok(
            match (&self.context, &self.control_plane, &contexts.current) {
                (Some(name), _, _) => Some(contexts.named(name)?.clone()),
                // A token is for the control plane that gave it and for no other.
                (None, Some(address), _) => contexts.at(address).cloned(),
                (None, None, Some(current)) => Some(contexts.named(current)?.clone()),
                (None, None, None) => contexts.at(DEFAULT_CONTROL_PLANE).cloned(),
            },
        )
    }
}

impl Token {
    fn read(path: &PathBuf) -> Result<Self, TargetError> {
        if looks_like_token(path) {
            return Err(TargetError::TokenAsFile);
        }
        let text = std::fs::read_to_string(path).map_err(|source| TargetError::TokenFile {
            path: path.clone(),
            source,
        })?;
        Self::parse(&text, "the token file")
    }

    fn parse(text: &str, place: &'static str) -> Result<Self, TargetError> {
        let value = format!("Bearer {}", text.trim()).parse();
        let mut value: MetadataValue<Ascii> = value.map_err(|_| TargetError::NotAToken(place))?;
        value.set_sensitive(true);
        Ok(Self(Some(value)))
    }
}

impl tonic::service::Interceptor for Token {
    fn call(
        &mut self,
        mut request: tonic::Request<()>,
    ) -> Result<tonic::Request<()>, tonic::Status> {
        if let Some(token) = &self.0 {
            request
                .metadata_mut()
                .insert("authorization", token.clone());
        }
        Ok(request)
    }
}

/// A token in the place of a file's name: no message may repeat it.
pub(crate) fn looks_like_token(path: &Path) -> bool {
    token_within(&path.to_string_lossy()).is_some() && !path.exists()
}

/// What may be a token, from where it begins.
pub(crate) fn token_within(text: &str) -> Option<&str> {
    let begins = [text.find("csn_"), text.find("csn1_")];
    let begin = begins.into_iter().flatten().min()?;
    text.get(begin..)
}

/// Encrypted, or to this machine.
fn is_private(address: &str) -> bool {
    let Some((scheme, rest)) = address.split_once("://") else {
        // No address at all, which is said later.
        return true;
    };
    if !scheme.eq_ignore_ascii_case("http") {
        return true;
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let authority = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map_or("", |(host, _)| host),
        None => authority
            .split_once(':')
            .map_or(authority, |(host, _)| host),
    };
    let local = host.parse::<std::net::IpAddr>();
    host == "localhost" || local.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_travels_encrypted_or_within_this_machine() {
        for private in [
            "https://cp.example.com:18000",
            "http://127.0.0.1:18000",
            "http://localhost:18000/",
            "http://[::1]:18000",
        ] {
            assert!(is_private(private), "{private}");
        }
        for public in [
            "http://cp.example.com:18000",
            "http://10.0.0.1:18000",
            "HTTP://10.0.0.1",
            "http://127.0.0.1@evil.example:1",
            "http://localhost.evil.example:1",
            "http://[::2]:1",
        ] {
            assert!(!is_private(public), "{public}");
        }
    }

    #[test]
    fn a_token_is_never_printed() {
        let token = Token::parse("csn_secret\n", "x").unwrap();
        assert_eq!(format!("{token:?}"), "Token");
        assert!(!format!("{:?}", token.0).contains("secret"));
    }
}
