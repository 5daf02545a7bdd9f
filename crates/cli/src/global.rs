//! Flags that every command takes.

use std::path::PathBuf;

use millpond_model::ProjectId;
use millpond_wire::signing::SecretKey;

use crate::{
    output::{ColorChoice, Format},
    time,
};

/// Connection, credentials and output. What is absent comes from the environment.
#[expect(clippy::doc_markdown, reason = "these comments are help texts, which show backticks as they are")]
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Connection")]
pub struct GlobalArgs {
    #[arg(long, value_name = "URL", global = true)]
    #[arg(help = "The server [env: MILLPOND_ENDPOINT] [default: http://127.0.0.1:7347]")]
    pub(crate) endpoint: Option<String>,
    /// The project [env: MILLPOND_PROJECT_ID, HUAWEICLOUD_SDK_PROJECT_ID].
    #[arg(long, value_name = "ID", global = true)]
    pub(crate) project: Option<ProjectId>,
    /// Access key; MILLPOND_TOKEN may hold a token instead
    /// [env: MILLPOND_AK, HUAWEICLOUD_SDK_AK, HW_ACCESS_KEY].
    #[arg(long, value_name = "AK", global = true)]
    pub(crate) access_key: Option<String>,
    /// Its secret; others see it here, so prefer the environment
    /// [env: MILLPOND_SK, MILLPOND_SK_FILE, HUAWEICLOUD_SDK_SK, HW_SECRET_KEY].
    #[arg(long, value_name = "SK", global = true, value_parser = |text: &str| Ok::<_, std::convert::Infallible>(SecretKey::new(text)))]
    pub(crate) secret_key: Option<SecretKey>,
    /// Region in the signature's scope; without one, requests are signed without a scope
    /// [env: MILLPOND_REGION].
    #[arg(long, value_name = "REGION", global = true)]
    pub(crate) region: Option<String>,
    /// PEM file with certificates to trust beside the system's [env: MILLPOND_CA_CERT].
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) ca_cert: Option<PathBuf>,
    /// Longest time for one request.
    #[arg(long, value_name = "TIME", global = true, default_value = "60s", value_parser = time::duration)]
    pub(crate) timeout: Option<std::time::Duration>,

    /// Form of the output [env: MILLPOND_OUTPUT] [default: table on a terminal, else JSON].
    #[arg(short, long, value_enum, value_name = "FORMAT", global = true, help_heading = "Output")]
    pub(crate) output: Option<Format>,
    /// No notes, summaries and progress.
    #[arg(short, long, global = true, help_heading = "Output")]
    pub(crate) quiet: bool,
    /// Show every request with status and time; twice also the headers, without secrets.
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = "Output")]
    pub(crate) verbose: u8,
    /// Show every request as a curl command that can be run within 15 minutes.
    #[arg(long, global = true, help_heading = "Output")]
    pub(crate) show_curl: bool,
    /// When to use colours; NO_COLOR turns them off too.
    #[arg(long, value_enum, value_name = "WHEN", global = true, default_value_t, help_heading = "Output")]
    pub(crate) color: ColorChoice,
    /// Delete without asking.
    #[arg(long, global = true, help_heading = "Output")]
    pub(crate) yes: bool,
}
