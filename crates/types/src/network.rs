//! Ranges of addresses from which a database may be reached, and the rule that such a text must meet.
//!
//! Strict on purpose: a range that names bits beyond its prefix is probably not what was meant.

use serde::{Deserialize, Serialize};
use std::{fmt, net::IpAddr, str::FromStr};

/// A range of addresses: `10.0.0.0/8`, `2001:db8::/32`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

/// The text was not a network, or names bits beyond its prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotANetwork {
    /// No address, no prefix, or something behind it.
    #[error("A network looks like 10.0.0.0/8 or 2001:db8::/32.")]
    Shape,
    /// `10.0.0.1/8`
    #[error("This address has bits beyond its prefix. The network that holds it is {0}.")]
    BitsBeyond(Network),
}

impl Network {
    /// Every address of both families.
    pub const EVERYWHERE: [Self; 2] = [
        Self { address: IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), prefix: 0 },
        Self { address: IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED), prefix: 0 },
    ];

    /// A network, whose address must end where its prefix does.
    ///
    /// # Errors
    /// It does not, or the prefix is too long.
    pub fn new(address: IpAddr, prefix: u8) -> Result<Self, NotANetwork> {
        let network = Self { address: cut(address, prefix).ok_or(NotANetwork::Shape)?, prefix };
        if network.address == address { Ok(network) } else { Err(NotANetwork::BitsBeyond(network)) }
    }

    /// The address lies within it.
    #[must_use]
    pub fn holds(&self, address: IpAddr) -> bool {
        address.is_ipv4() == self.address.is_ipv4() && cut(address, self.prefix) == Some(self.address)
    }

    /// It is every address of its family.
    #[must_use]
    pub const fn is_everything(&self) -> bool {
        self.prefix == 0
    }
}

/// The address without what is beyond the prefix; `None`: the prefix is too long.
fn cut(address: IpAddr, prefix: u8) -> Option<IpAddr> {
    Some(match address {
        IpAddr::V4(v4) => {
            let beyond = 32_u32.checked_sub(prefix.into())?;
            // A shift by all bits has no meaning: nothing is left then.
            IpAddr::V4((v4.to_bits() & u32::MAX.checked_shl(beyond).unwrap_or(0)).into())
        }
        IpAddr::V6(v6) => {
            let beyond = 128_u32.checked_sub(prefix.into())?;
            IpAddr::V6((v6.to_bits() & u128::MAX.checked_shl(beyond).unwrap_or(0)).into())
        }
    })
}

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| NotANetwork::Shape)?;
        let whole = if address.is_ipv4() { 32 } else { 128 };
        let digits = |p: &str| p.bytes().all(|b| b.is_ascii_digit()).then(|| p.parse().ok()).flatten();
        let prefix = prefix.map_or(Some(whole), digits).ok_or(NotANetwork::Shape)?;
        Self::new(address, prefix)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl Serialize for Network {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_read_strictly() {
        for good in ["0.0.0.0/0", "10.0.0.0/8", "127.0.0.1/32", "::/0", "2001:db8::/32", "::1/128"] {
            assert_eq!(good.parse::<Network>().unwrap().to_string(), good);
        }
        assert_eq!("127.0.0.1".parse::<Network>().unwrap().to_string(), "127.0.0.1/32");
        for bad in
            ["", "all", "10.0.0.0/33", "::/129", "0.0.0.0/0 trust", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/"]
        {
            assert_eq!(bad.parse::<Network>(), Err(NotANetwork::Shape), "{bad}");
        }
    }

    #[test]
    fn a_network_holds_its_addresses() {
        let holds = |network: &str, address: &str| {
            network.parse::<Network>().unwrap().holds(address.parse().unwrap())
        };
        assert!(holds("10.0.0.0/8", "10.255.0.1") && holds("2001:db8::/32", "2001:db8::1"));
        assert!(holds("0.0.0.0/0", "192.0.2.1") && holds("192.0.2.1/32", "192.0.2.1"));
        assert!(!holds("10.0.0.0/8", "11.0.0.1") && !holds("0.0.0.0/0", "::1") && !holds("::/0", "10.0.0.1"));
    }

    #[test]
    fn what_was_meant_is_named() {
        for (bad, meant) in [("10.0.0.1/8", "10.0.0.0/8"), ("::1/0", "::/0"), ("10.1.2.3/0", "0.0.0.0/0")] {
            let refused = bad.parse::<Network>().unwrap_err();
            assert_eq!(refused, NotANetwork::BitsBeyond(meant.parse().unwrap()), "{bad}");
        }
    }
}
