//! The control plane itself: is it there, who is let in, what does its clock say?

use countersign_control_plane::clock::Clock;
use countersign_control_plane::tls::Connector;
use countersign_proto::access::v1 as access;
use countersign_proto::admin::v1 as admin;
use tonic::transport::Uri;

use super::certificate::Certificate;
use super::finding::{Area, Finding};
use super::{fleet, probe};
use crate::api::{self, ApiError};
use crate::commands::nodes::{self, NodesArgs};
use crate::target::{DEFAULT_CONTROL_PLANE, Target};

/// The sidecar takes a challenge's ticket from a clock that is off by so much.
const CLOCK_WARNS_S: u64 = 5;

/// By default a session is good on a clock that is off by so much.
const CLOCK_FAILS_S: u64 = 30;

const NEEDED: &str = "mend what failed above first";

/// Everything that is asked by gRPC.
pub(super) async fn grpc(target: &Target, clock: &Clock) -> Vec<Finding> {
    let resolved = match target.resolve() {
        Ok(resolved) => resolved,
        Err(error) => {
            let remedy = "see `countersign context list` and `countersign --help`";
            return vec![
                Finding::failed(Area::ControlPlane, "target", error.to_string(), remedy),
                not_asked(),
            ];
        }
    };
    let mut findings = Vec::new();
    let address = resolved.address.clone();
    findings.extend(own_certificate(&resolved.tls.identity, clock));
    if let Ok(address) = address.parse::<Uri>()
        && address.scheme_str() == Some("https")
        && let Ok(connector) = Connector::new(resolved.tls)
    {
        let looked = connector.look(&address, countersign_control_plane::tls::Protocol::Http2);
        let chain = looked.await.chain;
        findings.extend(certificate(&address, &chain, clock));
    }
    let asked = match api::connect_access(target).await {
        Ok(mut client) => client.who_am_i(access::WhoAmIRequest {}).await,
        Err(error) => {
            findings.push(unreachable(&error));
            findings.push(not_asked());
            return findings;
        }
    };
    let found = format!("{address} answers");
    findings.push(Finding::ok(Area::ControlPlane, "grpc", found));
    let (metadata, told) = match asked {
        Ok(answer) => {
            let metadata = answer.metadata().clone();
            (metadata, Ok(answer.into_inner()))
        }
        Err(status) => (status.metadata().clone(), Err(ApiError::from(status))),
    };
    let date = metadata.get("date").and_then(|date| date.to_str().ok());
    if let Some(date) = date.and_then(probe::seconds) {
        findings.push(skew(date, clock.now()));
    }
    let may_ask = told.as_ref().is_ok_and(may_ask);
    findings.push(token(told));
    if !may_ask {
        findings.push(not_asked());
        return findings;
    }
    match fleet(target).await {
        Ok(found) => findings.extend(found),
        Err(error) => {
            let remedy = "the control plane's log says more";
            findings.push(Finding::failed(
                Area::Nodes,
                "asked",
                error.to_string(),
                remedy,
            ));
        }
    }
    findings
}

async fn fleet(target: &Target) -> Result<Vec<Finding>, ApiError> {
    let mut client = api::connect(target).await?;
    let nodes = nodes::listed(&mut client, &NodesArgs::default()).await?;
    let keys = client.list_keys(admin::ListKeysRequest {}).await?;
    let relays = client.list_relays(admin::ListRelaysRequest {}).await?;
    let mut findings = fleet::nodes(&nodes);
    findings.extend(fleet::relays(&relays.get_ref().relays));
    findings.push(fleet::keys(&keys.get_ref().keys));
    Ok(findings)
}

/// Is somebody there who answers us?
pub(super) fn answers(findings: &[Finding]) -> bool {
    let asked = |it: &Finding| it.area == Area::Nodes && it.check == "asked";
    !findings.iter().any(asked)
}

fn not_asked() -> Finding {
    let found = "nodes, keys and relays were not asked for";
    Finding::skipped(Area::Nodes, "asked", found, NEEDED)
}

fn unreachable(error: &ApiError) -> Finding {
    let remedy = match error {
        ApiError::Unreachable { cause, .. } if cause.contains("certificate") => {
            "replace the certificate, or name the authority that signed it with `--ca`"
        }
        ApiError::Unreachable { .. } => {
            "start it, or name its gRPC address with `--control-plane` or `countersign context use`"
        }
        ApiError::Target(_) | ApiError::Tls(_) => "give other files, or none",
        _ => "name its gRPC address with `--control-plane`, like `http://127.0.0.1:18000`",
    };
    Finding::failed(Area::ControlPlane, "grpc", error.to_string(), remedy)
}

fn may_ask(told: &access::WhoAmIResponse) -> bool {
    told.source == "open" || told.role() != access::Role::Node
}

