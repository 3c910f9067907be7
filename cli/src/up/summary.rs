//! What is printed once everything is ready: where it is, and three things to try.

use std::fmt::Write as _;

use super::ready::NodeReadiness;
use super::record::Record;
use crate::colour::{BOLD, DIM, paint};
use crate::target::DEFAULT_CONTROL_PLANE;

/// The text, ending in a line break.
///
/// `program` is how this program was called, so that its commands can be copied.
pub(crate) fn text(record: &Record, node: &NodeReadiness, program: &str, colour: bool) -> String {
    let at = &record.addresses;
    let bold = |text: &str| paint(colour, BOLD, text);
    let dim = |text: &str| paint(colour && !text.is_empty(), DIM, text);
    let shop = if record.settings.shop {
        "demo shop"
    } else {
        "upstream"
    };
    let mut out = String::from("\n");
    let rows = [
        (
            "in a browser",
            at.http.clone(),
            "localhost needs no certificate",
        ),
        (
            "with TLS",
            at.https.clone(),
            "certificate of the local authority below",
        ),
        (
            "dashboard",
            // By name: browsers have no passkeys for addresses.
            at.api.replace("127.0.0.1", "localhost"),
            "sign in with the token below, then make a passkey; /metrics and the API as well",
        ),
        (
            "control plane",
            at.control_plane.clone(),
            "gRPC, what `countersign` talks to",
        ),
        ("Envoy admin", at.admin.clone(), ""),
        (shop, at.upstream.clone(), "what Envoy protects"),
        (
            "policies",
            record.settings.policies.display().to_string(),
            "edit a file: it is live at once",
        ),
        (
            "authority",
            record.tls.ca.display().to_string(),
            "import it to open the address with TLS in a browser",
        ),
        (
            "token",
            record.access.operator.display().to_string(),
            "an approver's; `countersign` finds it by itself",
        ),
        (
            "logs",
            super::plan::log_dir(&record.state_dir)
                .display()
                .to_string(),
            "",
        ),
    ];
    for (label, value, remark) in rows {
        let row = format!("  {label:14} {}  {}", bold(&value), dim(remark));
        let _infallible = writeln!(out, "{}", row.trim_end());
    }
    if *node == NodeReadiness::NoPolicy {
        let _infallible = writeln!(
            out,
            "\nThere is no policy yet: Envoy answers 503 until `{program} apply -f FILE` or a file in the directory above."
        );
        return out + "\nCtrl-C stops everything.\n";
    }
    let cli = if at.control_plane == DEFAULT_CONTROL_PLANE {
        program.to_owned()
    } else {
        format!("{program} --control-plane {}", at.control_plane)
    };
    let ca = record.tls.ca.display();
    let _infallible = write!(
        out,
        "\n{one}\n  {http}/checkout/\n\
         \n{two}\n  curl -si {http}/ -H 'x-bot-score: 85'\n  curl -si --cacert {ca} {https}/ -H 'x-bot-score: 85'\n\
         \n{three}\n  {cli} events list\n  {cli} events get EVENT-ID\n\
         \nCtrl-C stops everything.\n",
        one = bold(
            "1. Be challenged: open this in a browser, and confirm with the device's fingerprint, face or PIN"
        ),
        two = bold("2. Be a bot: a program is told, in a 403, where to prove itself"),
        three = bold("3. Ask why: the countersign-event-id of a refusal leads to its explanation"),
        http = at.http,
        https = at.https,
    );
    out
}
