//! The compiled form's decoder: it accepts or refuses, and what it accepts can be worked with.

use countersign_engine::reply::reply;
use countersign_engine::{
    Attribute, Connection, Decision, EventId, Request, Revision, RevisionId, Timestamp,
    WorkerMemory, blob, decide, explain,
};

use crate::differential::policies::NOW;

/// Bytes of a description per byte of the blob, at most, and some to begin with: an expression that
/// shares its parts is written out as often as it is used, up to a bound for each.
const DESCRIBED: usize = 64 * 1024;

/// Bytes as a blob, and as the body of one whose checksum fits.
pub fn decode(data: &[u8]) {
    if let Ok(revision) = Revision::load(data.to_vec()) {
        work_with(&revision);
    }
    let id = RevisionId {
        number: 7,
        hash: "3fa9c1d2e4b5".to_owned(),
    };
    let Ok(sealed) = blob::seal(data, &id, 1) else {
        return;
    };
    if let Ok(revision) = Revision::load(sealed) {
        assert_eq!(revision.id(), &id, "the envelope says which revision it is");
        work_with(&revision);
    }
}

fn work_with(revision: &Revision) {
    let policies = revision.policy_count();
    assert_eq!(
        revision.policy_names().count(),
        policies,
        "every policy has a name"
    );
    if policies < 100 {
        assert!(
            revision.describe().len() < (policies + 100) * DESCRIBED,
            "a description is bounded"
        );
    }
    let _kids = (revision.ticket_kid(), revision.session_kids().count());
    for &attribute in Attribute::ALL {
        let _known = revision.reads(attribute);
    }
    let mut memory = WorkerMemory::default();
    for (path, more) in [
        ("/checkout/pay?a=1", &[][..]),
        (
            "/",
            &[
                ("x-tenant", "t1"),
                ("user-agent", "HeadlessChrome"),
                ("x-bot-score", "90"),
            ],
        ),
        (
            "/.well-known/x",
            &[
                ("cookie", "__Host-countersign=a.b.c"),
                ("x-forwarded-for", "::1"),
            ],
        ),
    ] {
        let mut headers = Vec::new();
        for (name, value) in [
            (":method", "GET"),
            (":path", path),
            (":scheme", "https"),
            (":authority", "shop.example.com"),
        ] {
            headers.push((name.to_owned(), value.as_bytes().to_vec()));
        }
        for (name, value) in more {
            headers.push(((*name).to_owned(), value.as_bytes().to_vec()));
        }
        let connection = Connection {
            peer: Some(b"127.0.0.1:5000"),
            tls_version: Some(b"TLSv1.3"),
            ..Connection::default()
        };
        let now = Timestamp::from_seconds(NOW);
        let request = Request::new(revision, &headers, connection, now);
        let id = EventId::new(1, [0; 10]);
        match decide(revision, &request, &mut memory, id) {
            Decision::Permit(permit) => {
                let _counted = permit.outcome();
            }
            Decision::Denial(denial) => {
                let _answered = reply(revision, &request, &denial);
            }
        }
        let explanation = explain(revision, &request, &mut memory, id);
        assert_eq!(
            explanation.policies.len() * usize::from(!explanation.exempt),
            explanation.policies.len()
        );
    }
}
