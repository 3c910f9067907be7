//! How large a value is when it is written out. What shares its parts is small in memory and can be
//! endless on paper: twenty bindings, each a list of the one before twice, are a million elements.

use countersign_engine::cel::Value;

use super::ValueError;
use crate::cel::limits::{MAX_WRITTEN_BYTES, MAX_WRITTEN_ELEMENTS};

/// Refuses what is too large to be written.
pub(super) fn check(value: &Value<'_>) -> Result<(), ValueError> {
    let mut room = Room {
        elements: MAX_WRITTEN_ELEMENTS,
        bytes: MAX_WRITTEN_BYTES,
    };
    room.take(value).ok_or(ValueError::TooLarge)
}

struct Room {
    elements: usize,
    bytes: usize,
}

impl Room {
    fn take(&mut self, value: &Value<'_>) -> Option<()> {
        self.elements = self.elements.checked_sub(1)?;
        match value {
            Value::String(text) => self.bytes = self.bytes.checked_sub(text.len())?,
            Value::Bytes(bytes) => self.bytes = self.bytes.checked_sub(bytes.len())?,
            Value::List(list) => {
                for value in list.values() {
                    self.take(value)?;
                }
            }
            Value::Map(map) => {
                for (key, value) in map.entries() {
                    self.take(&key.to_value())?;
                    self.take(value)?;
                }
            }
            Value::Optional(optional) => {
                if let Some(value) = optional.value() {
                    self.take(value)?;
                }
            }
            _ => {}
        }
        Some(())
    }
}
