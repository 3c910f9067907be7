//! Whose page it is: a site's name, logo, colours and links, as `Settings` say and every page follows.

use std::fmt::Write as _;

use countersign_proto::node::v1 as proto;
use sha2::{Digest as _, Sha256};

use crate::limits;

/// How pages look. The default is ours.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Look {
    /// The site's name; empty: none.
    pub name: String,
    /// Its picture.
    pub logo: Option<Logo>,
    /// Custom properties that override those of the style sheet.
    pub css: String,
    /// Where it says what becomes of data; empty: nowhere.
    pub privacy: String,
    /// Where it helps; empty: nowhere.
    pub help: String,
}

/// A picture that is served beside the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logo {
    /// What it is served as.
    pub media_type: &'static str,
    /// Its bytes.
    pub data: Vec<u8>,
    /// Names these bytes, so that another logo is another address.
    pub tag: String,
}

/// Why a look is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLook {
    /// A type that browsers might run.
    #[error("a logo of the type `{0}`")]
    MediaType(String),
    /// Past the limit.
    #[error("a logo of {0} bytes; at most {max} are taken", max = limits::LOGO_BYTES)]
    Logo(usize),
    /// Past the limit.
    #[error("a name of {0} bytes; at most {max} are taken", max = limits::PAGE_NAME_BYTES)]
    Name(usize),
    /// Neither an address of the web nor a path.
    #[error("a link that leads neither to the web nor to a path of the site")]
    Link,
    /// More than 24 bits.
    #[error("{0} is no colour")]
    Colour(u32),
}

const MEDIA_TYPES: [&str; 4] = ["image/png", "image/jpeg", "image/webp", "image/svg+xml"];

impl TryFrom<&proto::Page> for Look {
    type Error = InvalidLook;

    fn try_from(page: &proto::Page) -> Result<Self, InvalidLook> {
        if page.name.len() > limits::PAGE_NAME_BYTES {
            return Err(InvalidLook::Name(page.name.len()));
        }
        Ok(Self {
            name: page.name.clone(),
            logo: page.logo.as_ref().map(Logo::try_from).transpose()?,
            css: css(page)?,
            privacy: link(&page.privacy)?,
            help: link(&page.help)?,
        })
    }
}

impl TryFrom<&proto::Logo> for Logo {
    type Error = InvalidLook;

    fn try_from(logo: &proto::Logo) -> Result<Self, InvalidLook> {
        let known = MEDIA_TYPES.into_iter().find(|it| *it == logo.media_type);
        let media_type = known.ok_or_else(|| InvalidLook::MediaType(logo.media_type.clone()))?;
        if logo.data.len() > limits::LOGO_BYTES {
            return Err(InvalidLook::Logo(logo.data.len()));
        }
        let hash = Sha256::digest(&logo.data);
        let mut tag = String::new();
        for byte in hash.iter().take(8) {
            // Writing into a text cannot fail.
            let _ = write!(tag, "{byte:02x}");
        }
        Ok(Self {
            media_type,
            data: logo.data.clone(),
            tag,
        })
    }
}

/// What was checked at the control plane is checked here as well: a `javascript:` link would run.
fn link(text: &str) -> Result<String, InvalidLook> {
    let path = text.starts_with('/') && !text.starts_with("//");
    let web = text.starts_with("https://") || text.starts_with("http://");
    if text.is_empty() || ((path || web) && text.bytes().all(|byte| byte.is_ascii_graphic())) {
        Ok(text.to_owned())
    } else {
        Err(InvalidLook::Link)
    }
}

fn css(page: &proto::Page) -> Result<String, InvalidLook> {
    let light = properties(page.light.as_ref(), false)?;
    let dark = properties(page.dark.as_ref(), true)?;
    let mut css = String::new();
    if !light.is_empty() {
        // Only the light page: the dark one has colours of its own, or keeps ours.
        let _ = write!(
            css,
            "@media (prefers-color-scheme:light){{:root{{{light}}}}}"
        );
    }
    if !dark.is_empty() {
        let _ = write!(css, "@media (prefers-color-scheme:dark){{:root{{{dark}}}}}");
    }
    Ok(css)
}

fn properties(colours: Option<&proto::Colours>, dark: bool) -> Result<String, InvalidLook> {
    let mut text = String::new();
    let Some(colours) = colours else {
        return Ok(text);
    };
    for colour in [colours.accent, colours.background].into_iter().flatten() {
        if colour > 0x00ff_ffff {
            return Err(InvalidLook::Colour(colour));
        }
    }
    if let Some(accent) = colours.accent {
        // An accent that is legible on a light page is dark, and the other way round.
        let ink = if dark { "#08121c" } else { "#fff" };
        let _ = write!(
            text,
            "--accent:#{accent:06x};--accent-ink:{ink};\
             --accent-deep:color-mix(in srgb,#{accent:06x} 82%,var(--ink));\
             --glow:color-mix(in srgb,#{accent:06x} 13%,transparent);"
        );
    }
    if let Some(background) = colours.background {
        let _ = write!(text, "--ground:#{background:06x};");
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> proto::Page {
        proto::Page {
            name: "Example Shop".to_owned(),
            logo: Some(proto::Logo {
                media_type: "image/svg+xml".to_owned(),
                data: b"<svg/>".to_vec(),
            }),
            light: Some(proto::Colours {
                accent: Some(0x00b0_1060),
                background: None,
            }),
            dark: None,
            privacy: "/privacy".to_owned(),
            help: "https://help.example.com/".to_owned(),
        }
    }

    #[test]
    fn colours_become_properties_and_nothing_else_does() {
        let look = Look::try_from(&page()).unwrap();
        assert!(look.css.starts_with("@media (prefers-color-scheme:light)"));
        assert!(look.css.contains("--accent:#b01060;"));
        assert!(!look.css.contains("dark") && !look.css.contains("--ground"));
        assert_eq!(look.logo.unwrap().tag.len(), 16);
    }

    #[test]
    fn what_could_run_or_grow_is_refused() {
        let refused = |change: &dyn Fn(&mut proto::Page)| {
            let mut page = page();
            change(&mut page);
            Look::try_from(&page).unwrap_err()
        };
        let logo = |media_type: &str, bytes| {
            Some(proto::Logo {
                media_type: media_type.to_owned(),
                data: vec![b'<'; bytes],
            })
        };
        assert_eq!(
            refused(&|page| page.help = "javascript:alert(1)".to_owned()),
            InvalidLook::Link
        );
        assert_eq!(
            refused(&|page| page.privacy = "//evil.example".to_owned()),
            InvalidLook::Link
        );
        assert_eq!(
            refused(&|page| page.logo = logo("text/html", 1)),
            InvalidLook::MediaType("text/html".to_owned())
        );
        let most = limits::LOGO_BYTES;
        assert_eq!(
            refused(&|page| page.logo = logo("image/png", most + 1)),
            InvalidLook::Logo(most + 1)
        );
        assert_eq!(
            refused(&|page| page.dark = Some(proto::Colours {
                accent: Some(0x0100_0000),
                background: None,
            })),
            InvalidLook::Colour(0x0100_0000)
        );
    }
}
