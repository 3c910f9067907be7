//! Every gRPC call passes here: who calls is found out, may or may not, and is told to the audit log.
//! The handler finds the [`Caller`] among the extensions of its request.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http_body::Frame;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::http::{HeaderMap, HeaderValue, Request, Response, header};
use tonic::codegen::{Bytes, Service};
use tonic::metadata::MetadataValue;

use crate::access::{Caller, Class, Identity, Refusal, rule};
use crate::runtime::{Access, Outcome};
use crate::tls::Peer;

/// Makes services that ask who calls.
#[derive(Clone, Debug)]
pub struct GuardLayer {
    access: Arc<Access>,
}

impl GuardLayer {
    /// By this gate.
    #[must_use]
    pub fn new(access: Arc<Access>) -> Self {
        Self { access }
    }
}

impl<S> tower::Layer<S> for GuardLayer {
    type Service = Guard<S>;

    fn layer(&self, inner: S) -> Guard<S> {
        Guard {
            access: Arc::clone(&self.access),
            inner,
        }
    }
}

/// A service that asks who calls.
#[derive(Clone, Debug)]
pub struct Guard<S> {
    access: Arc<Access>,
    inner: S,
}

type Answered = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

impl<S> Service<Request<Body>> for Guard<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answered;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Answered {
        let path = request.uri().path().to_owned();
        let rule = rule(&path);
        let peer = request.extensions().get::<Peer>();
        let admitted = self
            .access
            .admit(peer, bearer(request.headers()).into(), rule, &path);
        let caller = match admitted {
            Ok(caller) => caller,
            Err(refusal) => {
                let answer = status(&refusal).into_http();
                return Box::pin(async { Ok(answer) });
            }
        };
        request.extensions_mut().insert(caller.clone());
        // The one that was asked whether it is ready has to be the one that is called.
        let fresh = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, fresh);
        let access = Arc::clone(&self.access);
        Box::pin(async move {
            let answered = tokio::select! {
                answered = inner.call(request) => answered?,
                refusal = gone(&access, &caller.identity) => status(&refusal).into_http(),
            };
            if rule.is_some_and(|rule| rule.changes) {
                let outcome = outcome(answered.headers());
                access.tell(&caller, &path, outcome).await;
            }
            Ok(lasting(answered, access, caller))
        })
    }
}

/// The token in an `authorization` header. The word before it is of any case.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?;
    // What is no text is no token, and is told so.
    let text = value.to_str().unwrap_or("?");
    match text.split_once(' ') {
        Some((word, token)) if word.eq_ignore_ascii_case("bearer") => Some(token.trim()),
        _ => Some(text),
    }
}

async fn gone(access: &Access, identity: &Identity) -> Refusal {
    if identity.is_known() {
        access.ended(identity).await
    } else {
        std::future::pending().await
    }
}

fn status(refusal: &Refusal) -> Status {
    let text = refusal.to_string();
    let mut status = match refusal.class() {
        Class::Unknown => Status::unauthenticated(text),
        Class::Forbidden => Status::permission_denied(text),
        Class::Later => Status::resource_exhausted(text),
    };
    if let Some(seconds) = refusal.retry_after() {
        let value = MetadataValue::from(seconds);
        status.metadata_mut().insert("retry-after", value);
    }
    status
}

/// A call that fails at once says so in its headers; what fails later has changed nothing by then that
/// an answer could speak of.
fn outcome(headers: &HeaderMap) -> Outcome {
    match Status::from_header_map(headers) {
        Some(status) if status.code() != tonic::Code::Ok => {
            Outcome::Failed(status.message().to_owned())
        }
        _ => Outcome::Done,
    }
}

/// A stream ends with its caller's access.
fn lasting(answer: Response<Body>, access: Arc<Access>, caller: Caller) -> Response<Body> {
    let mut answer = answer;
    if let Ok(id) = HeaderValue::from_str(&caller.request_id) {
        answer.headers_mut().insert("x-request-id", id);
    }
    if !caller.identity.is_known() {
        return answer;
    }
    answer.map(|body| {
        let identity = caller.identity;
        Body::new(Lasting {
            body,
            gone: Box::pin(async move { access.ended(&identity).await }),
            ended: false,
        })
    })
}

struct Lasting {
    body: Body,
    gone: Pin<Box<dyn Future<Output = Refusal> + Send>>,
    ended: bool,
}

impl http_body::Body for Lasting {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        if let Poll::Ready(refusal) = self.gone.as_mut().poll(context) {
            self.ended = true;
            let mut trailers = HeaderMap::new();
            let status = status(&refusal);
            return Poll::Ready(Some(match status.add_header(&mut trailers) {
                Ok(()) => Ok(Frame::trailers(trailers)),
                Err(status) => Err(status),
            }));
        }
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.ended || self.body.is_end_stream()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bearer_token_is_read_whatever_the_case_of_the_word() {
        for (sent, read) in [
            ("Bearer csn_a", "csn_a"),
            ("bearer csn_a", "csn_a"),
            ("BEARER  csn_a ", "csn_a"),
            ("Basic dXNlcg==", "Basic dXNlcg=="),
            ("csn_a", "csn_a"),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, HeaderValue::from_static(sent));
            assert_eq!(bearer(&headers), Some(read), "{sent}");
        }
        assert_eq!(bearer(&HeaderMap::new()), None);
    }

    #[test]
    fn a_refusal_for_now_says_when_to_come_back() {
        let refusal = Refusal::TooMany {
            retry_after: std::time::Duration::from_millis(1_500),
        };
        let status = status(&refusal);
        assert_eq!(status.code(), tonic::Code::ResourceExhausted);
        assert_eq!(status.metadata().get("retry-after").unwrap(), "2");
    }
}
