//! Held bodies where the other side misbehaves or is away: trailers, a client that leaves, a sidecar that
//! does not answer, a proof that is too old by the time that the body is sent again.

use std::io::Write as _;
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use countersign_e2e::held::{Prover, held, posted};
use countersign_e2e::machines::Machines;
use countersign_e2e::stack::{Part, Stack};
use countersign_e2e::upstream::Upstream;
use countersign_e2e::{forge, wait};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use reqwest::Method;

const POLICIES: [(&str, &str); 1] = [(
    "held-edges.yaml",
    include_str!("../policies/held-edges.yaml"),
)];

/// The filter waits five seconds for the sidecar.
const ANSWER_LIMIT: Duration = Duration::from_secs(15);

fn start(name: &str) -> Result<(Stack, Upstream)> {
    let upstream = Upstream::start("<!doctype html><title>forms</title>")?;
    let option = format!("--upstream={}", upstream.address());
    let stack = Stack::start_with(name, &POLICIES, &["--no-shop", &option])?;
    Ok((stack, upstream))
}

/// A process that stands still until this is dropped.
struct Still(Pid);

impl Still {
    fn hold(id: u32) -> Result<Self> {
        let pid = Pid::from_raw(i32::try_from(id)?);
        kill(pid, Signal::SIGSTOP)?;
        Ok(Self(pid))
    }
}

impl Drop for Still {
    fn drop(&mut self) {
        let _gone = kill(self.0, Signal::SIGCONT);
    }
}

#[test]
fn a_body_with_trailers_is_held_whole_and_arrives_once() -> Result<()> {
    let (stack, upstream) = start("held-trailers")?;
    let machines = Machines::of(&stack)?;
    let body: Vec<u8> = (0..30_000_u32).map(|at| at.to_le_bytes()[0]).collect();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (location, sender) = runtime.block_on(with_trailers(&stack, "/raw/trailers", &body))?;
    let ticket = location.split_once("ticket=").context("no ticket")?.1;
    ensure!(forge::read(ticket, 1)?["held"] == true, "{location}");
    let browser = stack.browser()?;
    let mut person = countersign_e2e::visitor::Visitor::arrive_at(&browser, stack.http())?;
    person.take_cookie(&sender)?;
    person
        .page
        .navigate(&format!("{}{location}", stack.http()))?;
    person.wait_for_state("ready")?;
    person.verify("/raw/trailers")?;
    ensure!(upstream.once("/raw/trailers")?.body == body, "it differs");
    machines.are_unharmed(&stack)
}

/// Sends a form in pieces over HTTP/2 with trailers after it; gives where it is sent to, and the cookie.
async fn with_trailers(stack: &Stack, path: &str, body: &[u8]) -> Result<(String, String)> {
    let stream = tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, stack.http_port())).await?;
    let (client, connection) = h2::client::handshake(stream).await?;
    let driver = tokio::spawn(connection);
    let mut client = client.ready().await?;
    let request = http::Request::post(format!("{}{path}", stack.http()))
        .header("sec-fetch-mode", "navigate")
        .header("accept", "text/html")
        .header("content-type", "application/x-test")
        .body(())?;
    let (answer, mut sender) = client.send_request(request, false)?;
    for piece in body.chunks(7_000) {
        sender.send_data(piece.to_vec().into(), false)?;
    }
    let mut trailers = http::HeaderMap::new();
    trailers.insert("x-checksum", http::HeaderValue::from_static("of-the-body"));
    sender.send_trailers(trailers)?;
    let answer = answer.await?;
    let status = answer.status();
    driver.abort();
    ensure!(status == 303, "{status}");
    let told = |name: &str| -> Result<String> {
        let value = answer.headers().get(name);
        Ok(value.context(name.to_owned())?.to_str()?.to_owned())
    };
    Ok((told("location")?, told("set-cookie")?))
}

#[test]
fn a_sidecar_that_does_not_answer_is_told_of_and_nothing_arrives() -> Result<()> {
    let (stack, upstream) = start("held-still")?;
    let machines = Machines::of(&stack)?;
    let client = stack.client()?;
    let still = Still::hold(stack.pid(Part::Sidecar)?)?;
    let reply = posted(&client, Method::POST, "/raw/still", b"a".to_vec())?.expect(503)?;
    ensure!(reply.body.contains("was not passed on"), "{reply}");
    ensure!(reply.header("retry-after").is_some(), "{reply}");

    // Somebody who leaves while the sidecar is asked takes nothing down.
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, stack.http_port()))?;
    let asked = || -> Result<u64> {
        let name = "cluster.countersign_auth_sidecar.upstream_rq_active";
        let stats = stack.envoy_admin(&format!("/stats?filter=^{name}$"))?;
        let count = stats.trim().rsplit(' ').next().unwrap_or_default();
        count.parse().with_context(|| stats.clone())
    };
    let before = asked()?;
    stream.write_all(
        b"POST /raw/gone HTTP/1.1\r\nhost: localhost\r\nsec-fetch-mode: navigate\r\naccept: text/html\r\ncontent-length: 4\r\n\r\ngone",
    )?;
    wait::until("the sidecar is asked", ANSWER_LIMIT, || {
        Ok((asked()? > before).then_some(()))
    })?;
    drop(stream);
    drop(still);
    wait::until("the callout has ended", ANSWER_LIMIT, || {
        Ok((asked()? == before).then_some(()))
    })?;

    let kept = posted(&client, Method::POST, "/raw/after", b"a".to_vec())?;
    held(kept)?;
    for path in ["/raw/still", "/raw/gone", "/raw/after"] {
        ensure!(upstream.received(path).is_empty(), "{path} arrived");
    }
    machines.are_unharmed(&stack)
}

#[test]
fn a_proof_that_is_too_old_when_the_body_comes_is_asked_for_again_and_the_body_stays() -> Result<()>
{
    let (stack, upstream) = start("held-fresh")?;
    let machines = Machines::of(&stack)?;
    let browser = stack.browser()?;
    let mut prover = Prover::new(&browser, &stack)?;
    let client = stack.client()?;
    let path = "/fresh/order";
    let body = b"kept over two challenges".to_vec();
    let ticket = prover.held(posted(&client, Method::POST, path, body.clone())?)?;
    let (_, token) = prover.token(&ticket)?;
    let session = prover.program.session().context("no session")?;
    let proven = forge::read(session, 1)?["auth_time"]
        .as_i64()
        .context("no time")?;
    wait::until("the proof is too old", ANSWER_LIMIT, || {
        Ok((forge::now() > proven + 4).then_some(()))
    })?;
    let again = prover.bring(&client, path, &token)?;
    let again = prover.held(again)?;
    ensure!(again != ticket, "the same ticket");
    ensure!(upstream.received(path).is_empty(), "it arrived early");
    // The first token is used up, whatever came of it.
    prover.bring(&client, path, &token)?.expect(410)?;
    prover.pass(&client, &again)?.expect(200)?;
    let received = upstream.once(path)?;
    ensure!(received.body == body, "{received:?}");
    let kind = received.header("content-type");
    ensure!(kind == Some("application/x-test"), "{received:?}");
    let event = forge::read(&again, 1)?["jti"].clone();
    let told = stack.event(event.as_str().unwrap_or_default())?;
    ensure!(told["notes"].to_string().contains("held"), "{told}");
    machines.are_unharmed(&stack)
}
