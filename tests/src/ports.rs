//! A set of ports for one stack that no other stack of these tests has, nor anybody else.

use std::fs::{File, TryLockError};
use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Context as _, Result, bail};

use crate::paths;

/// Base ports to try. Below 20,000 every derived port stays under the range (from 32,768) that the
/// system takes the near ends of outgoing connections from.
/// 12,000 itself would put the dashboard on 10,080, which browsers refuse.
const BASES: std::ops::Range<u16> = 12_200..20_000;
/// Within the range of bases no two that differ by a multiple of this share a port.
const STEP: usize = 200;
/// What `countersign up` listens on at the base port 10,000.
const DEFAULTS: [u16; 8] = [10_000, 10_443, 9_901, 18_000, 8_080, 18_080, 18_090, 18_070];
/// The base at which the defaults hold.
const DEFAULT_BASE: u16 = 10_000;

/// A base port whose derived ports are ours until drop.
#[derive(Debug)]
pub struct Ports {
    base: u16,
    _lock: File,
}

impl Ports {
    /// Finds and reserves a set.
    ///
    /// # Errors
    /// When every set is taken.
    pub fn reserve() -> Result<Self> {
        let folder = paths::target("tmp/ports")?;
        for base in BASES.step_by(STEP) {
            let lock = File::create(folder.join(base.to_string()))
                .with_context(|| format!("locking ports in {}", folder.display()))?;
            match lock.try_lock() {
                // The lock ends with the process, whatever becomes of it.
                Ok(()) if free(base) => return Ok(Self { base, _lock: lock }),
                Ok(()) | Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(error.into()),
            }
        }
        bail!("no set of ports is free from {BASES:?}")
    }

    /// What `--base-port` is given.
    #[must_use]
    pub fn base(&self) -> u16 {
        self.base
    }

    /// Where a part listens whose default port is `default`.
    #[must_use]
    pub fn at(&self, default: u16) -> u16 {
        derived(self.base, default)
    }
}

fn derived(base: u16, default: u16) -> u16 {
    default + base - DEFAULT_BASE
}

fn free(base: u16) -> bool {
    DEFAULTS
        .into_iter()
        .all(|default| TcpListener::bind((Ipv4Addr::LOCALHOST, derived(base, default))).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_sets_share_a_port() {
        let mut seen = std::collections::BTreeSet::new();
        for base in BASES.step_by(STEP) {
            for default in DEFAULTS {
                assert!(seen.insert(derived(base, default)), "{base} {default}");
            }
        }
    }

    #[test]
    fn a_reserved_set_is_not_given_twice() -> Result<()> {
        let (one, other) = (Ports::reserve()?, Ports::reserve()?);
        assert_ne!(one.base(), other.base());
        Ok(())
    }
}
