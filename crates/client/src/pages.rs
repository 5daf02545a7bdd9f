//! Lists that come in pages.

use millpond_model::StreamName;
use millpond_wire::v2::{apps::AppInfo, streams::StreamInfo};

use crate::{Client, Error};

/// Where a list stands.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    /// Behind this name; at the beginning when there is none.
    Behind(Option<String>),
    /// Everything was returned.
    End,
}

impl Place {
    /// The place behind a page whose last name is `last`.
    fn advance(&mut self, last: Option<&str>, more: bool) -> Result<(), Error> {
        let moved = match (&*self, last) {
            (Self::Behind(Some(before)), Some(last)) => before.as_str() < last,
            (Self::Behind(None), Some(_)) => true,
            (_, None) | (Self::End, _) => false,
        };
        if more && !moved {
            return Err(Error::Answer { what: "the list does not end".to_owned(), request_id: None });
        }
        *self = if more { Self::Behind(last.map(str::to_owned)) } else { Self::End };
        Ok(())
    }
}

/// The streams of a project, by name.
#[derive(Debug)]
pub struct StreamPages<'a> {
    client: &'a Client,
    place: Place,
}

impl<'a> StreamPages<'a> {
    pub(crate) fn new(client: &'a Client) -> Self {
        Self { client, place: Place::Behind(None) }
    }

    /// The next page; `None` behind the last one.
    ///
    /// # Errors
    /// Those of any call.
    pub async fn next(&mut self) -> Result<Option<Vec<StreamInfo>>, Error> {
        let Place::Behind(after) = &self.place else { return Ok(None) };
        let page = self.client.stream_page(after.as_deref()).await?;
        self.place.advance(page.stream_names.last().map(String::as_str), page.has_more_streams)?;
        Ok(Some(page.stream_info_list))
    }

    /// All that is left, in one list.
    ///
    /// # Errors
    /// Those of any call.
    pub async fn all(mut self) -> Result<Vec<StreamInfo>, Error> {
        let mut all = Vec::new();
        while let Some(page) = self.next().await? {
            all.extend(page);
        }
        Ok(all)
    }
}

/// The apps of a project, by name.
#[derive(Debug)]
pub struct AppPages<'a> {
    client: &'a Client,
    stream: Option<StreamName>,
    place: Place,
}

impl<'a> AppPages<'a> {
    pub(crate) fn new(client: &'a Client, stream: Option<StreamName>) -> Self {
        Self { client, stream, place: Place::Behind(None) }
    }

    /// The next page; `None` behind the last one.
    ///
    /// # Errors
    /// Those of any call.
    pub async fn next(&mut self) -> Result<Option<Vec<AppInfo>>, Error> {
        let Place::Behind(after) = &self.place else { return Ok(None) };
        let page = self.client.app_page(self.stream.as_ref(), after.as_deref()).await?;
        self.place.advance(page.apps.last().map(|app| app.app_name.as_str()), page.has_more_app)?;
        Ok(Some(page.apps))
    }

    /// All that is left, in one list.
    ///
    /// # Errors
    /// Those of any call.
    pub async fn all(mut self) -> Result<Vec<AppInfo>, Error> {
        let mut all = Vec::new();
        while let Some(page) = self.next().await? {
            all.extend(page);
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_server::TestServer;

    fn page(names: &[&str], more: bool) -> (u16, String) {
        let infos: Vec<String> = names.iter().map(|name| format!(r#"{{"stream_name":"{name}"}}"#)).collect();
        let body = format!(
            r#"{{"total_number":3,"stream_names":{names:?},"has_more_streams":{more},"stream_info_list":[{}]}}"#,
            infos.join(",")
        );
        (200, body)
    }

    #[tokio::test]
    async fn streams_come_in_pages() {
        let server = TestServer::start([page(&["a", "b"], true), page(&["c"], false)]).await;
        let client = Client::builder(server.endpoint(), "p".parse().unwrap()).build().unwrap();
        let all = client.list_streams().all().await.unwrap();
        let names: Vec<&str> = all.iter().map(|stream| stream.stream_name.as_str()).collect();
        assert_eq!(names, ["a", "b", "c"]);
        let seen = server.requests().await;
        assert_eq!(seen[1].target(), "/v2/p/streams?limit=100&start_stream_name=b");
    }

    #[tokio::test]
    async fn apps_come_in_pages_and_can_be_filtered() {
        let page = r#"{"has_more_app":false,"total_number":1,"apps":[{"app_name":"x"}]}"#;
        let server = TestServer::start([(200, page)]).await;
        let client = Client::builder(server.endpoint(), "p".parse().unwrap()).build().unwrap();
        let apps = client.list_apps(Some("s".parse().unwrap())).all().await.unwrap();
        assert_eq!(apps[0].app_name, "x");
        assert_eq!(server.requests().await[0].target(), "/v2/p/apps?limit=100&stream_name=s");
    }

    #[tokio::test]
    async fn a_list_that_does_not_move_on_ends_with_an_error() {
        for second in [page(&["a"], true), page(&[], true)] {
            let server = TestServer::start([page(&["a"], true), second]).await;
            let client = Client::builder(server.endpoint(), "p".parse().unwrap()).build().unwrap();
            assert!(matches!(client.list_streams().all().await, Err(Error::Answer { .. })));
        }
    }
}
