//! Bodies and parameters of the v2 API and their conversions (spec/02 to spec/06).
//!
//! Requests are read the way real clients write them: `null` and `""` count as absent, unknown
//! members are ignored, integers may come as strings. Answers keep the member order and the
//! number-or-string types of the contract. The record calls have a binary form too: [`proto`]. Both directions go both ways, because the client of this
//! workspace uses the same shapes.

pub mod apps;
mod body;
pub mod checkpoints;
pub mod cursors;
pub mod error;
pub mod groups;
mod lenient;
pub mod metrics;
pub mod policies;
pub mod proto;
pub mod quotas;
pub mod records;
pub mod schema;
pub mod streams;
pub mod tags;
pub mod tasks;

pub use body::parse_body;
pub use lenient::Text;

use millpond_model::{AppSelector, CheckpointType, PartitionId, StreamSelector};

use crate::{Code, Query, Refusal};

/// The stream of a request by name and id, of which one is enough. `name` is what the absent member
/// is called in the refusal.
fn stream_selector(member: &str, name: Option<&str>, id: Option<&str>) -> Result<StreamSelector, Refusal> {
    StreamSelector::new(name, id).ok_or_else(|| Refusal::missing(member))
}

/// The stream that a query names, in either spelling.
fn stream_of(query: &Query) -> Result<StreamSelector, Refusal> {
    let name = query.get_any(&["stream_name", "stream-name"]);
    stream_selector("stream_name", name, query.get_any(&["stream_id", "stream-id"]))
}

/// The app that a query names.
fn app_of(query: &Query) -> Result<AppSelector, Refusal> {
    app_selector(query.get_any(&["app_name", "app_id"]))
}

fn app_selector(text: Option<&str>) -> Result<AppSelector, Refusal> {
    let text = text.ok_or_else(|| Refusal::missing("app_name"))?;
    let len_max = millpond_model::limits::APP_NAME_LEN_MAX;
    if text.chars().nth(len_max).is_some() {
        let expected = format!("1 to {len_max} characters");
        return Err(Refusal::invalid_expecting("app_name", text, &expected));
    }
    AppSelector::new(text).ok_or_else(|| Refusal::missing("app_name"))
}

/// `DIS.4201` for text that is not a partition id; absent text is shown as `null`.
fn partition_id(text: Option<&str>) -> Result<PartitionId, Refusal> {
    let text = text.unwrap_or("null");
    text.parse().map_err(|_| Code::InvalidPartitionId.about(text))
}

/// The partition that a query names, in either spelling; `None` when it names none.
fn partition_of(query: &Query) -> Result<Option<PartitionId>, Refusal> {
    let text = query.get_any(&["partition_id", "partition-id"]);
    text.map(|text| partition_id(Some(text))).transpose()
}

/// `LAST_READ`, also when absent; other text is refused with the text of spec/06 §7.
fn checkpoint_type(text: Option<&str>) -> Result<CheckpointType, Refusal> {
    let Some(text) = text else { return Ok(CheckpointType::default()) };
    text.parse().map_err(|_| Refusal::invalid("checkpoint_type", text))
}
