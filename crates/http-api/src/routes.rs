//! Every route of the service, in one table (spec/00 §3).
//!
//! A path that begins with `/v2` is served under `/v3` too, unless a row of its own says otherwise; a
//! literal `streams` is served as `stream` too (spec/09 §1). Earlier rows win, so that literals stand
//! before parameters.

use std::{fmt, future::Future, pin::Pin};

use http::Method;
use millpond_wire::Refusal;

use crate::{
    answer::Answer,
    api::Shared,
    call::Call,
    error::ApiError,
    handlers::{
        apps, checkpoints, cursors, discovery, files, groups, metrics, policies, projects, quotas, records,
        schema, streams, tags, tasks, tokens,
    },
    health,
    identity::IdentityCall,
    openapi,
};

/// One row of the table.
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path; a segment in braces is a parameter.
    pub path: &'static str,
    /// What metrics, logs and tests call it.
    pub operation: &'static str,
    pub(crate) endpoint: Endpoint,
}

impl Route {
    /// Whether anybody may call it, without credentials.
    pub fn is_open(&self) -> bool {
        matches!(self.endpoint, Endpoint::Open(_) | Endpoint::Login(_))
    }

    /// Whether only an authenticated caller is answered.
    pub(crate) fn is_api(&self) -> bool {
        matches!(self.endpoint, Endpoint::Api(_) | Endpoint::Identity(_))
    }

    /// Whether credentials can be guessed here: a login takes them in its body.
    pub(crate) fn takes_credentials(&self) -> bool {
        !matches!(self.endpoint, Endpoint::Open(_))
    }

    /// Whether it is a route of the identity API, which exists where users do.
    pub fn is_identity(&self) -> bool {
        matches!(self.endpoint, Endpoint::Login(_) | Endpoint::Identity(_))
    }
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({})", self.method, self.path, self.operation)
    }
}

/// What a handler of the API returns.
pub(crate) type Answering = Pin<Box<dyn Future<Output = Result<Answer, ApiError>> + Send>>;

