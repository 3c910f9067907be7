//! The index against a scan of all policies.

use std::collections::BTreeSet;

use super::*;

/// Pseudo-random numbers (xorshift), the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }

    fn of<'v, V>(&mut self, values: &'v [V]) -> &'v V {
        &values[self.below(values.len())]
    }

    /// A text of few letters, so that texts meet.
    fn text(&mut self) -> String {
        let length = self.below(7);
        (0..length)
            .map(|_| *self.of(&['a', 'b', '/', 'ä']))
            .collect()
    }

    fn number(&mut self) -> i64 {
        match self.below(12) {
            0 => i64::MIN,
            1 => i64::MAX,
            _ => self.below(20) as i64 - 5,
        }
    }

    fn address(&mut self) -> IpAddr {
        let last = self.below(4) as u8;
        let middle = *self.of(&[0, 1, 128, 255]);
        match self.below(4) {
            0 => IpAddr::from([0x2001_u16, 0xdb8, 0, 0, 0, 0, middle.into(), last.into()]),
            1 => IpAddr::from([
                0,
                0,
                0,
                0,
                0,
                0xffff,
                0x0a00 | u16::from(middle),
                last.into(),
            ]),
            _ => IpAddr::from([10, middle, 0, last]),
        }
    }

    fn subject(&mut self) -> Subject {
        match self.below(8) {
            0 => Subject::Path,
            1 => Subject::Host,
            2 => Subject::Method,
            _ => Subject::Node(NodeId(self.below(4) as u32)),
        }
    }

    fn test(&mut self, sets: usize) -> Test {
        match self.below(9) {
            0 => Test::Equals(self.text()),
            1 => Test::Prefix(self.text()),
            2 => Test::Suffix(self.text()),
            3 => Test::Contains(self.text()),
            4 => Test::Number(self.number()),
            5 => Test::NumberRange {
                least: self.number(),
                greatest: self.number(),
            },
            6 => Test::Cidr(
                self.address(),
                *self.of(&[0, 1, 8, 9, 16, 31, 32, 64, 96, 104, 120, 128, 255]),
            ),
            7 => Test::Is(self.below(2) == 0),
            _ => Test::InSet(self.below(sets) as u32),
        }
    }

    fn held(&mut self) -> Option<Held> {
        match self.below(10) {
            0 => None,
            1 => Some(Held::Other),
            2 => Some(Held::Number(self.number())),
            3 => Some(Held::Bool(self.below(2) == 0)),
            4 => Some(Held::Address(self.address())),
            5 => Some(Held::Text(self.address().to_string())),
            6 => Some(Held::Bytes(vec![0x61, 0xc3])),
            _ => Some(Held::Text(self.text())),
        }
    }
}

/// The members of the sets, as they were before they became sets.
enum Members {
    Strings(Vec<String>),
    Numbers(Vec<i64>),
    Networks(Vec<(IpAddr, u8)>),
}

impl Members {
    fn random(numbers: &mut Numbers) -> Self {
        let count = numbers.below(5);
        match numbers.below(3) {
            0 => Self::Strings((0..count).map(|_| numbers.text()).collect()),
            1 => Self::Numbers((0..count).map(|_| numbers.number()).collect()),
            _ => {
                let network = |_| (numbers.address(), *numbers.of(&[8, 16, 32]));
                Self::Networks((0..count).map(network).collect())
            }
        }
    }

    /// `name` keeps sets with the same members apart.
    fn builder(&self, name: usize) -> SetBuilder {
        let name = name.to_string();
        match self {
            Self::Strings(members) => SetBuilder::strings(&name, members.clone()),
            Self::Numbers(members) => SetBuilder::numbers(&name, members.clone()),
            Self::Networks(members) => SetBuilder::cidrs(&name, members.iter().copied()),
        }
    }
}

