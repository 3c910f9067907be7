//! One file of the spool: records one after the other, each with its length and checksum. Written at
//! the end only; what a crash left behind the last whole record is cut when it is opened again.

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use countersign_proto::node::v1::RelayedEvent;
use prost::Message as _;

use super::super::atomic;

/// What a segment begins with; the last digit is the format's. The first sequence follows.
const MAGIC: &[u8; 8] = b"CSPOOL-1";
const HEADER: u64 = 20;
/// Length and CRC-32 of a record.
const PREFIX: usize = 8;
/// No record is longer: an event, its node, and what goes around them.
const MAX_RECORD: usize =
    crate::limits::MAX_EVENT_BYTES + 2 * crate::limits::MAX_NODE_ID_BYTES + 64;

/// A segment on disk. Its events have the sequences `first..first + count`.
#[derive(Debug)]
pub(super) struct Segment {
    path: PathBuf,
    file: File,
    pub(super) first: u64,
    pub(super) count: u64,
    /// Whole records end here.
    pub(super) bytes: u64,
}

/// Where reading goes on: the sequence and its place in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) sequence: u64,
    pub(super) offset: u64,
}

/// An event as its record, with the sequence that it will have.
pub(super) fn record(event: &RelayedEvent, into: &mut Vec<u8>) {
    let payload = event.encode_to_vec();
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    into.extend_from_slice(&length.to_le_bytes());
    into.extend_from_slice(&crc32fast::hash(&payload).to_le_bytes());
    into.extend_from_slice(&payload);
}

/// The sequence in a segment's name.
pub(super) fn first_in_name(path: &Path) -> Option<u64> {
    let name = path.file_name()?.to_str()?;
    name.strip_prefix("events-")?
        .strip_suffix(".seg")?
        .parse()
        .ok()
}

impl Segment {
    /// A new one whose first event will have this sequence.
    pub(super) fn create(directory: &Path, first: u64) -> io::Result<Self> {
        let path = directory.join(format!("events-{first:020}.seg"));
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(true)
            .read(true)
            .write(true)
            .mode(0o600)
            .open(&path)?;
        let mut header = MAGIC.to_vec();
        header.extend_from_slice(&first.to_le_bytes());
        header.extend_from_slice(&crc32fast::hash(&header).to_le_bytes());
        file.write_all(&header)?;
        atomic::sync_directory(&path)?;
        Ok(Self {
            path,
            file,
            first,
            count: 0,
            bytes: HEADER,
        })
    }

    /// One that is there. None where its header is not one; records end at the first that is damaged,
    /// and what follows is cut. Gives how many bytes that were.
    pub(super) fn open(path: PathBuf) -> io::Result<Option<(Self, u64)>> {
        let file = OpenOptions::new().read(true).write(true).open(&path)?;
        let mut reader = BufReader::new(&file);
        let Some(first) = header(&mut reader)? else {
            return Ok(None);
        };
        let (mut count, mut bytes) = (0_u64, HEADER);
        while let Some((event, length)) = read_record(&mut reader)? {
            if event.sequence != first.saturating_add(count) {
                break;
            }
            count = count.saturating_add(1);
            bytes = bytes.saturating_add(length);
        }
        let cut = file.metadata()?.len().saturating_sub(bytes);
        if cut > 0 {
            file.set_len(bytes)?;
            file.sync_all()?;
        }
        let segment = Self {
            path,
            file,
            first,
            count,
            bytes,
        };
        Ok(Some((segment, cut)))
    }

    /// The sequence of the last event; `first - 1` of an empty one.
    pub(super) fn last(&self) -> u64 {
        self.first.saturating_add(self.count).saturating_sub(1)
    }

    /// Where its first record is.
    pub(super) fn start(&self) -> Place {
        Place {
            sequence: self.first,
            offset: HEADER,
        }
    }

    /// Writes whole records at the end; on an error nothing of them is there.
    pub(super) fn append(&mut self, records: &[u8], count: u64) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(self.bytes))?;
        if let Err(error) = self.file.write_all(records) {
            // What was written of it would be cut at the next start anyway.
            self.file.set_len(self.bytes)?;
            return Err(error);
        }
        self.bytes = self.bytes.saturating_add(records.len() as u64);
        self.count = self.count.saturating_add(count);
        Ok(())
    }

    /// Forces to the disk what was written.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// Events from `place` on, within the bounds, and where to go on. None where the record there is
    /// damaged.
    pub(super) fn read(
        &self,
        place: Place,
        events: usize,
        bytes: usize,
    ) -> io::Result<Option<(Vec<RelayedEvent>, Place)>> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(place.offset))?;
        let mut reader = BufReader::new(file.take(self.bytes.saturating_sub(place.offset)));
        let (mut read, mut at, mut size) = (Vec::new(), place, 0_usize);
        while at.sequence <= self.last() && read.len() < events && size < bytes {
            let found = read_record(&mut reader)?.filter(|(it, _)| it.sequence == at.sequence);
            let Some((event, length)) = found else {
                break;
            };
            size = size.saturating_add(event.event.len());
            read.push(event);
            at.sequence = at.sequence.saturating_add(1);
            at.offset = at.offset.saturating_add(length);
        }
        Ok((!read.is_empty()).then_some((read, at)))
    }

    /// Removes the file.
    pub(super) fn remove(self) -> io::Result<()> {
        std::fs::remove_file(&self.path)
    }
}

fn header(reader: &mut impl io::Read) -> io::Result<Option<u64>> {
    let mut header = [0; HEADER as usize];
    if !filled(reader, &mut header)? {
        return Ok(None);
    }
    let (said, checksum) = header.split_at(16);
    let (magic, first) = said.split_at(8);
    let good = magic == MAGIC && checksum == crc32fast::hash(said).to_le_bytes();
    let first = first.try_into().map(u64::from_le_bytes);
    Ok(first.ok().filter(|_| good))
}

/// The next record and its length in the file; none where it is not whole.
fn read_record(reader: &mut impl io::Read) -> io::Result<Option<(RelayedEvent, u64)>> {
    let mut prefix = [0; PREFIX];
    if !filled(reader, &mut prefix)? {
        return Ok(None);
    }
    let [a, b, c, d, checksum @ ..] = prefix;
    let length = u32::from_le_bytes([a, b, c, d]) as usize;
    if length > MAX_RECORD {
        return Ok(None);
    }
    let mut payload = vec![0; length];
    if !filled(reader, &mut payload)? || crc32fast::hash(&payload).to_le_bytes() != checksum {
        return Ok(None);
    }
    let whole = (PREFIX as u64).saturating_add(length as u64);
    let event = RelayedEvent::decode(payload.as_slice()).ok();
    Ok(event.map(|event| (event, whole)))
}

/// False where the file ends before.
fn filled(reader: &mut impl io::Read, buffer: &mut [u8]) -> io::Result<bool> {
    match reader.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}