/// Who answers a route of the identity API.
pub(crate) type IdentityHandler = fn(&IdentityCall<'_>) -> Result<Answer, Refusal>;

/// Who answers a route.
pub(crate) enum Endpoint {
    /// For an authenticated caller.
    Api(fn(Call) -> Answering),
    /// For anybody; reads no body.
    Open(fn(&Shared, Option<&str>) -> Answer),
    /// Of the identity API, for anybody.
    Login(IdentityHandler),
    /// Of the identity API, for a caller that the handler finds out.
    Identity(IdentityHandler),
}

macro_rules! routes {
    ($($kind:ident $method:ident $path:literal $operation:literal $handler:path;)+) => {
        /// Every route of the service.
        pub static ROUTES: &[Route] = &[$(Route {
            method: Method::$method,
            path: $path,
            operation: $operation,
            endpoint: routes!(@$kind $handler),
        }),+];
    };
    (@api $handler:path) => { Endpoint::Api(|call| Box::pin($handler(call))) };
    (@open $handler:path) => { Endpoint::Open($handler) };
    (@login $handler:path) => { Endpoint::Login($handler) };
    (@identity $handler:path) => { Endpoint::Identity($handler) };
}

#[rustfmt::skip]
routes! {
    // Streams (spec/02). `GET /streams` with a `stream_id` describes that stream.
    api POST   "/v2/{project_id}/streams"                 "create_stream"          streams::create;
    api GET    "/v2/{project_id}/streams"                 "list_streams"           streams::list;
    // Tags (spec/10). Singular only; before the row of a single stream, which `stream/tags` would be. What
    // else than a stream has no tags is refused by the handlers.
    api GET    "/v2/{project_id}/stream/tags"             "list_project_tags"      tags::list_all;
    api POST   "/v2/{project_id}/stream/resource_instances/action" "find_streams_by_tag" tags::find;
    api POST   "/v2/{project_id}/{resource}/{stream}/tags" "create_tag"            tags::create;
    api GET    "/v2/{project_id}/{resource}/{stream}/tags" "list_stream_tags"      tags::list;
    api POST   "/v2/{project_id}/{resource}/{stream}/tags/action" "batch_tags"     tags::batch;
    api DELETE "/v2/{project_id}/{resource}/{stream}/tags/{key}" "delete_tag"      tags::delete;

    api GET    "/v2/{project_id}/streams/{stream}"        "describe_stream"        streams::describe;
    api PUT    "/v3/{project_id}/streams/{stream}"        "update_stream"          streams::update;
    api PUT    "/v2/{project_id}/streams/{stream}"        "change_partition_count" streams::change_partition_count;
    api PUT    "/v2/{project_id}/streams/{stream}/update" "update_stream_attributes" streams::update_attributes;
    api DELETE "/v2/{project_id}/streams/{stream}"        "delete_stream"          streams::delete;
    api GET    "/v2/{project_id}/streams/{stream}/update_partition_counts" "get_scaling_log" streams::scaling_log;

    // Records (spec/03).
    api POST   "/v2/{project_id}/records"                 "put_records"            records::put;
    api GET    "/v2/{project_id}/records"                 "get_records"            records::get;
    api GET    "/v2/{project_id}/files/{file}/state"      "get_file_state"         files::state;

    // Cursors (spec/04).
    api GET    "/v2/{project_id}/cursors"                 "get_cursor"             cursors::get;

    // Apps (spec/05).
    api POST   "/v2/{project_id}/apps"                    "create_app"             apps::create;
    api GET    "/v2/{project_id}/apps"                    "list_apps"              apps::list;
    api GET    "/v2/{project_id}/apps/{app}"              "describe_app"           apps::describe;
    api DELETE "/v2/{project_id}/apps/{app}"              "delete_app"             apps::delete;
    api GET    "/v2/{project_id}/apps/{app}/streams/{stream}" "get_consuming_state" apps::consuming_state;

    // Checkpoints (spec/06).
    api POST   "/v2/{project_id}/checkpoints"             "commit_checkpoint"      checkpoints::commit;
    api GET    "/v2/{project_id}/checkpoints"             "get_checkpoint"         checkpoints::get;
    api DELETE "/v2/{project_id}/checkpoints"             "delete_checkpoints"     checkpoints::delete;

    // Groups (spec/07).
    api POST   "/v2/{project_id}/apps/{group}/consumers"  "join_group"             groups::join;
    api POST   "/v2/{project_id}/apps/{group}/consumers/{client}/partitions" "sync_group" groups::sync;
    api POST   "/v2/{project_id}/apps/{group}/consumers/{client}/heartbeats" "heartbeat"  groups::heartbeat;
    api DELETE "/v2/{project_id}/apps/{group}/consumers/{client}" "leave_group"    groups::leave;

    // Transfer tasks (spec/09). A task may be called `action`: only POST has that word reserved.
    api POST   "/v2/{project_id}/streams/{stream}/transfer-tasks" "create_transfer_task" tasks::create;
    api PUT    "/v2/{project_id}/streams/{stream}/transfer-tasks" "update_transfer_task" tasks::update;
    api GET    "/v2/{project_id}/streams/{stream}/transfer-tasks" "list_transfer_tasks"  tasks::list;
    api POST   "/v2/{project_id}/streams/{stream}/transfer-tasks/action" "batch_transfer_tasks" tasks::action;
    api GET    "/v2/{project_id}/streams/{stream}/transfer-tasks/{task}" "describe_transfer_task" tasks::describe;
    api DELETE "/v2/{project_id}/streams/{stream}/transfer-tasks/{task}" "delete_transfer_task" tasks::delete;
    api POST   "/v1/transfertasklog/{task}"               "get_transfer_task_log"  tasks::log;
    api GET    "/v1/obs/buckets"                          "list_buckets"           tasks::buckets;
    api POST   "/v1/{project_id}/schema"                  "infer_schema"           schema::infer;

    // Metrics of streams (spec/11).
    api GET    "/v2/{project_id}/streams/{stream}/metrics" "get_stream_metrics"    metrics::of_stream;
    api GET    "/v2/{project_id}/streams/{stream}/partitions/{partition}/metrics" "get_partition_metrics" metrics::of_partition;

    // Policies (spec/12).
    api POST   "/v2/{project_id}/streams/{stream}/policies" "add_policy"           policies::add;
    api GET    "/v2/{project_id}/streams/{stream}/policies" "list_policies"        policies::list;
    api DELETE "/v2/{project_id}/streams/{stream}/policies" "delete_policies"      policies::delete;

    // Logging in (spec/01 §8, spec/14 §1); unknown paths where nobody can. Reading them takes HEAD too.
    login GET     "/"                                     "list_versions"          discovery::versions;
    login GET     "/v3"                                   "show_version"           discovery::version;
    login POST    "/v3/auth/tokens"                       "create_token"           tokens::create;
    identity GET  "/v3/auth/tokens"                       "show_token"             tokens::describe;
    identity GET  "/v3/auth/catalog"                      "show_catalog"           projects::catalog;
    identity GET  "/v3/auth/domains"                      "list_domains"           projects::domains;
    identity GET  "/v3/auth/projects"                     "list_own_projects"      projects::list;
    identity GET  "/v3/projects"                          "list_projects"          projects::list;

    // Quotas (spec/13 §6).
    api GET    "/v1/{project_id}/quotas"                  "list_quotas"            quotas::list;

    // For operators.
    open GET   "/healthz"                                 "healthz"                health::healthz;
    open GET   "/readyz"                                  "readyz"                 health::readyz;
    open GET   "/startupz"                                "startupz"               health::readyz;
    open GET   "/version"                                 "version"                health::version;
    open GET   "/metrics"                                 "metrics"                health::metrics;
    open GET   "/openapi.json"                            "openapi"                openapi::document;
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::matcher::{Resolution, resolve};

    #[test]
    fn operations_have_names_of_their_own() {
        let names: BTreeSet<_> = ROUTES.iter().map(|route| route.operation).collect();
        assert_eq!(names.len(), ROUTES.len());
    }

    /// A row that an earlier one hides would never be called.
    #[test]
    fn every_row_is_reachable() {
        for route in ROUTES {
            match resolve(&route.method, route.path) {
                Resolution::Found(found) => assert_eq!(found.route.operation, route.operation),
                other => panic!("{route:?} resolves to {other:?}"),
            }
        }
    }
}
