//! An explanation as a person reads it: one step a paragraph, in the order of evaluation.

mod step_up;

use countersign_control_plane::simulate::{Explained, PolicySeen, Reply, SignalSeen};

use crate::colour::{self, paint};

/// Wide enough for the longest title.
const TITLE: usize = 13;

pub(super) fn text(explained: &Explained, colour: bool) -> String {
    let mut story = Story {
        text: String::new(),
        colour,
    };
    story.request(explained);
    story.exemption(explained);
    story.client(explained);
    if explained.exempt {
        story.reply(explained);
        return story.text;
    }
    story.device_rule(explained);
    story.signals(explained);
    story.score(explained);
    story.verdict(explained);
    story.policies(explained);
    story.reply(explained);
    story.text
}

struct Story {
    text: String,
    colour: bool,
}

impl Story {
    fn paint(&self, code: &str, text: &str) -> String {
        paint(self.colour, code, text)
    }

    fn dim(&self, text: &str) -> String {
        self.paint(colour::DIM, text)
    }

    /// A step: its title, and what is said of it.
    fn step(&mut self, title: &str, what: &str) {
        let pad = TITLE.saturating_sub(title.chars().count()) + 1;
        self.text.push_str(&self.paint(colour::BOLD, title));
        if !what.is_empty() {
            self.text.push_str(&" ".repeat(pad));
            self.text.push_str(what);
        }
        self.text.push('\n');
    }

    fn request(&mut self, explained: &Explained) {
        let request = &explained.request;
        let line = format!(
            "{} {}://{}{}",
            request.method, request.scheme, request.host, request.path
        );
        let line = self.paint(colour::BOLD, &printable(&line));
        let at = self.dim(&request.time);
        self.text.push_str(&format!("{line}  {at}\n"));
        let path = request.path.split('?').next().unwrap_or_default();
        if path != request.normal_path {
            let normal = format!("policies see the path {}", request.normal_path);
            self.text.push_str(&format!("{}\n", printable(&normal)));
        }
        self.text.push('\n');
    }

    fn exemption(&mut self, explained: &Explained) {
        let what = if explained.exempt {
            "yes: nothing else is asked".to_owned()
        } else {
            self.dim("no")
        };
        self.step("exempt", &what);
    }

    fn client(&mut self, explained: &Explained) {
        let client = &explained.client;
        let address = client.address.as_deref().unwrap_or("unknown");
        let found = self.dim(&client.found);
        self.step("client", &format!("{}  {found}", printable(address)));
    }

    fn device_rule(&mut self, explained: &Explained) {
        let what = match &explained.device_rule {
            None => self.dim("none holds"),
            Some(rule) => {
                let verdict = self.verdict_word(rule.verdict);
                let name = rule.name.as_deref().unwrap_or("a rule");
                let value = rule.value.as_deref().unwrap_or_default();
                let by = format!("by {name}: {} {value}", rule.identifier);
                format!("{verdict} {}", printable(&by))
            }
        };
        self.step("device rule", &what);
    }

    fn signals(&mut self, explained: &Explained) {
        if explained.signals.is_empty() {
            let none = self.dim("none");
            self.step("signals", &none);
            return;
        }
        self.step("signals", "");
        let rows = explained.signals.iter().map(|signal| {
            [
                signal.name.clone(),
                format!("{:+}", signal.weight),
                signal.reason.clone(),
                signal.verdict.to_owned(),
                signal_outcome(signal),
            ]
        });
        let marks = explained.signals.iter().map(|signal| {
            if signal.held {
                Mark::Yes
            } else if signal.error.is_some() {
                Mark::Failed
            } else {
                Mark::No
            }
        });
        self.rows(rows.collect(), marks.collect());
    }

    fn score(&mut self, explained: &Explained) {
        let mut parts = Vec::new();
        if explained.upstream_score > 0 {
            parts.push(format!("{} from the trusted hop", explained.upstream_score));
        }
        for signal in explained.signals.iter().filter(|signal| signal.held) {
            parts.push(format!("{:+} {}", signal.weight, signal.name));
        }
        let score = self.paint(colour::BOLD, &explained.score.to_string());
        let mut what = score;
        if !parts.is_empty() {
            let sum = if explained.sum == i64::from(explained.score) {
                String::new()
            } else {
                format!(" = {}, clamped to 0..100", explained.sum)
            };
            what.push_str(&self.dim(&format!("  = {}{sum}", parts.join(", "))));
        }
        self.step("score", &what);
    }

    fn verdict(&mut self, explained: &Explained) {
        let reasons = match explained.reasons.as_slice() {
            [] => self.dim("none"),
            reasons => reasons.join(", "),
        };
        self.step("reasons", &reasons);
        let verdict = self.verdict_word(explained.verdict);
        let mut notes = vec![match explained.verdict_mode {
            "enforce" => "enforced where no policy decides",
            _ => "observed only",
        }];
        if explained.device_rule.is_some() {
            notes.insert(0, "the device rule's");
        }
        let notes = self.dim(&notes.join("; "));
        self.step("verdict", &format!("{verdict}  {notes}"));
    }

