//! Passwords of accounts: argon2id, few at a time, and the same work for an unknown account as for a known one.
//!
//! Each hash takes tens of MiB, so at most two run at once and a short queue waits; beyond that, people are asked to
//! come back. Longer input than 1 KiB is refused before any work.

use crate::error::{Error, Result};
use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use secrecy::{ExposeSecret, SecretString};
use std::{sync::Arc, time::Duration};
use tokio::sync::{OnceCell, Semaphore};

const AT_ONCE: usize = 2;
const IN_QUEUE: usize = 32;
/// Longest input, bytes; checked before anything is computed.
pub const MAX_BYTES: usize = 1024;

/// How much work a hash is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Memory, KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
}

impl Default for Cost {
    /// Several times what OWASP asks for at least (46 MiB and one pass): about 130 ms on a small server.
    fn default() -> Self {
        Self { memory_kib: 65_536, passes: 3 }
    }
}

impl Cost {
    /// As little as argon2 allows: for tests only, it protects nothing.
    pub const TINY: Self = Self { memory_kib: 8, passes: 1 };
}

/// What a check of a password found.
#[derive(Debug, PartialEq, Eq)]
pub enum Check {
    /// Another password, or no account.
    Wrong,
    /// It fits. `rehash` is its hash at today's cost, if the stored one was made with less work.
    Right {
        /// To be stored in place of the old one.
        rehash: Option<String>,
    },
}

/// The hasher, with its queue.
#[derive(Clone)]
pub struct Passwords {
    argon: Argon2<'static>,
    cost: Cost,
    running: Arc<Semaphore>,
    queue: Arc<Semaphore>,
    /// Hash of nothing in particular: what an unknown account is checked against.
    dummy: Arc<OnceCell<String>>,
}

impl Passwords {
    /// A hasher of this cost.
    ///
    /// # Errors
    /// The cost is outside of what argon2 allows.
    pub fn new(cost: Cost) -> Result<Self, argon2::Error> {
        let params = Params::new(cost.memory_kib, cost.passes, 1, None)?;
        Ok(Self {
            argon: Argon2::new(Algorithm::Argon2id, Version::V0x13, params),
            cost,
            running: Arc::new(Semaphore::new(AT_ONCE)),
            queue: Arc::new(Semaphore::new(AT_ONCE + IN_QUEUE)),
            dummy: Arc::default(),
        })
    }

    /// The hash to store of a new password.
    pub(crate) async fn hash(&self, password: &SecretString) -> Result<String> {
        self.work(password, hash).await
    }

    /// Checks a password against the stored hash, or against a dummy of the same cost when there is no account.
    pub(crate) async fn check(&self, password: &SecretString, stored: Option<String>) -> Result<Check> {
        let known = stored.is_some();
        let stored = match stored {
            Some(stored) => stored,
            None => self.dummy().await?,
        };
        let cost = self.cost;
        let work = move |argon: &Argon2<'_>, password: &[u8]| {
            let parsed = PasswordHash::new(&stored)?;
            if argon.verify_password(password, &parsed).is_err() || !known {
                return Ok(Check::Wrong);
            }
            let old = Params::try_from(&parsed)?;
            let weaker = old.m_cost() < cost.memory_kib || old.t_cost() < cost.passes;
            Ok(Check::Right { rehash: if weaker { Some(hash(argon, password)?) } else { None } })
        };
        self.work(password, work).await
    }

    async fn dummy(&self) -> Result<String> {
        let make = || async { self.work(&super::token::password(), hash).await };
        self.dummy.get_or_try_init(make).await.cloned()
    }

    /// Runs `work` on a thread of its own, in its turn. The permits travel into the thread: a caller that goes away
    /// does not let more than the allowed number run.
    async fn work<T: Send + 'static>(
        &self,
        password: &SecretString,
        work: impl FnOnce(&Argon2<'_>, &[u8]) -> Result<T, argon2::password_hash::Error> + Send + 'static,
    ) -> Result<T> {
        if password.expose_secret().len() > MAX_BYTES {
            return Err(Error::invalid("password", "The password is longer than 1 KiB."));
        }
        let place = Arc::clone(&self.queue).try_acquire_owned().map_err(|_| Error::TooMany {
            message: "Many people are signing in just now. Try again in 5 seconds.".into(),
            retry_after: Duration::from_secs(5),
        })?;
        let turn = Arc::clone(&self.running).acquire_owned().await.map_err(Error::internal)?;
        let (argon, password) = (self.argon.clone(), password.clone());
        let done = tokio::task::spawn_blocking(move || {
            let done = work(&argon, password.expose_secret().as_bytes());
            drop((turn, place));
            done
        });
        done.await
            .map_err(Error::internal)?
            .map_err(|error| Error::internal(anyhow::anyhow!("argon2: {error}")))
    }
}

