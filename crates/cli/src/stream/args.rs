//! The command line of `millpond stream`.

use millpond_model::{DataType, PartitionCount, RetentionHours, StreamName, StreamType, limits};
use millpond_wire::v2::streams::{CreateStreamRequest, TagEntry, UpdateStreamRequest};

use crate::{failure::Failure, global::GlobalArgs};

/// `millpond stream`.
#[derive(Debug, clap::Args)]
pub struct StreamArgs {
    #[command(subcommand)]
    pub(crate) command: StreamCommand,
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
}

/// The verbs of `millpond stream`.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum StreamCommand {
    /// Create a stream; it can be used at once.
    Create(CreateArgs),
    /// List all streams of the project.
    #[command(visible_alias = "ls")]
    List,
    /// Show a stream with all its partitions.
    #[command(visible_alias = "get")]
    Describe {
        /// Its name or id.
        stream: StreamName,
    },
    /// Change the number of partitions that take records.
    Scale {
        /// Its name or id.
        stream: StreamName,
        /// The number from now on.
        #[arg(value_parser = partition_count)]
        partitions: PartitionCount,
    },
    /// Change attributes; those not given stay.
    Update(UpdateArgs),
    /// Delete a stream with its records and checkpoints.
    #[command(visible_alias = "rm")]
    Delete {
        /// Its name or id.
        stream: StreamName,
    },
}

/// `millpond stream create`.
#[derive(Debug, clap::Args)]
pub(crate) struct CreateArgs {
    /// Its name: 1 to 64 of A-Z a-z 0-9 _ -.
    pub(super) stream: StreamName,
    /// How many partitions it starts with.
    #[arg(short = 'P', long, value_name = "COUNT", default_value = "1", value_parser = partition_count)]
    partitions: PartitionCount,
    /// COMMON or ADVANCED.
    #[arg(long = "type", value_name = "TYPE", value_parser = word::<StreamType>)]
    stream_type: Option<StreamType>,
    /// BLOB, JSON or CSV: a note for readers, the server does not look.
    #[arg(long, value_name = "TYPE", value_parser = word::<DataType>)]
    data_type: Option<DataType>,
    /// How long records are kept, as 48h or 3d [default: 24h].
    #[arg(long, value_name = "TIME", value_parser = retention)]
    retention: Option<RetentionHours>,
    /// A tag; may be repeated.
    #[arg(long = "tag", value_name = "KEY=VALUE", value_parser = tag)]
    tags: Vec<TagEntry>,
    /// No failure when it exists already; it stays as it is.
    #[arg(long)]
    pub(super) if_not_exists: bool,
    #[command(flatten)]
    auto_scale: AutoScaleArgs,
}

/// `millpond stream update`.
#[derive(Debug, clap::Args)]
pub(crate) struct UpdateArgs {
    /// Its name or id.
    pub(super) stream: StreamName,
    /// How long records are kept, as 48h or 3d.
    #[arg(long, value_name = "TIME", value_parser = retention)]
    retention: Option<RetentionHours>,
    /// BLOB, JSON or CSV.
    #[arg(long, value_name = "TYPE", value_parser = word::<DataType>)]
    data_type: Option<DataType>,
    /// Avro schema text.
    #[arg(long, value_name = "TEXT")]
    data_schema: Option<String>,
    #[command(flatten)]
    auto_scale: AutoScaleArgs,
}

/// Automatic scaling.
#[derive(Debug, clap::Args)]
struct AutoScaleArgs {
    /// Scale by itself: true or false.
    #[arg(long = "auto-scale", value_name = "BOOL")]
    enabled: Option<bool>,
    /// Fewest partitions of automatic scaling.
    #[arg(long = "auto-scale-min", value_name = "COUNT")]
    min: Option<u32>,
    /// Most partitions of automatic scaling.
    #[arg(long = "auto-scale-max", value_name = "COUNT")]
    max: Option<u32>,
}

