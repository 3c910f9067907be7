//! How the challenge page looks, as the sidecars are told: by the declared set, like all that is no
//! policy. It is in no revision, since no filter reads it.

use countersign_proto::node::v1 as proto;

use crate::inventory::Inventory;
use crate::resource::{Colours, PageSpec, Resource};

/// What `Settings` say of the page.
pub(super) fn page(inventory: &Inventory) -> Option<proto::Page> {
    inventory
        .entries()
        .find_map(|entry| match &entry.document.resource {
            Resource::Settings(settings) => settings.page.as_deref().map(told),
            _ => None,
        })
}

fn told(page: &PageSpec) -> proto::Page {
    proto::Page {
        name: page.name.clone().unwrap_or_default(),
        logo: page.logo.as_ref().map(|logo| proto::Logo {
            media_type: logo.media_type.to_owned(),
            data: logo.data.to_vec(),
        }),
        light: Some(colours(page.light)),
        dark: Some(colours(page.dark)),
        privacy: page.privacy.clone().unwrap_or_default(),
        help: page.help.clone().unwrap_or_default(),
    }
}

fn colours(colours: Colours) -> proto::Colours {
    proto::Colours {
        accent: colours.accent.map(|colour| colour.0),
        background: colours.background.map(|colour| colour.0),
    }
}
