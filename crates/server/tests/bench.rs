//! `millpond bench` against the server that it starts by itself.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::process::Command;

use serde_json::Value;

fn check(line: &str) {
    let directory = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_millpond"))
        .arg("bench")
        .args(line.split_whitespace())
        .args(["--duration", "300ms", "--warmup", "0s", "-o", "json"])
        .current_dir(directory.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{line}: {text}{}", String::from_utf8_lossy(&output.stderr));
    let measured: Value = serde_json::from_str(&text).unwrap();
    assert!(measured["requests"].as_u64().unwrap() > 0, "{line}: {text}");
    assert_eq!(measured["failed"], 0, "{line}: {text}");
    assert!(measured["p50_ms"].as_f64().unwrap() > 0.0, "{line}: {text}");
    assert_eq!(measured["signed"], !line.contains("--unsigned"), "{line}");
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0, "{line}: something is left behind");
}

#[test]
fn every_load_works_at_once() {
    for line in [
        "put -c 4 -n 10",
        "put -c 4 -n 10 --form protobuf --by key --unsigned",
        "put -c 4 -n 1 --rate 50",
        "get -c 2 -n 64 -P 2",
        "get -c 2 -n 64 -P 2 --form protobuf --unsigned",
        "e2e -c 2",
        "e2e -c 2 -n 5 --form protobuf",
        "checkpoint -c 4",
    ] {
        check(line);
    }
}
