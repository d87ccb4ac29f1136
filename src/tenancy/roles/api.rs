//! The JSON API of workspace roles.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, OpenApi, ToSchema};
use uuid::Uuid;

use super::actions::{self, Deleted, Outcome, Seen};
use super::forms::{Fields, RoleForm};
use super::model::{CustomRole, MOST, Wanted};
use super::queries;
use crate::access::AccountId;
use crate::access::organization::{Admin, AnyMember, OrganizationAccess};
use crate::access::role::{Role, RoleRef, Scopes};
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::http::json::{
    AnyOf, JsonBody, Refusal, created, given, moment, no_content, ok, path_id,
};
use crate::base::http::routes::{resource, resources};

/// The addresses of this slice, below `/api`.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .service(
            resources([
                "/accounts/{account_id}/workspace_roles/",
                "/accounts/{account_id}/workspace_roles",
            ])
            .post(create_role),
        )
        .service(resource("/accounts/{account_id}/workspace_roles/filter").post(filter_roles))
        .service(
            resource("/accounts/{account_id}/workspace_roles/{id}")
                .get(get_role)
                .patch(edit_role)
                .delete(delete_role),
        );
}

/// The operations of this slice, for the API's document.
#[derive(OpenApi)]
#[openapi(paths(create_role, filter_roles, get_role, edit_role, delete_role))]
pub struct Document;

/// A role in an organization's workspaces.
#[derive(Debug, Serialize, ToSchema)]
pub struct RoleBody {
    /// Its id; a built-in role has the same one everywhere.
    pub id: Uuid,
    /// When it was made; null for a built-in one.
    #[schema(format = DateTime)]
    pub created: Option<String>,
    /// When it last changed; null for a built-in one.
    #[schema(format = DateTime)]
    pub updated: Option<String>,
    /// The organization; null for a built-in one.
    pub account_id: Option<Uuid>,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// Everything that it allows.
    pub scopes: Vec<String>,
    /// The built-in role whose permissions it has too.
    pub inherited_role_id: Option<Uuid>,
}

fn names(scopes: Scopes) -> Vec<String> {
    scopes.iter().map(|permission| permission.scope().to_owned()).collect()
}

fn built_in(role: Role) -> RoleBody {
    RoleBody {
        id: role.id(),
        created: None,
        updated: None,
        account_id: None,
        name: role.title().to_owned(),
        description: Some(role.purpose().to_owned()),
        scopes: names(role.scopes()),
        inherited_role_id: None,
    }
}

fn custom(account: AccountId, role: &CustomRole) -> RoleBody {
    RoleBody {
        id: role.id.uuid(),
        created: Some(moment(role.created_at)),
        updated: Some(moment(role.updated_at)),
        account_id: Some(account.uuid()),
        name: role.name.clone(),
        description: Some(role.description.clone()),
        scopes: names(role.named().scopes),
        inherited_role_id: role.inherits.map(Role::id),
    }
}

/// A change of a role; what is absent stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct RoleChange {
    /// Its name, unique in the organization.
    pub name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// What it allows; what these imply comes along.
    pub scopes: Option<Vec<String>>,
    /// The built-in role whose permissions it has too, now and later; null for none.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<Uuid>)]
    pub inherited_role_id: Option<Option<Uuid>>,
}

/// What is said about a role.
#[derive(Debug, Deserialize, ToSchema)]
pub struct RoleCreate {
    /// Its name, unique in the organization.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: Option<String>,
    /// What it allows; what these imply comes along.
    #[serde(default)]
    pub scopes: Option<Vec<String>>,
    /// The built-in role whose permissions it has too, now and later.
    #[serde(default)]
    pub inherited_role_id: Option<Uuid>,
}

fn wanted(change: RoleCreate) -> Result<Wanted> {
    let inherits = match change.inherited_role_id {
        None => String::new(),
        Some(id) => match RoleRef::of_id(id) {
            RoleRef::BuiltIn(role) => role.as_str().to_owned(),
            RoleRef::Custom(_) => {
                let text = "inherited_role_id: only a built-in role can be inherited from.";
                return Err(Error::Invalid(text.to_owned()));
            }
        },
    };
    let form = RoleForm {
        name: change.name,
        description: change.description.unwrap_or_default(),
        inherits,
        scope: change.scopes.unwrap_or_default(),
        ..RoleForm::default()
    };
    let (fields, wanted) = Fields::parse(form);
    wanted.ok_or_else(|| {
        let all = [&fields.name, &fields.description, &fields.inherits, &fields.scopes];
        let problem = all.iter().find_map(|field| {
            field.problem.as_ref().map(|problem| format!("{}: {problem}", field.name))
        });
        Error::Invalid(problem.unwrap_or_default())
    })
}

/// Makes a role.
#[utoipa::path(post, path = "/api/accounts/{account_id}/workspace_roles/", tag = "Roles",
    request_body = RoleCreate,
    responses((status = 201, body = RoleBody), (status = 409, body = Refusal)))]
pub async fn create_role(
    access: OrganizationAccess<Admin>,
    app: web::Data<App>,
    ip: ClientIp,
    body: JsonBody<RoleCreate>,
) -> Result<HttpResponse> {
    let body = body.parsed()?;
    let (account, wanted) = (access.organization().account, wanted(body)?);
    let id = done(&actions::create(&app, access, ip, wanted, None).await?)?;
    let role = app.db.read(move |db| Ok(queries::one(db, account, id)?)).await?;
    Ok(created(&custom(account, &role.ok_or(Error::NotFound)?)))
}

