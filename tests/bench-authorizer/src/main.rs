//! The least that an external authorizer is: a gRPC server that says yes to everything, on one thread.
//!
//! It knows of Envoy's messages only what it needs: the question is not even read. A crate of its own,
//! so that it alone is built optimised; its time counts.

use std::convert::Infallible;
use std::error::Error;
use std::future::{Future, Ready, ready};
use std::io::Write as _;
use std::net::Ipv4Addr;
use std::pin::Pin;
use std::task::{Context, Poll};

use tonic::body::Body;
use tonic::codegen::{Service, http};
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;

/// `envoy.service.auth.v3.CheckRequest`; fields that are not named are skipped.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
struct CheckRequest {}

/// `envoy.service.auth.v3.CheckResponse`.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
struct CheckResponse {
    #[prost(message, optional, tag = "1")]
    status: Option<Verdict>,
}

/// `google.rpc.Status`; zero = yes.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
struct Verdict {
    #[prost(int32, tag = "1")]
    code: i32,
}

/// The answer to every question.
struct Yes;

impl UnaryService<CheckRequest> for Yes {
    type Response = CheckResponse;
    type Future = Ready<Result<Response<CheckResponse>, Status>>;

    fn call(&mut self, _: Request<CheckRequest>) -> Self::Future {
        ready(Ok(Response::new(CheckResponse {
            status: Some(Verdict { code: 0 }),
        })))
    }
}

#[derive(Clone, Debug)]
struct Authorization;

impl NamedService for Authorization {
    const NAME: &'static str = "envoy.service.auth.v3.Authorization";
}

impl Service<http::Request<Body>> for Authorization {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    /// The service has one method.
    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(async move {
            let mut grpc = Grpc::new(ProstCodec::default());
            Ok(grpc.unary(Yes, request).await)
        })
    }
}

/// Says its port on standard output, then serves until it is ended.
fn main() -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let mut out = std::io::stdout();
        writeln!(out, "{port}")?;
        out.flush()?;
        Server::builder()
            .add_service(Authorization)
            .serve_with_incoming(TcpIncoming::from(listener).with_nodelay(Some(true)))
            .await?;
        Ok(())
    })
}
