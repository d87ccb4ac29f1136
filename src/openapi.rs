//! The API as a document: OpenAPI 3.1, from the handlers' own types.

use actix_web::HttpResponse;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::PathItem;
use utoipa::openapi::schema::{Object, Schema, Type};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{ContentBuilder, Ref, ResponseBuilder};
use utoipa::{Modify, OpenApi};

use crate::{orchestration, tenancy};

/// Everything below `/api`.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Bulkhead",
        description = "Accounts, workspaces and who reaches them. Paths, names and status codes are \
                       those of Prefect Cloud where it has them; invitations and an organization's \
                       rules are beyond it."
    ),
    // Of a list whose elements are read one by one.
    components(schemas(crate::orchestration::logs::api::LogCreate)),
    modifiers(&Bearer, &Throttled),
    security(("key" = [])),
    paths(
        orchestration::wire::me::workspaces,
        orchestration::wire::probes::health,
        orchestration::wire::probes::hello,
        orchestration::wire::probes::version,
        orchestration::wire::probes::health_here,
        orchestration::wire::probes::hello_here,
        orchestration::wire::probes::version_here,
        orchestration::wire::probes::storage,
        orchestration::flows::api::create,
        orchestration::flows::api::read,
        orchestration::flows::api::by_name,
        orchestration::flows::api::edit,
        orchestration::flows::api::remove,
        orchestration::flows::api::filter,
        orchestration::flows::api::paginate,
        orchestration::flows::api::count,
        orchestration::flow_runs::api::change::create,
        orchestration::flow_runs::api::change::edit,
        orchestration::flow_runs::api::change::label,
        orchestration::flow_runs::api::change::remove,
        orchestration::flow_runs::api::change::set_state,
        orchestration::flow_runs::api::change::resume,
        orchestration::flow_runs::api::find::read,
        orchestration::flow_runs::api::graph::show,
        orchestration::flow_runs::api::find::filter,
        orchestration::flow_runs::api::find::paginate,
        orchestration::flow_runs::api::find::count,
        orchestration::flow_runs::api::find::history,
        orchestration::flow_runs::api::find::lateness,
        orchestration::flow_runs::api::find::states,
        orchestration::flow_runs::api::find::state,
        orchestration::flow_runs::api::inputs::create,
        orchestration::flow_runs::api::inputs::filter,
        orchestration::flow_runs::api::inputs::read,
        orchestration::flow_runs::api::inputs::remove,
        orchestration::task_runs::api::create,
        orchestration::task_runs::api::read,
        orchestration::task_runs::api::edit,
        orchestration::task_runs::api::remove,
        orchestration::task_runs::api::set_state,
        orchestration::task_runs::api::filter,
        orchestration::task_runs::api::paginate,
        orchestration::task_runs::api::count,
        orchestration::task_runs::api::history,
        orchestration::task_runs::api::states,
        orchestration::task_runs::api::state,
        orchestration::concurrency::api::increment,
        orchestration::concurrency::api::renew,
        orchestration::concurrency::api::decrement,
        orchestration::intake::api::create,
        orchestration::events::api::filter,
        orchestration::events::api::next,
        orchestration::logs::api::create,
        orchestration::logs::api::filter,
        orchestration::logs::api::download,
        serve,
        tenancy::organizations::api::get_account,
        tenancy::organizations::api::edit_account,
        tenancy::organizations::api::get_settings,
        tenancy::organizations::api::get_domains,
        tenancy::organizations::api::set_domains,
        tenancy::organizations::api::get_policy,
        tenancy::organizations::api::set_policy,
        tenancy::organizations::api::account_roles,
        tenancy::organizations::api::account_role,
        tenancy::organizations::api::memberships,
        tenancy::organizations::api::change_member,
        tenancy::organizations::api::remove_member,
        tenancy::organizations::api::invite,
        tenancy::organizations::api::invitations_of,
        tenancy::organizations::api::revoke,
        tenancy::organizations::api::resend,
        tenancy::roles::api::create_role,
        tenancy::roles::api::filter_roles,
        tenancy::roles::api::get_role,
        tenancy::roles::api::edit_role,
        tenancy::roles::api::delete_role,
        tenancy::service_accounts::api::create_bot,
        tenancy::service_accounts::api::filter_bots,
        tenancy::service_accounts::api::get_bot,
        tenancy::service_accounts::api::edit_bot,
        tenancy::service_accounts::api::delete_bot,
        tenancy::service_accounts::api::rotate_api_key,
        tenancy::workspaces::api::create_workspace,
        tenancy::workspaces::api::filter_workspaces,
        tenancy::workspaces::api::get_workspace,
        tenancy::workspaces::api::edit_workspace,
        tenancy::workspaces::api::delete_workspace,
        tenancy::sharing::api::grant_users,
        tenancy::sharing::api::filter_users,
        tenancy::sharing::api::get_user,
        tenancy::sharing::api::remove_user,
        tenancy::sharing::api::grant_bots,
        tenancy::sharing::api::filter_bots,
        tenancy::sharing::api::get_bot,
        tenancy::sharing::api::remove_bot,
        tenancy::sharing::api::set_default,
        tenancy::sharing::api::invite,
        tenancy::sharing::api::invitations_of,
        tenancy::sharing::api::revoke,
        tenancy::sharing::api::resend,
        tenancy::transfers::api::dry_run,
        tenancy::transfers::api::start,
        tenancy::transfers::api::filter,
        tenancy::transfers::api::read,
        tenancy::transfers::api::approve,
        tenancy::transfers::api::decline,
        tenancy::transfers::api::cancel,
        tenancy::transfers::api::undo,
        tenancy::api_keys::api::list_keys,
        tenancy::api_keys::api::create_key,
        tenancy::api_keys::api::get_key,
        tenancy::api_keys::api::delete_key,
        tenancy::audit::api::filter_events,
    )
)]
struct Document;

/// Every address asks for a key.
struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("key", scheme);
    }
}

/// Every address may be asked too often, or be malformed itself.
struct Throttled;

impl Modify for Throttled {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let seconds = HeaderBuilder::new()
            .schema(Some(Schema::from(Object::with_type(Type::Integer))))
            .description(Some("Seconds until it makes sense to ask again."))
            .build();
        let refusal = Ref::from_schema_name("Refusal");
        let malformed = ResponseBuilder::new()
            .description("The address or the body is malformed.")
            .content(
                "application/json",
                ContentBuilder::new().schema(Some(refusal.clone())).build(),
            )
            .build();
        let response = ResponseBuilder::new()
            .description("Asked too often.")
            .header("Retry-After", seconds)
            .content("application/json", ContentBuilder::new().schema(Some(refusal)).build())
            .build();
        for path in document.paths.paths.values_mut() {
            let PathItem { get, put, post, delete, options, head, patch, trace, .. } = path;
            let all = [get, put, post, delete, options, head, patch, trace];
            for operation in all.into_iter().flatten() {
                let responses = &mut operation.responses.responses;
                responses.entry("400".to_owned()).or_insert(malformed.clone().into());
                responses.insert("429".to_owned(), response.clone().into());
            }
        }
    }
}

/// The document.
pub fn document() -> utoipa::openapi::OpenApi {
    Document::openapi()
}

/// This document.
#[utoipa::path(get, path = "/api/openapi.json", tag = "Server",
    responses((status = 200, body = Object), (status = 401, body = crate::base::http::json::Refusal)))]
pub async fn serve() -> HttpResponse {
    HttpResponse::Ok().json(document())
}
