//! The few pieces of cryptography that the core uses, each behind a function that is hard to hold wrongly.
//!
//! Nothing here invents anything: XChaCha20-Poly1305 seals, argon2id hashes passwords, SHA-256 hashes random tokens,
//! SCRAM verifiers come from `postgres-protocol`. Random bytes come from the operating system's generator through
//! `rand`'s thread generator.

pub mod link;
pub mod password;
pub mod scram;
pub mod secret_box;
pub mod token;