fn token(told: Result<access::WhoAmIResponse, ApiError>) -> Finding {
    let check = "token";
    let told = match told {
        Ok(told) => told,
        Err(error) => {
            return Finding::failed(
                Area::ControlPlane,
                check,
                error.to_string(),
                "show a good token: `--token-file PATH`, COUNTERSIGN_TOKEN, or a context (`countersign context set NAME --token-stdin`); the first one is made by `countersign access bootstrap`",
            );
        }
    };
    if told.source == "open" {
        return Finding::warning(
            Area::ControlPlane,
            check,
            "access is open: whoever reaches the control plane may everything",
            "start it without `--access open`",
        );
    }
    if !may_ask(&told) {
        return Finding::failed(
            Area::ControlPlane,
            check,
            format!("`{}` is a node's and may not ask", told.name),
            "show a token of the role viewer, editor or approver",
        );
    }
    let role = match told.role() {
        access::Role::Viewer => "a viewer",
        access::Role::Editor => "an editor",
        access::Role::Approver => "an approver",
        access::Role::Node | access::Role::Unspecified => "of no known role",
    };
    let found = format!("{} is {role} ({})", told.name, told.source);
    Finding::ok(Area::ControlPlane, check, found)
}

/// `there`: seconds since 1970, cut off; `here`: milliseconds.
pub(super) fn skew(there: i64, here: u64) -> Finding {
    let here = i64::try_from(here / 1_000).unwrap_or(i64::MAX);
    let off = here.saturating_sub(there);
    let remedy = "let both machines follow the time of the network (chrony, systemd-timesyncd)";
    let words = if off > 0 { "ahead of" } else { "behind" };
    let found = format!(
        "this machine's clock is {} s {words} the control plane's",
        off.unsigned_abs()
    );
    if off.unsigned_abs() > CLOCK_FAILS_S {
        let found = format!("{found}: where nodes differ so much, sessions are refused");
        return Finding::failed(Area::ControlPlane, "clock", found, remedy);
    }
    if off.unsigned_abs() > CLOCK_WARNS_S {
        return Finding::warning(Area::ControlPlane, "clock", found, remedy);
    }
    let found = format!("within {CLOCK_WARNS_S} s of the control plane's");
    Finding::ok(Area::ControlPlane, "clock", found)
}

fn certificate(address: &Uri, chain: &[Vec<u8>], clock: &Clock) -> Option<Finding> {
    let what = format!("the certificate of {address}");
    let looked = Certificate {
        area: Area::ControlPlane,
        check: "certificate",
        what: &what,
        replace: "replace the file that the control plane's `--tls-certificate` names; it is read again each second",
    };
    Some(looked.judge(chain.first()?, now_s(clock)))
}

fn own_certificate(
    identity: &Option<(std::path::PathBuf, std::path::PathBuf)>,
    clock: &Clock,
) -> Option<Finding> {
    let (path, _) = identity.as_ref()?;
    let what = format!("the client certificate in `{}`", path.display());
    let looked = Certificate {
        area: Area::ControlPlane,
        check: "own-certificate",
        what: &what,
        replace: "have a new one signed and name it with `--certificate` and `--key`",
    };
    Some(match std::fs::read(path) {
        Ok(pem) => looked.judge_pem(&pem, now_s(clock)),
        Err(error) => {
            let found = format!("cannot read `{}`: {error}", path.display());
            let remedy = "name another with `--certificate`";
            Finding::failed(Area::ControlPlane, "own-certificate", found, remedy)
        }
    })
}

fn now_s(clock: &Clock) -> i64 {
    i64::try_from(clock.now() / 1_000).unwrap_or(i64::MAX)
}

/// REST and dashboard, on their own port.
pub(super) async fn rest(given: Option<&str>, target: &Target, clock: &Clock) -> Vec<Finding> {
    let check = "rest";
    let resolved = target.resolve().ok();
    let local = resolved
        .as_ref()
        .is_some_and(|resolved| resolved.address.trim_end_matches('/') == DEFAULT_CONTROL_PLANE);
    let given = given.or(local.then_some(super::DEFAULT_API));
    let Some(given) = given else {
        return vec![Finding::skipped(
            Area::ControlPlane,
            check,
            "nobody said where REST and dashboard are",
            "name their address with `--api URL`",
        )];
    };
    let files = resolved.map(|resolved| resolved.tls).unwrap_or_default();
    let address: Option<Uri> = given.trim_end_matches('/').parse().ok();
    let address = address.filter(|address| address.host().is_some() && address.scheme().is_some());
    let (Some(address), Ok(connector)) = (address, Connector::new(files)) else {
        let found = format!("`{given}` is no address");
        let remedy = "give one like `http://127.0.0.1:8080` with `--api`";
        return vec![Finding::failed(Area::ControlPlane, check, found, remedy)];
    };
    let probe = probe::get(&connector, &address, "/readyz").await;
    let mut findings: Vec<_> = certificate(&address, &probe.chain, clock)
        .into_iter()
        .map(|finding| Finding {
            check: "rest-certificate",
            ..finding
        })
        .collect();
    findings.push(match probe.answer {
        Some(answer) if answer.status == 200 => {
            Finding::ok(Area::ControlPlane, check, format!("{given} is ready"))
        }
        Some(answer) => Finding::failed(
            Area::ControlPlane,
            check,
            format!("{given} answers {}: {}", answer.status, answer.says),
            "the control plane's log says why; often its database cannot be reached",
        ),
        None => Finding::failed(
            Area::ControlPlane,
            check,
            format!("{given} cannot be asked: {}", probe.failed),
            "start the control plane with `--http-listen`, or name the address with `--api`",
        ),
    });
    findings
}

#[cfg(test)]
mod tests;
