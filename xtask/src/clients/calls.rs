//! One name for one call, whatever the program that made it says.

/// The calls, by the beginnings of their names in the programs; the longest beginning that ends with a
/// whole word decides. The names in the second column are those of the table.
#[rustfmt::skip]
const BEGINNINGS: &[(&str, &[&str])] = &[
    ("create stream", &["create stream"]),
    ("create stream and app", &["create app", "create stream"]),
    ("list streams", &["list streams"]),
    ("describe stream", &["describe stream"]),
    ("show stream", &["describe stream"]),
    ("change the number of partitions", &["change the number of partitions"]),
    ("change partition count", &["change the number of partitions"]),
    ("update partition count", &["change the number of partitions"]),
    ("scale", &["change the number of partitions"]),
    ("update stream", &["update stream"]),
    ("delete stream", &["delete stream"]),
    ("delete stream and app", &["delete app", "delete stream"]),

    ("put record", &["put records"]),
    ("put records", &["put records"]),
    ("put and get", &["get records", "put records"]),
    ("get record", &["get records"]),
    ("get records", &["get records"]),
    ("get cursor", &["get cursor"]),
    ("get partition cursor", &["get cursor"]),
    ("cursor", &["get cursor"]),

    ("create app", &["create app"]),
    ("list apps", &["list apps"]),
    ("describe app", &["describe app"]),
    ("show app", &["describe app"]),
    ("delete app", &["delete app"]),
    ("delete app and stream", &["delete app", "delete stream"]),
    ("consuming state of an app", &["consuming state of an app"]),
    ("list consuming state", &["consuming state of an app"]),
    ("get consuming state", &["consuming state of an app"]),
    ("show consumer state", &["consuming state of an app"]),

    ("commit checkpoint", &["commit checkpoint"]),
    ("get checkpoint", &["get checkpoint"]),
    ("show checkpoint", &["get checkpoint"]),
    ("delete checkpoint", &["delete checkpoint"]),
    ("delete checkpoints", &["delete checkpoint"]),

    ("join group", &["join group"]),
    ("member: join", &["join group"]),
    ("sync group", &["sync group"]),
    ("member: sync", &["sync group"]),
    ("heartbeat", &["heartbeat in a group"]),
    ("member: heartbeat", &["heartbeat in a group"]),
    ("leave group", &["leave group"]),
    ("member: leave", &["leave group"]),
    ("member: commit checkpoint", &["commit checkpoint"]),
    ("group", &["consumers in a group"]),

    ("create transfer task", &["create transfer task"]),
    ("list transfer tasks", &["list transfer tasks"]),
    ("describe transfer task", &["describe transfer task"]),
    ("show transfer task", &["describe transfer task"]),
    ("stop transfer task", &["stop transfer task"]),
    ("start transfer task", &["start transfer task"]),
    ("delete transfer task", &["delete transfer task"]),

    ("create tag", &["create tag"]),
    ("batch create tags", &["batch create tags"]),
    ("delete tag", &["delete tag"]),
    ("batch delete tags", &["batch delete tags"]),
    ("list tags of a stream", &["list tags of a stream"]),
    ("list tags of the project", &["list tags of the project"]),
    ("find streams by tag", &["find streams by tag"]),
    ("find streams by tags", &["find streams by tag"]),

    ("stream metrics", &["stream metrics"]),
    ("partition metrics", &["partition metrics"]),

    ("add policy", &["add policy"]),
    ("list policies", &["list policies"]),
    ("delete policies", &["delete policies"]),

    ("log in", &["log in with a password"]),
    ("error", &["refusals"]),
];

/// The calls that `call` names. What is special about it is left out: in a call that is not known, all
/// that follows a comma, a colon or a parenthesis.
pub(super) fn named(call: &str) -> Vec<String> {
    let words = in_words(call);
    let known = BEGINNINGS.iter().filter(|(beginning, _)| begins_with(&words, beginning));
    if let Some((_, calls)) = known.max_by_key(|(beginning, _)| beginning.len()) {
        return calls.iter().map(|call| (*call).to_owned()).collect();
    }
    let plain = words.split([',', ':', '(']).next().unwrap_or_default();
    vec![plain.trim().to_owned()]
}

/// `words` begins with `beginning` and then with another word or none.
fn begins_with(words: &str, beginning: &str) -> bool {
    let rest = words.strip_prefix(beginning);
    rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric()))
}

/// `createStream`, `create_stream`, `Create Stream` → `create stream`; a run of capitals stays one word.
fn in_words(name: &str) -> String {
    let mut words = String::new();
    let mut before = ' ';
    for letter in name.chars() {
        if letter.is_uppercase() && before.is_lowercase() {
            words.push(' ');
        }
        if letter == '_' {
            words.push(' ');
        } else {
            words.extend(letter.to_lowercase());
        }
        before = letter;
    }
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_all_programs_come_together() {
        let cases: &[(&str, &[&str])] = &[
            ("create stream", &["create stream"]),
            ("createStream", &["create stream"]),
            ("CreateStream", &["create stream"]),
            ("create_stream", &["create stream"]),
            ("create stream, for tags", &["create stream"]),
            ("create stream with tags", &["create stream"]),
            ("create streams", &["create streams"]),
            ("create stream and app, for refusals", &["create app", "create stream"]),
            ("showConsumerState", &["consuming state of an app"]),
            ("get cursor, AT_TIMESTAMP", &["get cursor"]),
            ("put records by key", &["put records"]),
            ("create transfer task to OBS", &["create transfer task"]),
            ("log in to Keystone with a password", &["log in with a password"]),
            ("member: heartbeat before joining", &["heartbeat in a group"]),
            ("producer: put record", &["producer"]),
            ("non-blocking client: put and get", &["non-blocking client"]),
            ("whole run", &["whole run"]),
        ];
        for (name, expected) in cases {
            assert_eq!(named(name), *expected, "{name}");
        }
    }

    #[test]
    fn every_name_of_the_table_means_itself_or_nothing_else() {
        for (beginning, calls) in BEGINNINGS {
            assert_eq!(in_words(beginning), *beginning);
            for call in *calls {
                assert_eq!(named(call), [*call], "{beginning}");
            }
        }
    }
}
