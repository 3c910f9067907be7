//! Upstreams that may ask for more, and what comes of one that does.

use countersign_control_plane::simulate::{AskedSeen, MayAskSeen};

use super::{Story, printable};

impl Story {
    pub(super) fn may_ask(&mut self, may_ask: &MayAskSeen) {
        let by = match may_ask.policy.as_str() {
            "(step-up)" => "`Settings`",
            policy => policy,
        };
        let names: Vec<String> = may_ask
            .upstreams
            .iter()
            .map(|name| format!("`{}`", printable(name)))
            .collect();
        if names.is_empty() {
            let what = format!("no upstream may ask for more: {by} says so");
            self.step("step-up", &what);
            return;
        }
        self.step(
            "step-up",
            &format!("{} may ask for more, by {by}", names.join(", ")),
        );
        self.more(&format!(
            "the upstream is told `countersign-assurance: {}`",
            may_ask.told
        ));
        if let Some(bytes) = may_ask.keeps_body {
            self.more(&format!(
                "of a form, at most {bytes} bytes are kept to be sent again"
            ));
        }
    }

    pub(super) fn asked(&mut self, asked: &AskedSeen) {
        let demand = format!(
            "{} answers `countersign-step-up: {}`",
            asked.upstream, asked.demand
        );
        let demand = printable(&demand);
        self.step("upstream", &demand);
        match &asked.reply {
            Some(reply) => self.answer("then", reply),
            None => {
                let heard = match asked.came_of_it {
                    "nobody_trusted" | "exempt" => "the answer goes on as it is",
                    "not_reached" => "it is not asked",
                    _ => "the answer goes on, without the header",
                };
                self.step("then", heard);
            }
        }
        if asked.came_of_it != "challenge" {
            self.more(&asked.why);
        }
    }
}
