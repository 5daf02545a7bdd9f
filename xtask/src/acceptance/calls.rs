//! Which calls the checks of the two scripts stand for.
//!
//! The scripts name what they check, not what they call. Where that follows from the section and the
//! beginning of a check's text, it is written down here; the other checks stand for no call in
//! particular.

use super::transcript::Transcript;
use crate::rows::Row;

/// Checks of `section` whose text begins with `text` stand for `calls` in `form`.
struct Meaning {
    script: &'static str,
    section: &'static str,
    text: &'static str,
    calls: &'static [&'static str],
    form: &'static str,
}

/// By this check a script reports that a section ended early, so that its later checks are missing.
const BROKE_OFF: &str = "section broke off";

const fn v3(
    section: &'static str,
    text: &'static str,
    calls: &'static [&'static str],
    form: &'static str,
) -> Meaning {
    Meaning { script: "v3", section, text, calls, form }
}

const fn legacy(
    section: &'static str,
    text: &'static str,
    calls: &'static [&'static str],
    form: &'static str,
) -> Meaning {
    Meaning { script: "legacy", section, text, calls, form }
}

#[rustfmt::skip]
const MEANINGS: &[Meaning] = &[
    v3("setup", "create stream answers", &["create stream"], "-"),
    v3("describe", "", &["describe stream"], "-"),
    v3("stream_errors", "duplicate stream", &["create stream"], "-"),
    v3("stream_errors", "unknown stream", &["describe stream"], "-"),
    v3("stream_errors", "delete of an unknown stream", &["delete stream"], "-"),
    v3("listing", "", &["list streams"], "-"),
    v3("records", "", &["put records", "get records"], "json"),
    v3("routing", "", &["put records"], "json"),
    v3("cursors", "", &["get cursor"], "-"),
    v3("paging", "", &["get records"], "json"),
    v3("concurrent", "", &["put records", "get records"], "json"),
    v3("app_life", "create app answers", &["create app"], "-"),
    v3("app_life", "duplicate app", &["create app"], "-"),
    v3("app_life", "app name", &["describe app"], "-"),
    v3("app_life", "unknown app", &["describe app"], "-"),
    v3("app_life", "all apps are listed", &["list apps"], "-"),
    v3("app_life", "page of apps", &["list apps"], "-"),
    v3("app_life", "delete of an unknown app", &["delete app"], "-"),
    v3("app_life", "app after its deletion", &["delete app"], "-"),
    v3("checkpoints", "commit", &["commit checkpoint"], "-"),
    v3("checkpoints", "a later commit", &["commit checkpoint"], "-"),
    v3("checkpoints", "checkpoint returned", &["get checkpoint"], "-"),
    v3("checkpoints", "before the first commit", &["get checkpoint"], "-"),
    v3("checkpoints", "consumption state", &["consuming state of an app"], "-"),
    v3("checkpoints", "apps can be listed", &["list apps"], "-"),
    v3("checkpoints", "delete checkpoint answers", &["delete checkpoint"], "-"),
    v3("checkpoints", "without partition_id", &["delete checkpoint"], "-"),
    v3("scaling", "", &["change the number of partitions"], "-"),
    v3("updating", "retention period", &["update stream"], "-"),
    v3("tags", "a tag added", &["create tag", "list tags of a stream"], "-"),
    v3("tags", "two more", &["batch create tags"], "-"),
    v3("tags", "tags of the project", &["list tags of the project"], "-"),
    v3("tags", "stream found by its tag", &["find streams by tag"], "-"),
    v3("tags", "count by tag", &["find streams by tag"], "-"),
    v3("tags", "tags deleted", &["delete tag", "batch delete tags"], "-"),
    v3("dump_tasks", "create dump task", &["create transfer task"], "-"),
    v3("dump_tasks", "duplicate dump task", &["create transfer task"], "-"),
    v3("dump_tasks", "dump task is listed", &["list transfer tasks"], "-"),
    v3("dump_tasks", "dump task details", &["describe transfer task"], "-"),
    v3("dump_tasks", "destination as given", &["describe transfer task"], "-"),
    v3("dump_tasks", "stopped task", &["stop transfer task"], "-"),
    v3("dump_tasks", "started task", &["start transfer task"], "-"),
    v3("dump_tasks", "delete dump task", &["delete transfer task"], "-"),
    v3("dump_tasks", "no task is left", &["delete transfer task"], "-"),
    v3("metrics", "records put, per stream", &["stream metrics"], "-"),
    v3("metrics", "records put, per partition", &["partition metrics"], "-"),
    v3("policies", "", &["list policies"], "-"),
    v3("derived_signature", "derived-key signature", &["sign with a derived key"], "-"),
    v3("derived_signature", "and for a request with a body", &["sign with a derived key"], "-"),
    v3("async_client", "", &["put records"], "json"),
    v3("deleting", "delete stream answers", &["delete stream"], "-"),
    v3("deleting", "a stream made anew", &["delete stream", "create stream"], "-"),

    legacy("setup", "create stream answers", &["create stream"], "-"),
    legacy("describe", "", &["describe stream"], "-"),
    legacy("stream_errors", "duplicate stream", &["create stream"], "-"),
    legacy("stream_errors", "unknown stream", &["describe stream"], "-"),
    legacy("stream_errors", "delete of an unknown stream", &["delete stream"], "-"),
    legacy("listing", "every stream", &["list streams"], "-"),
    legacy("listing", "total_number", &["list streams"], "-"),
    legacy("listing", "deleted streams are gone", &["list streams"], "-"),
    legacy("listing", "delete stream answers", &["delete stream"], "-"),
    legacy("both_modes", "json", &["put records", "get records"], "json"),
    legacy("both_modes", "protobuf", &["put records", "get records"], "protobuf"),
    legacy("by_stream_id", "json: upload", &["put records"], "json"),
    legacy("by_stream_id", "protobuf: upload", &["put records"], "protobuf"),
    legacy("big_upload", "", &["put records", "get records"], "json"),
    legacy("cursors", "", &["get cursor"], "-"),
    legacy("app_life", "create app answers", &["create app"], "-"),
    legacy("app_life", "duplicate app", &["create app"], "-"),
    legacy("app_life", "app name", &["describe app"], "-"),
    legacy("app_life", "app id and time", &["describe app"], "-"),
    legacy("app_life", "unknown app", &["describe app"], "-"),
    legacy("app_life", "all apps are listed", &["list apps"], "-"),
    legacy("app_life", "delete app answers", &["delete app"], "-"),
    legacy("app_life", "app after its deletion", &["delete app"], "-"),
    legacy("checkpoints", "commit", &["commit checkpoint"], "-"),
    legacy("checkpoints", "a later commit", &["commit checkpoint"], "-"),
    legacy("checkpoints", "checkpoint returned", &["get checkpoint"], "-"),
    legacy("checkpoints", "before the first commit", &["get checkpoint"], "-"),
    legacy("checkpoints", "consumption state", &["consuming state of an app"], "-"),
    legacy("checkpoints", "delete checkpoint answers", &["delete checkpoint"], "-"),
    legacy("checkpoints", "all checkpoints of the app are gone", &["delete checkpoint"], "-"),
    legacy("scaling", "", &["change the number of partitions"], "-"),
    legacy("dump_tasks", "create dump task", &["create transfer task"], "-"),
    legacy("dump_tasks", "duplicate dump task", &["create transfer task"], "-"),
    legacy("dump_tasks", "dump task is listed", &["list transfer tasks"], "-"),
    legacy("dump_tasks", "dump task details", &["describe transfer task"], "-"),
    legacy("dump_tasks", "destination as given", &["describe transfer task"], "-"),
    legacy("dump_tasks", "delete dump task", &["delete transfer task"], "-"),
    legacy("dump_tasks", "dump task after its deletion", &["delete transfer task"], "-"),
    legacy("monitoring", "records put, per stream", &["stream metrics"], "-"),
    legacy("monitoring", "records put, per partition", &["partition metrics"], "-"),
    legacy("concurrent", "every acknowledged", &["put records"], "json"),
    legacy("concurrent", "every acknowledged", &["put records"], "protobuf"),
    legacy("deleting", "delete stream answers", &["delete stream"], "-"),
    legacy("deleting", "a stream made anew", &["delete stream", "create stream"], "-"),
];

