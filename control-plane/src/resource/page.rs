//! `page` of `Settings`: whose challenge page it is, and how it looks.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::fields::{Field, Fields, Reader};
use super::{limits, mitigation_policy};
use crate::diagnostic::{Finding, quoted};

/// What the challenge page shows of the site; what is absent stays as we made it.
#[derive(Clone, Debug, Default)]
pub(crate) struct PageSpec {
    pub(crate) name: Option<String>,
    pub(crate) logo: Option<Logo>,
    pub(crate) light: Colours,
    pub(crate) dark: Colours,
    pub(crate) privacy: Option<String>,
    pub(crate) help: Option<String>,
}

/// A picture.
#[derive(Clone, Debug)]
pub(crate) struct Logo {
    pub(crate) media_type: &'static str,
    pub(crate) data: Arc<[u8]>,
}

/// Colours of a light or of a dark page.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Colours {
    pub(crate) accent: Option<Colour>,
    pub(crate) background: Option<Colour>,
}

/// Red, green and blue in one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Colour(pub(crate) u32);

/// What stands on or beside a site's colours: the sidecar's style sheet has these.
struct Ours {
    /// Behind buttons whose text has the accent.
    card: Colour,
    /// The weakest text on the background.
    soft: Colour,
}

const LIGHT: Ours = Ours {
    card: Colour(0x00ff_ffff),
    soft: Colour(0x0051_606f),
};
const DARK: Ours = Ours {
    card: Colour(0x0018_2129),
    soft: Colour(0x00a3_b0bd),
};

/// WCAG 2.2, 1.4.3: text that everybody can read.
const LEAST_CONTRAST: f64 = 4.5;

/// Pictures that browsers show, and how their bytes begin.
const PICTURES: [(&str, &str, &[u8]); 4] = [
    ("data:image/png;base64,", "image/png", b"\x89PNG\r\n\x1a\n"),
    ("data:image/jpeg;base64,", "image/jpeg", b"\xff\xd8\xff"),
    ("data:image/webp;base64,", "image/webp", b"RIFF"),
    ("data:image/svg+xml;base64,", "image/svg+xml", b"<"),
];

impl PageSpec {
    pub(super) fn read(reader: &mut Reader<'_>, field: Field) -> Option<Self> {
        let mut fields = reader.fields(field)?;
        let page = Self {
            name: fields
                .take(reader, "name")
                .and_then(|field| name(reader, &field)),
            logo: fields
                .take(reader, "logo")
                .and_then(|field| logo(reader, &field)),
            light: Colours::read(reader, &mut fields, "page", &LIGHT),
            dark: match fields
                .take(reader, "dark")
                .and_then(|field| reader.fields(field))
            {
                Some(mut dark) => {
                    let colours = Colours::read(reader, &mut dark, "page.dark", &DARK);
                    dark.finish(reader);
                    colours
                }
                None => Colours::default(),
            },
            privacy: fields
                .take(reader, "privacy")
                .and_then(|field| link(reader, &field)),
            help: fields
                .take(reader, "help")
                .and_then(|field| link(reader, &field)),
        };
        fields.finish(reader);
        Some(page)
    }
}

impl Colours {
    fn read(reader: &mut Reader<'_>, fields: &mut Fields, of: &str, ours: &Ours) -> Self {
        let mut colour = |name: &'static str, other: Colour, what: &str| {
            let field = fields.take(reader, name)?;
            legible(reader, &field, &format!("{of}.{name}"), other, what)
        };
        Self {
            accent: colour("accent", ours.card, "the page, on which links have it"),
            background: colour("background", ours.soft, "the text on it"),
        }
    }
}

/// A colour that can be read beside `other`.
fn legible(
    reader: &mut Reader<'_>,
    field: &Field,
    name: &str,
    other: Colour,
    what: &str,
) -> Option<Colour> {
    let text = reader.text(field)?;
    let Some(colour) = Colour::parse(&text.value) else {
        let message = format!("{} is no colour", quoted(&text.value));
        let help = "write it as `\"#0b5cad\"`: red, green and blue, two hexadecimal digits each";
        reader.error(text.span, message, help);
        return None;
    };
    let contrast = colour.contrast(other);
    if contrast < LEAST_CONTRAST {
        // Rounded down: 4.499 is not enough and must not look so.
        let shown = (contrast * 100.0).floor() / 100.0;
        let message = format!(
            "`{name}` has a contrast of {shown:.2} to {what} ({})",
            other.text()
        );
        reader.push(
            Finding::error(reader.source(), text.span, message).help(format!(
                "at least {LEAST_CONTRAST} is needed to be read by everybody (WCAG 1.4.3): take a colour further from {}",
                other.text()
            )),
        );
        return None;
    }
    Some(colour)
}

