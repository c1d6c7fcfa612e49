//! How to say "connect to this database" in fourteen languages, each with its own rules for quoting.
//!
//! One function per format (in [`mod@format`]) and one per way of quoting (in `quote`), so that a password with an odd
//! character is safe everywhere or nowhere. It refuses to write a wrong line: where a file format cannot hold a value,
//! the text is a comment that says so. It never logs and keeps nothing: a password goes in and comes out as text.

mod format;
pub mod quote;
#[cfg(test)]
mod read;
#[cfg(test)]
mod tests;

use crate::view::ConnectionView;

/// The file name under which people save the certificate authority; the texts below refer to it.
pub const CA_FILE: &str = "paddock-ca.pem";

/// What stands where a password would.
pub const MASK: &str = "••••••••";

/// How much the client checks before it sends the password.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SslMode {
    /// The certificate comes from Paddock's authority and names this host.
    VerifyFull,
    /// Encrypted, to whoever answers.
    #[default]
    Require,
}

impl SslMode {
    /// All of them, strictest first.
    pub const ALL: [Self; 2] = [Self::VerifyFull, Self::Require];

    /// `verify-full` or `require`: libpq's word, and the one in our URLs.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::VerifyFull => "verify-full",
            Self::Require => "require",
        }
    }

    /// What it means, for people.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::VerifyFull => "Checks the certificate and the host name. Needs the CA file.",
            Self::Require => "Encrypts and checks nothing. Needs no file.",
        }
    }

    /// Reads the word; what is unknown or missing is the strictest.
    #[must_use]
    pub fn from_word(word: &str) -> Self {
        Self::ALL.into_iter().find(|mode| mode.word() == word).unwrap_or_default()
    }
}

/// How to write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// [`MASK`] stands in for the password. A view without a password is always masked.
    pub masked: bool,
    /// What the client checks.
    pub sslmode: SslMode,
}

/// One way to connect, ready to copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Format {
    /// Names it in URLs: `psql`.
    pub key: &'static str,
    /// Names it for people: "Key/value".
    pub label: &'static str,
    /// Where it goes and what to mind.
    pub hint: &'static str,
    /// The text itself.
    pub text: String,
}

/// The values of a connection and how its password may be shown: what every format is written from.
pub(crate) struct Parts<'a> {
    view: &'a ConnectionView,
    password: Option<&'a str>,
    sslmode: SslMode,
}

impl Parts<'_> {
    /// The password in this format's quoting, or the mask, which no quoting touches.
    fn password(&self, quote: impl Fn(&str) -> String) -> String {
        self.password.map_or_else(|| MASK.to_owned(), quote)
    }

    fn verifies(&self) -> bool {
        self.sslmode == SslMode::VerifyFull
    }
}

/// Every format, in the order of the tabs.
#[must_use]
pub fn formats(view: &ConnectionView, options: Options) -> Vec<Format> {
    let password = view.password.as_deref().filter(|_| !options.masked);
    let parts = Parts { view, password, sslmode: options.sslmode };
    let one = |(key, label, hint, write): &format::Row| Format { key, label, hint, text: write(&parts) };
    format::ALL.iter().map(one).collect()
}

/// The format that `key` names, or the first.
#[must_use]
pub fn format_named(view: &ConnectionView, options: Options, key: &str) -> Option<Format> {
    let mut all = formats(view, options);
    let at = all.iter().position(|format| format.key == key).unwrap_or(0);
    (at < all.len()).then(|| all.swap_remove(at))
}
