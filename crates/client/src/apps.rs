//! Consumer apps (spec/05).

use http::Method;
use millpond_model::{AppName, PartitionId, StreamName};
use millpond_wire::v2::apps::{AppInfo, ConsumingStateResponse, CreateAppRequest, ListAppsResponse};

use crate::{AppPages, Client, Error, transport::Call};

/// Most apps of a page (spec/00 §9).
const APPS_PER_PAGE: &str = "100";

/// Most partitions of a page (spec/05 §5).
const STATES_PER_PAGE: &str = "1000";

impl Client {
    /// Creates an app.
    ///
    /// # Errors
    /// `Conflict` when the name is taken; `Request` for the quota.
    pub async fn create_app(&self, app: &AppName) -> Result<(), Error> {
        let request = CreateAppRequest { app_name: Some(app.to_string()) };
        self.empty(Call::new(Method::POST, "/apps").body(&request).once()).await
    }

    /// All apps of the project, page by page, by name; with a stream only those that have a checkpoint
    /// in it.
    pub fn list_apps(&self, stream: Option<StreamName>) -> AppPages<'_> {
        AppPages::new(self, stream)
    }

    /// The page of apps behind `after`.
    pub(crate) async fn app_page(
        &self,
        stream: Option<&StreamName>,
        after: Option<&str>,
    ) -> Result<ListAppsResponse, Error> {
        let stream = stream.map(StreamName::as_str);
        let query = [("limit", Some(APPS_PER_PAGE)), ("start_app_name", after), ("stream_name", stream)];
        self.json(Call::new(Method::GET, "/apps").query(query)).await
    }

    /// An app. `app` is its name or id.
    ///
    /// # Errors
    /// `NotFound` when there is no such app.
    pub async fn describe_app(&self, app: &AppName) -> Result<AppInfo, Error> {
        self.json(Call::new(Method::GET, format!("/apps/{app}"))).await
    }

    /// Deletes an app with its checkpoints.
    ///
    /// # Errors
    /// `NotFound` when there is no such app; `Conflict` while its group has members.
    pub async fn delete_app(&self, app: &AppName) -> Result<(), Error> {
        self.empty(Call::new(Method::DELETE, format!("/apps/{app}")).once()).await
    }

    /// How far an app is in every readable partition of a stream.
    ///
    /// # Errors
    /// `NotFound` when there is no such app or stream.
    pub async fn consuming_state(
        &self,
        app: &AppName,
        stream: &StreamName,
    ) -> Result<ConsumingStateResponse, Error> {
        let mut state = self.state_page(app, stream, None).await?;
        while state.has_more {
            let last = last(&state);
            let next = self.state_page(app, stream, last).await?;
            let first =
                next.partition_consuming_states.first().and_then(|state| state.partition_id.parse().ok());
            if first <= last {
                let what = "the list of partitions does not end".to_owned();
                return Err(Error::Answer { what, request_id: None });
            }
            state.has_more = next.has_more;
            state.partition_consuming_states.extend(next.partition_consuming_states);
        }
        Ok(state)
    }

    async fn state_page(
        &self,
        app: &AppName,
        stream: &StreamName,
        after: Option<PartitionId>,
    ) -> Result<ConsumingStateResponse, Error> {
        // The long form: a bare 0 means "from the start" (spec/05 §5).
        let after = after.map(|partition| partition.to_string());
        let query = [
            ("checkpoint_type", Some("LAST_READ")),
            ("limit", Some(STATES_PER_PAGE)),
            ("start_partition_id", after.as_deref()),
        ];
        self.json(Call::new(Method::GET, format!("/apps/{app}/streams/{stream}")).query(query)).await
    }
}

fn last(state: &ConsumingStateResponse) -> Option<PartitionId> {
    state.partition_consuming_states.last()?.partition_id.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_server::TestServer;

    #[tokio::test]
    async fn requests_have_the_documented_form() {
        let page = |partition: u32, more: bool| {
            format!(
                r#"{{"has_more":{more},"stream_name":"s","app_name":"a","partition_consuming_states":[{{"partition_id":"{partition}"}}]}}"#
            )
        };
        let answers = [
            (201, String::new()),
            (200, r#"{"app_id":"i","app_name":"a","create_time":1}"#.to_owned()),
            (200, page(0, true)),
            (200, page(1, false)),
            (204, String::new()),
        ];
        let server = TestServer::start(answers).await;
        let client = Client::builder(server.endpoint(), "p".parse().unwrap()).build().unwrap();
        let (app, stream): (AppName, StreamName) = ("a".parse().unwrap(), "s".parse().unwrap());
        client.create_app(&app).await.unwrap();
        assert_eq!(client.describe_app(&app).await.unwrap().app_id, "i");
        let state = client.consuming_state(&app, &stream).await.unwrap();
        assert_eq!(state.partition_consuming_states.len(), 2);
        client.delete_app(&app).await.unwrap();
        let lines: Vec<String> = server.requests().await.into_iter().map(|seen| seen.line).collect();
        let expected = [
            "POST /v2/p/apps HTTP/1.1",
            "GET /v2/p/apps/a HTTP/1.1",
            "GET /v2/p/apps/a/streams/s?checkpoint_type=LAST_READ&limit=1000 HTTP/1.1",
            "GET /v2/p/apps/a/streams/s?checkpoint_type=LAST_READ&limit=1000&start_partition_id=shardId-0000000000 HTTP/1.1",
            "DELETE /v2/p/apps/a HTTP/1.1",
        ];
        assert_eq!(lines, expected);
    }
}
