//! The program's own API, asked from within.

use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;

use actix_web::body::to_bytes;
use actix_web::http::Method;
use actix_web::test::{TestRequest, init_service, try_call_service};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use serde_json::Value;

use crate::app::App;
use crate::cli::CliError;
use crate::server;

/// An answer of the API on its way.
pub type Answer = LocalBoxFuture<'static, Result<Value, CliError>>;

/// Asks with a key: how, where and with what.
pub type Api = Box<dyn Fn(&str, (Method, String), Value) -> Answer>;

/// The API of a program that is not served.
pub async fn api(app: App) -> Api {
    let service = actix_web::App::new().configure(server::routes(app));
    let service = Rc::new(init_service(service).await);
    Box::new(move |key, (method, path), body| {
        let service = Rc::clone(&service);
        let request = TestRequest::default()
            .method(method)
            .uri(&path)
            .peer_addr(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
            .insert_header(("authorization", format!("Bearer {key}")))
            .set_json(body)
            .to_request();
        async move {
            let refused = |why: String| CliError::new(format!("{path}: {why}"));
            let answer = try_call_service(&*service, request).await;
            let answer = answer.map_err(|error| refused(error.to_string()))?;
            let status = answer.status();
            let body = to_bytes(answer.into_body()).await;
            let body = body.map_err(|_| refused("the answer broke off".to_owned()))?;
            if !status.is_success() {
                return Err(refused(format!("{status} {}", String::from_utf8_lossy(&body))));
            }
            Ok(serde_json::from_slice(&body).unwrap_or_default())
        }
        .boxed_local()
    })
}
