//! The things that conditions read, each with all values that it can have.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use countersign_engine::{Attribute, RULE_MATCH, Verdict};

use super::domain::Domain;
use super::ranges::Ranges;
use super::texts::{Shape, Texts};
use super::world::{Place, Signal, World};
use crate::diagnostic::{did_you_mean, quoted};

/// The number of a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Subject(u32);

/// What a thing is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Key {
    Attribute(Attribute),
    /// A header by its name.
    Header(String),
    /// Did something give this reason?
    Reason(String),
    /// A part of a condition, by what [`super::part::name`] calls it.
    Part(String, Kind),
    /// A text read as an address.
    AddressOf(String),
    /// A part that is compared with no other.
    Once(u32),
}

/// What values a thing has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Text(Shape),
    Int,
    /// An int that is not negative.
    Count,
    Uint,
    /// A point in time, in nanoseconds.
    Moment,
    /// A length of time, in nanoseconds.
    Span,
    Truth,
    /// An address, or a text that is one.
    Address,
}

/// Why a thing has fewer values than its type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Limit {
    pub(super) why: String,
    pub(super) help: Option<String>,
}

/// A thing.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: Key,
    /// What it can be, as far as the engine decides that.
    pub(super) wide: Domain<'static>,
    /// What it can be in this set.
    pub(super) narrow: Domain<'static>,
    /// What of the set makes the difference.
    pub(super) limit: Option<Limit>,
    /// What must be there for this to be there.
    pub(super) needs: Vec<Subject>,
}

/// Every thing that the conditions of a set read.
#[derive(Debug)]
pub(super) struct Subjects<'a> {
    numbers: HashMap<Key, Subject>,
    entries: Vec<Entry>,
    world: &'a World<'a>,
    place: Place,
    facts: Facts<'a>,
}

/// What the signals and device rules of a set can give.
#[derive(Clone, Debug)]
struct Facts<'a> {
    /// Where no header gives a score: the greatest that signals can.
    most: Option<i128>,
    reasons: BTreeSet<&'a str>,
    verdicts: BTreeSet<Verdict>,
    signals: usize,
}

impl<'a> Facts<'a> {
    fn of(signals: &[Signal<'a>], world: &World<'_>) -> Self {
        let mut reasons: BTreeSet<&str> = signals.iter().map(|signal| signal.reason).collect();
        let mut verdicts = BTreeSet::from([Verdict::Allow]);
        verdicts.extend(signals.iter().map(|signal| signal.verdict));
        verdicts.extend(world.device_verdicts.iter().copied());
        if !world.device_verdicts.is_empty() {
            reasons.insert(RULE_MATCH);
        }
        let weights = signals
            .iter()
            .map(|signal| i128::from(signal.weight.max(0)));
        Self {
            most: (!world.score_header).then(|| weights.sum::<i128>().min(100)),
            reasons,
            verdicts,
            signals: signals.len(),
        }
    }
}

impl<'a> Subjects<'a> {
    pub(super) fn new(world: &'a World<'a>, signals: &[Signal<'a>], place: Place) -> Self {
        Self {
            numbers: HashMap::new(),
            entries: Vec::new(),
            world,
            place,
            facts: Facts::of(signals, world),
        }
    }

    pub(super) const fn world(&self) -> &'a World<'a> {
        self.world
    }

    pub(super) fn get(&self, subject: Subject) -> Option<&Entry> {
        self.entries.get(subject.0 as usize)
    }

    /// Is it there, and what is its number?
    pub(super) fn find(&self, key: &Key) -> Option<Subject> {
        self.numbers.get(key).copied()
    }

    pub(super) fn attribute(&mut self, attribute: Attribute) -> Subject {
        self.number(Key::Attribute(attribute), Vec::new)
    }

    /// A part that is like no other.
    pub(super) fn once(&mut self) -> Subject {
        let number = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        self.number(Key::Once(number), Vec::new)
    }

    /// The number of a thing; `needs` are those without which it is not there.
    pub(super) fn number(&mut self, key: Key, needs: impl FnOnce() -> Vec<Subject>) -> Subject {
        if let Some(known) = self.numbers.get(&key) {
            return *known;
        }
        let wide = self.wide(&key);
        let (narrow, limit) = self.narrow(&key, &wide);
        let number = Subject(u32::try_from(self.entries.len()).unwrap_or(u32::MAX));
        self.entries.push(Entry {
            key: key.clone(),
            wide,
            narrow,
            limit,
            needs: needs(),
        });
        self.numbers.insert(key, number);
        number
    }

    /// What the engine lets a thing be.
    fn wide(&self, key: &Key) -> Domain<'static> {
        match key {
            Key::Attribute(attribute) => self.wide_attribute(*attribute),
            Key::Header(_) => Domain::texts(true, Texts::all(Shape::Any)),
            Key::Reason(_) => truth(self.place == Place::Signal),
            Key::Part(_, kind) => of_kind(*kind),
            Key::AddressOf(_) => Domain::addresses(true),
            Key::Once(_) => truth(true),
        }
    }

