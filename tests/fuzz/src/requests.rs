//! Paths, headers, and the policies that requests meet.

use std::cell::RefCell;

use countersign_engine::reply::reply;
use countersign_engine::{
    Connection, Decision, EventId, Request, Revision, Timestamp, WorkerMemory, decide,
    normalise_path,
};

use crate::differential::dice::Dice;
use crate::differential::policies::{self, NOW};

thread_local! {
    /// A worker that lives as long as the fuzzer.
    static WORKER: RefCell<WorkerMemory> = RefCell::default();
    static REVISION: Revision = {
        let yaml = policies::set::set(&mut Dice::seeded(3), 16);
        policies::load(&yaml).expect("the set compiles")
    };
}

/// Names of headers that something reads; others are what the bytes say.
const READ: [&str; 16] = [
    ":method",
    ":path",
    ":authority",
    ":scheme",
    "host",
    "cookie",
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-bot-score",
    "x-geo-country",
    "x-geo-asn",
    "x-visitor-id",
    "accept",
    "sec-fetch-mode",
    "origin",
    "x-tenant",
];

/// A path by itself, then lines as headers: a byte for the name, the value up to a line feed. The first
/// line is the path.
pub fn path(data: &[u8]) {
    let mut lines = data.split(|&byte| byte == b'\n');
    let target = lines.next().unwrap_or_default();
    is_normal(target);
    let mut headers = vec![(":path".to_owned(), target.to_vec())];
    let mut peer: &[u8] = b"127.0.0.1:5000";
    for line in lines {
        let Some((name, value)) = line.split_first() else {
            continue;
        };
        match (READ.get(usize::from(*name % 32)), *name % 32) {
            (Some(name), _) => headers.push(((*name).to_owned(), value.to_vec())),
            (None, 31) => peer = value,
            (None, _) => headers.push((format!("x-{name}"), value.to_vec())),
        }
    }
    REVISION.with(|revision| {
        WORKER.with_borrow_mut(|memory| {
            let connection = Connection {
                peer: Some(peer),
                server_name: Some(target),
                ja4: Some(target),
                ..Connection::default()
            };
            let now = Timestamp::from_seconds(NOW);
            let request = Request::new(revision, &headers, connection, now);
            let decision = decide(revision, &request, memory, EventId::new(1, [1; 10]));
            if let Decision::Denial(denial) = decision {
                let reply = reply(revision, &request, &denial);
                assert!(
                    (300..600).contains(&reply.status),
                    "a refusal is no success"
                );
                for (name, value) in &reply.headers {
                    let plain = value.bytes().all(|byte| (b' '..=b'~').contains(&byte));
                    assert!(plain, "{name} would break out of its header: {value:?}");
                }
            }
        })
    });
    let peer = String::from_utf8_lossy(peer).into_owned();
    agrees_on_the_fixed_set(&headers, &peer);
}

/// What the module's own rules promise of every path.
fn is_normal(target: &[u8]) {
    let normal = normalise_path(target);
    assert_eq!(normal.first(), Some(&b'/'), "a path starts with a slash");
    assert!(!normal.contains(&b'\\'), "backslashes are slashes");
    assert!(!normal.contains(&b';'), "parameters are cut off");
    let text = &normal[1..];
    for (place, segment) in text.split(|&byte| byte == b'/').enumerate() {
        assert!(!matches!(segment, b"." | b".."), "dot segments are removed");
        let last = place + 1 == text.split(|&byte| byte == b'/').count();
        assert!(last || !segment.is_empty(), "repeated slashes are one");
    }
    // What was decoded may look like an escape, a query or a fragment again.
    if !normal.iter().any(|byte| matches!(byte, b'%' | b'?' | b'#')) {
        assert_eq!(normalise_path(&normal), normal, "twice is once");
    }
}

fn agrees_on_the_fixed_set(headers: &[(String, Vec<u8>)], peer: &str) {
    REVISION.with(|revision| {
        WORKER.with_borrow_mut(|memory| {
            let explanation = policies::ask(revision, headers, peer, memory);
            if let Err(how) = policies::agrees(&explanation) {
                panic!("{how}");
            }
        })
    });
}

/// Sets and requests: what the index selects is what asking every policy selects.
pub fn index(data: &[u8]) {
    let mut dice = Dice::given(data);
    let yaml = policies::set::set(&mut dice, 8);
    let revision = match policies::load(&yaml) {
        Ok(revision) => revision,
        Err(why) => panic!("{why}\n{yaml}"),
    };
    for _ in 0..4 {
        let asked = policies::traffic::traffic(&mut dice);
        let explanation = WORKER.with_borrow_mut(|memory| {
            policies::ask(&revision, &asked.headers, &asked.peer, memory)
        });
        if let Err(how) = policies::agrees(&explanation) {
            panic!("{how}\n{asked:?}\n{yaml}");
        }
    }
}
