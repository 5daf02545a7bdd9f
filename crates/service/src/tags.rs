//! Tags of streams (spec/10).

use std::collections::{BTreeMap, BTreeSet};

use millpond_model::{ProjectId, StreamId, StreamName, Tag, TagFilter, Timestamp, limits};
use millpond_state::{Command, Done, Rejected, Stream};

use crate::{Error, Service, resolve};

/// A stream that a search by tags found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaggedStream {
    /// Its id.
    pub id: StreamId,
    /// Its name.
    pub name: StreamName,
    /// Its tags.
    pub tags: Vec<Tag>,
    created: Timestamp,
}

/// A page of the streams that a search found, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaggedStreams {
    /// The page.
    pub streams: Vec<TaggedStream>,
    /// How many streams were found in all.
    pub total: usize,
}

/// The keys in use in a project, each with its values, in byte order.
pub type ProjectTags = BTreeMap<Box<str>, BTreeSet<Box<str>>>;

impl Service {
    /// The tags of a stream, named by its id or else by its name.
    ///
    /// # Errors
    /// `TaggedStreamNotFound`, `Overloaded`, `Storage`.
    pub async fn stream_tags(&self, project: &ProjectId, stream: &str) -> Result<Vec<Tag>, Error> {
        self.look_fresh(|state| Ok(resolve::tagged_stream(state, project, stream)?.spec.tags.clone())).await
    }

    /// Adds tags, in place of those with the same keys: all of them, or none (spec/10 §3).
    ///
    /// # Errors
    /// `TaggedStreamNotFound`, `TooManyTags`, `TooLarge`, `Overloaded`, `Storage`.
    pub async fn put_tags(&self, project: &ProjectId, stream: &str, tags: Vec<Tag>) -> Result<(), Error> {
        let id = self.tagged(project, stream).await?;
        if tags.is_empty() {
            return Ok(());
        }
        let tag_quota = self.settings.limits.stream_tags;
        self.change_tags(Command::PutTags { id, tags, tag_quota }).await.map(drop)
    }

    /// Deletes one tag.
    ///
    /// # Errors
    /// `TaggedStreamNotFound`, `TagNotFound`, `Overloaded`, `Storage`.
    pub async fn delete_tag(&self, project: &ProjectId, stream: &str, key: &str) -> Result<(), Error> {
        let deleted = self.delete_tags(project, stream, vec![key.into()]).await?;
        if deleted == 0 { Err(Error::TagNotFound) } else { Ok(()) }
    }

    /// Deletes tags by their keys; returns how many there were. Deleting none is no error.
    ///
    /// # Errors
    /// `TaggedStreamNotFound`, `TooLarge`, `Overloaded`, `Storage`.
    pub async fn delete_tags(
        &self,
        project: &ProjectId,
        stream: &str,
        mut keys: Vec<Box<str>>,
    ) -> Result<u32, Error> {
        let id = self.tagged(project, stream).await?;
        // No tag has a longer key, and no command has room for just any text.
        keys.retain(|key| key.chars().nth(limits::TAG_KEY_CHARS_MAX).is_none());
        if keys.is_empty() {
            return Ok(0);
        }
        match self.change_tags(Command::DeleteTags { id, keys }).await? {
            Done::Count(deleted) => Ok(deleted),
            outcome => Err(Error::contradiction(format!("unexpected outcome: {outcome:?}"))),
        }
    }

    /// All tags of all streams of the project.
    ///
    /// # Errors
    /// `Overloaded`, `Storage`.
    pub async fn project_tags(&self, project: &ProjectId) -> Result<ProjectTags, Error> {
        self.look_fresh(|state| {
            let mut tags = ProjectTags::new();
            for tag in state.streams_of(project, None).flat_map(|stream| &stream.spec.tags) {
                tags.entry(tag.key().into()).or_default().insert(tag.value().into());
            }
            Ok(tags)
        })
        .await
    }

    /// The streams of the project that the filter admits, in the order in which they were created, at
    /// most `limit` of them behind the first `offset` (spec/10 §4).
    ///
    /// # Errors
    /// `Overloaded`, `Storage`.
    pub async fn find_by_tags(
        &self,
        project: &ProjectId,
        filter: &TagFilter,
        offset: usize,
        limit: usize,
    ) -> Result<TaggedStreams, Error> {
        let admitted = |stream: &&Stream| filter.matches(stream.spec.name.as_str(), &stream.spec.tags);
        let mut found: Vec<TaggedStream> = self
            .look_fresh(|state| {
                let admitted = state.streams_of(project, None).filter(admitted);
                Ok(admitted.map(TaggedStream::from).collect())
            })
            .await?;
        found.sort_unstable_by_key(|stream| (stream.created, stream.id));
        let total = found.len();
        Ok(TaggedStreams { streams: found.into_iter().skip(offset).take(limit).collect(), total })
    }

    async fn tagged(&self, project: &ProjectId, stream: &str) -> Result<StreamId, Error> {
        self.look_fresh(|state| Ok(resolve::tagged_stream(state, project, stream)?.id)).await
    }

    async fn change_tags(&self, command: Command) -> Result<Done, Error> {
        match self.propose(command).await? {
            Ok(done) => Ok(done),
            Err(Rejected::StreamNotFound) => Err(Error::TaggedStreamNotFound),
            Err(rejected) => Err(Error::rejected(&rejected, &"", &"")),
        }
    }
}

impl From<&Stream> for TaggedStream {
    fn from(stream: &Stream) -> Self {
        let (name, tags) = (stream.spec.name.clone(), stream.spec.tags.clone());
        Self { id: stream.id, name, tags, created: stream.created }
    }
}
