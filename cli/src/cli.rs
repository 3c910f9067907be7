//! The command line: every command, every global option.

#[cfg(test)]
mod book;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use clap_complete::Shell;

use crate::commands::access::AccessCommand;
use crate::commands::apply::ApplyArgs;
use crate::commands::audit::AuditArgs;
use crate::commands::check::CheckArgs;
use crate::commands::context::ContextCommand;
use crate::commands::diff::DiffArgs;
use crate::commands::doctor::DoctorArgs;
use crate::commands::events::EventsCommand;
use crate::commands::explain::ExplainArgs;
use crate::commands::history::HistoryArgs;
use crate::commands::keys::KeysCommand;
use crate::commands::nodes::NodesArgs;
use crate::commands::passkeys::PasskeysCommand;
use crate::commands::proposals::ProposalsArgs;
use crate::commands::resources::{DeleteArgs, GetArgs};
use crate::commands::rollback::RollbackArgs;
use crate::commands::rollout::RolloutCommand;
use crate::commands::sessions::SessionsCommand;
use crate::commands::simulate::SimulateArgs;
use crate::commands::test::TestArgs;
use crate::commands::traffic::TrafficArgs;
use crate::output::Output;
use crate::shop::ShopArgs;
use crate::target::Target;
use crate::up::args::UpArgs;

