//! The command line: `serve` (also when nothing is said), `versions`, `backups`, `config check`.
//!
//! Every failure is one sentence on standard error and an exit code: 1 for what went wrong here, 2 for a wrong
//! configuration (as clap has it for a wrong command line), 3 when the port or the data root is in use.

use crate::{
    archives,
    boot::{self, BootError},
    config::Config,
    telemetry, versions,
};
use clap::{Parser, Subcommand};
use std::{
    io::{Write, stderr, stdout},
    path::PathBuf,
    process::ExitCode,
};
use types::{BackupId, PgVersion};

/// Self-hosted managed PostgreSQL.
#[derive(Debug, Parser)]
#[command(version, about, disable_help_subcommand = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server (also without a command)
    Serve,
    /// PostgreSQL servers on this host
    Versions {
        #[command(subcommand)]
        command: VersionsCommand,
    },
    /// Archives of backups, without a running Paddock and without its store
    Backups {
        #[command(subcommand)]
        command: BackupsCommand,
    },
    /// The configuration
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
}

#[derive(Debug, Subcommand)]
enum VersionsCommand {
    /// What is installed, and what can be
    List,
    /// Install one more PostgreSQL server
    Install {
        /// Such as 17.11
        version: PgVersion,
        /// Another directory than the data root's own, one of `engine.version_dirs`
        #[arg(long, value_name = "DIRECTORY")]
        into: Option<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
enum BackupsCommand {
    /// What lies in the place of the backups
    List,
    /// Write the plain dump of an archive to a new file; needs the master key
    Extract {
        /// Such as bk-0198c2…
        backup: BackupId,
        /// The file, which must not exist yet
        to: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Read the configuration and say whether it can be used
    Check,
    /// Print a configuration file with every key
    Sample,
}

impl Cli {
    /// Does what was asked for.
    pub async fn run(self) -> ExitCode {
        let command = self.command.unwrap_or(Command::Serve);
        if let Command::Config { command: ConfigCommand::Sample } = command {
            return print(&crate::config::sample::text());
        }
        let config = match Config::load() {
            Ok(config) => config,
            Err(error) => return fail(2, &error),
        };
        match command {
            Command::Config { .. } => print("The configuration can be used.\n"),
            Command::Versions { command: VersionsCommand::List } => print(&versions::list(&config).await),
            Command::Versions { command: VersionsCommand::Install { version, into } } => {
                match versions::install(&config, version, into).await {
                    Ok(text) => print(&text),
                    Err(error) => fail(1, &error),
                }
            }
            Command::Backups { command } => {
                let told = match command {
                    BackupsCommand::List => archives::list(&config).await,
                    BackupsCommand::Extract { backup, to } => archives::extract(&config, backup, &to).await,
                };
                match told {
                    Ok(text) => print(&text),
                    Err(error) => fail(1, &error),
                }
            }
            Command::Serve => {
                if let Err(error) = telemetry::start(&config.telemetry) {
                    return fail(2, &format!("telemetry.log: {error}"));
                }
                match boot::run(config).await {
                    Ok(()) => ExitCode::SUCCESS,
                    Err(error @ (BootError::PortTaken { .. } | BootError::Running { .. })) => fail(3, &error),
                    Err(error) => fail(1, &error),
                }
            }
        }
    }
}

fn print(text: &str) -> ExitCode {
    // A reader that went away (`| head`) is no failure.
    let _ = stdout().write_all(text.as_bytes());
    ExitCode::SUCCESS
}

fn fail(code: u8, error: &dyn std::fmt::Display) -> ExitCode {
    let _ = writeln!(stderr(), "paddock: {error}");
    ExitCode::from(code)
}
