//! The extension `base64`.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::cel::{EvalError, Meter, Op, Value};

/// Writes padding, and reads texts with it or without.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

#[inline(never)]
pub(super) fn call<'a>(
    op: Op,
    values: &[Value<'a>],
    meter: &mut Meter,
) -> Result<Value<'a>, EvalError> {
    match (op, values) {
        (Op::Base64Encode, [Value::Bytes(bytes)]) => {
            // Four letters for three bytes.
            meter.make_bytes(bytes.len().div_ceil(3).saturating_mul(4))?;
            Ok(Value::String(BASE64.encode(&**bytes).into()))
        }
        (Op::Base64Decode, [Value::String(text)]) => {
            meter.make_bytes(text.len())?;
            let decoded = BASE64.decode(&**text);
            let decoded = decoded.map_err(|_| EvalError::not_convertible(op, text))?;
            Ok(Value::Bytes(decoded.into()))
        }
        _ => Err(EvalError::NoSuchOverload(op)),
    }
}
