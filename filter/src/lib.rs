//! The Envoy filter: one root context for each configuration of each worker, one HTTP context for
//! each request. Every rule is in `countersign-engine`; every host call is in `host.rs`.
// The entry point that Envoy calls is an exported symbol made by the SDK's macro: Rust counts it as
// unsafe code, and it has no documentation of its own.
#![allow(unsafe_code, missing_docs)]

mod counters;
mod held;
mod host;
mod report;
mod request;
mod root;
mod running;
mod step_up;
mod worker;

use root::Root;

proxy_wasm::main! {{
    proxy_wasm::set_log_level(proxy_wasm::types::LogLevel::Warn);
    proxy_wasm::set_root_context(|_| Box::new(Root::default()));
}}
