//! The rules that names and passwords must meet: one place for API, command line and forms.
//!
//! Sources: the public documentation's rules for app names, database users and variables. Each function answers
//! with the sentence that stands beside the field. Nothing here touches a database or a clock.

/// Why a value was refused, in the user's words; ready to stand beside the field.
pub type Refusal = String;

fn length(what: &str, text: &str, min: usize, max: usize) -> Result<(), Refusal> {
    let count = text.chars().count();
    match () {
        () if text.is_empty() => Err(format!("{what} is missing.")),
        () if count < min => Err(format!("{what} needs at least {min} characters; this has {count}.")),
        () if count > max => Err(format!("{what} may have at most {max} characters; this has {count}.")),
        () => Ok(()),
    }
}

/// An app's name: 1–48 characters, lower-case letters, digits and hyphens, starting with a letter and ending
/// with a letter or digit. It becomes part of database names and URLs.
///
/// # Errors
/// The sentence for the field.
pub fn app(name: &str) -> Result<(), Refusal> {
    length("The name", name, 1, 48)?;
    let fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if let Some(bad) = name.chars().find(|c| !fine(*c)) {
        return Err(format!(
            "“{}” cannot be used: only lower-case letters, digits and hyphens.",
            bad.escape_debug()
        ));
    }
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        return Err("The name starts with a lower-case letter.".into());
    }
    if name.ends_with('-') {
        return Err("The name ends with a letter or a digit.".into());
    }
    // `/apps/new` is the form that makes apps; an app of that name could not be opened.
    if name == "new" {
        return Err("“new” is kept for the page that creates apps.".into());
    }
    Ok(())
}

/// An account's user name: 2–32 characters, letters, digits, `.`, `_` and `-`, starting with a letter.
///
/// # Errors
/// The sentence for the field.
pub fn username(name: &str) -> Result<(), Refusal> {
    length("The user name", name, 2, 32)?;
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return Err("The user name starts with a letter.".into());
    }
    if !name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')) {
        return Err("The user name has only letters, digits, dots, hyphens and underscores.".into());
    }
    Ok(())
}

/// An e-mail address, as far as it can be told without sending one: one `@`, something on both sides, no spaces.
///
/// # Errors
/// The sentence for the field.
pub fn email(address: &str) -> Result<(), Refusal> {
    length("The e-mail address", address, 3, 254)?;
    let wrong = || Err(format!("“{}” is not an e-mail address.", address.escape_debug()));
    let Some((local, host)) = address.split_once('@') else { return wrong() };
    let odd =
        address.chars().any(|c| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | '"' | ','));
    if local.is_empty() || host.is_empty() || host.contains('@') || host.starts_with('.') || odd {
        return wrong();
    }
    Ok(())
}

/// An account's password: 12–256 characters, at most 1 KiB, nothing else (OWASP ASVS 6.2: length, no composition
/// rules; paste is welcome).
///
/// # Errors
/// The sentence for the field.
pub fn account_password(password: &str) -> Result<(), Refusal> {
    length("The password", password, 12, 256)?;
    if password.len() > 1024 {
        return Err("The password is longer than 1 KiB.".into());
    }
    Ok(())
}

/// An API token's label: 1–64 characters, no control characters.
///
/// # Errors
/// The sentence for the field.
pub fn token_label(label: &str) -> Result<(), Refusal> {
    length("The name", label.trim(), 1, 64)?;
    if label.chars().any(char::is_control) {
        return Err("The name has control characters.".into());
    }
    Ok(())
}

/// An environment variable's name: 1–64 letters, digits and underscores, not starting with a digit.
///
/// # Errors
/// The sentence for the field.
pub fn variable(name: &str) -> Result<(), Refusal> {
    length("The name", name, 1, 64)?;
    if !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Err("A variable's name has only letters, digits and underscores.".into());
    }
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        return Err("A variable's name does not start with a digit.".into());
    }
    Ok(())
}

/// An environment variable's value: at most 8,192 characters and no NUL.
///
/// # Errors
/// The sentence for the field.
pub fn variable_value(value: &str) -> Result<(), Refusal> {
    let count = value.chars().count();
    if count > 8192 {
        return Err(format!("The value may have at most 8192 characters; this has {count}."));
    }
    if value.contains('\0') {
        return Err("The value has a NUL character.".into());
    }
    Ok(())
}

