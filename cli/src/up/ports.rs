//! The ports of one stack. One base port moves them all, so that stacks run side by side.

use std::fmt;
use std::str::FromStr;

/// The base port of a stack that was given none.
pub(crate) const DEFAULT_BASE: u16 = 10_000;

/// The bases that `auto` chooses from. Any two of them are less than 8,000 and a multiple of 500
/// apart: no two parts of two such stacks meet. Their highest port stays below 32,768, where Linux
/// starts to hand out ports to outgoing connections.
const AUTO_FIRST: u16 = 16_500;
const AUTO_LAST: u16 = 24_000;
const AUTO_STEP: u16 = 500;

/// Below this only root may listen.
const LOWEST_PORT: i32 = 1024;

/// Ports that no browser opens, whatever listens there (WHATWG Fetch, section 2.9, "port blocking");
/// those below [`LOWEST_PORT`] are not among these.
const BLOCKED: [u16; 20] = [
    1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669,
    6679, 6697, 10_080, 65_535,
];

/// Where every part of one stack listens, on 127.0.0.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ports {
    /// What all others follow from; also Envoy's plaintext listener.
    pub(crate) base: u16,
    /// Envoy, https.
    pub(crate) https: u16,
    /// Envoy, admin.
    pub(crate) admin: u16,
    /// Control plane, gRPC.
    pub(crate) grpc: u16,
    /// Control plane, REST and dashboard.
    pub(crate) api: u16,
    /// Auth sidecar.
    pub(crate) sidecar: u16,
    /// Demo shop.
    pub(crate) shop: u16,
    /// Relay: metrics and health. Envoy reaches it by its socket.
    pub(crate) relay: u16,
}

/// One port and who wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    /// The port.
    pub(crate) port: u16,
    /// The part, in words.
    pub(crate) part: &'static str,
}

/// Why a stack has no ports.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PortsError {
    /// Some part's port would not be a port.
    #[error(
        "the base port {base} puts {part} on port {port}; choose a `--base-port` from {lowest} to {highest}"
    )]
    OutOfRange {
        /// As given.
        base: u16,
        /// Which part.
        part: &'static str,
        /// What would be its port.
        port: i32,
        /// The lowest base that works.
        lowest: u16,
        /// The highest base that works.
        highest: u16,
    },
    /// Nobody could look at it.
    #[error(
        "the base port {base} puts {part} on port {port}, which browsers refuse to open; choose another `--base-port`, for example {}", .base.saturating_add(1)
    )]
    Blocked {
        /// As given.
        base: u16,
        /// Which part.
        part: &'static str,
        /// Its port.
        port: u16,
    },
    /// Something listens there already.
    #[error("port {} ({}) is in use; stop what listens there, or move the stack with `--base-port {}`", claim.port, claim.part, suggestion.map_or_else(|| "PORT".to_owned(), |base| base.to_string()))]
    Taken {
        /// The port and the part that wants it.
        claim: Claim,
        /// A base whose ports are all free.
        suggestion: Option<u16>,
    },
    /// `auto` found nothing.
    #[error(
        "no base port from {AUTO_FIRST} to {AUTO_LAST} has all its ports free; stop another stack, or give `--base-port`"
    )]
    NoneFree,
}

/// `--base-port`: a number, or `auto` for any that is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BasePort {
    /// This one.
    Fixed(u16),
    /// The first whose ports are all free.
    Auto,
}

impl FromStr for BasePort {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.eq_ignore_ascii_case("auto") {
            return Ok(Self::Auto);
        }
        match text.parse() {
            Ok(port) if port > 0 => Ok(Self::Fixed(port)),
            _ => Err("a port from 1 to 65535, or `auto`"),
        }
    }
}

impl fmt::Display for BasePort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(port) => write!(f, "{port}"),
            Self::Auto => f.write_str("auto"),
        }
    }
}

/// (default port, part) in the order of `Ports`.
const DEFAULTS: [(u16, &str); 8] = [
    (10_000, "Envoy, http"),
    (10_443, "Envoy, https"),
    (9_901, "Envoy, admin"),
    (18_000, "control plane, gRPC"),
    (8_080, "control plane, http"),
    (18_080, "auth sidecar"),
    (18_090, "demo shop"),
    (18_070, "relay"),
];

impl Ports {
    /// The ports that follow from a base.
    pub(crate) fn from_base(base: u16) -> Result<Self, PortsError> {
        let shift = i32::from(base) - i32::from(DEFAULT_BASE);
        let mut ports = [0_u16; DEFAULTS.len()];
        for (slot, (default, part)) in ports.iter_mut().zip(DEFAULTS) {
            let port = i32::from(default) + shift;
            *slot = match u16::try_from(port) {
                Ok(fits) if port >= LOWEST_PORT => fits,
                _ => return Err(out_of_range(base, part, port)),
            };
        }
        // Programs open any port; these three are for people.
        let people = ["Envoy, http", "Envoy, https", "control plane, http"];
        for (port, (_, part)) in ports.iter().zip(DEFAULTS) {
            if people.contains(&part) && BLOCKED.contains(port) {
                let port = *port;
                return Err(PortsError::Blocked { base, part, port });
            }
        }
        let [base, https, admin, grpc, api, sidecar, shop, relay] = ports;
        Ok(Self {
            base,
            https,
            admin,
            grpc,
            api,
            sidecar,
            shop,
            relay,
        })
    }

    /// Every port with its part, in the order in which the parts are started.
    pub(crate) fn claims(&self) -> [Claim; DEFAULTS.len()] {
        let [http, https, admin, grpc, api, sidecar, shop, relay] = DEFAULTS.map(|(_, part)| part);
        [
            (self.grpc, grpc),
            (self.api, api),
            (self.sidecar, sidecar),
            (self.shop, shop),
            (self.relay, relay),
            (self.base, http),
            (self.https, https),
            (self.admin, admin),
        ]
        .map(|(port, part)| Claim { port, part })
    }

