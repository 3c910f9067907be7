use super::*;

fn body() -> Vec<u8> {
    let mut writer = FormWriter::default();
    writer.section(Section::Strings).extend_from_slice(b"hello");
    writer.word(Section::Arguments, 7);
    writer.finish().unwrap()
}

#[test]
fn what_was_written_is_read_in_place() {
    let body = body();
    let sections = Sections::read(&body).unwrap();
    assert_eq!(sections.get(Section::Strings), b"hello");
    assert_eq!(sections.words(Section::Arguments).unwrap().get(0), Some(7));
    assert!(sections.get(Section::Index).is_empty());
    assert_eq!(
        sections.words(Section::Strings),
        Err(FormError::Section(Section::Strings))
    );
}

#[test]
fn no_truncation_or_altered_table_is_read_out_of_bounds() {
    let whole = body();
    for length in 0..whole.len() {
        assert!(Sections::read(&whole[..length]).is_err(), "{length} bytes");
    }
    for byte in 0..28 {
        for value in [0, 1, 127, 255] {
            let mut altered = whole.clone();
            altered[byte] = value;
            let _checked = Sections::read(&altered);
        }
    }
}

#[test]
fn sections_may_not_overlap_or_repeat() {
    let whole = body();
    let mut overlapping = whole.clone();
    // The second section's offset becomes the first one's.
    overlapping.copy_within(8..12, 20);
    assert_eq!(Sections::read(&overlapping).unwrap_err(), FormError::Table);
    let mut twice = whole;
    twice.copy_within(4..8, 16);
    assert_eq!(Sections::read(&twice).unwrap_err(), FormError::Table);
}

#[test]
fn a_section_of_a_later_writer_is_passed_over() {
    let mut body = body();
    // The last section gets a number that no reader knows yet.
    body[16..20].copy_from_slice(&60_u32.to_le_bytes());
    assert_eq!(
        Sections::read(&body).unwrap().get(Section::Strings),
        b"hello"
    );
}
