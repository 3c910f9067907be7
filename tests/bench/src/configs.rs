//! What is measured: the configurations, and how each has to answer.

use std::path::PathBuf;

use anyhow::Result;

use crate::compiled::compiled;
use crate::delivery::WasmFilter;
use crate::envoy_config::{Filter, Listener, ext_authz, guard, jwt_authn};
use crate::policies::{Rule, many, mixed, resources, unindexed};
use crate::progress::Progress;
use crate::requests::{Request, Session};
use crate::{rbac, session};

/// Numbers of policies in the mix.
pub(crate) const COUNTS: [usize; 4] = [10, 100, 1_000, 10_000];
/// The largest of them.
pub(crate) const LARGEST: usize = 10_000;
/// The number at which the families beside the mix are measured.
const THOUSAND: usize = 1_000;
/// Networks, and device rules, of the largest set.
const MILLION: usize = 1_000_000;

/// The chain without a filter, which all others are compared with.
pub(crate) const EMPTY: &str = "empty";
pub(crate) const FLOOR: &str = "wasm_floor";
pub(crate) const COUNTERSIGN: &str = "countersign";
pub(crate) const GUARDED: &str = "countersign_guard";
pub(crate) const UNINDEXED: &str = "countersign_unindexed";
pub(crate) const MILLIONS: &str = "countersign_millions";
pub(crate) const RBAC: &str = "rbac";
pub(crate) const RBAC_JWT: &str = "rbac_jwt";
pub(crate) const EXT_AUTHZ: &str = "ext_authz";

/// What a chain does with a request that a policy is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answers {
    /// Nothing: all requests pass.
    Passes,
    /// Asks for a session, where there is none.
    Challenges,
    /// Refuses.
    Denies,
}

/// One line of the table: a listener and the requests that it gets.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) name: String,
    pub(crate) policies: usize,
    pub(crate) session: Session,
    pub(crate) answers: Answers,
    /// Index into the listeners.
    pub(crate) listener: usize,
}

/// Listeners, and what is measured on them.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) listeners: Vec<Listener>,
    pub(crate) configs: Vec<Config>,
}

/// Where the wasm modules are.
#[derive(Clone, Debug)]
pub(crate) struct Modules {
    pub(crate) filter: PathBuf,
    pub(crate) floor: PathBuf,
}

impl Modules {
    /// Our filter with a compiled policy.
    fn filter(&self, name: &str, policies: usize, blob: &[u8]) -> Filter {
        Filter::Wasm(WasmFilter {
            name: format!("{name}-{policies}"),
            module: self.filter.clone(),
            configuration: blob.to_vec(),
        })
    }

    /// The floor, with some of our filter's host calls where words name them.
    pub(crate) fn floor(&self, name: &str, words: &str) -> Filter {
        Filter::Wasm(WasmFilter {
            name: name.to_owned(),
            module: self.floor.clone(),
            configuration: words.as_bytes().to_vec(),
        })
    }
}

impl Config {
    /// Is it one whose memory is to be told by worker?
    pub(crate) fn counts_workers(&self) -> bool {
        self.name == FLOOR
            || self.name == MILLIONS
            || (self.name == COUNTERSIGN && self.policies == LARGEST)
    }

    /// The status that a request must be answered with.
    pub(crate) fn expected(answers: Answers, session: Session) -> impl Fn(&Request) -> u16 {
        move |request| match (answers, request.matches, session) {
            (Answers::Passes, ..) | (_, false, _) | (Answers::Challenges, true, Session::Valid) => {
                200
            }
            (Answers::Challenges, true, Session::Absent) if request.navigation => 303,
            (Answers::Challenges | Answers::Denies, true, _) => 403,
        }
    }
}

impl Plan {
    /// What is measured on a listener.
    pub(crate) fn configs_of(&self, listener: usize) -> impl Iterator<Item = &Config> {
        self.configs
            .iter()
            .filter(move |config| config.listener == listener)
    }

    /// Adds a chain and the requests that it is measured with.
    pub(crate) fn add(
        &mut self,
        listener: Listener,
        policies: usize,
        answers: Answers,
        sessions: &[Session],
    ) {
        let name = listener.name.split('-').next().unwrap_or_default();
        for &session in sessions {
            self.configs.push(Config {
                name: name.to_owned(),
                policies,
                session,
                answers,
                listener: self.listeners.len(),
            });
        }
        self.listeners.push(listener);
    }

    /// Adds the chain without a filter.
    pub(crate) fn add_empty(&mut self) {
        let listener = listener(EMPTY, 0, Vec::new());
        self.add(listener, 0, Answers::Passes, &BOTH);
    }