impl Colour {
    fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#')?;
        let fits = digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        fits.then(|| u32::from_str_radix(digits, 16).ok().map(Self))?
    }

    fn text(self) -> String {
        format!("#{:06x}", self.0)
    }

    /// WCAG 2.2, "contrast ratio": from 1 to 21.
    fn contrast(self, other: Self) -> f64 {
        let (one, other) = (self.luminance(), other.luminance());
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    /// WCAG 2.2, "relative luminance".
    fn luminance(self) -> f64 {
        let [_, red, green, blue] = self.0.to_be_bytes().map(|byte| {
            let part = f64::from(byte) / 255.0;
            if part <= 0.040_45 {
                part / 12.92
            } else {
                ((part + 0.055) / 1.055).powf(2.4)
            }
        });
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }
}

fn name(reader: &mut Reader<'_>, field: &Field) -> Option<String> {
    let text = reader.text(field)?;
    let characters = text.value.chars().count();
    let plain = !text.value.chars().any(char::is_control);
    if plain && (1..=limits::MAX_PAGE_NAME).contains(&characters) {
        return Some(text.value);
    }
    let help = format!(
        "one line of 1 to {} characters, such as `Example Shop`",
        limits::MAX_PAGE_NAME
    );
    reader.error(text.span, "this is no name of a site", &help);
    None
}

fn link(reader: &mut Reader<'_>, field: &Field) -> Option<String> {
    let text = reader.text(field)?;
    match mitigation_policy::check_location(&text.value) {
        Ok(()) => Some(text.value),
        Err(help) => {
            let message = format!("{} is not a place to link to", quoted(&text.value));
            reader.error(text.span, message, &help);
            None
        }
    }
}

fn logo(reader: &mut Reader<'_>, field: &Field) -> Option<Logo> {
    let text = reader.text(field)?;
    let picture = PICTURES.into_iter().find_map(|(begin, media_type, bytes)| {
        let rest = text.value.strip_prefix(begin)?;
        Some((rest, media_type, bytes))
    });
    let Some((base64, media_type, begin)) = picture else {
        let help = "write `data:image/png;base64,…`, or `jpeg`, `webp` or `svg+xml`: `base64 -w0 logo.png` gives what follows";
        reader.error(text.span, "this is no picture", help);
        return None;
    };
    let data = STANDARD.decode(base64).unwrap_or_default();
    if data.len() > limits::MAX_LOGO_BYTES {
        let message = format!("the logo has {} bytes", data.len());
        let help = format!(
            "at most {} are taken: a page that is waited for is small",
            limits::MAX_LOGO_BYTES
        );
        reader.past_limit(text.span, message, help);
        return None;
    }
    if !data.starts_with(begin) {
        let message = format!("this is no picture of the type `{media_type}`");
        let help =
            "name the type that the file has; `base64 -w0 FILE` gives what follows the comma";
        reader.error(text.span, message, help);
        return None;
    }
    Some(Logo {
        media_type,
        data: data.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contrast_is_that_of_the_recommendation() {
        let ratio = |one, other| Colour(one).contrast(Colour(other));
        assert!((ratio(0x0000_0000, 0x00ff_ffff) - 21.0).abs() < 1e-9);
        assert!((ratio(0x0077_7777, 0x00ff_ffff) - 4.478).abs() < 1e-3);
        assert!((ratio(0x00ff_ffff, 0x0076_7676) - 4.542).abs() < 1e-3);
        assert!((ratio(0x0012_3456, 0x0012_3456) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn a_colour_is_six_digits() {
        assert_eq!(Colour::parse("#0B5cad"), Some(Colour(0x000b_5cad)));
        for text in ["0b5cad", "#0b5ca", "#0b5cadd", "#+b5cad", "red", "#", ""] {
            assert_eq!(Colour::parse(text), None, "{text}");
        }
        assert_eq!(Colour(0xff).text(), "#0000ff");
    }
}
