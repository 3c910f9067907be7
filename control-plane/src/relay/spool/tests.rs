use std::fs::OpenOptions;
use std::io::Write as _;

use tempfile::TempDir;

use super::*;

const SMALL: Bounds = Bounds {
    bytes: 4_096,
    segment: 512,
};

fn taken(n: u64) -> Taken {
    Taken {
        node: "edge-1".into(),
        taken_ms: n,
        event: format!("event number {n:04}").into_bytes(),
    }
}

fn some(range: std::ops::RangeInclusive<u64>) -> Vec<Taken> {
    range.map(taken).collect()
}

fn open(dir: &TempDir, bounds: Bounds) -> Spool {
    Spool::open(dir.path(), bounds, "fresh".into()).unwrap()
}

fn sequences(events: &[RelayedEvent]) -> Vec<u64> {
    events.iter().map(|event| event.sequence).collect()
}

/// Everything that waits, batch by batch, settled as it is read.
fn drain(spool: &mut Spool) -> Vec<u64> {
    let mut all = Vec::new();
    while spool.floor() < spool.last() {
        let events = spool.after(spool.floor()).unwrap();
        if let Some(last) = events.last() {
            spool.settle(last.sequence).unwrap();
        }
        all.extend(sequences(&events));
    }
    all
}

fn holds_together(spool: &Spool) {
    let counts = spool.counts();
    let lost = |loss: fn(&Loss) -> bool| -> u64 {
        counts
            .lost
            .iter()
            .filter(|(it, _)| loss(it))
            .map(|(_, n)| n)
            .sum()
    };
    assert_eq!(
        counts.spooled,
        counts.delivered + counts.waiting + lost(|it| it.was_spooled())
    );
    assert_eq!(counts.taken, counts.spooled + lost(|it| !it.was_spooled()));
}

fn newest_segment(dir: &TempDir) -> PathBuf {
    let names = std::fs::read_dir(dir.path()).unwrap().flatten();
    let mut segments: Vec<_> = names
        .map(|entry| entry.path())
        .filter(|path| segment::first_in_name(path).is_some())
        .collect();
    segments.sort();
    segments.pop().unwrap()
}

fn segments(dir: &TempDir) -> usize {
    let names = std::fs::read_dir(dir.path()).unwrap().flatten();
    names
        .filter(|entry| segment::first_in_name(&entry.path()).is_some())
        .count()
}

#[test]
fn what_is_spooled_comes_back_in_order_and_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut spool = open(&dir, SMALL);
    spool.append(some(1..=30)).unwrap();
    assert!(segments(&dir) > 1);
    let first = spool.after(0).unwrap();
    assert_eq!(first[0].event, taken(1).event);
    assert_eq!(
        (first[0].taken_ms, first[0].node_id.as_str()),
        (1, "edge-1")
    );
    assert_eq!(drain(&mut spool), (1..=30).collect::<Vec<_>>());
    assert!(spool.after(30).unwrap().is_empty());
    assert_eq!(spool.counts().delivered, 30);
    assert_eq!(segments(&dir), 1, "what is delivered goes");
    holds_together(&spool);
}

#[test]
fn a_batch_follows_the_last_one_before_that_is_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let mut spool = open(&dir, SMALL);
    spool.append(some(1..=30)).unwrap();
    let (mut at, mut all) = (0, Vec::new());
    while at < 30 {
        let events = spool.after(at).unwrap();
        at = events.last().unwrap().sequence;
        all.extend(sequences(&events));
    }
    assert_eq!(all, (1..=30).collect::<Vec<_>>());
    assert_eq!(spool.counts().waiting, 30);
    // A new stream begins again with what nobody acknowledged.
    assert_eq!(spool.after(spool.floor()).unwrap()[0].sequence, 1);
}

#[test]
fn a_spool_goes_on_where_it_was_killed() {
    let dir = tempfile::tempdir().unwrap();
    let mut spool = open(&dir, SMALL);
    let name = spool.name().to_owned();
    spool.append(some(1..=30)).unwrap();
    spool.settle(12).unwrap();
    spool.sync().unwrap();
    drop(spool);
    let mut spool = Spool::open(dir.path(), SMALL, "another".into()).unwrap();
    assert_eq!(
        (spool.name(), spool.last(), spool.floor()),
        (name.as_str(), 30, 12)
    );
    spool.append(some(31..=31)).unwrap();
    assert_eq!(drain(&mut spool), (13..=31).collect::<Vec<_>>());
    holds_together(&spool);
}

#[test]
fn an_acknowledgement_that_was_not_written_down_is_asked_for_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut spool = open(&dir, Bounds::of(1 << 20));
    spool.append(some(1..=5)).unwrap();
    spool.settle(3).unwrap();
    drop(spool);
    let mut spool = open(&dir, Bounds::of(1 << 20));
    assert_eq!(drain(&mut spool), [1, 2, 3, 4, 5]);
    assert_eq!(spool.counts().delivered, 5);
    holds_together(&spool);
}

