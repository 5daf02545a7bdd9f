//! How a command ends.

use std::process::ExitCode;

use millpond_client::Class;

/// Exit codes; part of the command line's contract, shown in every command's help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Ok = 0,
    /// The server failed, cannot be reached, or refused every item.
    Failure = 1,
    /// Wrong arguments or settings.
    Usage = 2,
    /// Stream, partition or app does not exist.
    NotFound = 3,
    /// Credentials are missing, wrong or not enough.
    Auth = 4,
    /// It exists already, is in use, or changed meanwhile.
    Conflict = 5,
    /// No answer in time.
    Timeout = 6,
    /// Some items succeeded, others did not.
    Partial = 7,
    /// Interrupted by Ctrl-C.
    Interrupted = 130,
}

macro_rules! exit_codes {
    () => {
        "\
Exit codes:
  0  done                                4  no or wrong credentials
  1  the server failed or refused        5  exists already, or in use
  2  wrong arguments or settings         6  no answer in time
  3  not found                           7  some items failed
                                       130  interrupted"
    };
}

/// The text behind a command's help: its examples, then the exit codes.
macro_rules! help {
    ($examples:literal) => {
        concat!($examples, "\n\n", exit_codes!())
    };
}

pub(crate) use {exit_codes, help};

/// The table of exit codes for help texts.
pub const EXIT_CODES: &str = exit_codes!();

impl From<Class> for Exit {
    fn from(class: Class) -> Self {
        match class {
            Class::NotFound => Self::NotFound,
            Class::Auth => Self::Auth,
            Class::Conflict => Self::Conflict,
            Class::Timeout => Self::Timeout,
            Class::Setup => Self::Usage,
            Class::Throttled | Class::Request | Class::Server | Class::Transport | Class::Protocol => {
                Self::Failure
            }
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_has_its_code() {
        let check = |class: Class, code: u8| assert_eq!(Exit::from(class) as u8, code, "{class:?}");
        check(Class::Setup, 2);
        check(Class::NotFound, 3);
        check(Class::Auth, 4);
        check(Class::Conflict, 5);
        check(Class::Timeout, 6);
        for class in [Class::Throttled, Class::Request, Class::Server, Class::Transport, Class::Protocol] {
            check(class, 1);
        }
        assert_eq!((Exit::Ok as u8, Exit::Partial as u8, Exit::Interrupted as u8), (0, 7, 130));
    }

    #[test]
    fn the_help_names_every_code() {
        for exit in [0, 1, 2, 3, 4, 5, 6, 7, 130] {
            let listed = EXIT_CODES.split_whitespace().any(|word| word == exit.to_string());
            assert!(listed, "{exit}");
        }
    }
}
