//! Patterns for names of streams.

use millpond_model::{ProjectId, StreamId, limits::STREAM_PATTERN_BYTES_MAX};
use millpond_state::State;
use regex::bytes::{Regex, RegexBuilder};

/// Most bytes that a pattern may take once it is compiled.
const COMPILED_BYTES_MAX: usize = 1024 * 1024;

/// A regular expression that has to match a whole name.
///
/// Clients write Java's (spec/07 §5). Read is the part of them that takes linear time in the length of the
/// name: everything but look-around and back references. Possessive quantifiers count as greedy ones.
#[derive(Clone, Debug)]
pub(super) struct NamePattern {
    text: Box<str>,
    regex: Regex,
}

impl NamePattern {
    /// Reads a pattern; `None` when it is none, too long or too large.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.len() > STREAM_PATTERN_BYTES_MAX {
            return None;
        }
        // Alone first: `a)(b` is no pattern, although it would be one in brackets.
        compile(text)?;
        // The line's end closes a comment that the pattern may end with.
        let whole = |end: &str| compile(&format!(r"\A(?:{text}{end})\z"));
        let regex = whole("").or_else(|| whole("\n"))?;
        Some(Self { text: text.into(), regex })
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The streams of the project whose names it matches, in the order of the ids.
    pub(super) fn matched(&self, state: &State, project: &ProjectId) -> Vec<StreamId> {
        let streams = state.streams_of(project, None);
        let named = streams.filter(|stream| self.regex.is_match(stream.spec.name.as_str().as_bytes()));
        let mut matched: Vec<StreamId> = named.map(|stream| stream.id).collect();
        matched.sort_unstable();
        matched
    }
}

fn compile(text: &str) -> Option<Regex> {
    // Names are ASCII, and so are the classes of Java unless asked otherwise.
    RegexBuilder::new(text).unicode(false).size_limit(COMPILED_BYTES_MAX).build().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_whole_names() {
        let check = |pattern: &str, name: &str, expected: bool| {
            let parsed = NamePattern::parse(pattern).unwrap_or_else(|| panic!("{pattern}"));
            assert_eq!(parsed.regex.is_match(name.as_bytes()), expected, "{pattern} {name}");
        };
        check("s.*", "s1", true);
        check("s.*", "as1", false);
        check("s", "s1", false);
        check("a|ab", "ab", true);
        check("a|b", "ab", false);
        check("(?i)ORDERS-\\d+", "orders-12", true);
        check("[a-z&&[^x]]+", "abc", true);
        check("[a-z&&[^x]]+", "axc", false);
        check("(?x) s 1 # the first", "s1", true);
        check("^s$", "s", true);
        check("\\w{1,64}", "a-b", false);
        check("", "s", false);
    }

    #[test]
    fn what_is_no_pattern() {
        for text in ["(", "a)(b", "*", "[z-a]", "(?=a)b", "(a)\\1", "(\\w{1000}){1000}", &"x".repeat(1025)] {
            assert!(NamePattern::parse(text).is_none(), "{text}");
        }
    }
}
