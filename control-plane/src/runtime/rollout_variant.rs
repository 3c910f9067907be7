//! A set with what is new in it in monitor mode: nodes go on deciding as before and count what they would
//! do.
//!
//! The former version of a changed policy goes on being enforced, and so does a policy that was taken out.
//! The new version stands right before it, under the same name, and only counts: what both did is one
//! policy's numbers, told apart by the action. Gateways carry both, since they choose by name.
//!
//! What is no policy has no monitor mode: signals, lists, device rules, overrides and `Settings` hold as
//! they are declared, for the former version as well.

use std::collections::BTreeMap;

use super::build;
use super::change::ApplyError;
use crate::resource::{Action, Document, Kind, MitigationPolicy, Resource};

/// `declared`, its new and changed policies in monitor mode beside what they replace.
pub(super) fn monitoring(declared: &[Document], stable: &[Document]) -> Vec<Document> {
    let mut documents = Vec::with_capacity(declared.len());
    let (before, now) = (by_name(stable), by_name(declared));
    for document in declared {
        let former = before.get(&key(document)).copied();
        let same = former.is_some_and(|it| it.source == document.source);
        let mut variant = document.clone();
        if let Resource::MitigationPolicy(policy) = &mut variant.resource
            && !same
        {
            let former = former.filter(|former| acts(former));
            policy.only_count(former.is_some());
            documents.push(variant);
            // Policies of one priority and one name run in the order in which they stand here. The new one
            // counts first: what the former one ends would not reach it.
            documents.extend(former.cloned());
        } else {
            documents.push(variant);
        }
    }
    let gone = stable.iter().filter(|it| !now.contains_key(&key(it)));
    // A list that a former policy reads is there for as long as the policy is.
    documents.extend(gone.filter(|it| it.kind == Kind::List || acts(it)).cloned());
    documents
}

fn key(document: &Document) -> (Kind, &str) {
    (document.kind, &document.name)
}

fn by_name(documents: &[Document]) -> BTreeMap<(Kind, &str), &Document> {
    documents.iter().map(|it| (key(it), it)).collect()
}

/// Is it a policy that does something to requests?
fn acts(document: &Document) -> bool {
    let acts =
        |policy: &MitigationPolicy| !policy.only_counts() && policy.action != Action::Monitor;
    matches!(&document.resource, Resource::MitigationPolicy(policy) if acts(policy))
}

/// The declared set was compiled: what is wrong is what its policies are to stand beside.
pub(super) fn not_beside(error: ApplyError) -> ApplyError {
    let ApplyError::Refused(mut findings) = error else {
        return error;
    };
    findings.insert(
        0,
        build::finding(
            "a stage in monitor mode cannot begin: what the new policies replace does not go with what is declared beside them",
            Some(
                "give a list that changes its type another name, have fewer changes at once, or use a strategy without `mode: monitor`",
            ),
        ),
    );
    ApplyError::Refused(findings)
}

#[cfg(test)]
mod tests {
    use countersign_engine::{
        Connection, Decision, EventId, Request, Revision, RevisionId, Timestamp, WorkerMemory,
        blob, decide,
    };

    use super::*;
    use crate::compile::{RuntimeMaterial, compile};
    use crate::resource::{SourceFile, parse_files};

    fn policy(name: &str, rest: &str) -> String {
        format!(
            "---\napiVersion: countersign.dev/v1\nkind: MitigationPolicy\n\
             metadata: {{name: {name}}}\nspec: {{{rest}}}\n"
        )
    }

    fn set(content: &str) -> Vec<Document> {
        let file = SourceFile {
            name: "a.yaml".into(),
            content: content.as_bytes().to_vec(),
        };
        parse_files(&[file]).unwrap()
    }

    /// The variant as a node runs it.
    fn variant(declared: &str, stable: &str) -> Revision {
        let documents = monitoring(&set(declared), &set(stable));
        let compiled = compile(&documents, &RuntimeMaterial::default())
            .unwrap_or_else(|errors| panic!("{}", errors[0].rendered));
        let id = RevisionId {
            number: 1,
            hash: compiled.hash.clone(),
        };
        Revision::load(blob::seal(&compiled.forms.everything, &id, 1).unwrap()).unwrap()
    }

    /// What is done, by which policy, and what only counted.
    fn done(revision: &Revision, path: &str) -> String {
        let headers: Vec<(String, Vec<u8>)> = [
            (":method", "GET"),
            (":path", path),
            (":authority", "shop.example.com"),
            (":scheme", "https"),
        ]
        .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()))
        .to_vec();
        let now = Timestamp::from_seconds(1_795_262_400);
        let request = Request::new(revision, &headers, Connection::default(), now);
        let id = EventId::new(1, [0; 10]);
        let decision = decide(revision, &request, &mut WorkerMemory::default(), id);
        let outcome = match &decision {
            Decision::Permit(permit) => permit.outcome(),
            Decision::Denial(denial) => denial.outcome(),
        };
        let by = outcome.policy.as_deref().unwrap_or("-");
        format!("{} {by} [{}]", outcome.action, outcome.monitored.join(","))
    }

    #[test]
    fn the_former_version_acts_and_the_new_one_counts_beside_it_under_the_same_name() {
        let stable = policy("one", r#"endpoints: ["/a/*"], action: block"#);
        let declared = policy("one", r#"endpoints: ["/a/*", "/b/*"], action: challenge"#);
        let variant = variant(&declared, &stable);
        for (path, expected) in [
            ("/a/1", "block one [one]"),
            ("/b/1", "allow - [one]"),
            ("/c/1", "allow - []"),
        ] {
            assert_eq!(done(&variant, path), expected, "{path}");
        }
    }

    #[test]
    fn what_is_new_counts_what_is_gone_acts_and_what_is_the_same_is_the_same() {
        let same = policy("same", r#"endpoints: ["/s/*"], action: block"#);
        let gone = policy("gone", r#"endpoints: ["/g/*"], action: block"#);
        let new = policy("new", r#"endpoints: ["/n/*"], action: block"#);
        let variant = variant(&format!("{same}{new}"), &format!("{same}{gone}"));
        for (path, expected) in [
            ("/s/1", "block same []"),
            ("/g/1", "block gone []"),
            ("/n/1", "allow - [new]"),
        ] {
            assert_eq!(done(&variant, path), expected, "{path}");
        }
    }

    #[test]
    fn a_former_version_that_only_counted_is_not_counted_twice() {
        for stable in ["action: monitor", "action: block, mode: monitor"] {
            let declared = policy("one", "action: challenge");
            let variant = variant(&declared, &policy("one", stable));
            assert_eq!(done(&variant, "/"), "allow - [one]", "{stable}");
        }
    }

    #[test]
    fn a_list_that_a_former_version_reads_stays_with_it() {
        let list = "---\napiVersion: countersign.dev/v1\nkind: List\nmetadata: {name: paths}\n\
            spec: {strings: [/x]}\n";
        let former = policy(
            "one",
            "when: 'request.url_path in lists.paths', action: block",
        );
        let declared = policy("one", "when: 'request.url_path == \"/y\"', action: block");
        let variant = variant(&declared, &format!("{former}{list}"));
        assert_eq!(done(&variant, "/x"), "block one []");
        assert_eq!(done(&variant, "/y"), "allow - [one]");
    }
}
