//! How often somebody may try to sign in: a bucket per address that refills over a minute, and a growing delay per
//! account; and one bucket for all together.
//!
//! The first slows down one machine that tries many accounts, the second many machines that try one, the last many that try
//! many: it is large, since who fills it keeps everybody out. The delay of an
//! account that exists is kept in the store; here it is kept for names that nobody has, so that the two cannot be told
//! apart. Forgetting what is kept in memory at a restart is fine. Addresses are told apart as the server gives them;
//! whether a header is to be believed was decided there.

use chrono::{DateTime, TimeDelta, Utc};
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// Beyond this many entries, the ones that hold nobody back are forgotten.
const MAX_ENTRIES: usize = 10_000;

/// All addresses together may try as often as so many of them alone.
const TOGETHER: f64 = 60.0;

/// Buckets by address, and that of all.
pub(crate) struct PerAddress {
    per_minute: u32,
    buckets: Mutex<HashMap<String, Bucket>>,
    all: Mutex<Option<Bucket>>,
}

struct Bucket {
    tokens: f64,
    at: DateTime<Utc>,
}

impl Bucket {
    const fn full(per_minute: f64, now: DateTime<Utc>) -> Self {
        Self { tokens: per_minute, at: now }
    }

    /// What is in it now.
    fn filled(&self, per_minute: f64, now: DateTime<Utc>) -> f64 {
        let seconds = (now - self.at).max(TimeDelta::zero()).as_seconds_f64();
        (self.tokens + seconds * per_minute / 60.0).min(per_minute)
    }

    /// Takes one, or answers how long to wait for it.
    fn take(&mut self, per_minute: f64, now: DateTime<Utc>) -> Result<(), Duration> {
        let tokens = self.filled(per_minute, now);
        let enough = tokens >= 1.0;
        *self = Self { tokens: if enough { tokens - 1.0 } else { tokens }, at: now };
        if enough { Ok(()) } else { Err(Duration::from_secs_f64((1.0 - tokens) * 60.0 / per_minute)) }
    }
}

impl PerAddress {
    pub(crate) fn new(per_minute: u32) -> Self {
        Self { per_minute: per_minute.max(1), buckets: Mutex::default(), all: Mutex::default() }
    }

    /// Takes one try of this address, or answers how long to wait for the next.
    pub(crate) fn take(&self, ip: &str, now: DateTime<Utc>) -> Result<(), Duration> {
        let full = f64::from(self.per_minute);
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MAX_ENTRIES {
            buckets.retain(|_, bucket| bucket.filled(full, now) < full);
        }
        buckets.entry(network(ip)).or_insert(Bucket::full(full, now)).take(full, now)
    }

    /// Takes one try of everybody's, whatever the address.
    pub(crate) fn take_of_all(&self, now: DateTime<Utc>) -> Result<(), Duration> {
        let full = f64::from(self.per_minute) * TOGETHER;
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.get_or_insert(Bucket::full(full, now)).take(full, now)
    }
}

/// How long the next try on an account waits after this many wrong ones in a row: the third costs a second, each
/// further one twice as much, at most a quarter of an hour. Never for good.
pub(crate) fn delay(failed: i32) -> Option<TimeDelta> {
    let doublings = u32::try_from(failed.checked_sub(3)?).ok()?;
    Some(TimeDelta::seconds(2_i64.pow(doublings.min(10)).min(15 * 60)))
}

/// How many wrong ones in a row, and when there may be one more.
type Tries = (i32, Option<DateTime<Utc>>);

/// Delays of names that nobody has.
#[derive(Default)]
pub(crate) struct UnknownNames {
    tries: Mutex<HashMap<[u8; 32], Tries>>,
}

impl UnknownNames {
    /// Counts a try on this name, or answers from when on there may be one.
    pub(crate) fn take(&self, name: &str, now: DateTime<Utc>) -> Result<(), DateTime<Utc>> {
        let mut tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        if tries.len() >= MAX_ENTRIES {
            tries.retain(|_, (_, next)| next.is_some_and(|next| next > now));
        }
        let (failed, next) = tries.entry(crate::crypto::token::hash(&name.to_lowercase())).or_default();
        if let Some(next) = next.filter(|next| *next > now) {
            return Err(next);
        }
        *failed = failed.saturating_add(1);
        *next = delay(*failed).map(|delay| now + delay);
        Ok(())
    }
}

/// One subscriber has a whole /64 of IPv6: its addresses share a bucket.
fn network(ip: &str) -> String {
    match ip.parse::<IpAddr>().map(|ip| ip.to_canonical()) {
        Ok(IpAddr::V6(v6)) => {
            let [a, b, c, d, ..] = v6.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
        Ok(v4) => v4.to_string(),
        Err(_) => ip.chars().take(64).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_tries_then_one_every_six_seconds() {
        let limit = PerAddress::new(10);
        let now = DateTime::UNIX_EPOCH;
        for n in 0..10 {
            assert_eq!(limit.take("192.0.2.1", now), Ok(()), "try {n}");
        }
        let wait = limit.take("192.0.2.1", now).unwrap_err();
        assert_eq!(wait.as_secs_f64().round(), 6.0);
        assert_eq!(limit.take("192.0.2.2", now), Ok(()), "another address has its own bucket");
        assert_eq!(limit.take("192.0.2.1", now + TimeDelta::seconds(7)), Ok(()));
    }

    #[test]
    fn all_together_have_a_bucket_too() {
        let limit = PerAddress::new(10);
        let now = DateTime::UNIX_EPOCH;
        let tries = (0..1000).filter(|n| {
            limit.take(&format!("192.0.{}.{}", n / 250, n % 250), now).is_ok()
                && limit.take_of_all(now).is_ok()
        });
        assert_eq!(tries.count(), 600);
        let wait = limit.take_of_all(now).unwrap_err();
        assert_eq!(wait, Duration::from_millis(100));
        assert_eq!(limit.take_of_all(now + TimeDelta::seconds(1)), Ok(()));
    }

    #[test]
    fn the_delay_doubles_and_ends_at_a_quarter_of_an_hour() {
        let seconds: Vec<_> = (0..16).map(|n| delay(n).map_or(0, |d| d.num_seconds())).collect();
        assert_eq!(seconds, [0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]);
        assert_eq!(delay(i32::MAX), Some(TimeDelta::minutes(15)));
    }

    #[test]
    fn a_name_that_nobody_has_is_delayed_too() {
        let (names, now) = (UnknownNames::default(), DateTime::UNIX_EPOCH);
        for _ in 0..3 {
            assert_eq!(names.take("Nobody", now), Ok(()));
        }
        assert_eq!(names.take("nobody", now), Err(now + TimeDelta::seconds(1)));
        assert_eq!(names.take("nobody", now + TimeDelta::seconds(1)), Ok(()));
    }

    #[test]
    fn addresses_of_one_subscriber_share_a_bucket() {
        assert_eq!(network("2001:db8:1:2::1"), network("2001:db8:1:2:ffff::9"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_eq!(network("::ffff:192.0.2.1"), "192.0.2.1");
    }
}
