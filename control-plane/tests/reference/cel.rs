//! The language of conditions: names and functions are those that the compiler knows.

use std::fmt::Write as _;

use countersign_control_plane::compile::language;
use countersign_control_plane::resource::parse_document;

use crate::cell;

const SETTINGS: &str = "apiVersion: countersign.dev/v1
kind: Settings
metadata: {name: default}
spec:
  trustedHops: [127.0.0.1/32]
  geo: {countryHeader: x-country, asnHeader: x-asn}
  identifiers:
    visitor_id: x-visitor
    browser_id: x-browser
    visitor_fingerprint: x-visitor-fp
    browser_fingerprint: x-browser-fp
    hardware_fingerprint: x-hardware-fp
    network_fingerprint: x-network-fp
";

/// The page.
pub(crate) fn page() -> String {
    // With every header that a trusted hop can tell something by.
    let settings = parse_document(SETTINGS, "settings.yaml", 1).unwrap();
    let language = language(&[settings]);
    let mut page = String::from(
        "# CEL\n\nConditions are written in the Common Expression Language, all of it but protobuf \
         messages. Regular expressions and time zones are constants, so that every request is decided in \
         bounded time. The same lists come from `/api/v1/language`, with the lists of your own set.\n\n\
         A condition that fails at run time does not match and is counted. A name that may not be there \
         fails when it is not. `a || b` is true if one of them is, and `a && b` false if one of them is, \
         even where the other fails.\n\n## Names\n\n\
         | name | type | what it is | may be missing |\n|---|---|---|---|\n",
    );
    for name in &language.names {
        let _ = writeln!(
            page,
            "| `{}` | {} | {} | {} |",
            name.name,
            cell(&name.ty),
            cell(&name.doc),
            cell(name.absent.unwrap_or_default())
        );
    }
    page.push_str(
        "\nThe lists of a set are `lists.NAME`, or `lists[\"NAME\"]` where the name has a dash. `geo.*` and \
         most of `device.*` are there only where `Settings` name the header in which a trusted hop tells \
         them.\n\n## Functions\n\n\
         A type before the dot is what the function is called on.\n\n| function | how it is called |\n|---|---|\n",
    );
    for function in &language.functions {
        let overloads: Vec<_> = function
            .overloads
            .iter()
            .map(|it| format!("`{it}`"))
            .collect();
        let _ = writeln!(
            page,
            "| `{}` | {} |",
            function.name,
            cell(&overloads.join("<br>"))
        );
    }
    page.push_str(
        "\nTry one:\n\n```sh\necho '{\"expr\": \"[1, 2].map(x, x * 2)\"}' | countersign expr\n```\n",
    );
    page
}
