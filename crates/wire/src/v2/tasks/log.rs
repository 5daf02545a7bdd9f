//! `POST /v1/transfertasklog/{task_id}`: what a task has delivered (spec/09 §6.1).

use serde::{Deserialize, Serialize};

use crate::{
    Refusal,
    v2::lenient::{self, Text},
};

/// By what the entries may be sorted.
const SORT_KEYS: [&str; 7] =
    ["createTimeStr", "startTime", "endTime", "state", "records", "readRecords", "dataSize"];

/// The body of a request for the log of a task.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskLogRequest<'a> {
    /// `desc` or `asc`.
    #[serde(default, borrow)]
    order: Text<'a>,
    /// By what the entries are sorted.
    #[serde(default, borrow)]
    sort_by: Text<'a>,
    #[serde(default)]
    page_info: Option<PageInfo>,
}

/// Which entries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageInfo {
    #[serde(default, deserialize_with = "lenient::int")]
    page_index: Option<i64>,
    #[serde(default, deserialize_with = "lenient::int")]
    page_total: Option<i64>,
}

impl TaskLogRequest<'_> {
    /// Whether the request can be answered: of an empty log every page is empty, in whatever order.
    ///
    /// # Errors
    /// `DIS.4200` for another order or sort key, and for a negative number.
    pub fn check(&self) -> Result<(), Refusal> {
        if let Some(other) = self.order.get().filter(|order| !["desc", "asc"].contains(order)) {
            return Err(Refusal::invalid_expecting("order", other, "desc or asc"));
        }
        if let Some(other) = self.sort_by.get().filter(|key| !SORT_KEYS.contains(key)) {
            return Err(Refusal::invalid_expecting("sortBy", other, &SORT_KEYS.join(", ")));
        }
        let PageInfo { page_index, page_total } = self.page_info.clone().unwrap_or_default();
        for (name, number) in [("pageIndex", page_index), ("pageTotal", page_total)] {
            if let Some(negative) = number.filter(|&number| number < 0) {
                return Err(Refusal::invalid_expecting(name, negative, "0 or more"));
            }
        }
        Ok(())
    }
}

/// The log of a task that has delivered nothing.
///
/// `message` and `errorCode`, which are null in a success, are left out as all absent members are: one client
/// takes an answer with both words for an error (spec/00 §5).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EmptyTaskLogResponse {
    total_num: u32,
    transfer_task_log_list: [(); 0],
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v2::parse_body;

    #[test]
    fn requests_are_checked() {
        let check = |body: &str, expected: Result<(), &str>| {
            let checked = parse_body::<TaskLogRequest<'_>>(body.as_bytes()).unwrap().check();
            let expected = expected.map_err(|problem| format!("Invalid request. [{problem}]"));
            assert_eq!(checked.map_err(|refusal| refusal.message().to_owned()), expected, "{body}");
        };
        check("{}", Ok(()));
        check(r#"{"order":null,"sortBy":"","pageInfo":null,"other":1}"#, Ok(()));
        check(r#"{"order":"asc","sortBy":"dataSize","pageInfo":{"pageIndex":2,"pageTotal":"10"}}"#, Ok(()));
        check(r#"{"order":"up"}"#, Err("Invalid order up. Expected: desc or asc."));
        check(
            r#"{"sortBy":"size"}"#,
            Err(concat!(
                "Invalid sortBy size. Expected: createTimeStr, startTime, endTime, state, records, ",
                "readRecords, dataSize."
            )),
        );
        check(r#"{"pageInfo":{"pageIndex":-1}}"#, Err("Invalid pageIndex -1. Expected: 0 or more."));
    }

    #[test]
    fn an_empty_log() {
        let text = serde_json::to_string(&EmptyTaskLogResponse::default()).unwrap();
        assert_eq!(text, r#"{"totalNum":0,"transferTaskLogList":[]}"#);
    }
}
