// SPDX-License-Identifier: MIT OR Apache-2.0
//! tower-http's `CorsLayer` around a service that answers at once.

use std::convert::Infallible;
use std::future::{self, Ready};

use http::{HeaderValue, Response};
use tower::{Layer, Service as _};
use tower_http::cors::{AllowOrigin, Cors, CorsLayer};

use crate::libcors::read_response;
use crate::{Command, Policy, Request, finish, matches};

type HttpRequest = http::Request<()>;

type Application = fn(HttpRequest) -> Ready<Result<Response<()>, Infallible>>;

pub type Service = Cors<tower::util::ServiceFn<Application>>;

pub fn layer(policy: &Policy) -> CorsLayer {
    fn list<T: std::str::FromStr>(texts: &[String]) -> Vec<T>
    where
        T::Err: std::fmt::Debug,
    {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    let patterns = policy.patterns();
    let origins = if patterns.is_empty() {
        AllowOrigin::list(list::<HeaderValue>(&policy.allow_origins))
    } else {
        AllowOrigin::predicate(move |origin, _| {
            matches(&patterns, origin.as_bytes())
        })
    };
    CorsLayer::new()
        .allow_origin(origins)
        .allow_methods(list::<http::Method>(&policy.allow_methods))
        .allow_headers(list::<http::HeaderName>(&policy.allow_headers))
        .expose_headers(list::<http::HeaderName>(&policy.expose_headers))
        .max_age(std::time::Duration::from_secs(policy.max_age as u64))
}

pub fn service(layer: CorsLayer) -> Service {
    layer.layer(application())
}

pub fn row(
    command: &Command,
    (service, load_ms): &(Service, f64),
    requests: &[Request],
) {
    let requests: Vec<HttpRequest> = requests
        .iter()
        .map(|request| {
            let mut builder =
                http::Request::builder().method(request.method.as_str());
            for (name, value) in request.lines() {
                builder = builder.header(name, value);
            }
            builder.body(()).unwrap()
        })
        .collect();
    // Calling needs `&mut`, but neither service changes.
    let service = std::cell::RefCell::new(service.clone());
    let bare = std::cell::RefCell::new(application());
    command.row(
        "tower-http",
        *load_ms,
        requests.len(),
        |i| finish(service.borrow_mut().call(requests[i].clone())).unwrap(),
        Some(|i: usize| {
            finish(bare.borrow_mut().call(requests[i].clone())).unwrap()
        }),
        |_, response| read_response(response.status(), response.headers()),
    );
}

fn application() -> tower::util::ServiceFn<Application> {
    tower::service_fn(|_| future::ready(Ok(Response::new(()))))
}
