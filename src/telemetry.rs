//! Logging: what is written and how. Every record is one line, whatever a request put into it.
//!
//! Secrets are kept out by their types (`SecretString` prints as `[REDACTED]`); nothing here filters text.

use crate::config::sections::{Format, Telemetry};
use std::io::{self, Write};
use tracing_subscriber::{EnvFilter, filter::ParseError, fmt};

/// Starts logging to standard error, and sends panics there, too.
///
/// # Errors
/// The filter cannot be read.
pub fn start(config: &Telemetry) -> Result<(), ParseError> {
    let filter = EnvFilter::builder().parse(&config.log)?;
    let base = fmt().with_env_filter(filter).with_writer(|| OneLine(io::stderr())).with_ansi(false);
    // A second start (tests in one process) keeps the first one.
    let _ = match config.format {
        Format::Text => base.try_init(),
        Format::Json => base.json().try_init(),
    };
    // In place of the standard one, which writes what the panic says as it is.
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string);
        tracing::error!(?place, message = info.payload_as_str().unwrap_or("no message"), "a task panicked");
    }));
    Ok(())
}

/// Writes each record as one line: control characters inside it are escaped, so that a user name with a line end
/// in it cannot forge a record. The formatter hands over one whole record per call.
struct OneLine<W>(W);

impl<W: Write> Write for OneLine<W> {
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        self.0.write_all(&one_line(record))?;
        Ok(record.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

fn one_line(record: &[u8]) -> Vec<u8> {
    let body = record.strip_suffix(b"\n").unwrap_or(record);
    let text = String::from_utf8_lossy(body);
    let mut line = String::with_capacity(text.len() + 1);
    for c in text.chars() {
        // U+2028 and U+2029 end lines in some viewers.
        if c.is_control() && c != '\t' || matches!(c, '\u{2028}' | '\u{2029}') {
            line.extend(c.escape_default());
        } else {
            line.push(c);
        }
    }
    line.push('\n');
    line.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_stays_one_line() {
        let forged = "user=x\n2026-01-01 INFO login ok user=admin\r\u{1b}[31m\u{2028}\n";
        let line = String::from_utf8(one_line(forged.as_bytes())).unwrap();
        assert_eq!(line, "user=x\\n2026-01-01 INFO login ok user=admin\\r\\u{1b}[31m\\u{2028}\n");
    }
}
