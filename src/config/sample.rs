//! The sample configuration file, printed from the table of keys: `docs/paddock.sample.toml` is exactly this text.

use super::keys::{KEYS, Kind};
use std::fmt::Write;

/// The text of the sample file: every key, commented out.
#[must_use]
pub fn text() -> String {
    let mut out = String::from(
        "# Paddock's configuration. Every key may be left out; what stands here is the default, or an example where\n\
         # there is none. Name this file by the variable PADDOCK_CONFIG. A variable wins over the file.\n",
    );
    let mut section = "";
    for key in KEYS {
        if key.section != section {
            section = key.section;
            let _ = write!(out, "\n[{section}]\n");
        }
        for line in key.about.lines() {
            let _ = writeln!(out, "# {line}");
        }
        let file =
            if key.kind == Kind::Secret { format!(" or {}_FILE", key.variable) } else { String::new() };
        let _ = writeln!(out, "# Variable: {}{file}", key.variable);
        let _ = writeln!(out, "#{} = {}\n", key.name, key.sample);
    }
    out.push_str(
        "# Plans replace the built-in table when at least one is listed.\n\
         #[[plans]]\n\
         #name = \"postgresql-starter-512\"\n\
         #display_name = \"Starter 512M\"\n\
         #description = \"Small services and staging.\"\n\
         #memory_mib = 512\n\
         #disk_mib = 10240\n\
         #cpu_milli = 500\n\
         #nodes = 1\n\
         #daily_backups = 7\n\
         #weekly_backups = 4\n\
         #monthly_backups = 0\n\
         #manual_backups = 10\n\
         #pitr_days = 7\n",
    );
    out
}
