//! Checkpoints (spec/06).

use millpond_service::{CheckpointQuery, CommitCheckpoint, DeleteCheckpoints, Error, GroupMember};
use millpond_wire::v2::checkpoints as wire;

use crate::{answer::Answer, call::Call, error::ApiError};

/// `POST /checkpoints`: 201 without a body.
pub(crate) async fn commit(call: Call) -> Result<Answer, ApiError> {
    let committed = try_commit(&call).await;
    call.shared.metrics.committed(committed.is_ok());
    committed.map(|()| Answer::created())
}

/// What partition and number are must wait until stream and app are found, so their refusals do too.
async fn try_commit(call: &Call) -> Result<(), ApiError> {
    let commit = call.json::<wire::CommitCheckpointRequest>()?.into_commit(call.limits().metadata_chars)?;
    let (partition, sequence_number) = (commit.partition(), commit.sequence_number());
    let member = commit
        .membership
        .map(|member| GroupMember { client_id: member.client_id.into(), generation: member.generation_id });
    let request = CommitCheckpoint {
        stream: commit.stream,
        app: commit.app,
        partition: partition.as_ref().ok().copied(),
        sequence_number: sequence_number.as_ref().ok().copied(),
        metadata: commit.metadata,
        kind: commit.checkpoint_type,
        member,
    };
    let committed = call.service().commit_checkpoint(call.project(), request, &call.caller.actor).await;
    match (committed, partition, sequence_number) {
        (Err(Error::InvalidPartitionId), Err(refusal), _)
        | (Err(Error::InvalidSequenceNumber), _, Err(refusal)) => Err(refusal.into()),
        (committed, ..) => Ok(committed?),
    }
}

/// `GET /checkpoints`: 200 with `-1` when there is none.
pub(crate) async fn get(call: Call) -> Result<Answer, ApiError> {
    let wire::CheckpointQuery { stream, app, partition, checkpoint_type: kind } =
        wire::CheckpointQuery::parse(&call.query)?;
    let query = CheckpointQuery { stream, app, partition, kind };
    let stored = call.service().get_checkpoint(call.project(), &query).await?;
    let stored = stored.as_ref().map(|stored| (stored.sequence_number, &stored.metadata));
    Ok(Answer::json(&wire::CheckpointResponse::new(stored)))
}

/// `DELETE /checkpoints`: 204, also when there was none.
pub(crate) async fn delete(call: Call) -> Result<Answer, ApiError> {
    let wire::DeleteCheckpointQuery { stream, app, partition, checkpoint_type: kind } =
        wire::DeleteCheckpointQuery::parse(&call.query)?;
    let request = DeleteCheckpoints { stream, app, partition, kind };
    call.service().delete_checkpoints(call.project(), &request).await?;
    Ok(Answer::no_content())
}