    fn policies(&mut self, explained: &Explained) {
        if let Some(unreadable) = explained.unreadable {
            let why = match unreadable {
                "authority_invalid" => "its host is none",
                "path_ambiguous" => "servers read its path in different ways",
                other => other,
            };
            let what = format!("not asked: the request is refused, since {why}");
            self.step("policies", &what);
            return;
        }
        if explained.policies.is_empty() {
            let none = self.dim("none");
            self.step("policies", &none);
            return;
        }
        self.step("policies", "");
        let rows = explained.policies.iter().map(|policy| {
            let action = match policy.monitor_only {
                true => format!("{} (monitor)", policy.action),
                false => policy.action.to_owned(),
            };
            [policy.name.clone(), action, policy_outcome(policy)]
        });
        let marks = explained
            .policies
            .iter()
            .map(|policy| match policy.came_of_it {
                "decides" => Mark::Yes,
                "counts" | "satisfied" | "preflight" | "passes" => Mark::Passed,
                "failed" => Mark::Failed,
                _ => Mark::No,
            });
        self.rows(rows.collect(), marks.collect());
    }

    fn reply(&mut self, explained: &Explained) {
        if let Some(session) = explained.session {
            self.step("session", session);
        }
        if !explained.notes.is_empty() {
            self.step("noticed", &explained.notes.join(", "));
        }
        self.answer("answer", &explained.reply);
        if let Some(may_ask) = &explained.step_up {
            self.may_ask(may_ask);
        }
        if let Some(asked) = &explained.asked {
            self.asked(asked);
        }
    }

    fn answer(&mut self, title: &str, reply: &Reply) {
        let (code, mut what) = match reply.action {
            "challenge" => (colour::YELLOW, "challenged".to_owned()),
            "block" => (colour::RED, "blocked".to_owned()),
            "redirect" => (colour::BLUE, "redirected".to_owned()),
            _ => (colour::GREEN, "the request goes on".to_owned()),
        };
        what = self.paint(code, &what);
        if let Some(status) = reply.status {
            what.push_str(&format!(": {status}"));
        }
        if let Some(location) = &reply.location {
            what.push_str(&format!(" to {}", printable(location)));
        }
        match reply.policy.as_deref() {
            Some("(verdict)") => what.push_str(", by the verdict"),
            Some("(step-up)") => what.push_str(", by the `stepUp` of `Settings`"),
            Some(policy) => what.push_str(&format!(", by {policy}")),
            None => {}
        }
        self.step(title, &what);
        if let Some(grade) = reply.min_assurance {
            let age = match reply.max_age_s {
                Some(age) => format!(", proven at most {age} s ago"),
                None => String::new(),
            };
            self.more(&format!("it demands a session of grade {grade}{age}"));
        }
    }

    /// Another line of the step before.
    fn more(&mut self, what: &str) {
        let line = format!("{:TITLE$} {}\n", "", self.dim(what));
        self.text.push_str(&line);
    }

    fn verdict_word(&self, verdict: &str) -> String {
        let code = match verdict {
            "BLOCK" => colour::RED,
            "CHALLENGE" => colour::YELLOW,
            _ => colour::GREEN,
        };
        self.paint(code, verdict)
    }

    /// Aligned rows, each with a mark. The last column may be of any length.
    fn rows<const N: usize>(&mut self, rows: Vec<[String; N]>, marks: Vec<Mark>) {
        let mut widths = [0; N];
        for row in &rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = cell.chars().count().max(*width);
            }
        }
        for (row, mark) in rows.iter().zip(marks) {
            let cells: Vec<String> = row
                .iter()
                .zip(widths)
                .map(|(cell, width)| format!("{:<width$}", printable(cell)))
                .collect();
            let line = cells.join("  ");
            let line = line.trim_end();
            let (sign, code) = match mark {
                Mark::Yes => ("✓", colour::BOLD),
                Mark::Passed => ("~", colour::BLUE),
                Mark::Failed => ("!", colour::YELLOW),
                Mark::No => ("·", colour::DIM),
            };
            let line = self.paint(code, &format!("{sign} {line}"));
            self.text.push_str(&format!("  {line}\n"));
        }
    }
}

/// What came of a row.
#[derive(Clone, Copy, Debug)]
enum Mark {
    Yes,
    Passed,
    Failed,
    No,
}

fn signal_outcome(signal: &SignalSeen) -> String {
    match &signal.error {
        Some(error) => format!("failed: {error}"),
        None if signal.held => "held".to_owned(),
        None => "did not hold".to_owned(),
    }
}

fn policy_outcome(policy: &PolicySeen) -> String {
    let when = policy.when.as_deref().map(shortened).unwrap_or_default();
    match policy.came_of_it {
        "other_method" => "other method".to_owned(),
        "other_host" => "other host".to_owned(),
        "other_endpoint" => "other endpoint".to_owned(),
        "false" => format!("condition false: {when}"),
        "failed" => {
            let error = policy.error.as_deref().unwrap_or_default();
            format!("condition failed: {error}, in {when}")
        }
        "counts" => "matched, and only counts".to_owned(),
        "satisfied" => "matched; the session satisfies it".to_owned(),
        "preflight" => "matched; a preflight is not challenged".to_owned(),
        "decides" => "decides".to_owned(),
        "passes" => "lets it pass".to_owned(),
        _ => "not reached".to_owned(),
    }
}

/// A condition as one of many.
fn shortened(when: &str) -> String {
    const MOST: usize = 72;
    match when.char_indices().nth(MOST) {
        Some((at, _)) => format!("{}…", when.get(..at).unwrap_or_default()),
        None => when.to_owned(),
    }
}

/// A stranger chose what is shown: what moves a terminal's cursor does not reach it.
fn printable(text: &str) -> String {
    text.chars()
        .map(|char| if char.is_control() { '\u{fffd}' } else { char })
        .collect()
}

#[cfg(test)]
mod tests;
