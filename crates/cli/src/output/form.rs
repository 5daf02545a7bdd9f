//! The forms of output.

use std::io::Stdout;

/// Form of the output. The JSON forms are a contract: members are added, never renamed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people; may change.
    Table,
    /// One JSON document.
    Json,
    /// One JSON object in each line.
    Jsonl,
    /// Values between tabs, without a header.
    Tsv,
    /// Names only.
    Name,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ColorChoice {
    /// On a terminal, unless the environment says otherwise.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl ColorChoice {
    /// Whether to use colours on this output. `NO_COLOR`, `CLICOLOR_FORCE` and `TERM=dumb` count.
    pub(crate) fn resolve(self, stdout: &Stdout) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto => anstream::AutoStream::choice(stdout) != anstream::ColorChoice::Never,
        }
    }
}
