//! Streams as they are listed and described (spec/02 §2, §3).

use futures::future::try_join_all;
use millpond_engine::ReadError;
use millpond_model::{
    Bounds, HashRange, PartitionId, PartitionRef, PartitionStatus, PolicyAction, ProjectId, StreamId,
    StreamSelector, StreamSpec, Timestamp,
};
use millpond_state::{Partition, ScalingChange, State, Stream};

use crate::{Error, PartitionPage, Service, page::cut, resolve};

/// A stream in short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamSummary {
    /// Its id.
    pub id: StreamId,
    /// Its attributes. `spec.partitions` is the number it was created with, not the present one.
    pub spec: StreamSpec,
    /// When it was created.
    pub created: Timestamp,
    /// When it was last changed.
    pub modified: Timestamp,
    /// How many partitions are ACTIVE.
    pub active: u32,
    /// How many partitions are ACTIVE or DELETED.
    pub readable: u32,
}

/// A page of the streams of a project, in the byte order of their names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamList {
    /// The page.
    pub streams: Vec<StreamSummary>,
    /// How many streams the project has in all.
    pub total: u32,
    /// Whether there are more behind the page.
    pub has_more: bool,
}

/// A stream in full, with a page of its partitions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamDescription {
    /// The stream.
    pub summary: StreamSummary,
    /// The page, in index order; partitions of every status.
    pub partitions: Vec<PartitionDescription>,
    /// Whether there are more behind the page.
    pub has_more: bool,
    /// The last changes of the partition count, oldest first.
    pub scaling: Vec<ScalingChange>,
}

/// A partition as it is described.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionDescription {
    /// Its index.
    pub id: PartitionId,
    /// Its status.
    pub status: PartitionStatus,
    /// Its share of the key space; the last one it had, once it is closed.
    pub range: HashRange,
    /// What can be read; `None` when it is EXPIRED.
    pub bounds: Option<Bounds>,
}

impl From<&Stream> for StreamSummary {
    fn from(stream: &Stream) -> Self {
        Self {
            id: stream.id,
            spec: stream.spec.clone(),
            created: stream.created,
            modified: stream.modified,
            active: stream.active_count(),
            readable: stream.readable_count(),
        }
    }
}

impl Service {
    /// The streams of the project behind `after`, which need not exist, at most `limit` (spec/02 §2).
    ///
    /// # Errors
    /// `Overloaded`, `Storage`.
    pub async fn list_streams(
        &self,
        project: &ProjectId,
        after: Option<&str>,
        limit: u32,
    ) -> Result<StreamList, Error> {
        self.look_fresh(|state| {
            let total = u32::try_from(state.stream_count(project)).unwrap_or(u32::MAX);
            let (streams, has_more) = cut(state.streams_of(project, after), limit);
            let streams = streams.into_iter().map(StreamSummary::from).collect();
            Ok(StreamList { streams, total, has_more })
        })
        .await
    }

    /// A stream with a page of its partitions (spec/02 §3).
    ///
    /// # Errors
    /// `StreamNotFound`, `AccessDenied`, `Overloaded`, `Storage`.
    pub async fn describe_stream(
        &self,
        project: &ProjectId,
        selector: &StreamSelector,
        page: PartitionPage,
    ) -> Result<StreamDescription, Error> {
        let look = |state: &State| {
            let stream = resolve::stream_for(state, project, selector, PolicyAction::GetStreamInfo)?;
            let scaling = stream.scaling_history().copied().collect();
            Ok((StreamSummary::from(stream), page.of(stream.partitions().iter()), scaling))
        };
        let (summary, (partitions, has_more), scaling) = self.look_fresh(look).await?;
        let bounds = self.bounds_of(summary.id, &partitions, selector).await?;
        let partitions = partitions.into_iter().zip(bounds);
        let partitions = partitions
            .map(|(Partition { id, status, range, .. }, bounds)| {
                let bounds = bounds.filter(|_| status.is_readable());
                PartitionDescription { id, status, range, bounds }
            })
            .collect();
        Ok(StreamDescription { summary, partitions, has_more, scaling })
    }

    /// The bounds of these partitions, asked all at once; `None` for an EXPIRED one.
    pub(crate) async fn bounds_of(
        &self,
        stream: StreamId,
        partitions: &[Partition],
        named: &StreamSelector,
    ) -> Result<Vec<Option<Bounds>>, Error> {
        let bounds = partitions.iter().map(|partition| {
            let of = PartitionRef { stream, partition: partition.id };
            let readable = partition.status.is_readable();
            async move { if readable { self.engine.records.bounds(of).await.map(Some) } else { Ok(None) } }
        });
        try_join_all(bounds).await.map_err(|error| match error {
            ReadError::UnknownPartition(_) => self.log_missing(stream, named),
            error => error.into(),
        })
    }
}
