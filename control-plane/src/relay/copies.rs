//! The last known good resources on disk: one file for each resource of each node, checked by SHA-256.

use std::path::{Path, PathBuf};
use std::{fs, io};

use envoy_types::pb::google::protobuf::Any;
use prost::Message;
use sha2::{Digest as _, Sha256};

use super::shelf::Resource;
use super::{atomic, limits};

/// What a file begins with; the last digit is the format's.
const MAGIC: &[u8; 8] = b"CSGOOD-1";
const CHECKSUM: usize = 32;
const EXTENSION: &str = "copy";

/// What a file holds behind magic and checksum.
#[derive(Clone, PartialEq, Message)]
struct Written {
    #[prost(string, tag = "1")]
    node: String,
    #[prost(string, tag = "2")]
    name: String,
    #[prost(string, tag = "3")]
    version: String,
    #[prost(string, tag = "4")]
    type_url: String,
    #[prost(bytes = "vec", tag = "5")]
    value: Vec<u8>,
}

/// The directory of copies.
#[derive(Clone, Debug)]
pub(super) struct Copies {
    directory: PathBuf,
}

/// What was found for a node.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) good: Vec<Resource>,
    /// Files that were put aside, and where.
    pub(super) damaged: Vec<PathBuf>,
}

impl Copies {
    pub(super) fn open(directory: PathBuf) -> io::Result<Self> {
        atomic::directory(&directory)?;
        Ok(Self { directory })
    }

    /// Everything that is kept for a node. What is damaged is put aside and not served.
    pub(super) fn of(&self, node: &str) -> io::Result<Found> {
        let mut found = Found::default();
        let prefix = format!("{}-", word(node));
        for entry in fs::read_dir(&self.directory)? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str());
            let ours = name.is_some_and(|name| name.starts_with(&prefix));
            if !ours || path.extension().is_none_or(|it| it != EXTENSION) {
                continue;
            }
            match read(&path)? {
                Some(written) if written.node == node => {
                    if found.good.len() < limits::MAX_RESOURCES {
                        found.good.push(written.into());
                    }
                }
                _ => found.damaged.push(atomic::put_aside(&path, "damaged")?),
            }
        }
        Ok(found)
    }

    /// Keeps what the node accepted in the place of what it accepted before.
    pub(super) fn keep(&self, node: &str, resource: &Resource) -> io::Result<()> {
        let body = resource.body();
        let written = Written {
            node: node.to_owned(),
            name: resource.name.clone(),
            version: resource.version.clone(),
            type_url: body.type_url.clone(),
            value: body.value.clone(),
        }
        .encode_to_vec();
        let mut bytes = Vec::with_capacity(MAGIC.len() + CHECKSUM + written.len());
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&Sha256::digest(&written));
        bytes.extend_from_slice(&written);
        atomic::write(&self.path(node, &resource.name), &bytes)
    }

    /// The node refused what was kept: it is not served again.
    pub(super) fn put_aside(&self, node: &str, name: &str) -> io::Result<PathBuf> {
        atomic::put_aside(&self.path(node, name), "refused")
    }

    fn path(&self, node: &str, name: &str) -> PathBuf {
        let file = format!("{}-{}.{EXTENSION}", word(node), word(name));
        self.directory.join(file)
    }
}

impl From<Written> for Resource {
    fn from(written: Written) -> Self {
        let body = Any {
            type_url: written.type_url,
            value: written.value,
        };
        Self::new(written.name, written.version, body)
    }
}

/// None where it is damaged.
fn read(path: &Path) -> io::Result<Option<Written>> {
    let bytes = fs::read(path)?;
    let Some(rest) = bytes.strip_prefix(MAGIC) else {
        return Ok(None);
    };
    let Some((checksum, written)) = rest.split_at_checked(CHECKSUM) else {
        return Ok(None);
    };
    if *checksum != *Sha256::digest(written) {
        return Ok(None);
    }
    Ok(Written::decode(written).ok())
}

/// A name of any letters as a name of a file.
fn word(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(name: &str, version: &str) -> Resource {
        let body = Any {
            type_url: "type.googleapis.com/test".into(),
            value: version.as_bytes().to_vec(),
        };
        Resource::new(name.into(), version.into(), body)
    }

    fn files(directory: &Path, ending: &str) -> usize {
        let names = fs::read_dir(directory).unwrap().flatten();
        names
            .filter(|entry| entry.file_name().to_str().unwrap().ends_with(ending))
            .count()
    }

    #[test]
    fn what_is_kept_is_found_for_its_node_alone() {
        let dir = tempfile::tempdir().unwrap();
        let copies = Copies::open(dir.path().join("good")).unwrap();
        copies.keep("edge-1", &resource("a", "1")).unwrap();
        copies.keep("edge-1", &resource("a", "2")).unwrap();
        copies.keep("edge-1", &resource("b/../c", "1")).unwrap();
        copies.keep("edge-2", &resource("a", "9")).unwrap();
        let again = Copies::open(dir.path().join("good")).unwrap();
        let mut good = again.of("edge-1").unwrap().good;
        good.sort_by(|a, b| a.name.cmp(&b.name));
        assert_eq!(good, [resource("a", "2"), resource("b/../c", "1")]);
        assert_eq!(again.of("edge-2").unwrap().good, [resource("a", "9")]);
        assert!(again.of("edge-3").unwrap().good.is_empty());
    }

    #[test]
    fn any_damage_is_seen_and_the_file_put_aside() {
        let dir = tempfile::tempdir().unwrap();
        let copies = Copies::open(dir.path().to_owned()).unwrap();
        copies.keep("n", &resource("a", "1")).unwrap();
        let path = copies.path("n", "a");
        let whole = fs::read(&path).unwrap();
        for place in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[place] ^= 1;
            fs::write(&path, damaged).unwrap();
            let found = copies.of("n").unwrap();
            assert!(
                found.good.is_empty() && found.damaged.len() == 1,
                "byte {place}"
            );
        }
        for length in 0..whole.len() {
            fs::write(&path, &whole[..length]).unwrap();
            assert!(copies.of("n").unwrap().good.is_empty(), "{length} bytes");
        }
        assert_eq!(files(dir.path(), ".damaged"), 1, "the newest only");
        assert_eq!(
            copies.of("n").unwrap().damaged.len(),
            0,
            "it is looked at once"
        );
    }

    #[test]
    fn a_refused_copy_is_not_found_again() {
        let dir = tempfile::tempdir().unwrap();
        let copies = Copies::open(dir.path().to_owned()).unwrap();
        copies.keep("n", &resource("a", "1")).unwrap();
        copies.put_aside("n", "a").unwrap();
        assert!(copies.of("n").unwrap().good.is_empty());
        assert_eq!(files(dir.path(), ".refused"), 1);
    }

    #[test]
    fn copies_are_for_their_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let copies = Copies::open(dir.path().join("good")).unwrap();
        copies.keep("n", &resource("a", "1")).unwrap();
        for (path, mode) in [
            (dir.path().join("good"), 0o700),
            (copies.path("n", "a"), 0o600),
        ] {
            let found = fs::metadata(path).unwrap().permissions().mode();
            assert_eq!(found & 0o777, mode);
        }
    }
}