/// A database user's name: 6–32 letters, digits and underscores, starting with a letter, and none that PostgreSQL or
/// Paddock keeps for itself.
///
/// # Errors
/// The sentence for the field.
pub fn database_user(name: &str) -> Result<(), Refusal> {
    length("The user name", name, 6, 32)?;
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return Err("The user name starts with a letter.".into());
    }
    if let Some(bad) = name.chars().find(|c| !c.is_ascii_alphanumeric() && *c != '_') {
        return Err(format!(
            "“{}” cannot be used: only letters, digits and underscores.",
            bad.escape_debug()
        ));
    }
    let folded = name.to_ascii_lowercase();
    // Words that mean somebody else where a role is named (manual, 5.8 and "GRANT"), and names of the platform.
    let words = ["public", "postgres", "current_user", "current_role", "session_user"];
    if words.contains(&folded.as_str()) || folded.starts_with("pg_") || folded.starts_with("paddock") {
        return Err(format!("“{name}” is kept for PostgreSQL or Paddock itself. Choose another name."));
    }
    Ok(())
}

/// A database user's password: 8–64 characters, no quotes, nothing that cannot be typed.
///
/// # Errors
/// The sentence for the field.
pub fn database_password(password: &str) -> Result<(), Refusal> {
    length("The password", password, 8, 64)?;
    if password.contains(['"', '\'']) {
        return Err("The password must not have quotes (\" and ').".into());
    }
    if password.chars().any(char::is_control) {
        return Err("The password has control characters.".into());
    }
    Ok(())
}

/// Why somebody may reach a database from a network: at most 100 characters.
///
/// # Errors
/// The sentence for the field.
pub fn network_note(note: &str) -> Result<(), Refusal> {
    if note.chars().count() > 100 {
        return Err("The note may have at most 100 characters.".into());
    }
    if note.chars().any(char::is_control) {
        return Err("The note has control characters.".into());
    }
    Ok(())
}

/// The name of a database and of its protected user, made from the app's: `my-app` and 4553 give `my_app_4553`.
/// Cut so that it stays a legal PostgreSQL identifier (63 bytes) and a legal user name (32 characters).
#[must_use]
pub fn resource_id(app: &str, number: u16) -> String {
    let base: String = app.chars().take(26).map(|c| if c == '-' { '_' } else { c }).collect();
    format!("{}_{number}", base.trim_end_matches('_'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn app_names() {
        for good in ["a", "my-app", "x9", &"a".repeat(48)] {
            assert_eq!(app(good), Ok(()), "{good}");
        }
        for bad in
            ["", "My-app", "-a", "a-", "9a", "a b", "a_b", "é", "a\n", &"a".repeat(49), "a;drop", "new"]
        {
            assert!(app(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn email_addresses() {
        for good in ["ada@example.org", "a+b@x", "ü@exämple.org"] {
            assert_eq!(email(good), Ok(()), "{good}");
        }
        for bad in ["", "ada", "@x", "a@", "a@b@c", "a b@c", "a@b\r\nBcc: x", "<a@b>"] {
            assert!(email(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn passwords_are_long_enough_and_free() {
        assert!(account_password("elevenchars").is_err());
        assert_eq!(account_password("twelve chars"), Ok(()));
        assert_eq!(account_password(&"'\"\\é 🐘".repeat(20)), Ok(()));
        assert!(account_password(&"x".repeat(257)).is_err());
    }

    #[test]
    fn database_users() {
        for good in ["analyst", "Report_2026", "a_b_c_d", &"a".repeat(32)] {
            assert_eq!(database_user(good), Ok(()), "{good}");
        }
        let look_alike = "аnalyst"; // a Cyrillic first letter
        for bad in [
            "",
            "short",
            &"a".repeat(33),
            "1abcdef",
            "_abcdef",
            "a-b-c-d",
            "a\"; DROP ROLE x; --",
            "public",
            "PUBLIC",
            "current_user",
            "pg_monitor",
            "paddock_x",
            "analyst ",
            " analyst",
            look_alike,
            "ana\0lyst",
        ] {
            assert!(database_user(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn database_passwords() {
        for good in ["12345678", "a\\b c:d@e/é🐘", "SCRAM-SHA-256$4096:abc", &"x".repeat(64)] {
            assert_eq!(database_password(good), Ok(()), "{good}");
        }
        for bad in ["", "1234567", "it's mine", "say \"x\" now", "a\0bcdefgh", "a\nbcdefgh", &"x".repeat(65)]
        {
            assert!(database_password(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn variables() {
        for good in ["DATABASE_URL", "_x", "a1"] {
            assert_eq!(variable(good), Ok(()));
        }
        for bad in ["", "1A", "A-B", "A B", "A=B", "$A", &"A".repeat(65)] {
            assert!(variable(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn a_resource_id_is_a_plain_identifier(name in "[a-z][a-z0-9-]{0,46}[a-z0-9]", number in 1000u16..10000) {
            prop_assume!(app(&name).is_ok());
            let id = resource_id(&name, number);
            prop_assert!(id.len() <= 32 && id.len() >= 6);
            prop_assert!(id.starts_with(|c: char| c.is_ascii_lowercase()));
            prop_assert!(id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'), "{}", id);
        }
    }
}
