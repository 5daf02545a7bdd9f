//! `GET /v1/{project_id}/quotas` (spec/13 §6).

use serde::{Deserialize, Serialize};

/// Answer of the quota query. Example and table of the documentation call the list differently, so it
/// stands under both names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotasResponse {
    /// The lists.
    pub quotas: QuotaLists,
}

/// One list under two names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotaLists {
    /// The quotas.
    pub resources: Vec<QuotaEntry>,
    /// The same.
    pub resource: Vec<QuotaEntry>,
}

/// A quota.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotaEntry {
    /// `common_partition`, `advanced_partition` or `app`.
    #[serde(rename = "type")]
    pub kind: String,
    /// How many there may be; −1 is any number.
    pub quota: i64,
    /// How many there are.
    pub used: u64,
}

impl QuotasResponse {
    /// The answer with these quotas.
    pub fn new(entries: Vec<QuotaEntry>) -> Self {
        Self { quotas: QuotaLists { resources: entries.clone(), resource: entries } }
    }
}

impl QuotaEntry {
    /// One quota; `None` is unlimited.
    pub fn new(kind: &str, quota: Option<u32>, used: u64) -> Self {
        Self { kind: kind.to_owned(), quota: quota.map_or(-1, i64::from), used }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_names_have_the_same_list() {
        let entries = vec![QuotaEntry::new("common_partition", Some(50), 3), QuotaEntry::new("app", None, 7)];
        let json = serde_json::to_string(&QuotasResponse::new(entries)).unwrap();
        let list = r#"[{"type":"common_partition","quota":50,"used":3},{"type":"app","quota":-1,"used":7}]"#;
        assert_eq!(json, format!(r#"{{"quotas":{{"resources":{list},"resource":{list}}}}}"#));
    }
}
