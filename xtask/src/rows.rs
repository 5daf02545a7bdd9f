//! What a client program says of its checks, one line each:
//!
//! ```text
//! ok<TAB>client<TAB>call<TAB>form
//! FAIL<TAB>client<TAB>call<TAB>form<TAB>reason
//! ```
//!
//! A form is how the call was made: the encoding of its body, or the proof of who calls; `-` is none in
//! particular.

use std::fmt;

use anyhow::{Context, ensure};

/// The outcome of one check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Name and version of the client library.
    pub client: String,
    /// What was called, and after a comma what was special about it.
    pub call: String,
    /// How; `-` when that is nothing in particular.
    pub form: String,
    /// Why it failed; none when it was well.
    pub failure: Option<String>,
}

impl Row {
    /// Reads one line; none when it is no result line, such as a message of a library.
    ///
    /// # Errors
    /// It begins as a result line does, and then lacks fields or has too many.
    pub fn parse(line: &str) -> anyhow::Result<Option<Self>> {
        let fields: Vec<&str> = line.split('\t').map(str::trim).collect();
        let (client, call, form, failure) = match fields.as_slice() {
            ["ok", client, call, form] => (client, call, form, None),
            ["FAIL", client, call, form, reason] => (client, call, form, Some((*reason).to_owned())),
            ["ok" | "FAIL", _, ..] => anyhow::bail!("a result line with {} fields: {line}", fields.len()),
            _ => return Ok(None),
        };
        ensure!(![client, call, form].iter().any(|field| field.is_empty()), "an empty field: {line}");
        let [client, call, form] = [client, call, form].map(|field| (*field).to_owned());
        Ok(Some(Self { client, call, form, failure }))
    }

    /// Reads every result line of a program's output.
    ///
    /// # Errors
    /// A line begins as a result line does and is none.
    pub fn parse_all(output: &str) -> anyhow::Result<Vec<Self>> {
        let mut rows = Vec::new();
        for (index, line) in output.lines().enumerate() {
            rows.extend(Self::parse(line).with_context(|| format!("line {}", index + 1))?);
        }
        Ok(rows)
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { client, call, form, failure } = self;
        match failure {
            None => write!(f, "ok\t{client}\t{call}\t{form}"),
            Some(reason) => {
                let reason = reason.split_whitespace().collect::<Vec<_>>().join(" ");
                write!(f, "FAIL\t{client}\t{call}\t{form}\t{reason}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn result_lines_are_read_and_written_alike() {
        for line in
            ["ok\tsdk 1.2\tput records, by key\tjson+lz4", "FAIL\tsdk\tlist apps\t-\tgot 1, expected 0"]
        {
            let row = Row::parse(line).unwrap().expect(line);
            assert_eq!(row.to_string(), line);
        }
        let row = Row { failure: Some("a\tb\nc".to_owned()), ..row("sdk", "call") };
        assert_eq!(row.to_string(), "FAIL\tsdk\tcall\t-\ta b c");
    }

    #[test]
    fn other_lines_are_left_out_and_broken_ones_refused() {
        for other in ["", "ok", "ok then", "okay\ta\tb\tc", "[main] INFO starting", "FAIL: a"] {
            assert_eq!(Row::parse(other).unwrap(), None, "{other}");
        }
        for broken in [
            "ok\tsdk",
            "ok\tsdk\tcall",
            "ok\tsdk\tcall\t-\tmore",
            "FAIL\tsdk\tcall\t-",
            "ok\tsdk\t\t-",
            "ok\t\tcall\t-",
        ] {
            assert!(Row::parse(broken).is_err(), "{broken}");
        }
        let rows = Row::parse_all("starting\nok\tsdk\tcall\t-\ndone\n").unwrap();
        assert_eq!(rows, [row("sdk", "call")]);
        let error = Row::parse_all("starting\nok\tsdk\n").expect_err("two fields").to_string();
        assert!(error.contains("line 2"), "{error}");
    }

    fn row(client: &str, call: &str) -> Row {
        Row { client: client.to_owned(), call: call.to_owned(), form: "-".to_owned(), failure: None }
    }
}
