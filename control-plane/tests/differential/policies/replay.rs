//! Does what is told of a recorded request agree with what the engine decides about the whole of it?

use std::collections::{BTreeMap, BTreeSet};

use countersign_control_plane::compile::{Compiled, RuntimeMaterial, compile};
use countersign_control_plane::resource::{Document, SourceFile, parse_files};
use countersign_control_plane::simulate::replay::{Candidate, Likeness};
use countersign_engine::{
    Action, Decision, EventId, Replayed, Revision, RevisionId, WorkerMemory, blob, decide,
};

use super::super::dice::Dice;
use super::traffic::Traffic;

/// A set that decides about whole requests and about recorded ones.
pub(crate) struct Both {
    documents: Vec<Document>,
    revision: Revision,
    candidate: Candidate,
}

/// What came of one request.
pub(crate) enum Came {
    /// It was exempt, so that nothing was recorded.
    Unrecorded,
    /// It cannot be told.
    Open(Vec<String>),
    /// It was told, and is so.
    Told,
}

impl Both {
    /// Compiles a set in which every decision becomes an event; none where it does not compile.
    pub(crate) fn load(yaml: &str) -> Option<Self> {
        let file = SourceFile {
            name: "set.yaml".to_owned(),
            content: yaml.as_bytes().to_vec(),
        };
        let documents = parse_files(&[file]).ok()?;
        let material = RuntimeMaterial {
            allow_sampling: Some(1),
            ..super::material()
        };
        let Compiled { forms, hash, .. } = compile(&documents, &material).ok()?;
        let id = RevisionId { number: 1, hash };
        let sealed = blob::seal(&forms.everything, &id, 1).expect("it is sealed");
        Some(Self {
            revision: Revision::load(sealed).expect("it loads"),
            candidate: Candidate::load(documents.clone(), &forms).expect("it loads"),
            documents,
        })
    }

    pub(crate) fn likeness(&self, former: &Self) -> Likeness {
        Likeness::between(&former.documents, &self.candidate)
    }

    fn decide(&self, asked: &Traffic, memory: &mut WorkerMemory) -> Decision {
        super::with_request(&self.revision, &asked.headers, &asked.peer, |request| {
            decide(&self.revision, request, memory, EventId::new(1, [0; 10]))
        })
    }
}

/// Lets one set decide, and tells by its event what the other does, whose own decision says whether that
/// is right.
pub(crate) fn compare(
    former: &Both,
    now: &Both,
    likeness: &Likeness,
    asked: &Traffic,
    memory: &mut WorkerMemory,
) -> Result<Came, String> {
    let recorded = former.decide(asked, memory);
    let Some(event) = &recorded.outcome().event else {
        return Ok(Came::Unrecorded);
    };
    let told = now.candidate.replay(likeness, &event.decode());
    let decision = now.decide(asked, memory);
    let (policy, action) = (decision.outcome().policy.clone(), action(&decision));
    let is_so = match &told {
        Replayed::Open(lacking) => {
            return Ok(Came::Open(lacking.names().map(str::to_owned).collect()));
        }
        Replayed::Decided {
            policy: told_policy,
            action: told_action,
        } => *told_policy == policy && *told_action == action,
        Replayed::Either { action: told } => *told == action,
    };
    if is_so {
        Ok(Came::Told)
    } else {
        Err(format!("told {told:?}, decided {policy:?} {action:?}"))
    }
}

fn action(decision: &Decision) -> Option<Action> {
    match decision {
        Decision::Permit(_) => None,
        Decision::Denial(denial) => Some(denial.action.clone()),
    }
}

/// A set with most of what one has and some of what another has.
pub(crate) fn edited(dice: &mut Dice<'_>, yaml: &str, other: &str) -> String {
    let (mine, theirs) = (by_name(yaml), by_name(other));
    let names: BTreeSet<_> = mine.keys().chain(theirs.keys()).collect();
    let mut edited = String::new();
    for name in names {
        let from = if dice.one_in(6) { &theirs } else { &mine };
        if let Some(document) = from.get(name) {
            edited.push_str("---\n");
            edited.push_str(document);
        }
    }
    edited
}

/// Documents by their first lines, which say what they are.
fn by_name(yaml: &str) -> BTreeMap<String, &str> {
    yaml.split("---\n")
        .filter(|document| !document.is_empty())
        .map(|document| {
            let lines: Vec<&str> = document.lines().take(3).collect();
            (lines.join("\n"), document)
        })
        .collect()
}
