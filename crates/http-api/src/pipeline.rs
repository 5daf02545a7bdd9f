//! What happens to a request, in the order of spec/08 §5.
//!
//! ```text
//! request id ▶ route ▶ blocked? ▶ room? ▶ size ▶ credentials ▶ body ▶ signature ▶ project ▶ rate ▶ query
//!              404 405  400        503    413    401           413   401          400       429    400
//!    ▶ decompression ▶ handler
//!      400 413
//! ```
//!
//! Whatever goes wrong, also a panic, ends in one answer with a JSON body and the request's id.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use axum::body::Body;
use futures::FutureExt as _;
use http::{Request, Response, Uri, request::Parts};
use millpond_model::ProjectId;
use millpond_wire::{Code, Query, Refusal};

use crate::{
    addresses::Peer,
    answer::Answer,
    api::Shared,
    auth::{Caller, Claim, Identity},
    body::{self, BodyError},
    call::Call,
    error::{ApiError, Failure, chain},
    identity::IdentityCall,
    matcher::{Found, Resolution, find},
    metrics::Throttled,
    request_id::{RequestId, X_REQUEST_ID},
    routes::{Answering, Endpoint, IdentityHandler},
};

/// What metrics call a request of no route.
const NO_OPERATION: &str = "none";

/// Most bytes of a path that are logged: more than names of the greatest length need.
const PATH_BYTES_MAX: usize = 512;

/// Largest body of the identity API: a login, or nothing. A token of ours has some 250 bytes.
const IDENTITY_BODY_BYTES_MAX: usize = 64 * 1024;

/// A request that was answered, for its log line.
struct Answered {
    request_id: RequestId,
    operation: &'static str,
    uri: Uri,
    took: Duration,
}

impl Shared {
    /// Answers a request.
    pub(crate) async fn answer(self: Arc<Self>, request: Request<Body>) -> Response<Body> {
        let begin = self.clock.monotonic();
        let request_id = RequestId::random(&*self.entropy);
        let resolution = find(request.method(), request.uri().path(), self.keyring.has_users());
        let operation = match &resolution {
            Resolution::Found(found) => found.route.operation,
            Resolution::WrongMethod(_) | Resolution::Unknown => NO_OPERATION,
        };
        let uri = request.uri().clone();
        let result = self.dispatch(request_id, resolution, request).await;
        let took = self.clock.monotonic().saturating_sub(begin);
        let answered = Answered { request_id, operation, uri, took };
        let mut response = self.conclude(&answered, result);
        response.headers_mut().insert(X_REQUEST_ID, request_id.header());
        response
    }

    async fn dispatch(
        self: &Arc<Self>,
        request_id: RequestId,
        resolution: Resolution,
        request: Request<Body>,
    ) -> Result<Answer, Failure> {
        let (parts, mut body) = request.into_parts();
        let peer = self.addresses.as_ref().and_then(|_| Peer::of(&parts.extensions));
        let is_api = matches!(&resolution, Resolution::Found(found) if found.route.is_api());
        let result = match resolution {
            Resolution::Found(found) if found.route.takes_credentials() && self.is_blocked(peer) => {
                let blocked = Failure::Blocked;
                Err(if found.route.is_identity() { Failure::Identity(Box::new(blocked)) } else { blocked })
            }
            Resolution::Found(found) => match found.route.endpoint {
                Endpoint::Open(handler) => Ok(handler(self, parts.uri.query())),
                Endpoint::Login(handler) | Endpoint::Identity(handler) => {
                    let call = self.identity_call(&parts, &mut body, handler);
                    let result = AssertUnwindSafe(call).catch_unwind().await;
                    let result = result.unwrap_or(Err(Failure::Panicked));
                    result.map_err(|failure| Failure::Identity(Box::new(failure)))
                }
                Endpoint::Api(handler) => {
                    let call = self.call(request_id, found, &parts, &mut body, handler);
                    AssertUnwindSafe(call).catch_unwind().await.unwrap_or(Err(Failure::Panicked))
                }
            },
            Resolution::WrongMethod(allow) => {
                Err(Failure::WrongMethod { method: parts.method.to_string(), allow })
            }
            Resolution::Unknown => Err(Failure::UnknownRoute(parts.uri.path().to_owned())),
        };
        self.remember(peer, is_api, &result);
        if result.is_err() {
            body::linger(&parts.headers, body, self.settings.body_bytes_max);
        }
        result
    }

