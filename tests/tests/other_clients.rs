//! Clients that are no pages: gRPC, gRPC-Web, WebSocket and HEAD get refusals that they understand.

use std::net::{Ipv4Addr, TcpStream};
use std::sync::OnceLock;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use countersign_e2e::expect::CHALLENGE;
use countersign_e2e::http::{REPLY_LIMIT, Reply, send};
use countersign_e2e::raw::Request;
use countersign_e2e::stack::Stack;
use countersign_e2e::{expect, forge, tour};
use countersign_proto::admin::v1::admin_service_client::AdminServiceClient;
use countersign_proto::admin::v1::{ListKeysRequest, ListNodesRequest};
use reqwest::Method;
use tonic::transport::Endpoint;
use tonic::{Code, Status};
use tungstenite::handshake::HandshakeError;
use tungstenite::http;

fn with_stack(test: impl FnOnce(&Stack) -> Result<()>) -> Result<()> {
    static STACK: OnceLock<Result<Stack>> = OnceLock::new();
    let clients = ("clients.yaml", include_str!("../policies/clients.yaml"));
    match STACK.get_or_init(|| Stack::start("other-clients", &[tour::POLICIES[0], clients])) {
        Ok(stack) => stack.watched(test),
        Err(error) => Err(anyhow!("no stack: {error:?}")),
    }
}

/// What a tonic client is told of a call through Envoy.
fn call(
    stack: &Stack,
    ask: impl AsyncFnOnce(AdminServiceClient<tonic::transport::Channel>) -> Result<(), Status>,
) -> Result<Status> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let endpoint = Endpoint::from_shared(stack.http().to_owned())?.timeout(REPLY_LIMIT);
    let answer = runtime.block_on(async {
        let channel = endpoint.connect().await?;
        anyhow::Ok(ask(AdminServiceClient::new(channel)).await)
    })?;
    answer.err().context("the call was not refused")
}

fn metadata<'a>(status: &'a Status, name: &str) -> Option<&'a str> {
    status.metadata().get(name).and_then(|it| it.to_str().ok())
}

#[test]
fn a_grpc_call_that_needs_proof_is_unauthenticated_and_told_where_to_prove() -> Result<()> {
    with_stack(|stack| {
        let status = call(stack, async |mut client| {
            client
                .list_nodes(ListNodesRequest::default())
                .await
                .map(drop)
        })?;
        ensure!(status.code() == Code::Unauthenticated, "{status:?}");
        ensure!(
            status.message().contains("countersign-challenge"),
            "{status:?}"
        );
        let address = metadata(&status, "countersign-challenge").context("no address")?;
        ensure!(address.contains(CHALLENGE), "{address}");
        let ticket = address.split_once("ticket=").context("no ticket")?.1;
        let claims = forge::read(ticket, 1)?;
        ensure!(claims["policy"] == "challenged-calls", "{claims}");
        let event = metadata(&status, "countersign-event-id").context("no event")?;
        ensure!(claims["jti"] == event, "{claims}");

        // With the session the call goes through, to an upstream that does not speak gRPC.
        let keys = forge::Forge::join(&stack.node_access()?, "e2e-grpc")?;
        let session = keys.session(&forge::session_claims("localhost"));
        let cookie = format!("__Host-countersign={session}").parse()?;
        let status = call(stack, async |mut client| {
            let mut request = tonic::Request::new(ListNodesRequest::default());
            request.metadata_mut().insert("cookie", cookie);
            client.list_nodes(request).await.map(drop)
        })?;
        ensure!(
            !matches!(
                status.code(),
                Code::Unauthenticated | Code::PermissionDenied
            ),
            "{status:?}"
        );
        Ok(())
    })
}

#[test]
fn a_grpc_call_that_is_blocked_is_denied() -> Result<()> {
    with_stack(|stack| {
        let status = call(stack, async |mut client| {
            client.list_keys(ListKeysRequest {}).await.map(drop)
        })?;
        ensure!(status.code() == Code::PermissionDenied, "{status:?}");
        ensure!(
            metadata(&status, "countersign-challenge").is_none(),
            "{status:?}"
        );
        ensure!(
            metadata(&status, "countersign-event-id").is_some(),
            "{status:?}"
        );
        Ok(())
    })
}