/// Countersign asks the person behind a suspicious request for proof, and remembers the answer.
///
/// Exit codes: 0 fine, 1 the input is at fault, 2 the environment is.
#[derive(Debug, Parser)]
#[command(
    name = "countersign",
    version,
    propagate_version = true,
    disable_help_subcommand = true
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) target: Target,

    /// The form of the answer
    #[arg(
        short,
        long,
        global = true,
        env = "COUNTERSIGN_OUTPUT",
        value_enum,
        default_value_t
    )]
    pub(crate) output: Output,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Runs the whole stack on this machine
    #[command(
        after_help = "Examples:\n  countersign up\n  countersign up --policies ./policies --upstream localhost:3000\n  countersign up --base-port 11000"
    )]
    Up(Box<UpArgs>),
    /// Compiles policy files here and shows what is wrong with them
    #[command(
        after_help = "Examples:\n  countersign check envoy/examples/\n  countersign check --output json policy.yaml"
    )]
    Check(CheckArgs),
    /// Runs the tests written beside policies, here, and shows what differs
    ///
    /// A test is a request and what is expected of it, in a document of its own kind. A request needs
    /// its path or URL, the rest has defaults; what `expect` does not say is not compared.
    ///
    ///   apiVersion: countersign.dev/v1
    ///   kind: PolicyTest
    ///   metadata: {name: checkout}
    ///   spec:
    ///     tests:
    ///       - name: a proof of an hour ago is not enough
    ///         request: {method: POST, path: /payment/card, headers: {x-bot-score: "20"}}
    ///         session: {assurance: uv, age: 61m}
    ///         expect: {action: challenge, policy: checkout-protection, status: 403}
    ///
    /// request: method, url (or path, host, scheme), headers, from, ja4, tlsVersion, sni, mtls.
    /// session: assurance, age, also, device. now: an RFC 3339 time. upstream: name, stepUp (what it
    /// answers in `countersign-step-up`).
    /// expect: action, policy (`none` = no policy decided), status, score, verdict (ALLOW,
    /// CHALLENGE, BLOCK), reasons, monitored, satisfied, location (of a challenge without its
    /// ticket), minAssurance (of a challenge), stepUp (what becomes of the upstream's demand: challenge,
    /// satisfied, untrusted, nobody_trusted, exempt, preflight, malformed, not_reached).
    ///
    /// Tests are never in force: `apply` and a watched directory check them and leave them out.
    #[command(
        verbatim_doc_comment,
        after_help = "Examples:\n  countersign test envoy/examples/\n  countersign test --output json policies/ tests.yaml"
    )]
    Test(TestArgs),
    /// Evaluates expressions of the language: JSON Lines in, JSON Lines out
    ///
    /// A line asks with an expression and what its variables are:
    ///
    ///     {"id": 1, "expr": "n + 1 > size(list)", "vars": {"n": 5, "list": [1, 2]}}
    ///     {"expr": "u / 2u", "values": {"u": {"uint64Value": "7"}}}
    ///
    /// vars: plain JSON. values: `cel.expr.Value` in ProtoJSON, for what plain JSON cannot say.
    /// check: false leaves out the type check. container: the namespace that names are looked up in.
    ///
    /// Each line is answered by one, in order, by what the filter evaluates policies with:
    ///
    ///     {"id":1,"value":true,"cel":{"boolValue":true}}
    ///     {"error":{"kind":"eval","message":"division by zero","span":[0,5]}}
    ///
    /// kind: parse, check or eval. span: bytes of the expression, from and to.
    #[command(
        verbatim_doc_comment,
        after_help = "Examples:\n  countersign expr > answers.jsonl"
    )]
    Expr,
    /// Shows for one request what every rule made of it, here
    ///
    /// In the order of evaluation, which is always the same:
    ///
    ///   exempt       a path that no rule is asked about
    ///   client       whose request it is: the peer, or whom trusted hops name
    ///   device rule  the strongest identifier with a rule; the smallest range
    ///   signals      each one: its weight, reason and verdict, and whether it held
    ///   score        what a trusted hop gave plus the weights that held, within 0..100
    ///   reasons      of the device rule and of the signals that held
    ///   verdict      the strictest reason's, or the device rule's
    ///   policies     by priority, then name, until one decides: other method, other host, other
    ///                endpoint, condition false, condition failed, only counts, satisfied by the
    ///                session, a preflight, decides, not reached; last the verdict, if it is enforced
    ///   answer       what the filter does: status, and where it leads, without the ticket
    ///   step-up      where the request goes on: which upstreams may ask for more proof, by which policy
    ///   then         with --upstream and --step-up: what becomes of an upstream's demand, and why
    ///
    /// The request is written as `request:` of a PolicyTest (`countersign test --help`), is one recorded
    /// request as `countersign simulate` reads them (an event by `events get --output json` too), or is
    /// said by options.
    #[command(
        verbatim_doc_comment,
        after_help = "Examples:\n  countersign explain --policies envoy/examples/ --url https://shop.example.com/checkout/cart\n  countersign explain --policies policies/ --url /admin --method POST --header x-bot-score:85 --session uv\n  countersign explain --policies policies/ --url /checkout --upstream orders --step-up 'uv;max-age=300'\n  countersign explain --policies policies/ --request request.yaml\n  countersign events get 0193a5e2-7d1c-7b3a-9c44-0a1b2c3d4e5f --output json | countersign explain --policies policies/ --request -"
    )]
    Explain(Box<ExplainArgs>),
    /// Shows what policies would do with recorded requests, and what that changes
    ///
    /// Requests are read from Envoy's access log in JSON (a line each), from HAR files, and from our own
    /// events (`countersign events list --output json`, or a line each). Each file tells by itself what
    /// it is. What cannot be read is counted and shown; when it is more than what can be, the exit code
    /// is 1.
    ///
    /// Of an access log these keys are read, which are those of Istio's and Envoy Gateway's defaults and
    /// more: method, scheme, authority (or host), path (or x-envoy-origin-path), start_time,
    /// downstream_remote_address, requested_server_name, downstream_tls_version,
    /// downstream_peer_fingerprint (of a client's certificate), ja4, user_agent, x_forwarded_for,
    /// x_forwarded_proto, referer, accept, accept_language, accept_encoding, origin, cookie,
    /// sec_fetch_mode, sec_fetch_site, sec_fetch_dest, request_id, x_requested_with; `-` may stand for
    /// `_`. `request_headers` holds what else policies read. With this format nothing is missing:
    ///
    ///   log_format:
    ///     json_format:
    ///       start_time: "%START_TIME%"
    ///       method: "%REQ(:METHOD)%"
    ///       scheme: "%REQ(:SCHEME)%"
    ///       authority: "%REQ(:AUTHORITY)%"
    ///       path: "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%"
    ///       downstream_remote_address: "%DOWNSTREAM_REMOTE_ADDRESS%"
    ///       requested_server_name: "%REQUESTED_SERVER_NAME%"
    ///       downstream_tls_version: "%DOWNSTREAM_TLS_VERSION%"
    ///       downstream_peer_fingerprint: "%DOWNSTREAM_PEER_FINGERPRINT_256%"
    ///       ja4: "%TLS_JA4_FINGERPRINT%"
    ///       request_headers:
    ///         user-agent: "%REQ(USER-AGENT)%"
    ///         x-forwarded-for: "%REQ(X-FORWARDED-FOR)%"
    ///         accept: "%REQ(ACCEPT)%"
    ///         sec-fetch-mode: "%REQ(SEC-FETCH-MODE)%"
    ///         origin: "%REQ(ORIGIN)%"
    ///         access-control-request-method: "%REQ(ACCESS-CONTROL-REQUEST-METHOD)%"
    ///         x-bot-score: "%REQ(X-BOT-SCORE)%"     # and every other header that a policy names
    ///
    /// What a recording does not say is so: https, now, from `--peer`, without a session. An event knows
    /// its path without the query, and only those headers that the deciding condition read; what a
    /// trusted hop told of it is told again. A sampled event stands for as many requests as it says.
    #[command(
        verbatim_doc_comment,
        after_help = "Examples:\n  countersign simulate --policies policies/ --requests access.jsonl\n  countersign simulate --policies policies/ --requests access.jsonl --against-current --fail-on-change\n  countersign simulate --policies new/ --against old/ --requests monday.har tuesday.har --session uv\n  countersign events list --limit 500 --output json | countersign simulate --policies policies/ --requests -"
    )]
    Simulate(Box<SimulateArgs>),
    /// Gives policy files to the control plane
    ///
    /// Every change is a revision. With `--base` a change is refused when resources were changed after
    /// that revision, whichever they are: policies work together, so what was right for the older set may
    /// be wrong for the newer one. With `--prune` the files are all there is: run it as often as you like.
    #[command(
        after_help = "Examples:\n  countersign apply -f envoy/examples/ -m 'first policies'\n  countersign apply -f policies/ --prune --dry-run\n  countersign apply -f policies/ --base 12-3fa9c1d2e4b5\n  countersign get policy -o yaml | countersign apply --dry-run -f -"
    )]
    Apply(ApplyArgs),
    /// Shows resources; with `--output yaml` as `apply` takes them
    #[command(
        after_help = "Examples:\n  countersign get\n  countersign get policy checkout-protection --output yaml\n  countersign get --revision 12 --output yaml"
    )]
    Get(GetArgs),
    /// Deletes one resource
    #[command(after_help = "Examples:\n  countersign delete policy checkout-protection")]
    Delete(DeleteArgs),
    /// Shows every Envoy and what its workers run
    #[command(
        after_help = "Examples:\n  countersign nodes\n  countersign nodes --state suspect\n  countersign nodes --search edge-eu --output json"
    )]
    Nodes(NodesArgs),
    /// Shows every relay: what waits in its spool, what it delivered, what it lost
    #[command(after_help = "Examples:\n  countersign relays\n  countersign relays --output json")]
    Relays,
    /// Shows decisions and explains them
    #[command(
        after_help = "Examples:\n  countersign events list --action challenge --limit 10\n  countersign events get 0193a5e2-7d1c-7b3a-9c44-0a1b2c3d4e5f"
    )]
    #[command(subcommand)]
    Events(EventsCommand),
    /// Shows counts and pass rates by policy
    #[command(
        after_help = "Examples:\n  countersign traffic\n  countersign traffic --policy checkout-protection --from 2026-11-21T08:00:00Z --step 3600"
    )]
    Traffic(TrafficArgs),
    /// Shows the revisions: what was current when, by whom and why
    #[command(
        alias = "revisions",
        after_help = "Examples:\n  countersign history --limit 5"
    )]
    History(HistoryArgs),
    /// Shows what tells two revisions apart; alone, what was changed last
    #[command(
        after_help = "Examples:\n  countersign diff\n  countersign diff 12\n  countersign diff 12-3fa9c1d2e4b5 15"
    )]
    Diff(DiffArgs),
    /// Makes the resources of a former revision the present ones, by a new revision
    ///
    /// What the control plane's watched directory holds is changed there: where such a resource would have
    /// to change, the rollback is refused and names its file.
    #[command(
        after_help = "Examples:\n  countersign rollback 12 --dry-run\n  countersign rollback 12 -m 'checkout was blocked'"
    )]
    Rollback(RollbackArgs),
    /// Proposes weaker actions where nearly everybody passes the challenge; applies nothing
    #[command(after_help = "Examples:\n  countersign proposals --hours 168")]
    Proposals(ProposalsArgs),
    /// Shows how a new revision gets to the nodes, holds it, hurries it on, or takes it back
    #[command(
        after_help = "Examples:\n  countersign rollout status --watch\n  countersign rollout pause -m 'lunch'\n  countersign rollout promote --all\n  countersign rollout abort"
    )]
    #[command(subcommand)]
    Rollout(RolloutCommand),
    /// Shows and rotates the keys of sessions
    #[command(after_help = "Examples:\n  countersign keys list\n  countersign keys rotate")]
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Ends sessions before their time
    #[command(
        after_help = "Examples:\n  countersign sessions revoke --device DEVICE --message stolen\n  countersign sessions revoked"
    )]
    #[command(subcommand)]
    Sessions(SessionsCommand),
    /// Gives access to the control plane and takes it back
    ///
    /// Roles: a viewer reads; an editor changes resources as well; an approver also approves and gives
    /// access. A node (Envoy, an auth sidecar) stands apart: it is given policies and reports.
    #[command(
        after_help = "Examples:\n  countersign access bootstrap --name ann\n  countersign access tokens create ci --role editor --expires 90d --token-out ci.token\n  countersign access tokens list\n  countersign access tokens revoke 3fa9c1d2e4b5\n  countersign access certificates add 'uri:spiffe://example.com/edge/*' --role node\n  countersign access whoami"
    )]
    #[command(subcommand)]
    Access(AccessCommand),
    /// Shows and removes the passkeys that operators sign in to the dashboard with
    ///
    /// They are made in the dashboard, by who is signed in there. A passkey has the name and the role of
    /// the token that it was made with, and ends with it.
    #[command(
        after_help = "Examples:\n  countersign passkeys list\n  countersign passkeys remove 3fa9c1d2e4b5"
    )]
    #[command(subcommand)]
    Passkeys(PasskeysCommand),
    /// Shows who did what, and who tried
    #[command(
        after_help = "Examples:\n  countersign audit\n  countersign audit --identity ann --outcome refused --limit 20"
    )]
    Audit(AuditArgs),
    /// Names control planes: their addresses, and what to show them
    #[command(
        after_help = "Examples:\n  countersign context set prod --control-plane https://cp.example.com:18000 --ca ca.crt --token-stdin\n  countersign context use prod\n  countersign context list"
    )]
    #[command(subcommand)]
    Context(ContextCommand),
    /// Looks at everything that has to work together, and says what to do where it does not
    ///
    /// The control plane (reachable, ready, certificate, token, clock), the nodes (what they run, their
    /// Envoy's version, the guard, missing events), the auth sidecar (reachable, its keys, not public),
    /// upstreams that ask for more proof (trusted ones that Envoy does not have, and those that ask in
    /// vain), and Envoy's bootstrap: the filter, the guard behind it, events, whose word counts for the
    /// client's address, and what others could reach. What cannot be looked at is skipped, with how it
    /// could be.
    ///
    /// Exits with 1 when anything failed.
    #[command(
        after_help = "Examples:\n  countersign doctor\n  countersign doctor --context prod --api https://cp.example.com --output json\n  countersign doctor --envoy-config envoy.yaml --envoy /usr/bin/envoy"
    )]
    Doctor(Box<DoctorArgs>),
    /// Prints completions for a shell
    #[command(
        after_help = "Examples:\n  countersign completions bash > ~/.local/share/bash-completion/completions/countersign\n  countersign completions zsh > ~/.zfunc/_countersign\n  countersign completions fish > ~/.config/fish/completions/countersign.fish"
    )]
    Completions {
        /// Which shell
        shell: Shell,
    },
    /// Writes manual pages, one for each command
    #[command(
        after_help = "Examples:\n  countersign man ~/.local/share/man/man1\n  countersign man target/man"
    )]
    Man {
        /// Where to, made where it is not there
        #[arg(value_name = "DIR")]
        directory: PathBuf,
    },
    /// Prints the reference of every command in Markdown
    #[command(hide = true)]
    Reference,
    /// Serves the demo shop
    #[command(hide = true)]
    Shop(ShopArgs),
    /// Becomes a part of the stack that ends when its parent does
    #[command(hide = true)]
    RunPart {
        /// The process whose end ends this one
        #[arg(long)]
        parent: u32,
        /// What to become
        program: PathBuf,
        /// Its arguments
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
}
