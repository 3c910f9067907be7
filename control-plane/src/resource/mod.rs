//! Resources as their authors write them: YAML into documents whose every value is of the right
//! kind and knows its place. What concerns several resources is [`crate::compile`]'s matter.

mod challenge;
mod cidr;
mod device_rule;
mod document;
mod duplicates;
mod duration;
mod endpoint;
mod fields;
mod gateway;
mod header;
mod host;
pub mod limits;
mod list;
mod list_file;
mod mitigation_policy;
mod name;
mod node_selector;
mod page;
mod policy_test;
mod reason_override;
mod rollout_strategy;
mod scalar;
mod settings;
mod signal;
mod split;
mod step_up;
mod time;
mod values;
mod verdicts;
mod words;
mod yaml;

use crate::diagnostic::{Diagnostic, Finding, Findings, Source};

pub(crate) use challenge::{ChallengeKind, ChallengeSpec, Possession};
pub(crate) use cidr::Cidr;
pub use device_rule::DeviceRule;
pub(crate) use duplicates::find_duplicates;
pub(crate) use endpoint::unreachable_because;
pub use gateway::Gateway;
pub use list::List;
pub(crate) use list::Members;
pub use list_file::list_files;
pub use mitigation_policy::MitigationPolicy;
pub(crate) use mitigation_policy::Mode;
pub(crate) use page::{Colours, PageSpec};
pub use policy_test::PolicyTest;
pub(crate) use policy_test::{Expectation, RequestSpec, SessionSpec, Test};
pub use reason_override::ReasonOverride;
pub use rollout_strategy::RolloutStrategy;
pub(crate) use scalar::{Expression, Places};
pub(crate) use settings::Plaintext;
pub use settings::Settings;
pub use signal::Signal;
pub(crate) use step_up::StepUpSpec;
pub use words::{Action, Verdict};

/// One file of resources, as read.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// How the author names it, for diagnostics.
    pub name: String,
    /// Its bytes, whatever they are.
    pub content: Vec<u8>,
}

/// What a resource is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Conditions and one action.
    MitigationPolicy,
    /// A condition that adds to the score.
    Signal,
    /// Devices, or where they are, and the verdict that they get.
    DeviceRule,
    /// A reason and the verdict it shall have.
    ReasonOverride,
    /// A named set.
    List,
    /// What concerns every request.
    Settings,
    /// How a new revision reaches the nodes.
    RolloutStrategy,
    /// Some nodes, and which of the set they run.
    Gateway,
    /// Requests and what is expected to become of them.
    PolicyTest,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::MitigationPolicy,
        Self::Signal,
        Self::DeviceRule,
        Self::ReasonOverride,
        Self::List,
        Self::Settings,
        Self::RolloutStrategy,
        Self::Gateway,
        Self::PolicyTest,
    ];

    /// The word in `kind:`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MitigationPolicy => "MitigationPolicy",
            Self::Signal => "Signal",
            Self::DeviceRule => "DeviceRule",
            Self::ReasonOverride => "ReasonOverride",
            Self::List => "List",
            Self::Settings => "Settings",
            Self::RolloutStrategy => "RolloutStrategy",
            Self::Gateway => "Gateway",
            Self::PolicyTest => "PolicyTest",
        }
    }

    /// What people call one in a sentence.
    #[must_use]
    pub const fn spoken(self) -> &'static str {
        match self {
            Self::MitigationPolicy => "policy",
            Self::Signal => "signal",
            Self::DeviceRule => "device rule",
            Self::ReasonOverride => "override",
            Self::List => "list",
            Self::Settings => "settings",
            Self::RolloutStrategy => "rollout strategy",
            Self::Gateway => "gateway",
            Self::PolicyTest => "test",
        }
    }

    /// Is it part of what the fleet runs? The others are checked and then left out: the control plane
    /// neither keeps nor compiles them.
    #[must_use]
    pub const fn is_kept(self) -> bool {
        !matches!(self, Self::PolicyTest)
    }

    /// The kind that `word` names, if it names one.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// The parsed content of a document.
#[derive(Clone, Debug)]
pub enum Resource {
    /// Conditions and one action.
    MitigationPolicy(MitigationPolicy),
    /// A condition that adds to the score.
    Signal(Signal),
    /// Devices, or where they are, and the verdict that they get.
    DeviceRule(DeviceRule),
    /// A reason and the verdict it shall have.
    ReasonOverride(ReasonOverride),
    /// A named set.
    List(List),
    /// What concerns every request.
    Settings(Settings),
    /// How a new revision reaches the nodes.
    RolloutStrategy(RolloutStrategy),
    /// Some nodes, and which of the set they run.
    Gateway(Gateway),
    /// Requests and what is expected to become of them.
    PolicyTest(PolicyTest),
}

