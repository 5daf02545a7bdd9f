//! Tags of a stream (spec/10). They describe it and do not count as a change of it.

use millpond_model::Tag;

use crate::{Rejected, Stream};

impl Stream {
    /// Adds tags, in place of those with the same keys: all of them, or none. What is there already stays
    /// and may be given other values, also above the quota.
    pub(crate) fn put_tags(&mut self, new: Vec<Tag>, quota: u32) -> Result<(), Rejected> {
        let mut tags = self.spec.tags.clone();
        for tag in new {
            match tags.iter_mut().find(|old| old.key() == tag.key()) {
                Some(old) => *old = tag,
                None => tags.push(tag),
            }
        }
        if tags.len() > self.spec.tags.len() && tags.len() > quota as usize {
            return Err(Rejected::TooManyTags);
        }
        self.spec.tags = tags;
        Ok(())
    }

    /// Deletes the tags of these keys; returns how many there were.
    pub(crate) fn delete_tags(&mut self, keys: &[Box<str>]) -> u32 {
        let before = self.spec.tags.len();
        self.spec.tags.retain(|tag| !keys.iter().any(|key| **key == *tag.key()));
        u32::try_from(before - self.spec.tags.len()).unwrap_or(u32::MAX)
    }
}
