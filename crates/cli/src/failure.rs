//! Why a command did not do what was asked.

use std::{error::Error as _, fmt, fmt::Write as _, io};

use millpond_client::{Class, Error};
use serde_json::{Value, json};

use crate::exit::Exit;

/// How a command ends: normally with an exit code, or with something to tell.
pub(crate) type Outcome = Result<Exit, Failure>;

/// What went wrong and what to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
    code: Option<String>,
    status: Option<u16>,
    request_id: Option<String>,
    silent: bool,
}

impl Failure {
    /// With a message only.
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { exit, message, hint: None, code: None, status: None, request_id: None, silent: false }
    }

    /// Wrong arguments or settings.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// Something on this machine.
    pub(crate) fn io(what: impl fmt::Display, error: &io::Error) -> Self {
        Self::new(Exit::Failure, format!("{what}: {error}"))
    }

    /// Standard output takes no more: silent when the reader went away (`| head`).
    pub(crate) fn of_output(error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self { silent: true, ..Self::new(Exit::Ok, "nobody reads the output") };
        }
        Self::io("cannot write to standard output", error)
    }

    /// What to do next; the first hint stays.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = self.hint.or_else(|| Some(hint.into()));
        self
    }

    /// With another exit code.
    pub(crate) fn exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    /// Whether there is nothing to tell.
    pub(crate) fn is_silent(&self) -> bool {
        self.silent
    }

    /// For people: what happened, what to do, and how to refer to it.
    pub(crate) fn text(&self) -> String {
        let Self { message, hint, code, request_id, .. } = self;
        let mut text = format!("millpond: {}", crate::output::escaped(message));
        let reference = match (code, request_id) {
            (Some(code), Some(id)) => Some(format!("{code}, request {id}")),
            (Some(code), None) => Some(code.clone()),
            (None, Some(id)) => Some(format!("request {id}")),
            (None, None) => None,
        };
        if let Some(reference) = reference {
            let _ = write!(text, " ({})", crate::output::escaped(&reference));
        }
        if let Some(hint) = hint {
            let _ = write!(text, "\n  {hint}");
        }
        text
    }

    /// For programs. Absent members are null.
    pub(crate) fn json(&self) -> Value {
        json!({"error": {
            "message": self.message,
            "code": self.code,
            "status": self.status,
            "request_id": self.request_id,
            "hint": self.hint,
            "exit_code": self.exit as u8,
        }})
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let mut message = error.to_string();
        // The last cause says why; those between repeat the address.
        if let Some(cause) = std::iter::successors(error.source(), |cause| (*cause).source()).last() {
            let _ = write!(message, ": {cause}");
        }
        Self {
            exit: error.class().into(),
            hint: hint(&error).map(str::to_owned),
            code: error.code().map(str::to_owned),
            status: error.status(),
            request_id: error.request_id().map(str::to_owned),
            message,
            silent: false,
        }
    }
}

/// What to do about an error of the server or on the way to it.
fn hint(error: &Error) -> Option<&'static str> {
    let by_code = match error.code() {
        Some("DIS.4301") => Some("`millpond stream list` shows the streams there are"),
        Some("DIS.4302" | "DIS.4319") => {
            Some("`millpond stream describe STREAM` shows the partitions there are")
        }
        Some("DIS.4332") => Some("`millpond app list` shows the apps there are"),
        Some("DIS.4307" | "DIS.4330") => Some("choose another name, or use what exists"),
        Some("DIS.4224" | "DIS.4226") => {
            Some("`millpond stream describe STREAM` shows the range of every partition")
        }
        Some("DIS.4105") => Some("the clocks of this machine and the server differ by more than 15 minutes"),
        Some("DIS.4101") => Some(
            "give --access-key and --secret-key, or set MILLPOND_AK and MILLPOND_SK; `millpond key create` makes a key",
        ),
        Some("DIS.4117") => {
            Some("the project of the key and --project differ; leave one of them out or correct it")
        }
        _ => None,
    };
    by_code.or(match error.class() {
        Class::Auth => {
            Some("check the access key and its secret; on the server, `millpond key list` shows the keys")
        }
        Class::Transport => {
            Some("is the server running there? `millpond dev` starts one; --endpoint names another")
        }
        Class::Timeout => Some("try again, or allow more time with --timeout"),
        Class::Throttled => Some("try again a little later"),
        Class::Protocol => Some("--endpoint has to name the API of a millpond server"),
        Class::Server => Some("the server's log says more about this request"),
        Class::NotFound | Class::Conflict | Class::Request | Class::Setup => None,
    })
}

#[cfg(test)]
mod tests {
    use millpond_client::Refused;

    use super::*;

    fn refused(status: u16, code: &str) -> Failure {
        let refused = Refused {
            status,
            code: Some(code.to_owned()),
            message: "Stream does not exist. [s\u{1b}[2J]".to_owned(),
            request_id: Some("id-1".to_owned()),
        };
        Error::Refused(Box::new(refused)).into()
    }

    #[test]
    fn people_read_what_happened_and_what_to_do() {
        assert_eq!(
            refused(400, "DIS.4301").text(),
            "millpond: Stream does not exist. [s\\u{1b}[2J] (DIS.4301, request id-1)\n  \
             `millpond stream list` shows the streams there are"
        );
        assert_eq!(Failure::usage("no name").text(), "millpond: no name");
    }

    #[test]
    fn programs_read_the_same() {
        let json = refused(400, "DIS.4301").json();
        assert_eq!(json["error"]["code"], "DIS.4301");
        assert_eq!(json["error"]["status"], 400);
        assert_eq!(json["error"]["exit_code"], 3);
        assert_eq!(json["error"]["request_id"], "id-1");
        assert_eq!(Failure::usage("x").json()["error"]["code"], Value::Null);
    }

    #[test]
    fn exit_codes_follow_from_codes() {
        let check =
            |status: u16, code: &str, exit: Exit| assert_eq!(refused(status, code).exit, exit, "{code}");
        check(400, "DIS.4301", Exit::NotFound);
        check(401, "DIS.4112", Exit::Auth);
        check(400, "DIS.4307", Exit::Conflict);
        check(400, "DIS.4224", Exit::Failure);
        check(500, "DIS.5000", Exit::Failure);
    }

    #[test]
    fn a_reader_that_went_away_is_no_failure() {
        let failure = Failure::of_output(&io::ErrorKind::BrokenPipe.into());
        assert!(failure.is_silent() && failure.exit == Exit::Ok);
        assert!(!Failure::of_output(&io::ErrorKind::StorageFull.into()).is_silent());
    }
}