impl Resource {
    /// What it is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::MitigationPolicy(_) => Kind::MitigationPolicy,
            Self::Signal(_) => Kind::Signal,
            Self::DeviceRule(_) => Kind::DeviceRule,
            Self::ReasonOverride(_) => Kind::ReasonOverride,
            Self::List(_) => Kind::List,
            Self::Settings(_) => Kind::Settings,
            Self::RolloutStrategy(_) => Kind::RolloutStrategy,
            Self::Gateway(_) => Kind::Gateway,
            Self::PolicyTest(_) => Kind::PolicyTest,
        }
    }
}

/// One resource with its place.
#[derive(Clone, Debug)]
pub struct Document {
    /// What it is.
    pub kind: Kind,
    /// `metadata.name`.
    pub name: String,
    /// The file it came from.
    pub file: String,
    /// The first line of the document in its file.
    pub line: u32,
    /// The text of this document.
    pub source: String,
    /// What it says.
    pub resource: Resource,
    /// Where `metadata.name` stands in `source`.
    name_span: std::ops::Range<usize>,
}

impl Document {
    /// The text that findings about this document point into.
    pub(crate) fn to_source(&self) -> Source {
        Source::new(&self.file, &self.source, self.line)
    }

    pub(crate) fn name_span(&self) -> std::ops::Range<usize> {
        self.name_span.clone()
    }
}

/// Parses files into documents, in the order of the files.
///
/// # Errors
/// The findings of all files (at most a hundred): everything that is wrong with a document on its
/// own, and names that several documents share. Expressions are only read by
/// [`crate::compile::compile`], which knows the lists.
pub fn parse_files(files: &[SourceFile]) -> Result<Vec<Document>, Vec<Diagnostic>> {
    let mut findings = Findings::default();
    let mut documents = Vec::new();
    if files.len() > limits::MAX_FILES {
        let message = format!(
            "{} files are more than the limit of {}",
            files.len(),
            limits::MAX_FILES
        );
        findings.push_general(
            message,
            Some("put several resources into one file".to_owned()),
        );
        return Err(findings.into_result().err().unwrap_or_default());
    }
    let total: usize = files.iter().map(|file| file.content.len()).sum();
    if total > limits::MAX_TOTAL_BYTES {
        findings.push_general(
            format!("{total} bytes are too many for all files together"),
            Some(format!("at most {}", limits::MAX_TOTAL_BYTES)),
        );
        return Err(findings.into_result().err().unwrap_or_default());
    }
    let lists = list_file::ListFiles::of(files);
    for file in files {
        if !lists.contains(file) {
            document::parse_file(file, &lists, &mut documents, &mut findings);
        }
    }
    find_duplicates(&documents, &mut findings);
    findings.into_result().map(|_| documents)
}

/// Parses one document as the store kept it: its text, the name of its file and its first line there.
///
/// # Errors
/// Every finding of the document.
pub fn parse_document(source: &str, file: &str, line: u32) -> Result<Document, Vec<Diagnostic>> {
    let mut findings = Findings::default();
    let source = Source::new(file, source, line);
    let document = document::parse(&source, &mut findings);
    findings.sort_since(0);
    match (findings.into_result(), document) {
        (Ok(_), Some(document)) => Ok(document),
        (Ok(_), None) => Err(vec![document::nothing_in(&source).build()]),
        (Err(findings), _) => Err(findings),
    }
}

/// Parses a request as `request:` of a `PolicyTest` has it, by itself.
///
/// # Errors
/// Every finding.
pub(crate) fn parse_request(text: &str, file: &str) -> Result<RequestSpec, Vec<Diagnostic>> {
    let mut findings = Findings::default();
    let parts = split::documents(text);
    let source = match parts.first() {
        Some(part) => Source::new(file, part.text, part.line),
        None => Source::new(file, text, 1),
    };
    let request = policy_test::request_alone(&source, &mut findings);
    if let Some(second) = parts.get(1) {
        let source = Source::new(file, second.text, second.line);
        findings.push(Finding::error(&source, 0..1, "a second request; give one"));
    }
    findings.sort_since(0);
    match (findings.into_result(), request) {
        (Ok(_), Some(request)) => Ok(request),
        (Ok(_), None) => Err(Vec::new()),
        (Err(findings), _) => Err(findings),
    }
}

#[cfg(test)]
mod tests;
