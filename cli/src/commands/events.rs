//! `countersign events`: decisions, and why one of them was taken.

mod view;

use clap::{Args, Subcommand};
use countersign_proto::admin::v1 as admin;
use countersign_proto::node::v1::Step;
use countersign_proto::policy::v1::{ActionKind, Assurance, Verdict};

use super::pages::Pages;
use super::{CommandError, Context, Outcome, words};
use crate::api::{self, ApiError};
use crate::output;
use view::{Event, Events};

/// `countersign events …`
#[derive(Debug, Subcommand)]
pub(crate) enum EventsCommand {
    /// Lists decisions, newest first
    #[command(after_help = "Examples:
  countersign events list --action block --path /checkout
  countersign events list --search 203.0.113.7 --from 2026-01-31T12:00:00Z
  countersign events list --step rejected --cause USER_NOT_VERIFIED")]
    List(Box<ListArgs>),
    /// Explains one decision: policy, reasons, score, and the inputs it used
    #[command(after_help = "Examples:
  countersign events get 0193a5e2-7d1c-7b3a-9c44-0a1b2c3d4e5f
  countersign events get 0193a5e2-7d1c-7b3a-9c44-0a1b2c3d4e5f --output yaml")]
    Get {
        /// From the header `countersign-event-id` or from the list
        event_id: String,
    },
}

/// Which decisions.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Decided by this policy
    #[arg(long, default_value = "")]
    policy: String,
    /// With this action
    #[arg(long, ignore_case = true, value_parser = words::one_of(words::ACTIONS))]
    action: Option<ActionKind>,
    /// On this host
    #[arg(long, default_value = "")]
    host: String,
    /// From this time on, for example 2026-01-31T12:00:00Z
    #[arg(long)]
    from: Option<jiff::Timestamp>,
    /// Before this time
    #[arg(long)]
    to: Option<jiff::Timestamp>,
    /// With this text in id, host, path, policy, user agent, address or device
    #[arg(long, default_value = "")]
    search: String,
    /// That this policy decided, only counted, or was satisfied with
    #[arg(long, default_value = "")]
    mentions: String,
    /// By this device
    #[arg(long, default_value = "")]
    device: String,
    /// From this address, or range of addresses
    #[arg(long, default_value = "")]
    address: String,
    /// Under this path
    #[arg(long, default_value = "")]
    path: String,
    /// For this reason
    #[arg(long, default_value = "")]
    reason: String,
    /// With this verdict
    #[arg(long, ignore_case = true, value_parser = words::one_of(words::VERDICTS))]
    verdict: Option<Verdict>,
    /// Challenges that came to this step
    #[arg(long, ignore_case = true, value_parser = words::one_of(words::STEPS))]
    step: Option<Step>,
    /// Challenges with an answer that was rejected for this
    #[arg(long, default_value = "")]
    cause: String,
    /// How many at most
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
    limit: u32,
    /// Go on where a former list ended
    #[arg(long, default_value = "")]
    cursor: String,
    /// All of them, page after page
    #[arg(long, conflicts_with = "limit")]
    all: bool,
}

impl ListArgs {
    fn request(&self) -> admin::ListEventsRequest {
        admin::ListEventsRequest {
            policy: self.policy.clone(),
            action: self.action.unwrap_or_default().into(),
            host: self.host.clone(),
            from_ms: words::milliseconds(self.from),
            to_ms: words::milliseconds(self.to),
            text: self.search.clone(),
            mentions: self.mentions.clone(),
            device: self.device.clone(),
            address: self.address.clone(),
            path: self.path.clone(),
            reason: self.reason.clone(),
            verdict: self.verdict.unwrap_or_default().into(),
            step: self.step.unwrap_or_default().into(),
            cause: self.cause.clone(),
            demanded: Assurance::None.into(),
            limit: self.limit,
            cursor: self.cursor.clone(),
        }
    }
}

pub(crate) async fn run(
    command: &EventsCommand,
    context: &Context,
) -> Result<Outcome, CommandError> {
    let mut client = api::connect(&context.control_plane).await?;
    match command {
        EventsCommand::List(asked) => {
            let mut pages = Pages::begin("events", asked.all, asked.limit);
            let mut request = asked.request();
            request.limit = pages.limit();
            loop {
                let answer = client.list_events(request.clone()).await?.into_inner();
                request.cursor = answer.next_cursor;
                if !pages.take(answer.events, !request.cursor.is_empty()) {
                    break;
                }
            }
            let events = Events {
                events: pages.end().into_iter().map(Event::from).collect(),
                next_cursor: Some(request.cursor).filter(|cursor| !cursor.is_empty()),
            };
            context.output.print(&events, table)?;
        }
        EventsCommand::Get { event_id } => {
            let request = admin::GetEventRequest {
                event_id: event_id.clone(),
            };
            let answer = client.get_event(request).await?.into_inner();
            let event = answer.event.map(Event::from);
            let event = event
                .ok_or_else(|| ApiError::NotFound(format!(
                    "there is no event `{event_id}`; `countersign events list` shows those that are kept"
                )))?;
            context.output.print(&event, story)?;
        }
    }
    Ok(Outcome::Fine)
}

