//! Which streams a search by tags finds (spec/10 §4).

use crate::Tag;

/// A key, and the values it may have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TagCondition {
    /// The key, exactly.
    pub key: Box<str>,
    /// One of these; any value when empty. Behind a leading `*` stands a part of the value.
    pub values: Vec<Box<str>>,
}

/// The conditions of a search; an empty list is no condition, and all the others have to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TagFilter {
    /// Each of them holds.
    pub tags: Vec<TagCondition>,
    /// At least one of them holds.
    pub tags_any: Vec<TagCondition>,
    /// At least one of them does not hold.
    pub not_tags: Vec<TagCondition>,
    /// None of them holds.
    pub not_tags_any: Vec<TagCondition>,
    /// Texts that the stream's name contains, upper and lower case being the same.
    pub names: Vec<Box<str>>,
}

impl TagCondition {
    fn holds(&self, tags: &[Tag]) -> bool {
        tags.iter().any(|tag| tag.key() == &*self.key && self.admits(tag.value()))
    }

    fn admits(&self, value: &str) -> bool {
        let one = |wanted: &str| match wanted.strip_prefix('*') {
            Some(part) => value.contains(part),
            None => value == wanted,
        };
        self.values.is_empty() || self.values.iter().any(|wanted| one(wanted))
    }
}

impl TagFilter {
    /// Whether a stream of this name and these tags is found (spec/10 §4.1).
    pub fn matches(&self, name: &str, tags: &[Tag]) -> bool {
        let all = |list: &[TagCondition]| list.iter().all(|condition| condition.holds(tags));
        let any = |list: &[TagCondition]| list.iter().any(|condition| condition.holds(tags));
        let name = name.to_lowercase();
        all(&self.tags)
            && (self.tags_any.is_empty() || any(&self.tags_any))
            && (self.not_tags.is_empty() || !all(&self.not_tags))
            && !any(&self.not_tags_any)
            && self.names.iter().all(|part| name.contains(&part.to_lowercase()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `k=a|b` is a condition with two values, `k` one with any.
    fn conditions(text: &str) -> Vec<TagCondition> {
        let one = |text: &str| match text.split_once('=') {
            Some((key, values)) => {
                TagCondition { key: key.into(), values: values.split('|').map(Into::into).collect() }
            }
            None => TagCondition { key: text.into(), values: Vec::new() },
        };
        text.split_whitespace().map(one).collect()
    }

    /// The streams `ab` (a=1 b=2), `a` (a=1), `b` (b=3) and `none` that a filter finds.
    fn found(filter: &TagFilter) -> String {
        let tag = |key, value| Tag::new(key, value).unwrap();
        let streams = [
            ("ab", vec![tag("a", "1"), tag("b", "2")]),
            ("a", vec![tag("a", "1")]),
            ("b", vec![tag("b", "3")]),
            ("none", vec![]),
        ];
        let found = streams.iter().filter(|(name, tags)| filter.matches(name, tags)).map(|(name, _)| *name);
        found.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn each_list_has_its_own_sense() {
        let check = |conditions_text: &str, tags: &str, any: &str, not: &str, not_any: &str| {
            let list = || conditions(conditions_text);
            let filters = [
                TagFilter { tags: list(), ..TagFilter::default() },
                TagFilter { tags_any: list(), ..TagFilter::default() },
                TagFilter { not_tags: list(), ..TagFilter::default() },
                TagFilter { not_tags_any: list(), ..TagFilter::default() },
            ];
            assert_eq!(filters.map(|filter| found(&filter)), [tags, any, not, not_any], "{conditions_text}");
        };
        check("", "ab a b none", "ab a b none", "ab a b none", "ab a b none");
        check("a b", "ab", "ab a b", "a b none", "none");
        check("a=1 b=2", "ab", "ab a", "a b none", "b none");
        check("b=2|3", "ab b", "ab b", "a none", "a none");
        check("b=*", "ab b", "ab b", "a none", "a none");
        check("b=*3", "b", "b", "ab a none", "ab a none");
        check("x", "", "", "ab a b none", "ab a b none");
        check("A", "", "", "ab a b none", "ab a b none");
    }

    #[test]
    fn names_and_lists_are_joined_by_and() {
        let check = |filter: TagFilter, expected: &str| assert_eq!(found(&filter), expected, "{filter:?}");
        let names = |names: &[&str]| names.iter().map(|&name| name.into()).collect();
        check(TagFilter { names: names(&["B"]), ..TagFilter::default() }, "ab b");
        check(TagFilter { names: names(&["a", "b"]), ..TagFilter::default() }, "ab");
        check(TagFilter { names: names(&[""]), ..TagFilter::default() }, "ab a b none");
        let both = TagFilter { tags: conditions("b"), not_tags_any: conditions("a"), ..TagFilter::default() };
        check(both, "b");
    }
}
