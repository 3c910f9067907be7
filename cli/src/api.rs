//! The connection to the control plane.

use countersign_control_plane::tls::{ClientError, Connector};
use countersign_proto::access::v1::access_service_client::AccessServiceClient;
use countersign_proto::admin::v1::admin_service_client::AdminServiceClient;
use countersign_proto::admin::v1::{ChangedMeanwhile, StatusDetails};
use prost::Message as _;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};

use crate::commands::words;
use crate::limits::{CALL_TIMEOUT, CONNECT_TIMEOUT, MAX_ANSWER_BYTES, MAX_TOTAL_BYTES};
use crate::output;
use crate::target::{DEFAULT_CONTROL_PLANE, Resolved, Target, TargetError, Token};

/// The operator's API.
pub(crate) type Client = AdminServiceClient<Guarded>;
/// Tokens, certificates, audit log.
pub(crate) type AccessClient = AccessServiceClient<Guarded>;
/// A channel that shows a token.
pub(crate) type Guarded = InterceptedService<Channel, Token>;

/// Why the control plane gave no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    /// The address.
    #[error(
        "`{0}` is not an address of a control plane; give one like `{DEFAULT_CONTROL_PLANE}` with `--control-plane`"
    )]
    BadAddress(String),
    /// Nobody there.
    #[error(
        "no control plane answers at {address} ({cause}); start one with `countersign up`, or give its address with `--control-plane`"
    )]
    Unreachable {
        /// As given.
        address: String,
        /// Why.
        cause: String,
    },
    /// Context, token, certificate.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The files of TLS.
    #[error(transparent)]
    Tls(#[from] ClientError),
    /// The control plane does not know the caller, or the caller may not.
    #[error("the control plane refuses: {0}")]
    Access(String),
    /// What was asked for does not exist.
    #[error("{0}")]
    NotFound(String),
    /// The control plane says that the request is wrong.
    #[error("{0}")]
    Refused(String),
    /// A list of several pages was never of one revision.
    #[error("the resources change faster than they can be read; try again in a moment")]
    Restless,
    /// Somebody else was faster.
    #[error("{}", stale_text(.0))]
    ChangedMeanwhile(Box<ChangedMeanwhile>),
    /// Anything else that it says.
    #[error("the control plane answered `{}`: {}; its log says more, and `countersign doctor` what does not work", .0.code(), .0.message())]
    Failed(Box<Status>),
}

impl ApiError {
    /// Is it the caller who can do something about it?
    pub(crate) fn is_input(&self) -> bool {
        matches!(
            self,
            Self::BadAddress(_)
                | Self::NotFound(_)
                | Self::Refused(_)
                | Self::ChangedMeanwhile(_)
                | Self::Access(_)
                | Self::Target(_)
                | Self::Tls(_)
        )
    }
}

impl From<Status> for ApiError {
    fn from(status: Status) -> Self {
        match status.code() {
            Code::Unauthenticated | Code::PermissionDenied => {
                Self::Access(status.message().to_owned())
            }
            Code::NotFound => Self::NotFound(status.message().to_owned()),
            Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange => {
                Self::Refused(status.message().to_owned())
            }
            Code::Aborted => match changed_meanwhile(&status) {
                Some(told) => Self::ChangedMeanwhile(Box::new(told)),
                None => Self::Refused(status.message().to_owned()),
            },
            _ => Self::Failed(Box::new(status)),
        }
    }
}

fn changed_meanwhile(status: &Status) -> Option<ChangedMeanwhile> {
    let details = StatusDetails::decode(status.details()).ok()?;
    let told = details
        .details
        .iter()
        .find(|detail| detail.type_url.ends_with(".ChangedMeanwhile"))?;
    ChangedMeanwhile::decode(told.value.as_slice()).ok()
}

