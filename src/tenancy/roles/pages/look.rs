//! The list of roles, one of them, and all beside each other.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::AT;
use super::tree::{Group, groups};
use crate::access::organization::{AnyMember, OrganizationAccess};
use crate::access::permission::Permission;
use crate::access::role::{NamedRole, Role, RoleRef, Scopes};
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::http::page::Page;
use crate::base::text::{When, counted};
use crate::frame::Shell;
use crate::tenancy::roles::model::{CustomRole, Uses};
use crate::tenancy::roles::queries;
use crate::urls;

struct Row {
    name: String,
    href: String,
    kind: &'static str,
    description: String,
    permissions: String,
    uses: String,
}

#[derive(Template)]
#[template(path = "tenancy/roles/list.html")]
struct ListPage {
    shell: Shell,
    handle: String,
    name: String,
    is_admin: bool,
    q: String,
    count: String,
    rows: Vec<Row>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ListParams {
    q: String,
}

/// How often a role is used, in words; empty for one that is not.
pub(super) fn use_words(uses: Uses) -> String {
    let part = |count: i64, one: &str, many: &str| (count > 0).then(|| counted(count, one, many));
    [
        part(uses.people, "person", "people"),
        part(uses.service_accounts, "service account", "service accounts"),
        part(uses.defaults, "default role", "default roles"),
        part(uses.invitations, "open invitation", "open invitations"),
    ]
    .into_iter()
    .flatten()
    .collect::<Vec<_>>()
    .join(", ")
}

fn permissions(scopes: Scopes) -> String {
    let count = i64::try_from(scopes.iter().count()).unwrap_or_default();
    counted(count, "permission", "permissions")
}

/// `GET /organizations/{organization}/roles`
pub(super) async fn list(
    access: OrganizationAccess<AnyMember>,
    shell: Shell,
    app: web::Data<App>,
    params: web::Query<ListParams>,
) -> Result<HttpResponse> {
    let account = access.organization().account;
    let (own, uses, built_in) = app
        .db
        .read(move |db| {
            let own = queries::of_account(db, account)?;
            Ok((own, queries::uses(db, account)?, queries::built_in_uses(db, account)?))
        })
        .await?;
    let handle = access.organization().handle.clone();
    let q = params.q.trim().to_lowercase();
    let built_in = built_in.into_iter().map(|(role, uses)| Row {
        name: role.title().to_owned(),
        href: urls::role(&handle, role.as_str()),
        kind: "Built-in",
        description: role.purpose().to_owned(),
        permissions: permissions(role.scopes()),
        uses: use_words(uses),
    });
    let custom = own.iter().map(|role| Row {
        name: role.name.clone(),
        href: urls::role(&handle, role.id),
        kind: "Custom",
        description: role.description.clone(),
        permissions: permissions(role.named().scopes),
        uses: use_words(uses.get(&role.id).copied().unwrap_or_default()),
    });
    let rows: Vec<Row> = built_in
        .chain(custom)
        .filter(|row| q.is_empty() || row.name.to_lowercase().contains(&q))
        .collect();
    Page(ListPage {
        shell: access.shell(shell, AT),
        name: access.organization().name.clone(),
        is_admin: access.is_admin(),
        count: counted(i64::try_from(rows.len()).unwrap_or_default(), "role", "roles"),
        q: params.q.clone(),
        rows,
        handle,
    })
    .ok()
}

struct CompareRow {
    words: &'static str,
    scope: &'static str,
    has: Vec<bool>,
}

#[derive(Template)]
#[template(path = "tenancy/roles/compare.html")]
struct ComparePage {
    shell: Shell,
    handle: String,
    titles: Vec<String>,
    rows: Vec<CompareRow>,
}

/// `GET /organizations/{organization}/roles/compare`
pub(super) async fn compare(
    access: OrganizationAccess<AnyMember>,
    shell: Shell,
    app: web::Data<App>,
) -> Result<HttpResponse> {
    let account = access.organization().account;
    let roles: Vec<NamedRole> = app.db.read(move |db| Ok(queries::grantable(db, account)?)).await?;
    let row = |permission: Permission| CompareRow {
        words: permission.words().trim_end_matches('.'),
        scope: permission.scope(),
        has: roles.iter().map(|role| role.scopes.contains(permission)).collect(),
    };
    Page(ComparePage {
        shell: access.shell(shell, AT),
        handle: access.organization().handle.clone(),
        rows: Permission::all().map(row).collect(),
        titles: roles.iter().map(|role| role.title.clone()).collect(),
    })
    .ok()
}

/// The role that an address names.
pub(super) fn role_of(req: &HttpRequest) -> Result<RoleRef> {
    req.match_info().get("role").and_then(RoleRef::parse).ok_or(Error::NotFound)
}

#[derive(Template)]
#[template(path = "tenancy/roles/show.html")]
struct ShowPage {
    shell: Shell,
    handle: String,
    title: String,
    description: String,
    inherits: Option<&'static str>,
    is_custom: bool,
    id: String,
    changes: bool,
    created: Option<When>,
    groups: Vec<Group>,
    uses: String,
    places: Vec<(String, String, String)>,
}

/// `GET /organizations/{organization}/roles/{role}`
pub(super) async fn show(
    req: HttpRequest,
    access: OrganizationAccess<AnyMember>,
    shell: Shell,
    app: web::Data<App>,
) -> Result<HttpResponse> {
    let handle = access.organization().handle.clone();
    match role_of(&req)? {
        RoleRef::BuiltIn(role) => Page(ShowPage {
            shell: access.shell(shell, AT),
            handle,
            title: role.title().to_owned(),
            description: format!("{}.", role.purpose()),
            inherits: None,
            is_custom: false,
            id: role.as_str().to_owned(),
            changes: false,
            created: None,
            groups: groups(role.scopes(), Scopes::NONE),
            uses: String::new(),
            places: Vec::new(),
        })
        .ok(),
        RoleRef::Custom(id) => {
            let (account, is_admin) = (access.organization().account, access.is_admin());
            let (role, uses, places) = app
                .db
                .read(move |db| {
                    let role = queries::one(db, account, id)?.ok_or(Error::NotFound)?;
                    let uses = queries::uses(db, account)?.get(&id).copied();
                    let places = if is_admin { queries::places(db, id)? } else { Vec::new() };
                    Ok((role, uses.unwrap_or_default(), places))
                })
                .await?;
            let place = |place: queries::Place| {
                let mut words = Vec::new();
                if place.is_default {
                    words.push("default role".to_owned());
                }
                if place.people > 0 {
                    words.push(counted(place.people, "person", "people"));
                }
                if place.service_accounts > 0 {
                    let (one, many) = ("service account", "service accounts");
                    words.push(counted(place.service_accounts, one, many));
                }
                let href = urls::sharing((&handle, &place.workspace));
                (place.workspace, href, words.join(", "))
            };
            let places = places.into_iter().map(place).collect();
            Page(custom_page(&access, shell, &app, role, (uses, places))).ok()
        }
    }
}

fn custom_page(
    access: &OrganizationAccess<AnyMember>,
    shell: Shell,
    app: &App,
    role: CustomRole,
    (uses, places): (Uses, Vec<(String, String, String)>),
) -> ShowPage {
    let inherited = role.inherits.map(Role::scopes).unwrap_or_default();
    ShowPage {
        shell: access.shell(shell, AT),
        handle: access.organization().handle.clone(),
        inherits: role.inherits.map(Role::title),
        is_custom: true,
        id: role.id.to_string(),
        changes: access.is_admin(),
        created: Some(When::new(role.created_at, app.now())),
        groups: groups(role.named().scopes, inherited),
        uses: use_words(uses),
        places,
        title: role.name,
        description: role.description,
    }
}
