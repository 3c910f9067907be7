//! Writes expressions. Equal nodes stand once.

use std::collections::{HashMap, HashSet};

use super::{NODE_BYTES, NodeId, POOLED, SHARED, Zone};
use crate::cel::Op;
use crate::cel::set::SetBuilder;
use crate::form::{FormWriter, Section};

/// The expressions of a revision while they are written. Numbers fit into 32 bits because the whole
/// form must (see [`crate::limits::MAX_BLOB_BYTES`]); past that, [`Self::write`] says no.
#[derive(Clone, Debug, Default)]
pub struct ProgramBuilder {
    strings: Pool,
    bytes: Pool,
    nodes: Vec<Record>,
    known: HashMap<Record, NodeId>,
    uses: Vec<u32>,
    /// The outermost bound name that a node reads and does not bind itself, by its depth: a node that
    /// reads one has no value of its own to keep.
    reads: Vec<Option<u32>>,
    sets: Vec<SetBuilder>,
    known_sets: HashMap<SetBuilder, u32>,
    automata: Vec<Vec<u8>>,
    /// Where the automata come from, for who looks for what a pattern demands; not written.
    patterns: Vec<String>,
    known_automata: HashMap<Vec<u8>, u32>,
    zones: Vec<Zone>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Record {
    op: Op,
    args: Vec<u32>,
    words: [u32; 3],
}

/// A node that was added.
#[derive(Clone, Copy, Debug)]
pub struct Inspected<'b> {
    /// What it does.
    pub op: Op,
    /// Its arguments, numbers of nodes.
    pub args: &'b [u32],
    /// First word.
    pub a: u32,
    /// Second word.
    pub b: u32,
    /// The text that the words name, where they name one.
    pub text: Option<&'b str>,
    /// How often it is an argument or a root.
    pub uses: u32,
}

#[derive(Clone, Debug, Default)]
struct Pool {
    bytes: Vec<u8>,
    known: HashMap<Vec<u8>, (u32, u32)>,
}

impl Pool {
    fn add(&mut self, bytes: &[u8]) -> (u32, u32) {
        if let Some(&place) = self.known.get(bytes) {
            return place;
        }
        let place = (low(self.bytes.len()), low(bytes.len()));
        self.bytes.extend_from_slice(bytes);
        self.known.insert(bytes.to_vec(), place);
        place
    }
}

impl Pool {
    fn text(&self, offset: u32, length: u32) -> Option<&str> {
        let start = offset as usize;
        let bytes = self.bytes.get(start..start.checked_add(length as usize)?)?;
        std::str::from_utf8(bytes).ok()
    }
}

