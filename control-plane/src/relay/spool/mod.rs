//! Decisions on disk until a control plane has them: segments of records, bounded in bytes. The oldest
//! segment goes where there is no room, and what was lost with it is counted.
//!
//! A sequence names an event for ever. Everything up to the floor is delivered or lost; above it is
//! what waits, but for gaps that are lost. So `spooled = delivered + lost + waiting` holds by
//! construction, also after a crash.

mod segment;
mod state;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::path::{Path, PathBuf};

use countersign_proto::node::v1::RelayedEvent;
use segment::{Place, Segment};
use state::State;

use super::{atomic, limits};

pub(crate) use state::Loss;

/// An event that Envoy told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) node: std::sync::Arc<str>,
    pub(crate) taken_ms: u64,
    pub(crate) event: Vec<u8>,
}

/// What was counted since the spool was made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) taken: u64,
    pub(crate) spooled: u64,
    pub(crate) delivered: u64,
    pub(crate) waiting: u64,
    pub(crate) waiting_bytes: u64,
    pub(crate) lost: BTreeMap<Loss, u64>,
    pub(crate) malformed: u64,
    pub(crate) guard_denied: u64,
}

/// How large it may become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub(crate) bytes: u64,
    pub(crate) segment: u64,
}

/// The spool. Its calls wait for the disk.
#[derive(Debug)]
pub(crate) struct Spool {
    directory: PathBuf,
    bounds: Bounds,
    state: State,
    /// The state on disk is older.
    dirty: bool,
    /// The oldest first; the last one is written to.
    segments: VecDeque<Segment>,
    /// The last sequence that was given.
    last: u64,
    /// Where the next read goes on.
    place: Option<Place>,
    /// The last sequence that was read, and so may be acknowledged.
    sent: u64,
    unsynced: bool,
}

impl Bounds {
    /// Of a spool of so many bytes.
    pub(crate) fn of(bytes: u64) -> Self {
        Self {
            bytes,
            segment: (bytes / limits::SEGMENTS).clamp(1, limits::MAX_SEGMENT_BYTES),
        }
    }
}

impl Spool {
    /// Opens or makes it; `fresh` names one that is made.
    pub(crate) fn open(directory: &Path, bounds: Bounds, fresh: String) -> io::Result<Self> {
        atomic::directory(directory)?;
        let known = State::read(directory)?;
        let is_new = known.is_none();
        let mut state = known.unwrap_or_else(|| State::new(fresh));
        let mut files = Vec::new();
        for entry in std::fs::read_dir(directory)? {
            let path = entry?.path();
            files.extend(segment::first_in_name(&path).map(|first| (first, path)));
        }
        files.sort();
        let mut segments = VecDeque::new();
        // Where the next segment has to begin, or events are missing.
        let mut next = if is_new {
            files.first().map_or(1, |(first, _)| *first)
        } else {
            state.floor.max(state.gone).saturating_add(1)
        };
        if is_new {
            state.floor = next.saturating_sub(1);
        }
        for (_, path) in files {
            let Some((segment, cut)) = Segment::open(path.clone())? else {
                let aside = atomic::put_aside(&path, "damaged")?;
                tracing::error!(aside = %aside.display(), "a segment of the spool is damaged");
                continue;
            };
            if cut > 0 {
                tracing::warn!(segment = %path.display(), bytes = cut, "cut what a crash or damage left");
            }
            if segment.last() <= state.floor {
                segment.remove()?;
                continue;
            }
            state.lose(Loss::Damaged, segment.first.saturating_sub(next));
            next = segment.last().saturating_add(1);
            segments.push_back(segment);
        }
        let last = next.saturating_sub(1).max(state.floor).max(state.gone);
        state.write(directory)?;
        let mut spool = Self {
            directory: directory.to_owned(),
            bounds,
            state,
            dirty: false,
            segments,
            last,
            place: None,
            sent: 0,
            unsynced: false,
        };
        spool.rewind()?;
        spool.make_room(0)?;
        Ok(spool)
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        &self.state.spool
    }

