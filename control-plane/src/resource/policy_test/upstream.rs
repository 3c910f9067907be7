//! What the upstream of a test answers: that it wants more proof.

use super::line;
use crate::rehearsal::UpstreamSpec;
use crate::resource::fields::{Field, Reader};
use crate::resource::limits;

/// Anything that a header can hold: what cannot be read as a demand is something to test as well.
pub(super) fn read(reader: &mut Reader<'_>, field: Field) -> Option<UpstreamSpec> {
    let mut fields = reader.fields(field)?;
    let mut text = |name| {
        let field = fields.take_required(reader, name)?;
        let text = line(reader, &field)?;
        if text.value.len() > limits::MAX_TEST_VALUE_BYTES {
            let message = format!("`{name}` is longer than a header may be");
            reader.error(text.span, message, "");
            return None;
        }
        Some(text.value)
    };
    let name = text("name");
    let step_up = text("stepUp");
    fields.finish(reader);
    Some(UpstreamSpec {
        name: name?,
        step_up: step_up?,
    })
}