fn done(outcome: &Outcome) -> Result<crate::access::role::RoleId> {
    match outcome {
        Outcome::Done(id) => Ok(*id),
        Outcome::NameTaken => Err(Error::Conflict("There is a role of this name.".to_owned())),
        Outcome::TooMany | Outcome::Shown(_) => {
            Err(Error::Conflict(format!("An organization has {MOST} roles of its own at most.")))
        }
    }
}

/// Which roles.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct RolesBody {
    /// By name.
    pub workspace_roles: RolesFilter,
}

/// Which roles.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(default)]
pub struct RolesFilter {
    /// With one of these names.
    pub name: AnyOf<String>,
}

/// The roles that can be given in an organization's workspaces: the built-in ones, then its own.
#[utoipa::path(post, path = "/api/accounts/{account_id}/workspace_roles/filter", tag = "Roles",
    request_body = Option<RolesBody>, responses((status = 200, body = [RoleBody])))]
pub async fn filter_roles(
    access: OrganizationAccess<AnyMember>,
    app: web::Data<App>,
    body: JsonBody<RolesBody>,
) -> Result<HttpResponse> {
    let body = body.parsed()?;
    let account = access.organization().account;
    let names = body.workspace_roles.name.values()?;
    let own = app.db.read(move |db| Ok(queries::of_account(db, account)?)).await?;
    let list: Vec<RoleBody> = Role::GRANTED
        .into_iter()
        .map(built_in)
        .chain(own.iter().map(|role| custom(account, role)))
        .filter(|role| names.as_ref().is_none_or(|names| names.contains(&role.name)))
        .collect();
    Ok(ok(&list))
}

/// One role.
#[utoipa::path(get, path = "/api/accounts/{account_id}/workspace_roles/{id}", tag = "Roles",
    responses((status = 200, body = RoleBody)))]
pub async fn get_role(
    req: HttpRequest,
    access: OrganizationAccess<AnyMember>,
    app: web::Data<App>,
) -> Result<HttpResponse> {
    let account = access.organization().account;
    match RoleRef::of_id(path_id(&req, "id")?) {
        RoleRef::BuiltIn(role) => Ok(ok(&built_in(role))),
        RoleRef::Custom(id) => {
            let role = app.db.read(move |db| Ok(queries::one(db, account, id)?)).await?;
            Ok(ok(&custom(account, &role.ok_or(Error::NotFound)?)))
        }
    }
}

fn custom_id(req: &HttpRequest) -> Result<crate::access::role::RoleId> {
    match RoleRef::of_id(path_id(req, "id")?) {
        RoleRef::Custom(id) => Ok(id),
        RoleRef::BuiltIn(_) => Err(Error::Forbidden("Built-in roles stay as they are.".to_owned())),
    }
}

/// Changes a role of the organization's own. It counts from the next request on.
#[utoipa::path(patch, path = "/api/accounts/{account_id}/workspace_roles/{id}", tag = "Roles",
    request_body = Option<RoleChange>, responses((status = 204), (status = 409, body = Refusal)))]
pub async fn edit_role(
    req: HttpRequest,
    access: OrganizationAccess<Admin>,
    app: web::Data<App>,
    ip: ClientIp,
    body: JsonBody<RoleChange>,
) -> Result<HttpResponse> {
    let change = body.parsed()?;
    let merged = move |before: &CustomRole| {
        let inherited = before.inherits.map(|role| RoleRef::BuiltIn(role).id());
        let scopes =
            || Scopes::of_names(&before.scopes).iter().map(|one| one.scope().to_owned()).collect();
        wanted(RoleCreate {
            name: change.name.unwrap_or_else(|| before.name.clone()),
            description: change.description.or_else(|| Some(before.description.clone())),
            scopes: change.scopes.or_else(|| Some(scopes())),
            inherited_role_id: change.inherited_role_id.unwrap_or(inherited),
        })
    };
    let asked = (custom_id(&req)?, merged);
    done(&actions::edit(&app, access, ip, asked, Seen::Anything).await?)?;
    Ok(no_content())
}

/// What takes a deleted role's place.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct Replacement {
    /// The role that takes its place where it is used.
    pub replacement_role_id: Option<Uuid>,
}

/// Deletes a role of the organization's own; one that is used needs another in its place.
#[utoipa::path(delete, path = "/api/accounts/{account_id}/workspace_roles/{id}", tag = "Roles",
    params(Replacement),
    responses((status = 204), (status = 400, body = Refusal), (status = 409, body = Refusal),
              (status = 422, body = Refusal)))]
pub async fn delete_role(
    req: HttpRequest,
    access: OrganizationAccess<Admin>,
    app: web::Data<App>,
    ip: ClientIp,
    params: web::Query<Replacement>,
) -> Result<HttpResponse> {
    let replacement = params.replacement_role_id.map(RoleRef::of_id);
    match actions::delete(&app, access, ip, custom_id(&req)?, replacement).await? {
        Deleted::Gone(_) => Ok(no_content()),
        Deleted::IsUsed(_) => Err(Error::Conflict(
            "The role is used. Name another one: replacement_role_id.".to_owned(),
        )),
        Deleted::BadReplacement => {
            Err(Error::Invalid("replacement_role_id: there is no such role here.".to_owned()))
        }
    }
}