    /// From a known route to the handler's answer.
    async fn call(
        self: &Arc<Self>,
        request_id: RequestId,
        found: Found,
        parts: &Parts,
        body: &mut Body,
        handler: fn(Call) -> Answering,
    ) -> Result<Answer, Failure> {
        let _room = self.requests.try_reserve(1).ok_or(Failure::Busy(Throttled::Requests))?;
        let max = self.settings.body_bytes_max;
        let refused = |error| Failure::Body(error, max as u64);
        if body::announced(body) > max {
            return Err(refused(BodyError::TooLarge));
        }
        let (now, anonymous) = (self.clock.now(), self.settings.allow_anonymous);
        let claim = Claim::read(&parts.headers, &self.keyring, &self.issuer, anonymous, now);
        let claim = claim.map_err(Failure::Unauthenticated)?;
        let whole = body::read(body, max, &self.buffered).await.map_err(refused)?;
        let identity = claim.verify(parts, &whole.bytes, &self.settings.verify_options(), now);
        let identity = identity.map_err(Failure::Unauthenticated)?;
        let plus = identity.plus;
        let caller = caller(identity, found.parameters.get("project_id"))?;
        let project = caller.project.clone();
        if let Some(rates) = &self.rates {
            rates.take(&project, self.clock.monotonic()).map_err(Failure::TooFast)?;
        }
        let of_project = |error| Failure::Api(error, project);
        let query = Query::parse(parts.uri.query().unwrap_or_default(), plus).map_err(Refusal::from);
        let decoded = query
            .map_err(ApiError::from)
            .and_then(|query| Ok((query, body::decompress(&parts.headers, whole, max, &self.buffered)?)));
        let (query, whole) = match decoded {
            Ok(decoded) => decoded,
            Err(error) => return Err(of_project(error)),
        };
        let bytes = whole.bytes.clone();
        let call = Call::new(self, request_id, found, caller, query, &parts.headers, bytes);
        handler(call).await.map_err(of_project)
    }

    /// From a known route of the identity API to the handler's answer.
    async fn identity_call(
        self: &Arc<Self>,
        parts: &Parts,
        body: &mut Body,
        handler: IdentityHandler,
    ) -> Result<Answer, Failure> {
        let _room = self.requests.try_reserve(1).ok_or(Failure::Busy(Throttled::Requests))?;
        let max = self.settings.body_bytes_max.min(IDENTITY_BODY_BYTES_MAX);
        let whole = body::read(body, max, &self.buffered).await;
        let whole = whole.map_err(|error| Failure::Body(error, max as u64))?;
        let (body, directory) = (whole.bytes.clone(), self.keyring.directory());
        handler(&IdentityCall { shared: self, parts, body, directory, now: self.clock.now() })
            .map_err(Failure::Refused)
    }

    fn is_blocked(&self, peer: Option<Peer>) -> bool {
        let (Some(addresses), Some(peer)) = (&self.addresses, peer) else { return false };
        addresses.is_blocked(peer, self.clock.monotonic())
    }

    /// Remembers who fails to authenticate. Success says something only where nobody succeeds without
    /// credentials.
    fn remember(&self, peer: Option<Peer>, is_api: bool, result: &Result<Answer, Failure>) {
        let (Some(addresses), Some(peer)) = (&self.addresses, peer) else { return };
        match result {
            Ok(_) if is_api => addresses.succeeded(peer),
            Err(failure) if failure.is_unauthenticated() => addresses.failed(peer, self.clock.monotonic()),
            Ok(_) | Err(_) => {}
        }
    }

    /// Counts and logs, and makes the answer of a failure.
    fn conclude(&self, answered: &Answered, result: Result<Answer, Failure>) -> Response<Body> {
        let (operation, took) = (answered.operation, answered.took);
        match result {
            Ok(answer) => {
                self.metrics.answered(operation, answer.code(), took);
                if self.is_sampled() {
                    answered.log_success(answer.status().as_u16());
                }
                answer.into_response()
            }
            Err(failure) => {
                let refusal = failure.refusal();
                self.metrics.answered(operation, refusal.code_str(), took);
                if let Some(what) = failure.throttled() {
                    self.metrics.throttled(what);
                }
                answered.log_failure(&failure, &refusal);
                failure.into_response(&refusal)
            }
        }
    }
}

impl Answered {
    /// The path, cut where only nonsense is longer. The query is not logged: it may hold a cursor.
    fn path(&self) -> &str {
        let path = self.uri.path();
        path.get(..path.floor_char_boundary(PATH_BYTES_MAX)).unwrap_or_default()
    }

    fn log_success(&self, status: u16) {
        let Self { request_id, operation, took, .. } = self;
        tracing::info!(%request_id, operation, path = self.path(), status, ?took, "answered");
    }

    fn log_failure(&self, failure: &Failure, refusal: &Refusal) {
        let Self { request_id, operation, took, .. } = self;
        let (path, status, code, told) =
            (self.path(), refusal.status(), refusal.code_str(), refusal.message());
        let cause = failure.cause().map(chain).unwrap_or_default();
        if refusal.code() == Code::System {
            tracing::error!(%request_id, operation, path, status, code, cause, ?took, "failed");
        } else {
            tracing::info!(%request_id, operation, path, status, code, told, cause, ?took, "refused");
        }
    }
}

/// The project a request acts for: that of the credentials, which the path must repeat where it names
/// one; for anonymous callers that of the path (spec/00 §2).
fn caller(identity: Identity, path: Option<&str>) -> Result<Caller, Failure> {
    let Identity { project, actor, .. } = identity;
    let wrong = || Failure::WrongProject(path.unwrap_or("null").to_owned());
    let named: Option<ProjectId> = path.map(|text| text.parse().map_err(|_| wrong())).transpose()?;
    let project = match (project, named) {
        (Some(own), Some(named)) if own != named => return Err(wrong()),
        (Some(project), _) | (None, Some(project)) => project,
        (None, None) => return Err(wrong()),
    };
    Ok(Caller { project, actor })
}
