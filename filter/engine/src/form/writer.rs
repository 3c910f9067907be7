//! Puts sections together.

use super::Section;

/// The sections of a body that is being written.
#[derive(Clone, Debug, Default)]
pub struct FormWriter {
    sections: std::collections::BTreeMap<Section, Vec<u8>>,
}

impl FormWriter {
    /// The bytes of a section, to write to.
    pub fn section(&mut self, section: Section) -> &mut Vec<u8> {
        self.sections.entry(section).or_default()
    }

    /// Appends a word.
    pub fn word(&mut self, section: Section, word: u32) {
        self.section(section).extend_from_slice(&word.to_le_bytes());
    }

    /// The body. `None` when it would not fit into 32 bits.
    #[must_use]
    pub fn finish(self) -> Option<Vec<u8>> {
        let table = 4 + 12 * self.sections.len();
        // Four bytes of slack for the alignment of each.
        let total: usize = self.sections.values().map(|bytes| bytes.len() + 4).sum();
        let mut body = Vec::with_capacity(table + total);
        let count = u32::try_from(self.sections.len()).ok()?;
        body.extend_from_slice(&count.to_le_bytes());
        let mut offset = table;
        for (section, bytes) in &self.sections {
            offset = offset.next_multiple_of(4);
            body.extend_from_slice(&(*section as u32).to_le_bytes());
            body.extend_from_slice(&u32::try_from(offset).ok()?.to_le_bytes());
            body.extend_from_slice(&u32::try_from(bytes.len()).ok()?.to_le_bytes());
            offset += bytes.len();
        }
        for bytes in self.sections.into_values() {
            body.resize(body.len().next_multiple_of(4), 0);
            body.extend_from_slice(&bytes);
        }
        u32::try_from(body.len()).ok()?;
        Some(body)
    }
}
