//! The two functions that put text into SQL: names and literals, quoted. One pair for the whole product, whether a
//! statement is run or only shown.
//!
//! What PostgreSQL could not keep as it is gets refused, never cut (manual 4.1.1 and 4.1.2).

/// Longest name that PostgreSQL keeps whole (`NAMEDATALEN` - 1).
const NAME_MAX: usize = 63;

/// Text that cannot become part of SQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unquotable {
    /// PostgreSQL has no NUL in text.
    #[error("a NUL character cannot stand in SQL")]
    Nul,
    /// No name at all.
    #[error("a name is empty")]
    Empty,
    /// PostgreSQL would cut it, and two names could become one.
    #[error("a name is longer than {NAME_MAX} bytes")]
    TooLong,
}

/// A name, quoted.
///
/// # Errors
/// PostgreSQL could not keep it as it is.
pub fn quote_ident(name: &str) -> Result<String, Unquotable> {
    match () {
        () if name.is_empty() => Err(Unquotable::Empty),
        () if name.len() > NAME_MAX => Err(Unquotable::TooLong),
        () if name.contains('\0') => Err(Unquotable::Nul),
        () => Ok(format!("\"{}\"", name.replace('"', "\"\""))),
    }
}

/// Text, quoted; right whatever `standard_conforming_strings` is.
///
/// # Errors
/// It holds a NUL.
pub fn quote_literal(text: &str) -> Result<String, Unquotable> {
    if text.contains('\0') {
        return Err(Unquotable::Nul);
    }
    let doubled = text.replace('\'', "''");
    // The blank keeps a preceding letter from becoming one word with the E.
    Ok(if text.contains('\\') {
        format!(" E'{}'", doubled.replace('\\', "\\\\"))
    } else {
        format!("'{doubled}'")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoting_leaves_no_way_out() {
        assert_eq!(quote_ident("a\"; DROP ROLE x; --").unwrap(), "\"a\"\"; DROP ROLE x; --\"");
        assert_eq!(quote_literal("it's").unwrap(), "'it''s'");
        assert_eq!(quote_literal("\\'").unwrap(), " E'\\\\'''");
        assert_eq!(quote_ident(""), Err(Unquotable::Empty));
        assert_eq!(quote_ident(&"x".repeat(64)), Err(Unquotable::TooLong));
        assert_eq!(quote_ident("a\0b"), Err(Unquotable::Nul));
        assert_eq!(quote_literal("a\0b"), Err(Unquotable::Nul));
    }
}
