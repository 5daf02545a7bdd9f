//! What stock clients sent, sent again; and the answers that they accepted, expected again.
//!
//! ```text
//! tests/replay/captures/*.jsonl   a call a line: method, target, headers, body; status and answer
//! tests/replay/sessions.yaml      what a session presumes, and what it rightly gets answered otherwise
//!
//! for each line   clock to its date ▶ what it presumes ▶ the call, signed anew ▶ the answer, compared
//! ```
//!
//! A file is one session of one client. Everything is sent byte for byte, with three exceptions. The digits
//! of signatures, tokens and ports are not in the files: the test signs in the form that is recorded. What
//! the server hands out and a client repeats, such as cursors and ids, is what this server handed out. What
//! the files cut short is completed as `sessions.yaml` says, or by repeating what stands before the cut.

mod capture;
mod cut;
mod forged;
mod play;
mod protobuf;
mod sessions;
mod shape;
mod signing;

use std::collections::BTreeSet;

use sessions::Sessions;

/// How many calls of each client there are.
const CALLS: [(&str, usize); 11] = [
    ("dis-file-agent", 2),
    ("dotnet-sdk", 26),
    ("go-dis-sdk", 43),
    ("go-v3-sdk", 27),
    ("gophertelekomcloud", 46),
    ("java-sdk", 43),
    ("kafka-adapter", 21),
    ("legacy-python-sdk", 52),
    ("node-core", 15),
    ("otcextensions", 34),
    ("v3-python-sdk", 62),
];

#[tokio::test]
async fn every_recorded_call_is_answered_as_it_was() {
    let sessions = Sessions::read();
    let mut differences = BTreeSet::new();
    let mut wrong = Vec::new();
    for (client, calls) in CALLS {
        let played = play::session(client, sessions.of(client)).await;
        assert_eq!(played.calls, calls, "{client}");
        differences.extend(played.differences);
    }
    let expected = sessions.differences();
    for found in &differences {
        if !expected.iter().any(|known| known.covers(found)) {
            wrong.push(format!("{found}"));
        }
    }
    for known in &expected {
        if !differences.iter().any(|found| known.covers(found)) {
            wrong.push(format!("{known} (expected, and there is none)"));
        }
    }
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
}