fn partition_count(text: &str) -> Result<PartitionCount, String> {
    let count = text.parse().ok().and_then(|count| PartitionCount::new(count).ok());
    count.ok_or_else(|| format!("a number from 1 to {} is expected", limits::STREAM_PARTITIONS_MAX))
}

fn retention(text: &str) -> Result<RetentionHours, String> {
    let hours = match (text.strip_suffix('h'), text.strip_suffix('d')) {
        (Some(hours), _) => hours.parse().ok(),
        (None, Some(days)) => days.parse().ok().and_then(|days: u32| days.checked_mul(24)),
        (None, None) => text.parse().ok(),
    };
    let hours = hours.and_then(|hours| RetentionHours::new(hours).ok());
    hours.ok_or_else(|| {
        format!(
            "1h to {}h, or 1d to {}d, is expected",
            limits::RETENTION_HOURS_CEILING,
            limits::RETENTION_HOURS_CEILING / 24
        )
    })
}

/// A word of the API, in any case.
fn word<T: std::str::FromStr<Err = millpond_model::InvalidAttribute>>(text: &str) -> Result<T, T::Err> {
    text.to_ascii_uppercase().parse()
}

fn tag(text: &str) -> Result<TagEntry, String> {
    let (key, value) = text.split_once('=').unwrap_or((text, ""));
    let tag = TagEntry { key: key.to_owned(), value: value.to_owned() };
    tag.to_tag().map(|_| tag).map_err(|refusal| refusal.message().to_owned())
}

impl CreateArgs {
    /// The body of the request.
    pub(super) fn request(&self) -> CreateStreamRequest {
        CreateStreamRequest {
            stream_name: Some(self.stream.to_string()),
            partition_count: Some(self.partitions.get().into()),
            stream_type: self.stream_type.map(|kind| kind.as_str().to_owned()),
            data_type: self.data_type.map(|kind| kind.as_str().to_owned()),
            data_duration: self.retention.map(|retention| retention.get().into()),
            auto_scale_enabled: self.auto_scale.enabled,
            auto_scale_min_partition_count: self.auto_scale.min.map(Into::into),
            auto_scale_max_partition_count: self.auto_scale.max.map(Into::into),
            tags: self.tags.clone(),
            ..CreateStreamRequest::default()
        }
    }
}

impl UpdateArgs {
    /// The body of the request.
    ///
    /// # Errors
    /// Usage: nothing to update.
    pub(super) fn request(&self) -> Result<UpdateStreamRequest, Failure> {
        let request = UpdateStreamRequest {
            data_duration: self.retention.map(|retention| retention.get().into()),
            data_type: self.data_type.map(|kind| kind.as_str().to_owned()),
            data_schema: self.data_schema.clone(),
            auto_scale_enabled: self.auto_scale.enabled,
            auto_scale_min_partition_count: self.auto_scale.min.map(Into::into),
            auto_scale_max_partition_count: self.auto_scale.max.map(Into::into),
            ..UpdateStreamRequest::default()
        };
        if request == UpdateStreamRequest::default() {
            return Err(Failure::usage("nothing to update is given")
                .hint("`millpond stream update --help` lists the attributes"));
        }
        Ok(UpdateStreamRequest { stream_name: Some(self.stream.to_string()), ..request })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retention_is_hours_or_days() {
        let check = |text: &str, hours: Option<u32>| {
            assert_eq!(retention(text).ok().map(RetentionHours::get), hours, "{text}");
        };
        check("24", Some(24));
        check("48h", Some(48));
        check("7d", Some(168));
        check("365d", Some(8760));
        check("366d", None);
        check("0h", None);
        check("99999999999d", None);
        check("x", None);
    }

    #[test]
    fn words_and_tags() {
        assert_eq!(word::<StreamType>("common"), Ok(StreamType::Common));
        assert!(word::<DataType>("xml").is_err());
        assert_eq!(tag("team=web").unwrap(), TagEntry { key: "team".into(), value: "web".into() });
        assert_eq!(tag("team").unwrap().value, "");
        assert!(tag("=x").is_err() && tag("a=b=c").is_err());
    }
}
