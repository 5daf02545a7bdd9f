//! Places in the command log, and the names of commands and of those who give them.

use std::{fmt, sync::Arc};

/// A command's place in the log that orders all commands; later commands have larger ones. Places need
/// not be adjacent: an engine may count other things with the same numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogPosition(u64);

impl LogPosition {
    /// Before every command.
    pub const ZERO: Self = Self(0);

    /// From the engine's number.
    pub const fn new(position: u64) -> Self {
        Self(position)
    }

    /// The engine's number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for LogPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The random name of one command, by which a repeated one is recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandId(u128);

impl CommandId {
    /// A name of 128 random bits.
    pub const fn from_random(random: u128) -> Self {
        Self(random)
    }

    /// The bits.
    pub const fn get(self) -> u128 {
        self.0
    }
}

/// Who gave a command: an access key id, or a word such as `anonymous`. Never a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor(Arc<str>);

impl Actor {
    /// Most bytes that are kept of the text.
    pub const BYTES_MAX: usize = 128;

    /// Takes the text, cut to 128 bytes at a character's edge.
    pub fn new(text: &str) -> Self {
        let mut end = text.len().min(Self::BYTES_MAX);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        Self(text.get(..end).unwrap_or_default().into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