fn bits(address: IpAddr) -> (u128, u32) {
    match address {
        IpAddr::V4(address) => (address.to_ipv6_mapped().to_bits(), 32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    }
}

fn is_inside(address: IpAddr, (base, prefix): (IpAddr, u8)) -> bool {
    let (base, width) = bits(base);
    let host = width - u32::from(prefix).min(width);
    (bits(address).0 ^ base).checked_shr(host).unwrap_or(0) == 0
}

/// Does the test hold? `None` where it is not about such a value.
fn holds(test: &Test, held: &Held, sets: &[Members]) -> Option<bool> {
    let bytes: Option<&[u8]> = match held {
        Held::Text(text) => Some(text.as_bytes()),
        Held::Bytes(bytes) => Some(bytes),
        _ => None,
    };
    let address = match held {
        Held::Address(address) => Some(*address),
        Held::Text(text) => text.parse().ok(),
        _ => None,
    };
    let number = match held {
        Held::Number(number) => Some(*number),
        _ => None,
    };
    match test {
        Test::Equals(text) => bytes.map(|bytes| bytes == text.as_bytes()),
        Test::Prefix(text) => bytes.map(|bytes| bytes.starts_with(text.as_bytes())),
        Test::Suffix(text) => bytes.map(|bytes| bytes.ends_with(text.as_bytes())),
        Test::Contains(text) => bytes.map(|bytes| {
            text.is_empty()
                || bytes
                    .windows(text.len())
                    .any(|part| part == text.as_bytes())
        }),
        Test::Number(wanted) => number.map(|number| number == *wanted),
        Test::NumberRange { least, greatest } => {
            number.map(|number| number >= *least && number <= *greatest)
        }
        Test::Cidr(base, prefix) => address.map(|address| is_inside(address, (*base, *prefix))),
        Test::Is(wanted) => match held {
            Held::Bool(truth) => Some(truth == wanted),
            _ => None,
        },
        Test::InSet(set) => match &sets[*set as usize] {
            Members::Strings(members) => bytes
                .and_then(|bytes| std::str::from_utf8(bytes).ok())
                .map(|text| members.iter().any(|member| member == text)),
            Members::Numbers(members) => number.map(|number| members.contains(&number)),
            Members::Networks(members) => {
                address.map(|address| members.iter().any(|&network| is_inside(address, network)))
            }
        },
    }
}

/// What the index is to find: of each policy the chosen cover is asked, key by key.
fn scan(policies: &[Vec<Cover>], sets: &[Members], request: &Given) -> BTreeSet<u32> {
    let chosen: Vec<Option<&Cover>> = policies
        .iter()
        .zip(plan(policies))
        .map(|(covers, position)| position.map(|position| &covers[position]))
        .collect();
    let keys: Vec<(u32, &Key)> = (0..)
        .zip(&chosen)
        .flat_map(|(policy, cover)| {
            cover
                .iter()
                .copied()
                .flatten()
                .map(move |key| (policy, key))
        })
        .collect();
    let mut found: BTreeSet<u32> = (0..)
        .zip(&chosen)
        .filter(|(_, cover)| cover.is_none())
        .map(|(policy, _)| policy)
        .collect();
    let subjects: BTreeSet<Subject> = keys.iter().map(|(_, key)| key.subject).collect();
    for subject in subjects {
        let under: Vec<(u32, &Test)> = keys
            .iter()
            .filter(|(_, key)| key.subject == subject)
            .map(|(policy, key)| (*policy, &key.test))
            .collect();
        let everyone: BTreeSet<u32> = under.iter().map(|&(policy, _)| policy).collect();
        let of_networks = |test: &Test| match test {
            Test::Cidr(..) => true,
            Test::InSet(set) => matches!(sets[*set as usize], Members::Networks(_)),
            _ => false,
        };
        let only_networks = under.iter().all(|(_, test)| of_networks(test));
        let held = request.values.get(&subject);
        let unknown = match held {
            Some(Held::Other) => true,
            Some(Held::Address(_)) => !only_networks,
            _ => false,
        };
        if unknown {
            found.extend(everyone);
            continue;
        }
        let answers: Vec<(u32, Option<bool>)> = under
            .iter()
            .map(|(policy, test)| (*policy, held.and_then(|held| holds(test, held, sets))))
            .collect();
        let own = matches!(subject, Subject::Node(_)) && everyone.len() <= MAX_POLICIES_ON_ABSENCE;
        if own && answers.iter().any(|(_, answer)| answer.is_none()) {
            found.extend(everyone);
        }
        found.extend(
            answers
                .iter()
                .filter(|(_, answer)| *answer == Some(true))
                .map(|(p, _)| *p),
        );
    }
    found
}

/// Could the policy match? Each of its covers must hold.
fn could_match(covers: &[Cover], sets: &[Members], request: &Given) -> bool {
    covers.iter().all(|cover| {
        cover.is_empty()
            || cover.iter().any(|key| {
                let held = request.values.get(&key.subject);
                held.is_some_and(|held| holds(&key.test, held, sets) == Some(true))
            })
    })
}

#[test]
fn the_index_finds_what_a_scan_finds() {
    let mut numbers = Numbers(0x5eed_c0de_1234_5678);
    let (mut pairs, mut matches) = (0, 0);
    while pairs < 250_000 {
        let count = 1 + numbers.below(12);
        let sets: Vec<Members> = (0..count).map(|_| Members::random(&mut numbers)).collect();
        let mut builder = IndexBuilder::default();
        for _ in 0..=numbers.below(140) {
            let covers = numbers.below(4);
            let cover = |numbers: &mut Numbers| -> Cover {
                let keys = numbers.below(4);
                (0..keys)
                    .map(|_| key(numbers.subject(), numbers.test(sets.len())))
                    .collect()
            };
            builder.policy((0..covers).map(|_| cover(&mut numbers)).collect());
        }
        let policies = builder.policies();
        let set_builders: Vec<_> = sets
            .iter()
            .enumerate()
            .map(|(at, of)| of.builder(at))
            .collect();
        let built = built(&builder, &set_builders);
        let program = built.program();
        let index = Index::load(&built.sections(), &program, built.policies).unwrap();
        let mut candidates = Candidates::default();
        for _ in 0..30 {
            let subjects = [Subject::Path, Subject::Host, Subject::Method];
            let nodes = (0..4).map(|node| Subject::Node(NodeId(node)));
            let values = subjects.into_iter().chain(nodes);
            let values: Vec<_> = values
                .filter_map(|subject| Some((subject, numbers.held()?)))
                .collect();
            let mut request = given(values);
            index.candidates(&program, &mut request, &mut candidates);
            let found: Vec<u32> = candidates.iter().collect();
            let expected: Vec<u32> = scan(policies, &sets, &request).into_iter().collect();
            assert_eq!(found, expected, "{policies:#?} {request:?}");
            for (policy, covers) in (0..).zip(policies) {
                if could_match(covers, &sets, &request) {
                    matches += 1;
                    assert!(
                        candidates.contains(policy),
                        "{policy} {covers:?} {request:?}"
                    );
                }
            }
            pairs += policies.len();
        }
    }
    assert!(matches > 10_000, "{matches} of {pairs} pairs matched");
}
