//! What a module says about itself: its custom section `countersign`, lines of `name=value`.

use super::ModuleError;

/// The section that packing writes.
const SECTION: &str = "countersign";
/// The header of a module: magic and version 1.
const HEADER: &[u8; 8] = b"\0asm\x01\0\0\0";
/// The number of every custom section.
const CUSTOM: u8 = 0;

/// What a module says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Described {
    pub(super) format: u32,
    pub(super) version: String,
}

/// Reads the section.
pub(super) fn read(module: &[u8]) -> Result<Described, ModuleError> {
    let mut rest = module.strip_prefix(HEADER).ok_or(ModuleError::NoModule)?;
    while let Some((&number, after)) = rest.split_first() {
        let (content, after) = sized(after).ok_or(ModuleError::NoModule)?;
        if number == CUSTOM
            && let Some((name, data)) = sized(content)
            && name == SECTION.as_bytes()
        {
            return described(data).ok_or(ModuleError::Undescribed);
        }
        rest = after;
    }
    Err(ModuleError::Undescribed)
}

fn described(data: &[u8]) -> Option<Described> {
    let text = std::str::from_utf8(data).ok()?;
    let value = |name: &str| {
        let mut lines = text.lines().filter_map(|line| line.split_once('='));
        lines.find_map(|(known, value)| (known == name).then_some(value))
    };
    Some(Described {
        format: value("format")?.parse().ok()?,
        version: value("version")?.to_owned(),
    })
}

/// Bytes behind their length, and what follows.
fn sized(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = number(bytes)?;
    rest.split_at_checked(usize::try_from(length).ok()?)
}

/// An unsigned LEB128 of 32 bits.
fn number(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let mut value = 0_u64;
    for (at, byte) in bytes.iter().take(5).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((u32::try_from(value).ok()?, bytes.get(at + 1..)?));
        }
    }
    None
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A module with another section, then this one.
    pub(in crate::module) fn module(described: &str) -> Vec<u8> {
        let mut module = HEADER.to_vec();
        let mut section = |number: u8, content: &[u8]| {
            module.extend([number, u8::try_from(content.len()).unwrap()]);
            module.extend(content);
        };
        section(CUSTOM, b"\x04name-");
        section(1, b"\0");
        let mut content = vec![u8::try_from(SECTION.len()).unwrap()];
        content.extend(SECTION.as_bytes());
        content.extend(described.as_bytes());
        section(CUSTOM, &content);
        module
    }

    #[test]
    fn a_module_says_its_form_and_its_release() {
        let described = read(&module("format=3\nversion=0.1.0\n")).unwrap();
        assert_eq!((described.format, &*described.version), (3, "0.1.0"));
    }

    #[test]
    fn what_is_no_module_and_what_says_nothing_are_told_apart() {
        for bytes in [
            &b""[..],
            b"\0asm",
            b"\x7fELF\x01\0\0\0",
            b"\0asm\x01\0\0\0\0\x09x",
        ] {
            assert!(
                matches!(read(bytes), Err(ModuleError::NoModule)),
                "{bytes:?}"
            );
        }
        for described in ["", "format=x\nversion=1\n", "version=1\n", "format=3\n"] {
            assert!(matches!(
                read(&module(described)),
                Err(ModuleError::Undescribed)
            ));
        }
        assert!(matches!(read(HEADER), Err(ModuleError::Undescribed)));
    }

    #[test]
    fn a_length_past_every_end_is_no_module() {
        for length in [&[0xff, 0xff, 0xff, 0xff, 0x0f][..], &[0xff; 6], &[0x80]] {
            let mut module = HEADER.to_vec();
            module.push(CUSTOM);
            module.extend(length);
            assert!(matches!(read(&module), Err(ModuleError::NoModule)));
        }
    }
}
