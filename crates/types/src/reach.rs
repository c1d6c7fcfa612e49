//! From where, and how, a database may be reached: what its page shows, and the rules for what is typed there.

use crate::{NetworkId, network::Network};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// So many networks a database may have.
pub const MOST_NETWORKS: usize = 30;
/// A note has at most so many characters.
pub const NOTE_MAX: usize = 100;
/// The longest time after which a network may be closed by itself.
const LONGEST: TimeDelta = TimeDelta::days(366);

/// From so long before the end of Paddock's CA on, people are told of it: every client needs the next one.
pub const CA_TOLD_BEFORE: TimeDelta = TimeDelta::days(365);

/// Is it time to tell that the CA ends? It may have ended already.
#[must_use]
pub fn ca_ends_soon(until: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    until - now < CA_TOLD_BEFORE
}

/// A network from which a database may be reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkView {
    /// Names it for changes.
    pub id: NetworkId,
    /// The range of addresses.
    pub network: Network,
    /// Why it is there; may be empty.
    pub note: String,
    /// Since.
    pub created_at: DateTime<Utc>,
    /// Closed again then.
    pub expires_at: Option<DateTime<Utc>>,
}

/// An open session over the network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TcpSession {
    /// The process that serves it.
    pub pid: i32,
    /// Who.
    pub user: String,
    /// What the client calls itself.
    pub application: String,
    /// From where.
    pub client: String,
    /// Since.
    pub since: DateTime<Utc>,
    /// It is encrypted.
    pub tls: bool,
}

/// The network page of a database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReachView {
    /// Host of the published URL.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Name of the database.
    pub database: String,
    /// The login of the published URL.
    pub login: String,
    /// Addresses on which servers listen.
    pub listens_on: Vec<String>,
    /// None of them can be reached from another host.
    pub only_loopback: bool,
    /// Networks that the operator opened for every database.
    pub house_networks: Vec<Network>,
    /// Connections without TLS are refused since then.
    pub force_tls_at: Option<DateTime<Utc>>,
    /// Reachable from every address since then.
    pub everywhere_at: Option<DateTime<Utc>>,
    /// Networks of this database, oldest first.
    pub networks: Vec<NetworkView>,
    /// When its certificate ends.
    pub certificate_until: Option<DateTime<Utc>>,
    /// When the CA ends that signed it.
    pub ca_until: DateTime<Utc>,
    /// Open sessions that forcing TLS would end; `None` when they could not be read.
    pub plain: Option<Vec<TcpSession>>,
    /// Open sessions that would not be let in again; `None` when they could not be read.
    pub refused: Option<Vec<TcpSession>>,
    /// Now, as the server sees it.
    pub now: DateTime<Utc>,
}

/// A switch of a database in the words of public clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// Connections without TLS are refused.
    ForceSsl,
    /// Reachable from every address.
    PubliclyAvailable,
}

impl Feature {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::ForceSsl, Self::PubliclyAvailable];

    /// `force-ssl`, `publicly-available`
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ForceSsl => "force-ssl",
            Self::PubliclyAvailable => "publicly-available",
        }
    }

    /// The feature with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|feature| feature.name() == name)
    }
}

/// A network as it was typed; blanks around it do not count.
///
/// # Errors
/// The sentence for the field.
pub fn network(text: &str) -> Result<Network, String> {
    let network: Network = text.trim().parse().map_err(|error| format!("{error}"))?;
    if network.is_everything() {
        return Err("This is every address. Use the switch “From everywhere” for that.".into());
    }
    Ok(network)
}

/// A note as it was typed.
///
/// # Errors
/// The sentence for the field.
pub fn note(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.chars().count() > NOTE_MAX {
        return Err(format!("A note has at most {NOTE_MAX} characters."));
    }
    if text.chars().any(char::is_control) {
        return Err("A note is one line, without control characters.".into());
    }
    Ok(text.to_owned())
}

/// When a network is to be closed again.
///
/// # Errors
/// The sentence for the field.
pub fn expiry(at: DateTime<Utc>, now: DateTime<Utc>) -> Result<DateTime<Utc>, String> {
    match () {
        () if at <= now => Err("This time is over already.".into()),
        () if at - now > LONGEST => {
            Err("A network can be open for a year at most, or without an end.".into())
        }
        () => Ok(at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_the_ca_is_told_a_year_before() {
        let until: DateTime<Utc> = "2036-11-18T10:00:00Z".parse().unwrap();
        for (now, soon) in [
            ("2026-11-21T10:00:00Z", false),
            ("2035-11-19T10:00:00Z", false),
            ("2035-11-19T10:00:01Z", true),
            ("2036-11-18T10:00:00Z", true),
            ("2040-01-01T00:00:00Z", true),
        ] {
            assert_eq!(ca_ends_soon(until, now.parse().unwrap()), soon, "{now}");
        }
    }

    #[test]
    fn what_is_typed_meets_its_rules() {
        assert_eq!(network(" 10.0.0.0/8 ").unwrap().to_string(), "10.0.0.0/8");
        for (bad, part) in [
            ("0.0.0.0/0", "every address"),
            ("::/0", "every"),
            ("10.0.0.1/8", "10.0.0.0/8"),
            ("all", "looks like"),
        ] {
            assert!(network(bad).unwrap_err().contains(part), "{bad}");
        }
        assert_eq!(note(" the office ").unwrap(), "the office");
        assert!(note("a\nb").is_err() && note(&"é".repeat(NOTE_MAX + 1)).is_err());
        assert!(note(&"é".repeat(NOTE_MAX)).is_ok());
        let now = DateTime::UNIX_EPOCH;
        assert!(expiry(now, now).is_err() && expiry(now + TimeDelta::days(400), now).is_err());
        assert!(expiry(now + TimeDelta::hours(1), now).is_ok());
        for feature in Feature::ALL {
            assert_eq!(Feature::named(feature.name()), Some(feature));
        }
    }
}
