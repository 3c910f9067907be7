//! Why something is never, or always, so: what limits the values of the things that it reads.

use countersign_engine::Attribute;

use super::condition::{Condition, Goal};
use super::remark::Remark;
use super::solve::Solver;
use super::subject::{Key, Subject};

/// Adds what makes these goals impossible where it is not in them: what the set limits, or, of a single
/// test, what form its values have.
pub(super) fn explain<'c>(
    remark: &mut Remark,
    solver: Solver<'c, '_>,
    goals: &[Goal<'c>],
    conditions: &[&Condition<'_>],
) {
    let mut subjects: Vec<Subject> = Vec::new();
    for condition in conditions {
        condition.subjects(&mut subjects);
    }
    let asked = subjects.clone();
    for subject in &asked {
        let entry = solver.subjects.get(*subject);
        subjects.extend(entry.into_iter().flat_map(|entry| &entry.needs));
    }
    subjects.sort_unstable();
    subjects.dedup();
    let anyhow = Solver {
        wide: true,
        ..solver
    };
    if anyhow.impossible(goals.iter().copied()) {
        if let [subject] = asked.as_slice() {
            form(remark, solver, *subject);
        }
        return;
    }
    for subject in subjects {
        let limit = solver
            .subjects
            .get(subject)
            .and_then(|entry| entry.limit.as_ref());
        if let Some(limit) = limit {
            remark.note(limit.why.clone());
            if let Some(help) = &limit.help {
                remark.help(help.clone());
            }
        }
    }
}

/// What form the values of an attribute have.
fn form(remark: &mut Remark, solver: Solver<'_, '_>, subject: Subject) {
    let Some(Key::Attribute(attribute)) = solver.subjects.get(subject).map(|entry| &entry.key)
    else {
        return;
    };
    let form = match attribute {
        Attribute::Score => "`score` is a whole number from 0 to 100",
        Attribute::SourcePort => "a port is a number from 0 to 65535",
        Attribute::GeoAsn => "an autonomous system has a number from 0 to 4294967295",
        Attribute::SessionAge => "an age is not negative",
        Attribute::RequestMethod => "`request.method` is in upper case, whatever was sent",
        Attribute::RequestScheme => "`request.scheme` is `http` or `https`",
        Attribute::RequestHost => {
            "`request.host` is a host in lower case, with its port if one was sent"
        }
        Attribute::RequestUrlPath => {
            "`request.url_path` is in its normal form: it starts with `/` and has no `//`, no `.` or `..` \
             segment, no `;` and no `\\`"
        }
        Attribute::SourceAddress => {
            "`source.address` is one address in its shortest form, such as `192.0.2.1` or `2001:db8::1`"
        }
        _ => return,
    };
    remark.note(form.to_owned());
}
