//! The same on the stream that carries every type. Other types are somebody else's to serve: who asks for
//! them here waits in vain, and the stream goes on.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

use tonic::Status;
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::codegen::http::{Request, Response};
use tonic::server::NamedService;

use super::discovery::{Delta, StateOfTheWorld, serve};
use crate::runtime::App;

/// The service.
#[derive(Clone, Debug)]
pub struct Ads {
    app: App,
}

impl Ads {
    /// On top of the running parts.
    #[must_use]
    pub fn new(app: App) -> Self {
        Self { app }
    }
}

impl NamedService for Ads {
    const NAME: &'static str = "envoy.service.discovery.v3.AggregatedDiscoveryService";
}

impl Service<Request<Body>> for Ads {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let app = self.app.clone();
        let path = request.uri().path();
        let method = path.rsplit_once('/').map_or(path, |(_, method)| method);
        ready(Ok(match method {
            "StreamAggregatedResources" => serve(app, request, StateOfTheWorld::default(), false),
            "DeltaAggregatedResources" => serve(app, request, Delta::default(), false),
            _ => Status::unimplemented("not served: use DeltaAggregatedResources").into_http(),
        }))
    }
}