/// What a run of `script` says of single calls of the library `client`.
pub(super) fn rows(script: &str, client: &str, transcript: &Transcript) -> Vec<Row> {
    MEANINGS
        .iter()
        .filter(|meaning| meaning.script == script)
        .filter_map(|meaning| Some((meaning, meaning.outcome(transcript)?)))
        .flat_map(|(meaning, outcome)| {
            meaning.calls.iter().map(move |call| Row {
                client: client.to_owned(),
                call: (*call).to_owned(),
                form: meaning.form.to_owned(),
                failure: outcome.clone().err(),
            })
        })
        .collect()
}

impl Meaning {
    /// All checks that ran were well, or why one failed; none when no check ran.
    fn outcome(&self, transcript: &Transcript) -> Option<Result<(), String>> {
        let mut failures = transcript.failures.iter().filter(|failure| failure.section == self.section);
        let is_well = transcript
            .successes
            .iter()
            .any(|success| success.section == self.section && success.text.starts_with(self.text));
        let failed = failures
            .clone()
            .find(|failure| failure.text.starts_with(self.text))
            .or_else(|| failures.find(|failure| !is_well && failure.text.starts_with(BROKE_OFF)));
        match failed {
            Some(failure) => Some(Err(failure.text.clone())),
            None => is_well.then_some(Ok(())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rows as `call form` with `!` before those that failed.
    fn check(script: &str, output: &str, expected: &[&str]) {
        let rows = rows(script, "sdk 1", &Transcript::parse(output));
        let named: Vec<String> = rows
            .iter()
            .map(|row| format!("{}{} {}", if row.failure.is_some() { "!" } else { "" }, row.call, row.form))
            .collect();
        assert_eq!(named, expected, "{output}");
        assert!(rows.iter().all(|row| row.client == "sdk 1"));
    }

    #[test]
    fn a_check_stands_for_its_calls() {
        check("v3", "  ok    setup: create stream answers 201\n", &["create stream -"]);
        check("v3", "  ok    setup: stream acc-1-main is RUNNING\n", &[]);
        check("v3", "  ok    records: nothing failed\n", &["put records json", "get records json"]);
        check("legacy", "  ok    records: nothing failed\n", &[]);
        check(
            "legacy",
            "  ok    both_modes: protobuf: nothing failed\n",
            &["put records protobuf", "get records protobuf"],
        );
    }

    #[test]
    fn a_failure_counts_more_than_what_was_well() {
        let page = "  ok    listing: page is not longer than limit\n";
        let twice = "  FAIL  listing: no stream is listed twice -- got 2, expected 1\n";
        check("v3", &format!("{page}{twice}{page}"), &["!list streams -"]);
    }

    #[test]
    fn a_section_that_breaks_off_fails_the_calls_it_did_not_come_to() {
        let output = "  ok    app_life: app name\n  FAIL  app_life: section broke off -- KeyError: 'apps'\n";
        check(
            "legacy",
            output,
            &[
                "!create app -",
                "!create app -",
                "describe app -",
                "!describe app -",
                "!describe app -",
                "!list apps -",
                "!delete app -",
                "!delete app -",
            ],
        );
    }
}