fn stale_text(told: &ChangedMeanwhile) -> String {
    let ChangedMeanwhile { base, current, .. } = told;
    let mut text = format!(
        "nothing was changed: the change was made against revision {base}, and meanwhile others were made:\n"
    );
    for change in &told.changes {
        let named = change.resource.clone().unwrap_or_default();
        text.push_str(&format!(
            "  {} {}/{} in revision {} by {} at {}\n",
            words::change(change.change()),
            named.kind,
            named.name,
            change.revision,
            change.author,
            output::time(change.time_ms),
        ));
    }
    if told.more > 0 {
        text.push_str(&format!("  and {} more\n", told.more));
    }
    text.push_str(&format!(
        "see them with `countersign diff {base} {current}`; when your change is still right, make it again with `--base {current}`"
    ));
    text
}

/// Connects, so that an absent control plane is told apart from one that refuses.
pub(crate) async fn connect(target: &Target) -> Result<Client, ApiError> {
    Ok(AdminServiceClient::new(channel(target).await?)
        .max_decoding_message_size(MAX_ANSWER_BYTES)
        .max_encoding_message_size(MAX_ANSWER_BYTES.max(MAX_TOTAL_BYTES as usize)))
}

/// The same for the service of access.
pub(crate) async fn connect_access(target: &Target) -> Result<AccessClient, ApiError> {
    Ok(AccessServiceClient::new(channel(target).await?))
}

async fn channel(target: &Target) -> Result<Guarded, ApiError> {
    let Resolved {
        address,
        token,
        tls,
    } = target.resolve()?;
    let address = address.as_str();
    let endpoint = Endpoint::from_shared(address.to_owned())
        .ok()
        .filter(|endpoint| endpoint.uri().host().is_some() && endpoint.uri().scheme().is_some())
        .ok_or_else(|| ApiError::BadAddress(address.to_owned()))?
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(CALL_TIMEOUT);
    let connected = if endpoint.uri().scheme_str() == Some("https") {
        endpoint.connect_with_connector(Connector::new(tls)?).await
    } else {
        endpoint.connect().await
    };
    let channel = connected.map_err(|error| ApiError::Unreachable {
        address: address.to_owned(),
        cause: innermost(&error),
    })?;
    Ok(InterceptedService::new(channel, token))
}

/// The last cause is the one that a person can act on: `Connection refused`, not `transport error`.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_proto::admin::v1::status_details::Detail;
    use countersign_proto::admin::v1::{Change, MeanwhileChange, ResourceRef};

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    }

    #[test]
    fn an_absent_control_plane_is_said_with_what_to_do() {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", free.local_addr().unwrap());
        drop(free);
        let error = runtime()
            .block_on(connect(&Target::at(&address)))
            .unwrap_err();
        let text = error.to_string();
        assert!(!error.is_input());
        assert!(text.contains(&address), "{text}");
        assert!(text.contains("refused"), "{text}");
        assert!(text.contains("countersign up"), "{text}");
    }

    #[test]
    fn a_change_that_came_too_late_is_the_callers_matter_and_names_what_changed() {
        let told = ChangedMeanwhile {
            base: "3".to_owned(),
            current: "5-def".to_owned(),
            changes: vec![MeanwhileChange {
                resource: Some(ResourceRef {
                    kind: "List".to_owned(),
                    name: "offices".to_owned(),
                }),
                change: Change::Updated.into(),
                revision: "4-abc".to_owned(),
                author: "cli:ann".to_owned(),
                time_ms: 1_800_000_000_123,
            }],
            more: 2,
        };
        let details = StatusDetails {
            details: vec![Detail {
                type_url: "type.googleapis.com/countersign.admin.v1.ChangedMeanwhile".to_owned(),
                value: told.encode_to_vec(),
            }],
            ..StatusDetails::default()
        };
        let status = Status::with_details(Code::Aborted, "no", details.encode_to_vec().into());
        let error = ApiError::from(status);
        assert!(error.is_input());
        let text = error.to_string();
        for part in [
            "updated List/offices in revision 4-abc by cli:ann at 2027-01-15 08:00:00Z\n",
            "and 2 more",
            "countersign diff 3 5-def",
            "--base 5-def",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn what_is_no_address_is_the_callers_fault() {
        for bad in ["", "localhost", "not an address", "/tmp/socket"] {
            let error = runtime().block_on(connect(&Target::at(bad))).unwrap_err();
            assert!(matches!(error, ApiError::BadAddress(_)), "{bad}: {error}");
        }
    }
}
