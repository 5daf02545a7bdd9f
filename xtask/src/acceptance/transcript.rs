//! What a script printed: one line for each check, and the counts at the end.
//!
//! ```text
//!   ok    section: what
//!   FAIL  section: what -- detail
//! N passed, N failed
//! ```

/// A check that held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Success {
    /// Name of the section, a function of the script.
    pub section: String,
    /// What was checked.
    pub text: String,
}

/// A check that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    /// Name of the section, a function of the script.
    pub section: String,
    /// The rest of the line: what was checked, and what was seen instead.
    pub text: String,
}

/// The checks of one run.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Transcript {
    pub successes: Vec<Success>,
    pub failures: Vec<Failure>,
    /// The counts of the closing line.
    closing: Option<(usize, usize)>,
}

impl Transcript {
    /// Reads the output of a script run with `VERBOSE=1`. Lines of any other shape are left out:
    /// tracebacks, further lines of a detail.
    pub fn parse(output: &str) -> Self {
        let mut transcript = Self::default();
        for line in output.lines() {
            if let Some(check) = line.strip_prefix("  ok    ") {
                transcript.successes.extend(success(check));
            } else if let Some(check) = line.strip_prefix("  FAIL  ") {
                transcript.failures.extend(failure(check));
            } else if let Some(counts) = closing(line) {
                transcript.closing = Some(counts);
            }
        }
        transcript
    }

    /// How many checks held.
    pub fn passed(&self) -> usize {
        self.successes.len()
    }

    /// The script came to its end, and its own counts are those of the lines read.
    pub fn is_complete(&self) -> bool {
        self.closing == Some((self.passed(), self.failures.len()))
    }
}

fn success(check: &str) -> Option<Success> {
    let (section, text) = check.split_once(": ")?;
    Some(Success { section: section.to_owned(), text: text.to_owned() })
}

fn failure(check: &str) -> Option<Failure> {
    let (section, text) = check.split_once(": ")?;
    Some(Failure { section: section.to_owned(), text: text.to_owned() })
}

/// The counts of `N passed, N failed`, alone on its line.
fn closing(line: &str) -> Option<(usize, usize)> {
    let (passed, failed) = line.strip_suffix(" failed")?.split_once(" passed, ")?;
    Some((passed.parse().ok()?, failed.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cut out of a run of the v3 script against a server without metrics and policies.
    const OUTPUT: &str = "
  ok    setup: create stream answers 201
  ok    setup: stream acc-51cc26f8-main is RUNNING
  ok    records: put to an unknown partition: error code
  FAIL  metrics: records put, per stream -- not within 90s; last seen ClientRequestException({'status_code': 400})
  FAIL  metrics: section broke off -- ClientRequestException: ClientRequestException - {status_code:400,request_id:1,
error_code:DIS.4200,error_msg:Not supported.}
Traceback (most recent call last):
  File \"harness.py\", line 96, in sections
    fn()
  FAIL  policies: a new stream has no policy rules -- got None, expected []
  ok    derived_signature: derived-key signature (V11-HMAC-SHA256) is accepted
v3 python sdk: 4 passed, 3 failed
4 passed, 3 failed
";

    #[test]
    fn checks_and_counts_are_read() {
        let transcript = Transcript::parse(OUTPUT);
        assert_eq!(transcript.passed(), 4);
        let (section, text) = ("records".to_owned(), "put to an unknown partition: error code".to_owned());
        assert_eq!(transcript.successes.get(2), Some(&Success { section, text }));
        let failures: Vec<(&str, &str)> = transcript
            .failures
            .iter()
            .map(|f| (f.section.as_str(), f.text.split(" -- ").next().unwrap()))
            .collect();
        assert_eq!(
            failures,
            [
                ("metrics", "records put, per stream"),
                ("metrics", "section broke off"),
                ("policies", "a new stream has no policy rules"),
            ]
        );
        assert!(transcript.is_complete());
    }

    #[test]
    fn a_run_without_its_own_counts_is_incomplete() {
        let (cut, _) = OUTPUT.split_once("v3 python sdk").unwrap();
        for output in
            ["", cut, "set these environment variables first: AK\n", "  ok    a: b\n2 passed, 0 failed\n"]
        {
            assert!(!Transcript::parse(output).is_complete(), "{output}");
        }
    }
}
