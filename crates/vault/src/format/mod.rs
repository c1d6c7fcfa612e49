//! The sealed file. A header says whose archive it is; chunks of 64 KiB follow, each sealed with AES-256-GCM and its tag
//! behind it. Flipped bits, cut or appended bytes, chunks at another place and files at another place are all noticed, by
//! [`reader`] when it opens or when it comes by. It hides no sizes, and it trusts no byte that was not authenticated.
//!
//! The bytes: header (96, see [`header`]), then per chunk the sealed bytes (as many as plain ones) and a tag of 16. Every
//! chunk but the last is full; the last one holds at least a byte unless the whole archive is empty.
//!
//! The key of a file is HKDF-SHA256(key of the database, the header's salt, info: the header). The nonce is three zero
//! bytes, the number of the chunk (8 bytes, big endian), and 1 for the last chunk, else 0.

mod cipher;
mod digest;
pub(crate) mod header;
pub(crate) mod reader;
mod sealer;
mod size;
#[cfg(test)]
mod tests;
pub(crate) mod writer;

pub(crate) use header::CHUNK;