    /// As the engine's `Facts` give it: what is never absent there fails never.
    fn wide_attribute(&self, attribute: Attribute) -> Domain<'static> {
        let text = |absent, shape| Domain::texts(absent, Texts::all(shape));
        let number = |absent, last| Domain::numbers(absent, Ranges::between(0, last));
        let signal = self.place == Place::Signal;
        match attribute {
            Attribute::RequestMethod => text(false, Shape::Upper),
            Attribute::RequestUrlPath => text(false, Shape::Path),
            Attribute::RequestHost => text(signal, Shape::Host),
            Attribute::RequestScheme => Domain::texts(false, words(["http", "https"].into_iter())),
            Attribute::RequestPath
            | Attribute::RequestQuery
            | Attribute::ConnectionRequestedServerName
            | Attribute::ConnectionTlsVersion => text(false, Shape::Any),
            // Whatever number `content-length` says, below zero too.
            Attribute::RequestSize => Domain::numbers(false, int_range()),
            Attribute::SourceAddress => Domain::addresses(true),
            Attribute::SourcePort => number(true, u16::MAX.into()),
            Attribute::ConnectionMtls | Attribute::SessionValid | Attribute::SessionBound => {
                truth(false)
            }
            Attribute::Score => number(signal, 100),
            Attribute::Verdict => {
                let verdicts = [Verdict::Allow, Verdict::Challenge, Verdict::Block];
                Domain::texts(signal, words(verdicts.iter().map(|verdict| verdict.word())))
            }
            Attribute::SessionAssurance => number(false, 6),
            Attribute::SessionAge => number(true, i128::MAX),
            Attribute::GeoAsn => number(true, u32::MAX.into()),
            Attribute::Now => Domain::numbers(false, Ranges::all()),
            // Lists and maps are read in parts.
            Attribute::RequestHeaders | Attribute::Reasons => truth(true),
            Attribute::DeviceId
            | Attribute::TlsJa4
            | Attribute::GeoCountry
            | Attribute::DeviceVisitorId
            | Attribute::DeviceBrowserId
            | Attribute::DeviceVisitorFingerprint
            | Attribute::DeviceBrowserFingerprint
            | Attribute::DeviceHardwareFingerprint
            | Attribute::DeviceNetworkFingerprint => text(true, Shape::Any),
        }
    }

    /// What the set lets a thing be.
    fn narrow(&self, key: &Key, wide: &Domain<'static>) -> (Domain<'static>, Option<Limit>) {
        let limited = |domain, why: String, help: Option<&str>| {
            let help = help.map(str::to_owned);
            (domain, Some(Limit { why, help }))
        };
        match key {
            Key::Attribute(Attribute::Score) if self.world.whole => {
                let Some(most) = self.facts.most.filter(|most| *most < 100) else {
                    return (wide.clone(), None);
                };
                let domain = Domain::numbers(wide.absent, Ranges::between(0, most));
                if self.facts.signals == 0 {
                    let why = "nothing gives a score: `score` is always 0".to_owned();
                    let help = "write a `Signal`, or name a header in `Settings.score`";
                    return limited(domain, why, Some(help));
                }
                let why = format!("the signals give a score of {most} at most");
                limited(domain, why, None)
            }
            Key::Attribute(Attribute::Verdict)
                if self.world.whole && self.facts.verdicts.len() < 3 =>
            {
                let given = self.facts.verdicts.iter().map(|verdict| verdict.word());
                let named: Vec<String> = given.clone().map(|word| format!("`{word}`")).collect();
                let why = format!("signals and device rules give {} only", named.join(" or "));
                limited(Domain::texts(wide.absent, words(given)), why, None)
            }
            Key::Reason(reason) if !self.facts.reasons.contains(reason.as_str()) => {
                let given = self.facts.reasons.iter().copied();
                let near = did_you_mean(reason, given);
                // Of a part of a set the rest may give it, but for one that is nearly written like another.
                if !self.world.whole && near.is_none() {
                    return (wide.clone(), None);
                }
                let domain = Domain::numbers(wide.absent, Ranges::between(0, 0));
                let why = if reason == RULE_MATCH {
                    "there is no device rule that could match".to_owned()
                } else {
                    format!("no signal gives the reason {}", quoted(reason))
                };
                let help = near.map(|near| format!("did you mean `{near}`?"));
                (domain, Some(Limit { why, help }))
            }
            Key::Attribute(Attribute::Now) => match self.world.now_nanos {
                Some(now) => {
                    let rest = Ranges::between(now.into(), i128::MAX);
                    limited(
                        Domain::numbers(false, rest),
                        "that time has passed".to_owned(),
                        None,
                    )
                }
                None => (wide.clone(), None),
            },
            Key::Attribute(attribute) if self.world.whole => {
                let mut unknown = self.world.unknown.iter();
                match unknown.find(|unknown| unknown.attribute == *attribute) {
                    Some(unknown) => limited(
                        wide.clone().nothing(),
                        unknown.why.clone(),
                        Some(&unknown.help),
                    ),
                    None => (wide.clone(), None),
                }
            }
            _ => (wide.clone(), None),
        }
    }
}

fn truth(absent: bool) -> Domain<'static> {
    Domain::numbers(absent, Ranges::between(0, 1))
}

fn int_range() -> Ranges {
    Ranges::between(i64::MIN.into(), i64::MAX.into())
}

fn words(words: impl Iterator<Item = &'static str>) -> Texts<'static> {
    Texts::only(words.map(Cow::Borrowed))
}

fn of_kind(kind: Kind) -> Domain<'static> {
    match kind {
        Kind::Text(shape) => Domain::texts(true, Texts::all(shape)),
        Kind::Int => Domain::numbers(true, int_range()),
        Kind::Count => Domain::numbers(true, Ranges::between(0, i64::MAX.into())),
        Kind::Uint => Domain::numbers(true, Ranges::between(0, u64::MAX.into())),
        Kind::Moment | Kind::Span => Domain::numbers(true, Ranges::all()),
        Kind::Truth => truth(true),
        Kind::Address => Domain::addresses(true),
    }
}
