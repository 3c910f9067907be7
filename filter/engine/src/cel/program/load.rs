//! Checks a program once, so that evaluation need not.

use regex_automata::dfa::sparse::DFA;

use super::{NODE_BYTES, Node, Program};
use crate::cel::Op;
use crate::cel::set::{SetKind, Sets};
use crate::form::{FormError, Section, Sections};
use crate::limits::MAX_EXPRESSION_DEPTH;

impl<'a> Program<'a> {
    /// Borrows the expressions of a body.
    ///
    /// # Errors
    /// A [`FormError`] for anything that [`super::ProgramBuilder`] would not have written: a reference
    /// forward, out of bounds or to another kind, a wrong number of arguments, a text that is no UTF-8,
    /// nesting past [`MAX_EXPRESSION_DEPTH`].
    pub fn load(sections: &Sections<'a>) -> Result<Self, FormError> {
        let strings = std::str::from_utf8(sections.get(Section::Strings))
            .map_err(|_| FormError::Section(Section::Strings))?;
        let (nodes, rest) = sections.get(Section::Nodes).as_chunks::<NODE_BYTES>();
        if !rest.is_empty() {
            return Err(FormError::Section(Section::Nodes));
        }
        let mut program = Self {
            strings,
            bytes: sections.get(Section::Bytes),
            nodes,
            arguments: sections.words(Section::Arguments)?,
            sets: Sets::load(sections, strings)?,
            automata: automata(sections)?,
            zones: sections.words(Section::Zones)?,
            zone_data: sections.get(Section::ZoneData),
        };
        program.check_zones()?;
        program.check_nodes()?;
        program.automata.shrink_to_fit();
        Ok(program)
    }

    fn check_nodes(&self) -> Result<(), FormError> {
        // Two bytes for each node of 16.
        let mut depths: Vec<u16> = Vec::with_capacity(self.nodes.len());
        for (index, bytes) in self.nodes.iter().enumerate() {
            let invalid = FormError::Entry(Section::Nodes, index);
            let node = Node::read(bytes).ok_or(invalid)?;
            let count = Self::count(&node);
            let arity = node.op.arity();
            if count < arity.least as usize
                || count > arity.most as usize
                || !self.has_words(&node)
                || (node.op == Op::Map && !count.is_multiple_of(2))
            {
                return Err(invalid);
            }
            let mut depth = 0;
            for position in 0..count {
                // An argument stands before its node, so there are no cycles.
                let argument = self.argument(&node, position).ok_or(invalid)?;
                depth = depth.max(*depths.get(argument.0 as usize).ok_or(invalid)?);
            }
            let depth = depth.saturating_add(1);
            if u32::from(depth) > MAX_EXPRESSION_DEPTH {
                return Err(FormError::TooDeep(index));
            }
            depths.push(depth);
        }
        Ok(())
    }

    /// Do the words of a node say what its operation needs?
    fn has_words(&self, node: &Node) -> bool {
        match node.op {
            Op::Bool => node.a <= 1,
            Op::String
            | Op::Type
            | Op::Header
            | Op::HasHeader
            | Op::UnknownName
            | Op::UnknownFunction => self.text(node.a, node.b).is_some(),
            Op::Bytes => self.bytes(node.a, node.b).is_some(),
            Op::Timestamp => node.c < 1_000_000_000,
            Op::Duration => node.c.cast_signed().unsigned_abs() < 1_000_000_000,
            Op::Set => self.sets.get(node.a).is_some(),
            Op::Matches => self.automaton(node.b).is_some(),
            Op::InCidrs => self
                .argument(node, 1)
                .and_then(|set| self.node(set))
                .filter(|set| set.op == Op::Set)
                .and_then(|set| self.sets.get(set.a))
                .is_some_and(|set| set.kind() == SetKind::Cidrs),
            Op::Select | Op::OptionalSelect | Op::Has => self
                .argument(node, 1)
                .and_then(|field| self.node(field))
                .is_some_and(|field| field.op == Op::String),
            _ => true,
        }
    }

    fn check_zones(&self) -> Result<(), FormError> {
        if !self.zones.len().is_multiple_of(4) {
            return Err(FormError::Section(Section::Zones));
        }
        for zone in 0..self.zones.len() / 4 {
            let word = |at: usize| self.zones.get(zone * 4 + at).unwrap_or(u32::MAX);
            let end = (word(2) as usize).checked_add(word(3) as usize);
            let held = end.is_some_and(|end| end <= self.zone_data.len());
            if self.text(word(0), word(1)).is_none() || !held || word(3) < 12 {
                return Err(FormError::Entry(Section::Zones, zone));
            }
        }
        Ok(())
    }
}

fn automata<'a>(sections: &Sections<'a>) -> Result<Vec<DFA<&'a [u8]>>, FormError> {
    let places = sections.words(Section::Automata)?;
    let data = sections.get(Section::AutomatonData);
    let mut automata = Vec::new();
    let mut end = 0;
    for number in 0..places.len() / 2 {
        let invalid = FormError::Entry(Section::Automata, number);
        let word = |at: usize| places.get(number * 2 + at).ok_or(invalid);
        let (offset, length) = (word(0)? as usize, word(1)? as usize);
        // One after the other: the same bytes checked as a million automata would take for ever.
        if offset != end {
            return Err(invalid);
        }
        end = offset.checked_add(length).ok_or(invalid)?;
        let bytes = data.get(offset..end).ok_or(invalid)?;
        let (automaton, read) = DFA::from_bytes(bytes).map_err(|_| invalid)?;
        if read != length {
            return Err(invalid);
        }
        automata.push(automaton);
    }
    Ok(automata)
}
