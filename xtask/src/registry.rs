//! Builds that fetch from a package registry: Maven, Go's module proxy, a Python index.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, bail};

use crate::command::Run;

/// What came of a build.
#[derive(Debug, PartialEq, Eq)]
pub enum Fetched {
    /// The program that was built.
    Done(PathBuf),
    /// The registry did not answer; the line of the log that says so.
    Unreachable(String),
}

/// What the tools say of an attempt to fetch something, in lower case. Together with one of `NETWORK` in
/// the same line it means a registry out of reach; what a registry answered, be it that it has no such
/// package, has none of those.
const ATTEMPTS: [&str; 9] = [
    // Maven
    "could not transfer",
    "cannot access",
    "failed to read artifact descriptor",
    // Go
    "dial tcp",
    "dial udp",
    "proxyconnect",
    "get \"http",
    // pip, at its last attempt
    "retry(total=0",
    "max retries exceeded",
];

/// What the tools say of a network that fails, in lower case.
const NETWORK: [&str; 16] = [
    "unknown host",
    "no such host",
    "name or service not known",
    "temporary failure in name resolution",
    "name resolution",
    "connection refused",
    "connect to",
    "connection reset",
    "network is unreachable",
    "no route to host",
    "timed out",
    "timeout",
    "server misbehaving",
    "failed to establish a new connection",
    "cannot connect to proxy",
    "unexpected eof",
];

/// How many of the last lines of a failed build are shown; the whole is in the log.
const SHOWN: usize = 15;

/// Runs `build` to its end, at most for `limit`, with its outputs in `log`; `product` is what it makes.
///
/// # Errors
/// It failed for another reason than a registry out of reach, or ran too long.
pub fn fetch(build: Run, log: &Path, limit: Duration, product: PathBuf) -> anyhow::Result<Fetched> {
    let status = build.tree().spawn_logged(log)?.wait(limit)?;
    let status =
        status.with_context(|| format!("the build ran longer than {limit:?}, see {}", log.display()))?;
    if status.success() {
        return Ok(Fetched::Done(product));
    }
    let bytes = fs::read(log)?;
    let text = String::from_utf8_lossy(&bytes);
    if let Some(line) = unreachable(&text) {
        return Ok(Fetched::Unreachable(line.to_owned()));
    }
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let tail = lines.get(lines.len().saturating_sub(SHOWN)..).unwrap_or_default().join("\n");
    bail!("the build failed ({status}), see {}:\n{tail}", log.display())
}

/// The first line of a build's output that says that a registry cannot be reached.
fn unreachable(output: &str) -> Option<&str> {
    output.lines().map(str::trim).find(|line| {
        let line = line.to_lowercase();
        ATTEMPTS.iter().any(|words| line.contains(words)) && NETWORK.iter().any(|words| line.contains(words))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_out_of_reach_is_told_from_all_other_failures() {
        let cases = [
            (
                "[ERROR] Could not transfer artifact a:b:pom:1 from/to central (https://example.org/maven2): example.org: Unknown host",
                true,
            ),
            (
                "[ERROR] Could not transfer metadata a:b: Connect to example.org:443 failed: Connection refused",
                true,
            ),
            ("[ERROR] Could not transfer artifact a:b:jar:1: Connect timed out", true),
            ("[ERROR] Could not find artifact a:b:jar:9 in central (https://example.org/maven2)", false),
            (
                "[ERROR] Could not transfer artifact a:b:jar:1: status code: 403, reason phrase: Forbidden",
                false,
            ),
            ("[ERROR] Main.java:[3,8] cannot find symbol: class Timeout", false),
            (
                "go: a/b@v1.0.0: Get \"https://proxy.example.org/a\": dial tcp: lookup proxy.example.org: no such host",
                true,
            ),
            ("go: download go1.25 for linux/amd64: dial tcp 192.0.2.1:443: i/o timeout", true),
            ("go: a/b@v9.0.0: reading https://proxy.example.org/a: 404 Not Found", false),
            ("./main.go:3:2: undefined: timeout", false),
            (
                "WARNING: Retrying (Retry(total=0, connect=None)) after connection broken by 'NewConnectionError(\"Failed to establish a new connection\")': /simple/a/",
                true,
            ),
            ("ERROR: No matching distribution found for otcextensions==99", false),
            ("", false),
        ];
        for (line, expected) in cases {
            let output = format!("first\n  {line}\nlast\n");
            assert_eq!(unreachable(&output), expected.then_some(line), "{line}");
        }
    }

    #[test]
    fn a_build_is_done_unreachable_or_broken() {
        let folder = std::env::temp_dir().join(format!("xtask-registry-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let build = |script: &str, limit: u64| {
            let run = Run::new("sh", &folder).args(&["-c", script]);
            fetch(run, &folder.join("build.log"), Duration::from_secs(limit), "it".into())
        };
        assert_eq!(build("exit 0", 60).unwrap(), Fetched::Done("it".into()));
        let refused = "dial tcp 127.0.0.1:1: connection refused";
        let silent = build(&format!("echo '{refused}' >&2; exit 1"), 60).unwrap();
        assert_eq!(silent, Fetched::Unreachable(refused.to_owned()));
        // An attempt that was repeated with success says nothing about the failure of another build.
        assert_eq!(build(&format!("echo '{refused}'"), 60).unwrap(), Fetched::Done("it".into()));
        let broken = build("echo 'no such symbol'; exit 1", 60).expect_err("broken").to_string();
        assert!(broken.contains("no such symbol"), "{broken}");
        let endless = build("sleep 60", 0).expect_err("endless").to_string();
        assert!(endless.contains("longer than"), "{endless}");
        fs::remove_dir_all(&folder).unwrap();
    }
}