#[test]
fn a_torn_tail_is_cut_at_every_byte() {
    let dir = tempfile::tempdir().unwrap();
    let mut spool = open(&dir, Bounds::of(1 << 20));
    spool.append(some(1..=2)).unwrap();
    drop(spool);
    let path = newest_segment(&dir);
    let two = std::fs::read(&path).unwrap();
    let mut spool = open(&dir, Bounds::of(1 << 20));
    spool.append(some(3..=3)).unwrap();
    drop(spool);
    let three = std::fs::read(&path).unwrap();
    for length in two.len()..three.len() {
        std::fs::write(&path, &three[..length]).unwrap();
        let mut spool = open(&dir, Bounds::of(1 << 20));
        assert_eq!(spool.last(), 2, "{length} bytes");
        assert_eq!(std::fs::metadata(&path).unwrap().len(), two.len() as u64);
        spool.append(some(4..=4)).unwrap();
        assert_eq!(sequences(&spool.after(0).unwrap()), [1, 2, 3]);
        holds_together(&spool);
    }
}

#[test]
fn a_full_spool_drops_its_oldest_and_counts_them() {
    let dir = tempfile::tempdir().unwrap();
    let mut spool = open(&dir, SMALL);
    for n in 1..=400 {
        spool.append(vec![taken(n)]).unwrap();
        let size: u64 = std::fs::read_dir(dir.path())
            .unwrap()
            .flatten()
            .filter(|entry| segment::first_in_name(&entry.path()).is_some())
            .map(|entry| entry.metadata().unwrap().len())
            .sum();
        assert!(size <= SMALL.bytes, "{size} bytes after {n}");
        holds_together(&spool);
    }
    let lost = spool.counts().lost[&Loss::SpoolFull];
    assert!(lost > 0);
    assert_eq!(drain(&mut spool), (lost + 1..=400).collect::<Vec<_>>());
    let counts = spool.counts();
    assert_eq!((counts.taken, counts.delivered + lost), (400, 400));
    drop(spool);
    assert_eq!(
        open(&dir, SMALL).counts().lost[&Loss::SpoolFull],
        lost,
        "remembered"
    );
}

#[test]
fn a_smaller_bound_holds_from_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let mut spool = open(&dir, SMALL);
    spool.append(some(1..=60)).unwrap();
    drop(spool);
    let spool = open(
        &dir,
        Bounds {
            bytes: 1_024,
            segment: 512,
        },
    );
    assert!(spool.counts().waiting_bytes <= 1_024);
    holds_together(&spool);
}

#[test]
fn damage_in_the_middle_costs_what_follows_in_its_segment() {
    let dir = tempfile::tempdir().unwrap();
    let mut spool = open(&dir, SMALL);
    spool.append(some(1..=30)).unwrap();
    let second = spool.segments[1].first;
    spool.sync().unwrap();
    drop(spool);
    let path = dir.path().join(format!("events-{:020}.seg", 1));
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    std::fs::write(&path, bytes).unwrap();
    let mut spool = open(&dir, SMALL);
    let lost = spool.counts().lost[&Loss::Damaged];
    assert!(lost > 0 && lost < second);
    let all = drain(&mut spool);
    assert_eq!(all.len() as u64 + lost, 30);
    assert!(all.contains(&second) && all.contains(&30));
    holds_together(&spool);
}

#[test]
fn damage_while_it_runs_is_skipped_once_what_is_before_is_settled() {
    let dir = tempfile::tempdir().unwrap();
    let mut spool = open(&dir, SMALL);
    spool.append(some(1..=30)).unwrap();
    let second = spool.segments[1].first;
    let path = dir.path().join(format!("events-{second:020}.seg"));
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[40] ^= 0xff;
    std::fs::write(&path, bytes).unwrap();
    assert!(spool.after(second - 1).unwrap().is_empty());
    assert!(
        spool.counts().lost.is_empty(),
        "those before it are under way"
    );
    let all = drain(&mut spool);
    let lost = spool.counts().lost[&Loss::Damaged];
    assert_eq!(all.len() as u64 + lost, 30);
    assert_eq!(all.last(), Some(&30));
    holds_together(&spool);
}

#[test]
fn a_damaged_state_begins_a_spool_anew_and_keeps_the_events() {
    let dir = tempfile::tempdir().unwrap();
    let mut spool = open(&dir, SMALL);
    spool.append(some(1..=3)).unwrap();
    drop(spool);
    std::fs::write(dir.path().join("spool.json"), "{").unwrap();
    let mut spool = Spool::open(dir.path(), SMALL, "another".into()).unwrap();
    assert_eq!(spool.name(), "another");
    assert_eq!(drain(&mut spool), [1, 2, 3]);
    holds_together(&spool);
}

#[test]
fn a_file_that_is_no_segment_is_put_aside() {
    let dir = tempfile::tempdir().unwrap();
    let mut spool = open(&dir, SMALL);
    spool.append(some(1..=3)).unwrap();
    drop(spool);
    std::fs::write(dir.path().join("events-00000000000000000009.seg"), "no").unwrap();
    let mut spool = open(&dir, SMALL);
    assert_eq!(drain(&mut spool), [1, 2, 3]);
    assert_eq!(segments(&dir), 1);
}