    /// Chooses the ports of a stack: `is_free` says whether nothing listens there.
    pub(crate) fn choose(
        wanted: BasePort,
        without_shop: bool,
        is_free: impl Fn(u16) -> bool,
    ) -> Result<Self, PortsError> {
        let taken = |ports: &Self| {
            ports
                .claims()
                .into_iter()
                .filter(|claim| !(without_shop && claim.port == ports.shop))
                .find(|claim| !is_free(claim.port))
        };
        let mut free = (AUTO_FIRST..=AUTO_LAST)
            .step_by(usize::from(AUTO_STEP))
            .filter_map(|base| Self::from_base(base).ok())
            .filter(|ports| taken(ports).is_none());
        match wanted {
            BasePort::Auto => free.next().ok_or(PortsError::NoneFree),
            BasePort::Fixed(base) => {
                let ports = Self::from_base(base)?;
                match taken(&ports) {
                    None => Ok(ports),
                    Some(claim) => Err(PortsError::Taken {
                        claim,
                        suggestion: free.next().map(|ports| ports.base),
                    }),
                }
            }
        }
    }
}

fn out_of_range(base: u16, part: &'static str, port: i32) -> PortsError {
    let defaults = || DEFAULTS.iter().map(|(default, _)| i32::from(*default));
    let home = i32::from(DEFAULT_BASE);
    let lowest = home + LOWEST_PORT - defaults().min().unwrap_or(home);
    let highest = home + i32::from(u16::MAX) - defaults().max().unwrap_or(home);
    PortsError::OutOfRange {
        base,
        part,
        port,
        lowest: u16::try_from(lowest).unwrap_or(DEFAULT_BASE),
        highest: u16::try_from(highest).unwrap_or(DEFAULT_BASE),
    }
}

/// Does nothing listen on this port of 127.0.0.1? Envoy shares ports with its like, so only an attempt
/// to listen without sharing tells.
pub(crate) fn is_free(port: u16) -> bool {
    std::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_base_gives_the_documented_ports() {
        let ports = Ports::from_base(DEFAULT_BASE).unwrap();
        assert_eq!(
            (ports.base, ports.https, ports.admin, ports.grpc),
            (10_000, 10_443, 9_901, 18_000)
        );
        assert_eq!(
            (ports.api, ports.sidecar, ports.shop),
            (8_080, 18_080, 18_090)
        );
    }

    #[test]
    fn another_base_moves_every_port_by_the_same_amount() {
        let home = Ports::from_base(DEFAULT_BASE).unwrap().claims();
        let moved = Ports::from_base(21_234).unwrap().claims();
        for (home, moved) in home.iter().zip(&moved) {
            assert_eq!(moved.port - home.port, 11_234, "{}", home.part);
        }
    }

    #[test]
    fn the_lowest_and_highest_base_work_and_one_further_is_refused() {
        for base in [2_944, 57_445] {
            assert!(Ports::from_base(base).is_ok(), "{base}");
        }
        for base in [2_943, 57_446] {
            let error = Ports::from_base(base).unwrap_err();
            assert!(error.to_string().contains("from 2944 to 57445"), "{error}");
        }
    }

    #[test]
    fn a_port_that_browsers_refuse_is_refused_before_somebody_wonders() {
        let error = Ports::from_base(12_000).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the base port 12000 puts control plane, http on port 10080, which browsers refuse to open; choose another `--base-port`, for example 12001"
        );
        assert!(Ports::from_base(10_080).is_err() && Ports::from_base(12_001).is_ok());
        // What only programs open may stand there.
        assert!(Ports::from_base(10_179).is_ok(), "Envoy's admin on 10080");
    }

    #[test]
    fn a_taken_port_is_named_with_its_part_and_a_base_that_is_free() {
        let error = Ports::choose(BasePort::Fixed(DEFAULT_BASE), false, |port| {
            port != 18_080 && port != 16_943
        })
        .unwrap_err();
        assert_eq!(
            error.to_string(),
            "port 18080 (auth sidecar) is in use; stop what listens there, or move the stack with `--base-port 17000`"
        );
    }

    #[test]
    fn the_shops_port_may_be_taken_by_the_upstream_that_stands_in_for_it() {
        let only_shop = |port| port != 18_090;
        assert!(Ports::choose(BasePort::Fixed(DEFAULT_BASE), true, only_shop).is_ok());
        assert!(Ports::choose(BasePort::Fixed(DEFAULT_BASE), false, only_shop).is_err());
    }

    #[test]
    fn no_two_automatic_stacks_share_a_port_nor_reach_the_ephemeral_range() {
        let mut seen = std::collections::HashSet::new();
        for base in (AUTO_FIRST..=AUTO_LAST).step_by(usize::from(AUTO_STEP)) {
            for claim in Ports::from_base(base).unwrap().claims() {
                assert!(seen.insert(claim.port), "{} from {base}", claim.port);
                assert!(claim.port < 32_768);
            }
        }
    }

    #[test]
    fn a_listening_port_is_not_free() {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(!is_free(port));
    }

    #[test]
    fn a_base_port_is_a_number_or_auto() {
        assert_eq!("12000".parse(), Ok(BasePort::Fixed(12_000)));
        assert_eq!("auto".parse(), Ok(BasePort::Auto));
        for bad in ["0", "65536", "-1", "", "ten"] {
            assert!(bad.parse::<BasePort>().is_err(), "{bad}");
        }
    }
}
