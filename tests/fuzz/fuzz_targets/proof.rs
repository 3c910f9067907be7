//! Proofs of possession.
#![no_main]
#![allow(
    unsafe_code,
    missing_docs,
    unreachable_pub,
    reason = "the macro's: libFuzzer calls a function by its name"
)]

libfuzzer_sys::fuzz_target!(|data: &[u8]| countersign_fuzz::proof(data));