fn hash(argon: &Argon2<'_>, password: &[u8]) -> Result<String, argon2::password_hash::Error> {
    let hash: PasswordHash = argon.hash_password(password)?;
    Ok(hash.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_fits_its_hash_and_no_other() {
        let passwords = Passwords::new(Cost::TINY).unwrap();
        let stored = passwords.hash(&"correct horse".into()).await.unwrap();
        assert!(stored.starts_with("$argon2id$"), "{stored}");
        let check = |text: &str, stored: Option<&String>| {
            let (passwords, text, stored) = (passwords.clone(), SecretString::from(text), stored.cloned());
            async move { passwords.check(&text, stored).await.unwrap() }
        };
        assert_eq!(check("correct horse", Some(&stored)).await, Check::Right { rehash: None });
        assert_eq!(check("battery staple", Some(&stored)).await, Check::Wrong);
        assert_eq!(check("correct horse", None).await, Check::Wrong);
    }

    #[tokio::test]
    async fn a_hash_of_less_work_is_renewed() {
        let old = Passwords::new(Cost::TINY).unwrap().hash(&"correct horse".into()).await.unwrap();
        let today = Passwords::new(Cost { memory_kib: 16, passes: 1 }).unwrap();
        let Check::Right { rehash: Some(new) } =
            today.check(&"correct horse".into(), Some(old)).await.unwrap()
        else {
            panic!("not renewed");
        };
        assert!(new.contains("m=16"), "{new}");
    }

    #[tokio::test]
    async fn long_input_is_refused_before_any_work() {
        let passwords = Passwords::new(Cost::TINY).unwrap();
        assert!(matches!(passwords.hash(&"x".repeat(1025).into()).await, Err(Error::Invalid(_))));
    }

    /// A10: however many come at once, two are worked for, so many wait, and the rest is told when to come again.
    #[tokio::test]
    async fn few_run_at_once_some_wait_and_the_rest_is_asked_to_come_back() {
        let passwords = Passwords::new(Cost::TINY).unwrap();
        let held =
            passwords.running.clone().acquire_many_owned(u32::try_from(AT_ONCE).unwrap()).await.unwrap();
        let mut asked = tokio::task::JoinSet::new();
        let ask = |_| {
            let passwords = passwords.clone();
            asked.spawn(async move { passwords.hash(&"correct horse".into()).await })
        };
        let handles: Vec<_> = (0..500).map(ask).collect();
        for _ in 0..1_000 {
            tokio::task::yield_now().await;
        }
        assert_eq!(handles.iter().filter(|one| one.is_finished()).count(), 500 - AT_ONCE - IN_QUEUE);
        drop(held);
        let mut told = (0, 0);
        for one in asked.join_all().await {
            match one {
                Ok(_) => told.0 += 1,
                Err(Error::TooMany { retry_after, .. }) => {
                    assert_eq!(retry_after, Duration::from_secs(5));
                    told.1 += 1;
                }
                Err(other) => panic!("{other}"),
            }
        }
        assert_eq!(told, (AT_ONCE + IN_QUEUE, 500 - AT_ONCE - IN_QUEUE));
        assert_eq!(passwords.queue.available_permits(), AT_ONCE + IN_QUEUE);
    }
}
