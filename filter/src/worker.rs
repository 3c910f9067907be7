//! What one worker's VM keeps across configurations: its name, its verified tokens, its count of
//! decisions, its source of event ids. A VM is single-threaded.

use std::cell::{Cell, RefCell};

use countersign_engine::{EventId, Timestamp, WorkerMemory};

thread_local! {
    static NAME: String = random::<8>().iter().map(|byte| format!("{byte:02x}")).collect();
    static MEMORY: RefCell<WorkerMemory> = RefCell::default();
    static DECISIONS: Cell<u64> = const { Cell::new(0) };
    static CONTEXTS: Cell<u64> = const { Cell::new(0) };
    static LOTTERY: Cell<u128> = Cell::new(u128::from_le_bytes(random()));
}

/// The name that this VM gave itself: reports of one worker carry the same one.
pub(crate) fn name() -> String {
    NAME.with(Clone::clone)
}

/// Decisions since the VM started.
pub(crate) fn decisions() -> u64 {
    DECISIONS.get()
}

/// Numbers a configuration, from 1.
pub(crate) fn next_context() -> u64 {
    CONTEXTS.set(CONTEXTS.get().wrapping_add(1));
    CONTEXTS.get()
}

/// Names a new decision. Ids must be unlike each other, not unguessable: nothing is granted to whoever
/// knows one. So a generator (splitmix64 on both halves of a random start) does, where the host's
/// would cost a call for each request.
pub(crate) fn next_event_id(now: Timestamp) -> EventId {
    DECISIONS.set(DECISIONS.get().wrapping_add(1));
    let state = LOTTERY
        .get()
        .wrapping_add(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    LOTTERY.set(state);
    let [a, b, c, d, e, f, g, h, rest @ ..] = state.to_le_bytes();
    let high = mix(u64::from_le_bytes([a, b, c, d, e, f, g, h])).to_le_bytes();
    let [i, j, ..] = mix(u64::from_le_bytes(rest)).to_le_bytes();
    let [a, b, c, d, e, f, g, h] = high;
    EventId::new(now.as_millis(), [a, b, c, d, e, f, g, h, i, j])
}

/// Lends what the worker keeps between requests.
pub(crate) fn with_memory<T>(use_memory: impl FnOnce(&mut WorkerMemory) -> T) -> T {
    MEMORY.with_borrow_mut(use_memory)
}

const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if let Err(error) = getrandom::fill(&mut bytes) {
        crate::host::log_error(&format!(
            "countersign: no randomness from the host: {error}"
        ));
    }
    bytes
}
