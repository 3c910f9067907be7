//! Extension config discovery on streams of its own.

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
pub struct Ecds {
    app: App,
}

impl Ecds {
    /// On top of the running parts.
    #[must_use]
    pub fn new(app: App) -> Self {
        Self { app }
    }
}

impl NamedService for Ecds {
    const NAME: &'static str = "envoy.service.extension.v3.ExtensionConfigDiscoveryService";
}

impl Service<Request<Body>> for Ecds {
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
            "StreamExtensionConfigs" => serve(app, request, StateOfTheWorld::default(), true),
            "DeltaExtensionConfigs" => serve(app, request, Delta::default(), true),
            _ => Status::unimplemented("not served: use DeltaExtensionConfigs").into_http(),
        }))
    }
}
