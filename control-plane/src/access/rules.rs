//! Which gRPC call needs which role. REST routes say theirs where they are made.

use super::role::{Need, Role};

/// What holds for one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Who may.
    pub need: Need,
    /// It may change something: the audit log tells of it. Refused attempts are told of every call.
    pub changes: bool,
}

impl Rule {
    /// Only answers.
    #[must_use]
    pub const fn reads(need: Need) -> Self {
        Self {
            need,
            changes: false,
        }
    }

    /// May change something.
    #[must_use]
    pub const fn changes(need: Need) -> Self {
        Self {
            need,
            changes: true,
        }
    }
}

const VIEWER: Rule = Rule::reads(Need::Role(Role::Viewer));
const EDITOR: Rule = Rule::changes(Need::Role(Role::Editor));
const APPROVER: Rule = Rule::changes(Need::Role(Role::Approver));
const NODE: Rule = Rule::reads(Need::Role(Role::Node));

/// The rule of a gRPC call, by its path; what has none is closed to everybody.
#[must_use]
pub fn rule(path: &str) -> Option<Rule> {
    let (service, method) = path.strip_prefix('/')?.split_once('/')?;
    Some(match service {
        "countersign.admin.v1.AdminService" => admin(method)?,
        "countersign.access.v1.AccessService" => access(method)?,
        "countersign.node.v1.NodeService" => match method {
            "ReportWorker" | "ConnectSidecar" | "RelayEvents" | "FetchModule" => NODE,
            _ => return None,
        },
        // What Envoy speaks.
        "envoy.service.extension.v3.ExtensionConfigDiscoveryService"
        | "envoy.service.discovery.v3.AggregatedDiscoveryService"
        | "envoy.service.accesslog.v3.AccessLogService" => NODE,
        "grpc.health.v1.Health"
        | "grpc.reflection.v1.ServerReflection"
        | "grpc.reflection.v1alpha.ServerReflection" => Rule::reads(Need::Local),
        _ => return None,
    })
}

fn admin(method: &str) -> Option<Rule> {
    Some(match method {
        "Apply" | "DeleteResources" | "Rollback" | "Revoke" | "Unrevoke" => EDITOR,
        // What of it is an approver's is looked at by the call itself.
        "ActOnRollout" => EDITOR,
        "ListResources" | "GetRevision" | "DiffRevisions" | "ListRevisions" | "ListNodes"
        | "ListEvents" | "GetEvent" | "GetTraffic" | "ListKeys" | "GetRollout" | "ListRollouts"
        | "ListProposals" | "ListRevocations" | "ListRelays" => VIEWER,
        // Every session key of every sidecar anew.
        "RotateKeys" => APPROVER,
        _ => return None,
    })
}

fn access(method: &str) -> Option<Rule> {
    Some(match method {
        // Its one-time token is looked at by the call itself.
        "Bootstrap" => Rule::changes(Need::Open),
        "WhoAmI" => Rule::reads(Need::Anybody),
        "CreateToken" | "RevokeToken" | "AddCertificate" | "RemoveCertificate" => APPROVER,
        // Whose it is is looked at by the call itself.
        "RemovePasskey" => Rule::changes(Need::Anybody),
        "ListTokens" | "ListCertificates" | "ListPasskeys" | "ListAudit" => VIEWER,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::*;

    #[test]
    fn every_call_of_our_contracts_has_a_rule() {
        let set = prost_types::FileDescriptorSet::decode(countersign_proto::DESCRIPTORS).unwrap();
        let mut calls = 0;
        for file in &set.file {
            for service in &file.service {
                for method in &service.method {
                    let path = format!("/{}.{}/{}", file.package(), service.name(), method.name());
                    assert!(
                        rule(&path).is_some(),
                        "{path} has no rule in access/rules.rs"
                    );
                    calls += 1;
                }
            }
        }
        assert!(calls > 20, "{calls} calls");
    }

    #[test]
    fn what_no_rule_names_is_closed() {
        for path in [
            "",
            "/",
            "/countersign.admin.v1.AdminService/",
            "/countersign.admin.v1.AdminService/Nothing",
            "/countersign.admin.v1.AdminService/Apply/",
            "countersign.admin.v1.AdminService/Apply",
            "/countersign.admin.v2.AdminService/Apply",
        ] {
            assert_eq!(rule(path), None, "{path}");
        }
    }

    #[test]
    fn who_reads_changes_nothing_and_nodes_reach_nothing_of_operators() {
        let admin = |method| rule(&format!("/countersign.admin.v1.AdminService/{method}")).unwrap();
        assert_eq!(admin("ListNodes"), VIEWER);
        assert_eq!(admin("Apply"), EDITOR);
        for (has, method) in [
            (Role::Viewer, "Apply"),
            (Role::Node, "ListNodes"),
            (Role::Editor, "RotateKeys"),
        ] {
            let Need::Role(needs) = admin(method).need else {
                panic!("{method} needs no role")
            };
            assert!(!has.covers(needs), "{has} {method}");
        }
    }
}
