//! Between hyper and the router: clocks on both bodies, and 408 for a body that did not come.

use std::{
    convert::Infallible,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{Router, body::Body, extract::ConnectInfo};
use http::{HeaderName, HeaderValue, Request, Response, StatusCode, Version, header};
use hyper::body::Incoming;
use tower::Service as _;

use super::{
    Limits,
    activity::Activity,
    body::{NotedBody, TimedBody},
};

/// On every answer (spec/00 §7).
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Names of the members as stock clients read them (spec/08 §1).
const TOO_SLOW: &str = "{\"errorCode\":\"DIS.4200\",\"message\":\"The request body did not arrive in time.\",\
    \"error_code\":\"DIS.4200\",\"error_msg\":\"The request body did not arrive in time.\"}";

/// The router, for the requests of one connection.
pub(super) struct ConnectionService {
    pub(super) app: Router,
    pub(super) peer: SocketAddr,
    pub(super) limits: Limits,
    pub(super) activity: Arc<Activity>,
}

impl hyper::service::Service<Request<Incoming>> for ConnectionService {
    type Response = Response<NotedBody<Body>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let version = request.version();
        let open = self.activity.begin(version == Version::HTTP_2);
        let timed_out = Arc::new(AtomicBool::new(false));
        let (idle, total) = (self.limits.body_idle_timeout, self.limits.body_timeout);
        let mut request = request.map(|body| TimedBody::new(body, idle, total, Arc::clone(&timed_out)));
        request.extensions_mut().insert(ConnectInfo(self.peer));
        let answer = self.app.clone().call(request);
        Box::pin(async move {
            let Ok(mut response) = answer.await;
            if timed_out.load(Ordering::Relaxed) {
                response = too_slow(version, response.headers_mut().remove(X_REQUEST_ID));
            }
            Ok(response.map(|body| NotedBody::new(body, open)))
        })
    }
}

/// Whatever the router made of the broken body, the client learns that it was too slow. The request
/// keeps the id under which the router logged it.
fn too_slow(version: Version, request_id: Option<HeaderValue>) -> Response<Body> {
    let mut response = Response::new(Body::from(TOO_SLOW));
    *response.status_mut() = StatusCode::REQUEST_TIMEOUT;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(request_id) = request_id {
        headers.insert(X_REQUEST_ID, request_id);
    }
    if version < Version::HTTP_2 {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}
