// SPDX-License-Identifier: MIT OR Apache-2.0
//! actix-cors around a service that answers at once.

use std::future::{Ready, ready};

use actix_cors::Cors;
use actix_web::dev::{
    Service as _, ServiceRequest, ServiceResponse, Transform,
};
use actix_web::{Error, HttpRequest, HttpResponse, test};

use crate::{Command, Policy, Request, answer, finish, matches};

pub struct Application;

impl actix_web::dev::Service<ServiceRequest> for Application {
    type Response = ServiceResponse;
    type Error = Error;
    type Future = Ready<Result<ServiceResponse, Error>>;

    actix_web::dev::always_ready!();

    fn call(&self, request: ServiceRequest) -> Self::Future {
        ready(Ok(request.into_response(HttpResponse::Ok().finish())))
    }
}

pub type Service = <Cors as Transform<Application, ServiceRequest>>::Transform;

pub fn service(policy: &Policy) -> Service {
    // It checks the method of actual requests too.
    let methods = ["GET", "HEAD", "POST"]
        .into_iter()
        .chain(policy.allow_methods.iter().map(String::as_str));
    let mut cors = Cors::default()
        .allowed_methods(methods)
        .allowed_headers(&policy.allow_headers)
        .expose_headers(&policy.expose_headers)
        .max_age(policy.max_age);
    let patterns = policy.patterns();
    if patterns.is_empty() {
        for origin in &policy.allow_origins {
            cors = cors.allowed_origin(origin);
        }
    } else {
        cors = cors.allowed_origin_fn(move |origin, _| {
            matches(&patterns, origin.as_bytes())
        });
    }
    finish(cors.new_transform(Application)).expect("the log says why")
}

pub fn row(
    command: &Command,
    (service, load_ms): &(Service, f64),
    requests: &[Request],
) {
    let requests: Vec<HttpRequest> = requests
        .iter()
        .map(|request| {
            let mut builder = test::TestRequest::default()
                .method(request.method.parse().unwrap());
            for line in request.lines() {
                builder = builder.insert_header(line);
            }
            builder.to_http_request()
        })
        .collect();
    let request = |i: usize| ServiceRequest::from_request(requests[i].clone());
    command.row(
        "actix-cors",
        *load_ms,
        requests.len(),
        |i| finish(service.call(request(i))).unwrap(),
        Some(|i| {
            let bare = finish(Application.call(request(i))).unwrap();
            bare.map_into_left_body()
        }),
        |_, response| {
            let headers = response.headers().iter();
            answer(
                response.status().as_u16(),
                headers.map(|(name, value)| (name.as_str(), value.as_bytes())),
            )
        },
    );
}