    /// The last sequence that was given.
    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    /// Everything up to this sequence is delivered or lost.
    pub(crate) fn floor(&self) -> u64 {
        self.state.floor
    }

    /// What was counted.
    pub(crate) fn counts(&self) -> Counts {
        let in_gaps = self.state.in_gaps();
        let waiting = self
            .last
            .saturating_sub(self.state.floor)
            .saturating_sub(in_gaps);
        Counts {
            taken: self.last.saturating_add(self.state.lost(false)),
            spooled: self.last,
            delivered: self
                .state
                .floor
                .saturating_add(in_gaps)
                .saturating_sub(self.state.lost(true)),
            waiting,
            waiting_bytes: if waiting == 0 { 0 } else { self.bytes() },
            lost: self.state.lost.clone(),
            malformed: self.state.malformed,
            guard_denied: self.state.guard_denied,
        }
    }

    /// Counts what was lost before it came here.
    pub(crate) fn lose(&mut self, loss: Loss, count: u64) {
        self.state.lose(loss, count);
        self.dirty |= count > 0;
    }

    /// Counts entries that were nothing of the filter's.
    pub(crate) fn malformed(&mut self, count: u64) {
        self.state.malformed = self.state.malformed.saturating_add(count);
        self.dirty |= count > 0;
    }

    /// Counts a request that the guard refused.
    pub(crate) fn guard_denied(&mut self) {
        self.state.guard_denied = self.state.guard_denied.saturating_add(1);
        self.dirty = true;
    }

    /// Writes events. What the disk refuses is counted as lost, and the reason given.
    pub(crate) fn append(&mut self, events: Vec<Taken>) -> io::Result<()> {
        let mut records = Vec::new();
        let mut events = events.into_iter().peekable();
        let mut problem = Ok(());
        while events.peek().is_some() {
            let (mut count, base) = (0_u64, self.last.saturating_add(1));
            records.clear();
            // As many as the segment has room for, at least one.
            let room = self.room();
            while (records.len() as u64) < room
                && let Some(event) = events.next()
            {
                let event = RelayedEvent {
                    sequence: base.saturating_add(count),
                    node_id: event.node.to_string(),
                    taken_ms: event.taken_ms,
                    event: event.event,
                };
                segment::record(&event, &mut records);
                count = count.saturating_add(1);
            }
            match self.write(&records, count) {
                Ok(()) => self.last = self.last.saturating_add(count),
                Err(error) => {
                    self.lose(Loss::Disk, count);
                    problem = Err(error);
                }
            }
        }
        problem
    }

    /// Events after this sequence that are on disk, oldest first.
    pub(crate) fn after(&mut self, sequence: u64) -> io::Result<Vec<RelayedEvent>> {
        let settled = self.state.floor.max(self.state.gone);
        let next = sequence.max(settled).saturating_add(1);
        let Some(segment) = self.segments.iter().find(|it| it.last() >= next) else {
            return Ok(Vec::new());
        };
        // Events are missing between two segments, and they are counted.
        let next = next.max(segment.first);
        let place = self.place.filter(|it| it.sequence == next);
        let place = match place.filter(|_| next > segment.first) {
            Some(place) => place,
            None => match seek(segment, next)? {
                Some(place) => place,
                None => return self.skip(sequence),
            },
        };
        match segment.read(place, limits::BATCH_EVENTS, limits::BATCH_BYTES)? {
            Some((events, place)) => {
                self.place = Some(place);
                self.sent = self.sent.max(place.sequence.saturating_sub(1));
                Ok(events)
            }
            None => self.skip(sequence),
        }
    }