#[test]
fn a_grpc_web_call_is_answered_by_a_frame_of_trailers() -> Result<()> {
    with_stack(|stack| {
        for (sent, answered) in [
            ("application/grpc-web+proto", "application/grpc-web+proto"),
            (
                "application/grpc-web-text",
                "application/grpc-web-text+proto",
            ),
        ] {
            let call = |method: &str| {
                let path = format!("/countersign.admin.v1.AdminService/{method}");
                let request = stack.client()?.request(Method::POST, &path);
                let request = request
                    .header("content-type", sent)
                    .header("x-grpc-web", "1");
                send(request.body(vec![0; 5]))?.expect(200)
            };
            let told = call("ListNodes")?;
            ensure!(told.header("content-type") == Some(answered), "{told}");
            let address = told.header("countersign-challenge").context("no address")?;
            ensure!(address.contains(CHALLENGE), "{told}");
            let lines = trailers(&told, sent)?;
            ensure!(lines.contains("grpc-status: 16\r\n"), "{lines}");
            let blocked = call("ListKeys")?;
            let lines = trailers(&blocked, sent)?;
            ensure!(lines.contains("grpc-status: 7\r\n"), "{lines}");
        }
        Ok(())
    })
}

/// The lines of the one frame of an answer.
fn trailers(reply: &Reply, sent: &str) -> Result<String> {
    if !sent.ends_with("-text") {
        // The frame's flag is no text; the engine's own tests look at it.
        return Ok(reply.body.clone());
    }
    let frame = BASE64_STANDARD.decode(&reply.body)?;
    let (head, lines) = frame.split_at_checked(5).context("no frame")?;
    let length = u32::try_from(lines.len())?.to_be_bytes();
    ensure!(head == [&[0x80], &length[..]].concat(), "{head:?}");
    Ok(String::from_utf8(lines.to_vec())?)
}

#[test]
fn a_web_socket_that_needs_proof_is_refused_before_it_is_one() -> Result<()> {
    with_stack(|stack| {
        let open = |path: &str, session: Option<&str>| {
            let address = format!("ws://localhost:{}{path}", stack.http_port());
            let mut request = http::Request::get(&address)
                .header("host", format!("localhost:{}", stack.http_port()))
                .header("connection", "Upgrade")
                .header("upgrade", "websocket")
                .header("sec-websocket-version", "13")
                .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
                // As a browser.
                .header("sec-fetch-mode", "websocket")
                .header("origin", stack.http());
            if let Some(session) = session {
                request = request.header("cookie", format!("__Host-countersign={session}"));
            }
            let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, stack.http_port()))?;
            stream.set_read_timeout(Some(REPLY_LIMIT))?;
            match tungstenite::client::client(request.body(())?, stream) {
                Err(HandshakeError::Failure(tungstenite::Error::Http(answer))) => Ok(answer),
                Err(other) => bail!("{other:?}"),
                Ok(_) => bail!("it was opened"),
            }
        };
        let refused = open("/live/prices", None)?;
        ensure!(refused.status() == 403, "{refused:?}");
        let header = |name: &str| refused.headers().get(name).and_then(|it| it.to_str().ok());
        let address = header("countersign-challenge").context("no address")?;
        ensure!(address.contains(CHALLENGE), "{address}");
        ensure!(header("countersign-event-id").is_some(), "{refused:?}");
        // With the session it reaches the upstream, which has none.
        let keys = forge::Forge::join(&stack.node_access()?, "e2e-socket")?;
        let session = keys.session(&forge::session_claims("localhost"));
        let answered = open("/live/prices", Some(&session))?;
        ensure!(answered.status() == 404, "{answered:?}");
        Ok(())
    })
}

#[test]
fn head_is_answered_as_get_is_without_the_body() -> Result<()> {
    with_stack(|stack| {
        for path in [
            "/live/prices",
            "/countersign.admin.v1.AdminService/ListKeys",
        ] {
            let ask = |method| Request::new(method, path, "localhost").send(stack.http_port());
            let (get, head) = (ask("GET")?.expect(403)?, ask("HEAD")?.expect(403)?);
            ensure!(head.body.is_empty() && !get.body.is_empty(), "{head}");
            for name in ["content-type", "content-length", "cache-control"] {
                ensure!(
                    head.header(name) == get.header(name) && head.header(name).is_some(),
                    "{name}: {head} instead of {get}"
                );
            }
            let length = get.header("content-length").map(str::parse::<usize>);
            ensure!(length == Some(Ok(get.body.len())), "{get}");
            head.event_id()?;
            ensure!(
                head.header("countersign-challenge").is_some()
                    == get.header("countersign-challenge").is_some(),
                "{head}"
            );
        }
        expect::told_to_prove(stack.client()?.get("/live/prices")?)?;
        Ok(())
    })
}
