//! The ids in addresses and forms: text from outside, read once, at the door.
//!
//! What is no id names nothing: the answer is the same "not found" as for what belongs to somebody else.

use crate::error::AppError;
use types::{AddonId, OperationId};

/// The database that an address names.
///
/// # Errors
/// Not found.
pub fn database(text: &str) -> Result<AddonId, AppError> {
    text.parse().map_err(|_| AppError::not_found("database"))
}

/// The operation that an address names.
///
/// # Errors
/// Not found.
pub fn operation(text: &str) -> Result<OperationId, AppError> {
    text.parse().map_err(|_| AppError::not_found("operation"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::ProblemKind;

    #[test]
    fn what_is_no_id_is_not_found() {
        for text in ["", "ad-1", "../settings", "op-0198aaaa-0000-7000-8000-000000000000"] {
            assert_eq!(database(text).unwrap_err().0.kind, ProblemKind::NotFound, "{text}");
        }
        assert!(operation("op-0198aaaa-0000-7000-8000-000000000000").is_ok());
    }
}
