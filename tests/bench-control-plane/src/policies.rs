//! Sets of policies as large sites have them: most told apart by path or tenant, some by address or
//! score.

use std::fmt::Write as _;

/// Documents of this many policies; `edition` changes the one policy in the middle.
pub(crate) fn documents(count: usize, edition: u32) -> String {
    let mut text = String::with_capacity(count * 256);
    for index in 0..count {
        policy(
            &mut text,
            index,
            if index == count / 2 { edition } else { 0 },
        );
    }
    text
}

/// The document of the policy in the middle of so many, in this edition.
pub(crate) fn changed(count: usize, edition: u32) -> String {
    let mut text = String::new();
    policy(&mut text, count / 2, edition);
    text
}

fn policy(text: &mut String, index: usize, edition: u32) {
    let bound = 50 + (index as u32 + edition) % 50;
    let condition = match index % 4 {
        0 => format!("score >= {bound}"),
        1 => format!("score >= {bound} && request.headers[\"x-tenant\"] == \"tenant-{index}\""),
        2 => format!(
            "score >= {bound} && source.address in [\"10.{}.{}.1\"]",
            index / 256 % 256,
            index % 256
        ),
        _ => format!(
            "score >= {bound} && request.headers[\"user-agent\"].contains(\"agent-{index}\")"
        ),
    };
    // Writing to a text does not fail.
    let _ = write!(
        text,
        "---\napiVersion: countersign.dev/v1\nkind: MitigationPolicy\nmetadata: {{name: policy-{index:05}}}\nspec:\n  \
         endpoints: [\"/section-{}/{index}/*\"]\n  when: '{condition}'\n  action: challenge\n  \
         priority: {}\n",
        index % 50,
        100 + index % 900,
    );
}

#[cfg(test)]
mod tests {
    use countersign_control_plane::compile::{RuntimeMaterial, compile};
    use countersign_control_plane::resource::{SourceFile, parse_files};

    use super::*;

    #[test]
    fn every_edition_compiles_and_is_another_set() {
        let hash = |edition| {
            let file = SourceFile {
                name: "bench.yaml".into(),
                content: documents(40, edition).into_bytes(),
            };
            let documents = parse_files(&[file]).unwrap();
            compile(&documents, &RuntimeMaterial::default())
                .unwrap()
                .hash
        };
        assert_ne!(hash(0), hash(1));
    }
}