    /// Adds the floor, with some of our filter's host calls where words name them.
    pub(crate) fn add_floor(
        &mut self,
        name: &str,
        modules: &Modules,
        words: &str,
        sessions: &[Session],
    ) {
        let listener = listener(name, 0, vec![modules.floor(name, words)]);
        self.add(listener, 0, Answers::Passes, sessions);
    }
}

const BOTH: [Session; 2] = [Session::Absent, Session::Valid];

/// The name of a listener says what it is and how many policies it has.
pub(crate) fn listener(name: &str, policies: usize, filters: Vec<Filter>) -> Listener {
    Listener {
        name: format!("{name}-{policies}"),
        filters,
    }
}

/// Compiles documents for the filter and makes a chain of it.
pub(crate) fn countersign(
    name: &str,
    policies: usize,
    documents: &[String],
    modules: &Modules,
) -> Result<Listener> {
    let blob = compiled(documents, session::KID, session::public_key())?;
    let filter = modules.filter(name, policies, &blob);
    Ok(listener(name, policies, vec![filter]))
}

/// Everything that the table asks for; of it, what `wanted` names.
pub(crate) fn everything(
    modules: &Modules,
    wanted: impl Fn(&str) -> bool,
    progress: &Progress,
) -> Result<Plan> {
    let mut plan = Plan::default();
    plan.add_empty();
    if wanted(FLOOR) {
        plan.add_floor(FLOOR, modules, "", &BOTH);
    }
    for count in COUNTS {
        if wanted(COUNTERSIGN) || (count == THOUSAND && wanted(GUARDED)) {
            mix(&mut plan, &mixed(count), modules, &wanted, progress)?;
        }
    }
    if wanted(UNINDEXED) {
        progress.say("compiling 1,000 policies that no index can help");
        let documents = resources(&unindexed(THOUSAND));
        let listener = countersign(UNINDEXED, THOUSAND, &documents, modules)?;
        plan.add(listener, THOUSAND, Answers::Challenges, &BOTH);
    }
    if wanted(MILLIONS) {
        progress.say("compiling a million networks and a million device rules");
        let documents = many(MILLION, MILLION);
        let listener = countersign(MILLIONS, 11, &documents, modules)?;
        plan.add(listener, 11, Answers::Challenges, &[Session::Absent]);
    }
    if wanted(RBAC) {
        for count in COUNTS {
            let listener = listener(RBAC, count, vec![rbac::filter(&mixed(count))]);
            plan.add(listener, count, Answers::Denies, &[Session::Absent]);
        }
    }
    if wanted(RBAC_JWT) {
        for count in COUNTS {
            let filters = vec![jwt_authn(), rbac::filter(&mixed(count))];
            let listener = listener(RBAC_JWT, count, filters);
            plan.add(listener, count, Answers::Denies, &[Session::Valid]);
        }
    }
    if wanted(EXT_AUTHZ) {
        let listener = listener(EXT_AUTHZ, 0, vec![ext_authz()]);
        plan.add(listener, 0, Answers::Passes, &[Session::Valid]);
    }
    Ok(plan)
}

/// Our filter with the mix, and at a thousand policies also with the guard behind it.
fn mix(
    plan: &mut Plan,
    rules: &[Rule],
    modules: &Modules,
    wanted: &impl Fn(&str) -> bool,
    progress: &Progress,
) -> Result<()> {
    let count = rules.len();
    progress.say(&format!("compiling {count} policies"));
    let blob = compiled(&resources(rules), session::KID, session::public_key())?;
    let filter = |name: &str| modules.filter(name, count, &blob);
    if wanted(COUNTERSIGN) {
        let listener = listener(COUNTERSIGN, count, vec![filter(COUNTERSIGN)]);
        plan.add(listener, count, Answers::Challenges, &BOTH);
    }
    if count == THOUSAND && wanted(GUARDED) {
        let listener = listener(GUARDED, count, vec![filter(GUARDED), guard()]);
        plan.add(listener, count, Answers::Challenges, &[Session::Valid]);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::requests::requests;

    #[test]
    fn only_a_tenth_is_answered_otherwise_and_only_where_the_chain_judges() {
        let all = requests(Session::Absent, 0);
        let others = |answers, session| {
            let expected = Config::expected(answers, session);
            all.iter()
                .filter(|request| expected(request) != 200)
                .count()
        };
        assert_eq!(others(Answers::Passes, Session::Absent), 0);
        assert_eq!(others(Answers::Challenges, Session::Valid), 0);
        assert_eq!(others(Answers::Challenges, Session::Absent), all.len() / 10);
        assert_eq!(others(Answers::Denies, Session::Valid), all.len() / 10);
    }
}
