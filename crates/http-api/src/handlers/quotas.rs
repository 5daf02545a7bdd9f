//! Quotas (spec/13 §6).

use millpond_service::{Quota, Quotas};
use millpond_wire::v2::quotas::{QuotaEntry, QuotasResponse};

use crate::{answer::Answer, call::Call, error::ApiError};

/// `GET /v1/{project_id}/quotas`.
pub(crate) async fn list(call: Call) -> Result<Answer, ApiError> {
    let Quotas { common_partitions, advanced_partitions, apps } =
        call.service().quotas(call.project()).await?;
    let entry = |kind: &str, Quota { quota, used }: Quota| QuotaEntry::new(kind, quota, used);
    Ok(Answer::json(&QuotasResponse::new(vec![
        entry("common_partition", common_partitions),
        entry("advanced_partition", advanced_partitions),
        entry("app", apps),
    ])))
}
