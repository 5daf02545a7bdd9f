//! `cargo xtask clients`: programs that drive stock clients, against the release binary.
//!
//! ```text
//! for each program:  its tools, or a skip by name          (module `program`)
//!                    its build, from its package registry
//!                    a fresh server of its own, with keys,
//!                    a token and a user                     (module `access`)
//!                    program → result lines → rows          (module `trial`)
//! last acceptance run of the Python SDKs → rows             (module `acceptance`)
//! all rows → calls of one name → table                      (modules `calls` and `table`)
//! table ↔ compat/README.md                                  (module `document`)
//! ```

use std::{fs, thread};

use anyhow::{Context, bail};

use crate::{
    acceptance,
    clients::{
        document::Document,
        table::Table,
        trial::{Outcome, Trial},
    },
    options::Options,
    output,
    rows::Row,
    tally::Tally,
    workspace::Workspace,
};

mod access;
mod calls;
mod document;
mod program;
mod table;
mod trial;

/// What to do with the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Write it. Columns of clients that were skipped stay as they are.
    Write,
    /// Compare it with the one that is there, unless a client was skipped; a difference is a failure.
    Compare,
}

/// Runs every program whose tools are here, and writes or compares the table.
///
/// # Errors
/// The server cannot be built, or the table cannot be read or written.
pub fn run(workspace: &Workspace, options: &Options, mode: Mode) -> anyhow::Result<Tally> {
    let binary = workspace.server(options.binary.as_deref())?;
    let (mut rows, mut total, mut trials) = (Vec::new(), Tally::default(), Vec::new());
    for found in program::find(workspace) {
        match found {
            Ok(program) => {
                let folder = format!("run-{}-{}", program.short_name(), std::process::id());
                let folder = workspace.compat().join(folder);
                trials.push(Trial { program, binary: binary.clone(), folder });
            }
            Err((name, reason)) => total += trial::skipped(name, &reason),
        }
    }
    let outcomes = together(workspace, &trials);
    for (trial, outcome) in trials.iter().zip(outcomes) {
        total += trial.report(outcome, &mut rows);
    }
    for last in acceptance::last_rows(workspace)? {
        if let Some(last) = last.rows {
            rows.extend(last);
        } else {
            let name = format!("the table's column of {}", last.client);
            total += Tally::skip(&name, "no complete run so far; `cargo xtask acceptance` makes one");
        }
    }
    total += table(workspace, &rows, mode, total.skipped.is_empty())?;
    Ok(total)
}

/// Runs all programs at the same time: most of it is waiting.
fn together(workspace: &Workspace, trials: &[Trial]) -> Vec<anyhow::Result<Outcome>> {
    thread::scope(|scope| {
        let running: Vec<_> = trials.iter().map(|trial| scope.spawn(|| trial.run(workspace))).collect();
        let join = |thread: thread::ScopedJoinHandle<'_, _>| {
            thread.join().unwrap_or_else(|_| bail!("the thread that ran the client panicked"))
        };
        running.into_iter().map(join).collect()
    })
}

/// Writes or compares the table; `is_whole` when no client was skipped.
fn table(workspace: &Workspace, rows: &[Row], mode: Mode, is_whole: bool) -> anyhow::Result<Tally> {
    let path = workspace.root().join(document::PATH);
    let old = fs::read_to_string(&path).with_context(|| format!("cannot read {}", document::PATH))?;
    let new = rewritten(&old, rows, is_whole)?;
    match mode {
        Mode::Write => {
            if new != old {
                fs::write(&path, new).with_context(|| format!("cannot write {}", document::PATH))?;
                output::say(&format!("wrote the table of {}", document::PATH));
            }
            Ok(Tally::default())
        }
        Mode::Compare if !is_whole => Ok(Tally::skip(
            &format!("the table of {}", document::PATH),
            "not compared, as clients were skipped",
        )),
        Mode::Compare => {
            let title = format!(
                "the table of {} does not say what the clients say now; run `cargo xtask acceptance` and \
                 `cargo xtask clients`, look at the change, and commit it:",
                document::PATH
            );
            output::list(&title, &document::differences(&old, &new));
            Ok(Tally::gate(new == old))
        }
    }
}

/// The document `old` with the table of `rows`, which is the whole or keeps the columns it lacks.
fn rewritten(old: &str, rows: &[Row], is_whole: bool) -> anyhow::Result<String> {
    let document = Document::parse(old)?;
    let mut table = Table::of(rows);
    if !is_whole {
        table.keep_columns_of(document.table.clone());
    }
    Ok(document.with(&table))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_table_replaces_all_columns_and_a_part_its_own() {
        let empty =
            "# A\n\n<!-- clients: written by `cargo xtask clients`, do not edit -->\n<!-- clients: end -->\n";
        let rows = |lines: &str| Row::parse_all(lines).unwrap();
        let first = rewritten(empty, &rows("ok\tant 1\tcall\t-\nok\tbee 1\tcall\t-\n"), true).unwrap();
        assert!(
            first.contains("| call | ant 1 | bee 1 |\n| --- | --- | --- |\n| call | ok | ok |\n"),
            "{first}"
        );
        let ant = rows("FAIL\tant 1\tcall\tjson\twrong\n");
        let part = rewritten(&first, &ant, false).unwrap();
        assert!(part.contains("| call | FAIL: json | ok |\n"), "{part}");
        let whole = rewritten(&first, &ant, true).unwrap();
        assert!(whole.contains("| call | ant 1 |\n| --- | --- |\n| call | FAIL: json |\n"), "{whole}");
        assert_eq!(rewritten(&whole, &ant, true).unwrap(), whole);
        assert!(rewritten("# A\n", &ant, true).is_err());
    }
}
