//! Secrets that live in files of the data root. They are in no store and in no backup.

pub mod master_key;
