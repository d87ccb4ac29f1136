//! The API as a document: OpenAPI 3.1, from the handlers' own types. Each slice has its part of it; what all
//! operations have in common is added here, and said by none of them.

use actix_web::HttpResponse;
use utoipa::OpenApi;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::schema::{KnownFormat, Object, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{Content, ContentBuilder, Ref, RefOr, Required, Response, ResponseBuilder};

use crate::base::http::json::Refusal;
use crate::{orchestration, tenancy};

/// What is of no slice.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Bulkhead",
        description = "Accounts, workspaces and who reaches them. Paths, names and status codes are \
                       those of Prefect Cloud where it has them; invitations and an organization's \
                       rules are beyond it."
    ),
    components(schemas(Refusal)),
    security(("key" = [])),
    paths(serve)
)]
struct Frame;

/// Everything below `/api`.
pub fn document() -> utoipa::openapi::OpenApi {
    let mut all = Frame::openapi();
    for part in [
        orchestration::document(),
        tenancy::organizations::api::Document::openapi(),
        tenancy::roles::api::Document::openapi(),
        tenancy::service_accounts::api::Document::openapi(),
        tenancy::workspaces::api::Document::openapi(),
        tenancy::sharing::api::Document::openapi(),
        tenancy::transfers::api::Document::openapi(),
        tenancy::api_keys::api::Document::openapi(),
        tenancy::audit::api::Document::openapi(),
    ] {
        all.merge(part);
    }
    // Every address asks for a key.
    let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    all.components.get_or_insert_default().add_security_scheme("key", bearer);
    for (path, item) in &mut all.paths.paths {
        let PathItem { get, put, post, delete, options, head, patch, trace, .. } = item;
        let operations = [get, put, post, delete, options, head, patch, trace];
        operations.into_iter().flatten().for_each(|operation| complete(path, operation));
    }
    all
}

/// Adds what an operation need not say of itself: the ids in its address, and how it refuses.
fn complete(path: &str, operation: &mut Operation) {
    let mut said = operation.parameters.take().unwrap_or_default();
    let names = path.split('{').skip(1).filter_map(|rest| rest.split('}').next());
    let mut parameters: Vec<RefOr<Parameter>> = names
        .map(|name| {
            let is_said = |one: &RefOr<Parameter>| matches!(one, RefOr::T(one) if one.name == name);
            let place = said.iter().position(is_said);
            place.map_or_else(|| RefOr::T(id_in_path(name)), |place| said.remove(place))
        })
        .collect();
    parameters.append(&mut said);
    operation.parameters = Some(parameters).filter(|all| !all.is_empty());

    let has_body = operation.request_body.is_some();
    let usual = [
        ("400", has_body),
        ("401", true),
        ("403", path.starts_with("/api/accounts/{account_id}")),
        ("404", path.contains('{')),
        ("415", has_body),
        ("422", has_body),
    ];
    let refused = ResponseBuilder::new().content("application/json", refusal()).build();
    let responses = &mut operation.responses.responses;
    for (status, _) in usual.into_iter().filter(|(_, is_so)| *is_so) {
        responses.entry(status.to_owned()).or_insert(refused.clone().into());
    }
    responses.entry("400".to_owned()).or_insert(malformed().into());
    responses.insert("429".to_owned(), throttled().into());
}

fn id_in_path(name: &str) -> Parameter {
    let id = SchemaFormat::KnownFormat(KnownFormat::Uuid);
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .schema(Some(ObjectBuilder::new().schema_type(Type::String).format(Some(id))))
        .build()
}

fn refusal() -> Content {
    ContentBuilder::new().schema(Some(Ref::from_schema_name("Refusal"))).build()
}

/// Every address may be malformed itself.
fn malformed() -> Response {
    ResponseBuilder::new()
        .description("The address or the body is malformed.")
        .content("application/json", refusal())
        .build()
}

/// Every address may be asked too often.
fn throttled() -> Response {
    let seconds = HeaderBuilder::new()
        .schema(Some(Schema::from(Object::with_type(Type::Integer))))
        .description(Some("Seconds until it makes sense to ask again."))
        .build();
    ResponseBuilder::new()
        .description("Asked too often.")
        .header("Retry-After", seconds)
        .content("application/json", refusal())
        .build()
}

/// This document.
#[utoipa::path(get, path = "/api/openapi.json", tag = "Server",
    responses((status = 200, body = Object)))]
pub async fn serve() -> HttpResponse {
    HttpResponse::Ok().json(document())
}