    /// Everything up to this sequence is stored.
    pub(crate) fn settle(&mut self, sequence: u64) -> io::Result<()> {
        let sequence = sequence.min(self.last);
        if sequence <= self.state.floor {
            return Ok(());
        }
        self.state.settle(sequence);
        self.dirty = true;
        let done = |it: &Segment| it.count > 0 && it.last() <= sequence;
        if self.segments.len() > 1 && self.segments.front().is_some_and(done) {
            // Before the files go: without them, what is above an old floor would look lost.
            self.save()?;
            while self.segments.len() > 1 && self.segments.front().is_some_and(done) {
                self.segments.pop_front().map(Segment::remove).transpose()?;
            }
        }
        Ok(())
    }

    /// Reading begins again at the floor, which is given: what was sent will not be acknowledged.
    pub(crate) fn rewind(&mut self) -> io::Result<u64> {
        self.sent = 0;
        if self.state.rewind() > 0 {
            self.save()?;
        }
        Ok(self.state.floor)
    }

    /// Forces to the disk what was written and counted.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        if self.unsynced {
            if let Some(segment) = self.segments.back() {
                segment.sync()?;
            }
            self.unsynced = false;
        }
        if self.dirty { self.save() } else { Ok(()) }
    }

    fn save(&mut self) -> io::Result<()> {
        self.state.write(&self.directory)?;
        self.dirty = false;
        Ok(())
    }

    fn bytes(&self) -> u64 {
        let sizes = self.segments.iter().map(|segment| segment.bytes);
        sizes.fold(0, u64::saturating_add)
    }

    /// Bytes that the segment at the end takes yet; a new segment takes all of its own.
    fn room(&self) -> u64 {
        let used = self.segments.back().map_or(0, |segment| segment.bytes);
        match self.bounds.segment.saturating_sub(used) {
            0 => self.bounds.segment,
            room => room,
        }
    }

    fn write(&mut self, records: &[u8], count: u64) -> io::Result<()> {
        self.make_room(records.len() as u64)?;
        let full = |it: &Segment| it.bytes >= self.bounds.segment;
        if self.segments.back().is_none_or(full) {
            if let Some(segment) = self.segments.back() {
                segment.sync()?;
            }
            let first = self.last.saturating_add(1);
            self.segments
                .push_back(Segment::create(&self.directory, first)?);
        }
        if let Some(segment) = self.segments.back_mut() {
            segment.append(records, count)?;
        }
        self.unsynced = true;
        Ok(())
    }

    /// Drops the oldest segments until so many bytes more fit in.
    fn make_room(&mut self, more: u64) -> io::Result<()> {
        while self.segments.len() > 1 && self.bytes().saturating_add(more) > self.bounds.bytes {
            let Some(oldest) = self.segments.front() else {
                break;
            };
            let lost = self.state.drop_up_to(oldest.last(), self.sent);
            tracing::warn!(lost, "the spool is full; its oldest events are lost");
            self.save()?;
            self.segments.pop_front().map(Segment::remove).transpose()?;
        }
        Ok(())
    }

    /// The record after `sequence` is damaged: what follows in its segment is lost, once everything
    /// before it is settled.
    fn skip(&mut self, sequence: u64) -> io::Result<Vec<RelayedEvent>> {
        if sequence > self.state.floor {
            return Ok(Vec::new());
        }
        let next = self.state.floor.saturating_add(1);
        if let Some(segment) = self.segments.iter().find(|it| it.last() >= next) {
            let lost = segment.last().saturating_sub(self.state.floor);
            self.state.floor = segment.last();
            self.lose(Loss::Damaged, lost);
            tracing::error!(
                lost,
                "a segment of the spool is damaged; its events are lost"
            );
            self.save()?;
        }
        Ok(Vec::new())
    }
}

/// Where a sequence is in its segment; none where a record before it is damaged.
fn seek(segment: &Segment, sequence: u64) -> io::Result<Option<Place>> {
    let mut place = segment.start();
    while place.sequence < sequence {
        let left = usize::try_from(sequence.saturating_sub(place.sequence)).unwrap_or(usize::MAX);
        let events = left.min(limits::BATCH_EVENTS);
        match segment.read(place, events, limits::BATCH_BYTES)? {
            Some((_, next)) => place = next,
            None => return Ok(None),
        }
    }
    Ok(Some(place))
}