#[test]
fn what_is_lost_before_the_spool_is_counted_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut spool = open(&dir, SMALL);
    spool.append(some(1..=3)).unwrap();
    spool.lose(Loss::QueueFull, 2);
    spool.malformed(1);
    spool.sync().unwrap();
    drop(spool);
    let counts = open(&dir, SMALL).counts();
    assert_eq!((counts.taken, counts.spooled, counts.malformed), (5, 3, 1));
}

#[test]
fn what_the_disk_refuses_is_counted_and_the_spool_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let mut spool = open(&dir, SMALL);
    spool.append(some(1..=3)).unwrap();
    let there = dir.path().join("gone");
    let real = std::mem::replace(&mut spool.directory, there);
    // The next segment cannot be made.
    spool.append(some(4..=40)).unwrap_err();
    let lost = spool.counts().lost[&Loss::Disk];
    assert!(lost > 0);
    holds_together(&spool);
    spool.directory = real;
    spool.append(some(41..=42)).unwrap();
    assert_eq!(drain(&mut spool).len() as u64 + lost, 42);
}

#[test]
fn a_record_that_is_appended_by_somebody_else_is_not_read() {
    let dir = tempfile::tempdir().unwrap();
    let mut spool = open(&dir, SMALL);
    spool.append(some(1..=2)).unwrap();
    let mut foreign = Vec::new();
    let event = RelayedEvent {
        sequence: 9,
        ..RelayedEvent::default()
    };
    segment::record(&event, &mut foreign);
    drop(spool);
    let mut file = OpenOptions::new()
        .append(true)
        .open(newest_segment(&dir))
        .unwrap();
    file.write_all(&foreign).unwrap();
    assert_eq!(open(&dir, SMALL).last(), 2);
}

#[test]
fn what_was_sent_before_it_had_to_go_is_delivered_when_it_is_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let mut spool = open(&dir, SMALL);
    spool.append(some(1..=10)).unwrap();
    let sent = sequences(&spool.after(0).unwrap());
    let last = *sent.last().unwrap();
    spool.append(some(11..=400)).unwrap();
    let lost = spool.counts().lost[&Loss::SpoolFull];
    holds_together(&spool);
    spool.settle(last).unwrap();
    assert_eq!(spool.counts().delivered, last);
    let rest = drain(&mut spool).len() as u64;
    assert_eq!(spool.counts().delivered, last + rest);
    assert_eq!(spool.counts().lost[&Loss::SpoolFull], lost);
    holds_together(&spool);
}

#[test]
fn what_was_sent_and_had_to_go_is_lost_when_nobody_acknowledges_it() {
    for restarted in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let mut spool = open(&dir, SMALL);
        spool.append(some(1..=10)).unwrap();
        spool.after(0).unwrap();
        spool.append(some(11..=400)).unwrap();
        if restarted {
            drop(spool);
            spool = open(&dir, SMALL);
        } else {
            spool.rewind().unwrap();
        }
        let lost = spool.counts().lost[&Loss::SpoolFull];
        assert_eq!(drain(&mut spool), (lost + 1..=400).collect::<Vec<_>>());
        holds_together(&spool);
    }
}

#[test]
fn in_any_order_what_is_counted_as_delivered_was_acknowledged() {
    for seed in 1..=12_u64 {
        let mut dice = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut below = |n: u64| {
            dice ^= dice << 13;
            dice ^= dice >> 7;
            dice ^= dice << 17;
            dice % n
        };
        let dir = tempfile::tempdir().unwrap();
        let mut spool = open(&dir, SMALL);
        let (mut taken, mut sent, mut under_way) = (0, 0, Vec::new());
        let mut acknowledged = std::collections::BTreeSet::new();
        for _ in 0..60 {
            match below(8) {
                0..3 => {
                    let more = below(60) + 1;
                    spool.append(some(taken + 1..=taken + more)).unwrap();
                    taken += more;
                }
                3..5 => {
                    let events = sequences(&spool.after(sent).unwrap());
                    sent = events.last().copied().unwrap_or(sent);
                    under_way.push(events);
                }
                5 if !under_way.is_empty() => {
                    let events: Vec<u64> = under_way.remove(0);
                    if let Some(last) = events.last() {
                        spool.settle(*last).unwrap();
                    }
                    acknowledged.extend(events);
                }
                6 => {
                    sent = spool.rewind().unwrap();
                    under_way.clear();
                }
                7 if below(4) == 0 => {
                    spool.sync().unwrap();
                    drop(spool);
                    spool = open(&dir, SMALL);
                    sent = spool.floor();
                    under_way.clear();
                }
                _ => {}
            }
            holds_together(&spool);
            let counts = spool.counts();
            assert_eq!(counts.delivered, acknowledged.len() as u64, "seed {seed}");
            assert_eq!(counts.taken, taken, "seed {seed}");
        }
        spool.rewind().unwrap();
        acknowledged.extend(drain(&mut spool));
        assert_eq!(
            spool.counts().delivered,
            acknowledged.len() as u64,
            "seed {seed}"
        );
        assert_eq!(spool.counts().waiting, 0);
    }
}
