//! The contracts between Countersign's parts: messages and services generated from `*.proto`.
//!
//! Nothing is written here by hand. What a message means stands beside it in its `.proto` file.
#![allow(missing_docs, clippy::all, clippy::pedantic)]

/// The compiled policy that the control plane sends and the filter loads.
pub mod policy {
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/countersign.policy.v1.rs"));
    }
}

/// The decision event that the filter hands to Envoy's access log.
pub mod event {
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/countersign.event.v1.rs"));
    }
}

/// What filter workers and auth sidecars say to the control plane, and what it answers.
pub mod node {
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/countersign.node.v1.rs"));
    }
}

/// The operator's API.
pub mod admin {
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/countersign.admin.v1.rs"));
    }
}

/// Who may use the control plane, and what they did.
pub mod access {
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/countersign.access.v1.rs"));
    }
}

/// The encoded `FileDescriptorSet` of every contract, for gRPC reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