fn table(events: &Events) -> String {
    let rows = events.events.iter().map(|event| {
        [
            output::time(event.time_ms),
            event.action.to_owned(),
            event.policy.clone(),
            event.score.to_string(),
            event.method.clone(),
            shortened(&format!("{}{}", event.host, event.path)),
            event.client_address.clone(),
            event.event_id.clone(),
        ]
    });
    let mut text = output::table(
        [
            "time", "action", "policy", "score", "method", "path", "client", "event",
        ],
        rows,
        "no decisions",
    );
    if let Some(cursor) = &events.next_cursor {
        text.push_str(&format!("\nmore with --cursor {cursor}\n"));
    }
    text
}

/// A stranger chose the path: what moves a terminal's cursor does not reach it.
fn printable(text: &str) -> String {
    text.chars()
        .map(|char| if char.is_control() { '\u{fffd}' } else { char })
        .collect()
}

fn shortened(path: &str) -> String {
    const MOST: usize = 60;
    let path = printable(path);
    match path.char_indices().nth(MOST) {
        Some((at, _)) => format!("{}…", path.get(..at).unwrap_or_default()),
        None => path,
    }
}

fn story(event: &Event) -> String {
    let mut text = format!(
        "event {}\n{}  {}  {} {}://{}{}\n\n",
        event.event_id,
        output::time(event.time_ms),
        event.node,
        printable(&event.method),
        printable(&event.scheme),
        printable(&event.host),
        printable(&event.path)
    );
    for line in &event.explanation {
        text.push_str(&format!("  {}\n", printable(line)));
    }
    if !event.outcomes.is_empty() {
        text.push_str("\nwhat followed\n");
        let rows = event.outcomes.iter().map(|step| {
            [
                step.time.clone().unwrap_or_default(),
                step.step.to_owned(),
                step.kind.clone(),
                printable(&step.cause),
                if step.claimed { "the page said so" } else { "" }.to_owned(),
            ]
        });
        text.push_str(&output::table(
            ["time", "step", "kind", "cause", "note"],
            rows,
            "",
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_proto::event::v1 as event;
    use countersign_proto::node::v1::Outcome as FunnelStep;

    fn event(path: &str) -> Event {
        Event::from(admin::StoredEvent {
            decision: Some(event::DecisionEvent {
                event_id: "0193".to_owned(),
                time_ms: 1_800_000_000_000,
                action: ActionKind::Challenge.into(),
                policy: "checkout-protection".to_owned(),
                host: "localhost".to_owned(),
                path: path.to_owned(),
                ..event::DecisionEvent::default()
            }),
            node_id: "edge-1".to_owned(),
            outcomes: vec![FunnelStep {
                step: countersign_proto::node::v1::Step::Passed.into(),
                kind: "fido".to_owned(),
                ..FunnelStep::default()
            }],
            explanation: vec!["policy `checkout-protection` matched".to_owned()],
        })
    }

    #[test]
    fn the_story_holds_the_explanation_and_what_followed() {
        let text = story(&event("/checkout/"));
        assert!(
            text.contains("  policy `checkout-protection` matched\n"),
            "{text}"
        );
        assert!(text.contains("passed"), "{text}");
    }

    #[test]
    fn control_characters_of_a_path_do_not_reach_the_terminal() {
        let text = story(&event("/\u{1b}[2J"));
        assert!(!text.contains('\u{1b}'), "{text:?}");
    }

    #[test]
    fn a_long_path_is_shortened_in_the_table_and_whole_in_json() {
        let events = Events {
            events: vec![event(&format!("/{}", "é".repeat(200)))],
            next_cursor: Some("c1".to_owned()),
        };
        let text = table(&events);
        assert!(text.contains('…') && text.contains("--cursor c1"), "{text}");
        let json = output::Output::Json.render(&events, table).unwrap();
        assert!(json.contains(&"é".repeat(200)));
    }
}
