//! Asking before something is deleted.

use std::io::{self, BufRead, IsTerminal as _};

use crate::{exit::Exit, failure::Failure, output, session::Session};

/// Longest answer that is read, in bytes: more than any name has.
const ANSWER_BYTES_MAX: u64 = 1024;

/// Lets the user type `name` before `consequence` happens, unless `--yes` was given.
///
/// # Errors
/// Usage without a terminal; a failure when something else is typed.
pub(crate) fn deletion(session: &Session, name: &str, consequence: &str) -> Result<(), Failure> {
    if session.yes {
        return Ok(());
    }
    if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        return Err(Failure::usage(format!("this would delete {consequence}"))
            .hint("without a terminal nobody can be asked: repeat it with --yes"));
    }
    output::prompt(format_args!("This deletes {consequence}.\nType {name} to go on: "));
    judge(&mut io::stdin().lock(), name)
}

fn judge(input: &mut impl BufRead, name: &str) -> Result<(), Failure> {
    let mut answer = String::new();
    let read = io::Read::take(input, ANSWER_BYTES_MAX).read_line(&mut answer);
    if read.is_ok() && answer.trim() == name {
        return Ok(());
    }
    Err(Failure::new(Exit::Failure, "nothing was deleted: the name was not typed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_name_itself_confirms() {
        let check = |typed: &str, confirmed: bool| {
            assert_eq!(judge(&mut typed.as_bytes(), "orders").is_ok(), confirmed, "{typed:?}");
        };
        check("orders\n", true);
        check(" orders \r\n", true);
        check("orders", true);
        check("order\n", false);
        check("yes\n", false);
        check("", false);
        check("\norders\n", false);
    }
}
