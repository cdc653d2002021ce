// SPDX-License-Identifier: MIT OR Apache-2.0
//! `sac-loader daemon`: what the service runs.

use crate::daemon::{Settings, run as run_daemon};
use std::{
    env,
    path::{Path, PathBuf},
    process::ExitCode,
};
use tracing_subscriber::{EnvFilter, Layer as _, layer::SubscriberExt as _, util::SubscriberInitExt as _};

/// What `daemon` takes.
#[derive(clap::Args)]
pub(super) struct DaemonArguments {
    /// Directory of the policies
    #[arg(long, value_name = "DIRECTORY", default_value = super::POLICIES)]
    policies: PathBuf,
}

/// Runs the daemon.
pub(super) fn run(arguments: DaemonArguments, btf: &Path) -> anyhow::Result<ExitCode> {
    log_to_journal_or_standard_error()?;
    run_daemon(Settings { policies: arguments.policies, btf: btf.to_owned() })?;
    Ok(ExitCode::SUCCESS)
}

/// Under systemd fields go to the journal as fields; elsewhere lines go to standard error. `SAC_LOG` says how much.
fn log_to_journal_or_standard_error() -> anyhow::Result<()> {
    let level = EnvFilter::try_from_env("SAC_LOG").unwrap_or_else(|_unset| EnvFilter::new("info"));
    let journal = env::var_os("JOURNAL_STREAM").and_then(|_set| tracing_journald::layer().ok());
    let layer = match journal {
        Some(journal) => {
            // Fields are named as `audit verify` looks for them: `SAC_CHECKPOINT_NUMBER`.
            let journal = journal.with_field_prefix(Some("SAC".to_owned()));
            journal.with_syslog_identifier("sac-loader".to_owned()).boxed()
        }
        None => tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(false).boxed(),
    };
    Ok(tracing_subscriber::registry().with(layer.with_filter(level)).try_init()?)
}