/// Saturates: a form so large is refused as a whole when it is written.
fn low(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

const fn halves(wide: u64) -> [u32; 2] {
    #[expect(clippy::cast_possible_truncation, reason = "the halves of a number")]
    [wide as u32, (wide >> 32) as u32]
}

fn numbers(args: &[NodeId]) -> Vec<u32> {
    args.iter().map(|arg| arg.0).collect()
}

impl ProgramBuilder {
    fn add(&mut self, op: Op, args: Vec<u32>, words: [u32; 3], depth: u32) -> NodeId {
        let own = (op == Op::Local).then_some(words[0]);
        let reads = args
            .iter()
            .filter_map(|&arg| self.reads.get(arg as usize).copied().flatten())
            .chain(own)
            .min()
            .filter(|&name| op.binds() == 0 || name < depth);
        let record = Record { op, args, words };
        if let Some(&id) = self.known.get(&record) {
            // At another depth the same node may read a name from outside.
            if let (Some(known), Some(reads)) = (self.reads.get_mut(id.0 as usize), reads) {
                *known = Some(known.map_or(reads, |known| known.min(reads)));
            }
            return id;
        }
        for &arg in &record.args {
            if let Some(uses) = self.uses.get_mut(arg as usize) {
                *uses = uses.saturating_add(1);
            }
        }
        let id = NodeId(low(self.nodes.len()));
        self.nodes.push(record.clone());
        self.uses.push(0);
        self.reads.push(reads);
        self.known.insert(record, id);
        id
    }

    /// A node of an operation with arguments.
    pub fn call(&mut self, op: Op, args: &[NodeId]) -> NodeId {
        self.add(op, numbers(args), [0; 3], 0)
    }

    /// A macro, an operation that binds names ([`Op::binds`]): `depth` names are bound around it, so
    /// that its own stand at `depth` and after.
    pub fn binder(&mut self, op: Op, args: &[NodeId], depth: u32) -> NodeId {
        let known = self.nodes.len();
        let id = self.add(op, numbers(args), [0; 3], depth);
        if self.nodes.len() > known && op.repeats() {
            self.repeat(args.iter().skip(1).map(|arg| arg.0).collect());
        }
        id
    }

    /// What in the body of a macro reads no name is the same for each element: worth keeping, as if
    /// several expressions contained it.
    fn repeat(&mut self, mut pending: Vec<u32>) {
        let mut seen = HashSet::new();
        while let Some(id) = pending.pop() {
            if !seen.insert(id) {
                continue;
            }
            match self.reads.get(id as usize) {
                Some(None) => {
                    if let Some(uses) = self.uses.get_mut(id as usize) {
                        *uses = uses.saturating_add(1);
                    }
                }
                _ => pending.extend(
                    self.nodes
                        .get(id as usize)
                        .into_iter()
                        .flat_map(|n| &n.args),
                ),
            }
        }
    }

    /// `x.matches(pattern)` with a constant pattern, as an automaton of `regex-automata` (sparse,
    /// little-endian).
    pub fn matches(&mut self, text: NodeId, automaton: u32) -> NodeId {
        self.add(Op::Matches, vec![text.0], [0, automaton, 0], 0)
    }

    /// A node without arguments; the words are what the [`Op`] says.
    pub fn leaf(&mut self, op: Op, words: [u32; 3]) -> NodeId {
        self.add(op, Vec::new(), words, 0)
    }

    /// `null`
    pub fn null(&mut self) -> NodeId {
        self.leaf(Op::Null, [0; 3])
    }

    /// `true` or `false`
    pub fn bool(&mut self, value: bool) -> NodeId {
        self.leaf(Op::Bool, [u32::from(value), 0, 0])
    }

    /// An `int`.
    pub fn int(&mut self, value: i64) -> NodeId {
        let [a, b] = halves(value.cast_unsigned());
        self.leaf(Op::Int, [a, b, 0])
    }

    /// A `uint`.
    pub fn uint(&mut self, value: u64) -> NodeId {
        let [a, b] = halves(value);
        self.leaf(Op::Uint, [a, b, 0])
    }

    /// A `double`.
    pub fn double(&mut self, value: f64) -> NodeId {
        let [a, b] = halves(value.to_bits());
        self.leaf(Op::Double, [a, b, 0])
    }

    /// A `string`.
    pub fn string(&mut self, text: &str) -> NodeId {
        self.named(Op::String, text)
    }

    /// Any leaf that is said by a text: [`Op::String`], [`Op::Type`], [`Op::Header`],
    /// [`Op::HasHeader`], [`Op::UnknownName`], [`Op::UnknownFunction`].
    pub fn named(&mut self, op: Op, text: &str) -> NodeId {
        let (offset, length) = self.text(text);
        self.leaf(op, [offset, length, 0])
    }

    /// `bytes`.
    pub fn bytes(&mut self, bytes: &[u8]) -> NodeId {
        let (offset, length) = self.bytes.add(bytes);
        self.leaf(Op::Bytes, [offset, length, 0])
    }

    /// A timestamp: seconds since the epoch and nanoseconds.
    pub fn timestamp(&mut self, seconds: i64, nanos: u32) -> NodeId {
        let [a, b] = halves(seconds.cast_unsigned());
        self.leaf(Op::Timestamp, [a, b, nanos])
    }

    /// A duration: seconds, and nanoseconds of the same sign.
    pub fn duration(&mut self, seconds: i64, nanos: i32) -> NodeId {
        let [a, b] = halves(seconds.cast_unsigned());
        self.leaf(Op::Duration, [a, b, nanos.cast_unsigned()])
    }

    /// What stands at a node, for who looks for what a condition demands.
    #[must_use]
    pub fn inspect(&self, id: NodeId) -> Option<Inspected<'_>> {
        let record = self.nodes.get(id.0 as usize)?;
        let [a, b, _] = record.words;
        Some(Inspected {
            op: record.op,
            args: &record.args,
            a,
            b,
            text: self.strings.text(a, b),
            uses: self.uses.get(id.0 as usize).copied().unwrap_or(0),
        })
    }

    /// A set that was added.
    #[must_use]
    pub fn known_set(&self, number: u32) -> Option<&SetBuilder> {
        self.sets.get(number as usize)
    }

    /// The regular expression of an automaton.
    #[must_use]
    pub fn pattern(&self, automaton: u32) -> Option<&str> {
        self.patterns.get(automaton as usize).map(String::as_str)
    }

    /// Bytes in the pool: offset and length.
    pub fn pooled_bytes(&mut self, bytes: &[u8]) -> (u32, u32) {
        self.bytes.add(bytes)
    }

    /// A text in the pool: offset and length.
    pub fn text(&mut self, text: &str) -> (u32, u32) {
        self.strings.add(text.as_bytes())
    }

    /// A set of constants; gives its number for [`Op::Set`].
    pub fn set(&mut self, set: SetBuilder) -> u32 {
        if let Some(&number) = self.known_sets.get(&set) {
            return number;
        }
        let number = low(self.sets.len());
        self.known_sets.insert(set.clone(), number);
        self.sets.push(set);
        number
    }

    /// An automaton and the regular expression that it was made from; gives its number for
    /// [`Self::matches`].
    pub fn automaton(&mut self, automaton: Vec<u8>, pattern: &str) -> u32 {
        if let Some(&number) = self.known_automata.get(&automaton) {
            return number;
        }
        let number = low(self.automata.len());
        self.known_automata.insert(automaton.clone(), number);
        self.automata.push(automaton);
        self.patterns.push(pattern.to_owned());
        number
    }

    /// A time zone that some expression names.
    pub fn zone(&mut self, zone: Zone) {
        if !self.zones.iter().any(|known| known.name == zone.name) {
            self.zones.push(zone);
        }
    }

    /// Says that a policy, a signal or the index evaluates the node: a node that two of them evaluate
    /// is worth keeping as one that stands in two expressions is.
    pub fn root(&mut self, id: NodeId) {
        if let Some(uses) = self.uses.get_mut(id.0 as usize) {
            *uses = uses.saturating_add(1);
        }
    }

    /// How many nodes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Is there no node yet?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Writes everything. Texts that others put into the pool must be there before.
    pub fn write(self, form: &mut FormWriter) {
        let mut arguments: Vec<u32> = Vec::new();
        for (index, record) in self.nodes.iter().enumerate() {
            let shared = self.uses.get(index).is_some_and(|&uses| uses > 1)
                && self.reads.get(index) == Some(&None)
                && (!record.args.is_empty() || matches!(record.op, Op::Header | Op::HasHeader));
            let mut words = record.words;
            let mut count = 0;
            if record.args.len() > 3 {
                words = [low(arguments.len()), low(record.args.len()), 0];
                arguments.extend_from_slice(&record.args);
                count = POOLED;
            } else {
                for (word, arg) in words.iter_mut().zip(&record.args) {
                    *word = *arg;
                    count += 1;
                }
            }
            let mut bytes = [0; NODE_BYTES];
            let [a, b, c] = words;
            let parts = [
                record.op.number().to_le_bytes().as_slice(),
                &[count, if shared { SHARED } else { 0 }],
                &a.to_le_bytes(),
                &b.to_le_bytes(),
                &c.to_le_bytes(),
            ]
            .concat();
            bytes.copy_from_slice(&parts);
            form.section(Section::Nodes).extend_from_slice(&bytes);
        }
        for argument in arguments {
            form.word(Section::Arguments, argument);
        }
        let mut strings = self.strings;
        for set in &self.sets {
            let (name, length) = strings.add(set.name().as_bytes());
            set.write(form, name, length);
        }
        for automaton in &self.automata {
            let offset = low(form.section(Section::AutomatonData).len());
            form.word(Section::Automata, offset);
            form.word(Section::Automata, low(automaton.len()));
            form.section(Section::AutomatonData)
                .extend_from_slice(automaton);
        }
        for zone in &self.zones {
            let (name, length) = strings.add(zone.name.as_bytes());
            let offset = low(form.section(Section::ZoneData).len());
            for (at, seconds) in &zone.transitions {
                let data = form.section(Section::ZoneData);
                data.extend_from_slice(&at.to_le_bytes());
                data.extend_from_slice(&seconds.to_le_bytes());
            }
            let bytes = low(zone.transitions.len().saturating_mul(12));
            for word in [name, length, offset, bytes] {
                form.word(Section::Zones, word);
            }
        }
        form.section(Section::Strings)
            .extend_from_slice(&strings.bytes);
        form.section(Section::Bytes)
            .extend_from_slice(&self.bytes.bytes);
    }
}
