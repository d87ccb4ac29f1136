//! `/profile/api-keys/{id}/delete`

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::Expiry;
use super::list::limited_to;
use crate::access::actor::SignedInPerson;
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::http::form::{Button, Form};
use crate::base::http::page::{Notice, Page, Shell};
use crate::base::http::see_other;
use crate::base::text::When;
use crate::tenancy::api_keys::model::KeyId;
use crate::tenancy::api_keys::{actions, queries};
use crate::urls;

#[derive(Template)]
#[template(path = "tenancy/api_keys/delete.html")]
pub struct DeletePage {
    shell: Shell,
    name: String,
    last_four: String,
    limited_to: String,
    read_only: bool,
    expiry: Expiry,
    is_over: bool,
    last_used: Option<(When, Option<String>)>,
}

fn id_of(path: &web::Path<String>) -> Result<KeyId> {
    path.parse().map_err(|_| Error::NotFound)
}

/// `GET /profile/api-keys/{id}/delete`
pub async fn show(
    person: SignedInPerson,
    shell: Shell,
    app: web::Data<App>,
    path: web::Path<String>,
) -> Result<Page<DeletePage>> {
    let (id, user, reach) = (id_of(&path)?, person.person().user, person.actor().reach(app.now()));
    let found = app.db.read(move |db| {
        let Some(key) = queries::one(db, user, id)? else { return Ok(None) };
        let limits: Vec<_> = key.only_workspace_id.into_iter().collect();
        let paths = queries::paths(db, &reach, &limits)?;
        Ok(Some((key, paths)))
    });
    let (key, paths) = found.await?.ok_or(Error::NotFound)?;
    let now = app.now();
    Ok(Page(DeletePage {
        shell: shell.at("api-keys"),
        limited_to: limited_to(&key, &paths),
        expiry: Expiry::new(key.expires_at, now),
        is_over: key.expires_at.is_some_and(|end| end <= now),
        last_used: key.last_used_at.map(|at| (When::new(at, now), key.last_used_ip)),
        name: key.name,
        last_four: key.last_four,
        read_only: key.read_only,
    }))
}

/// `POST /profile/api-keys/{id}/delete`
pub async fn act(
    person: SignedInPerson,
    req: HttpRequest,
    app: web::Data<App>,
    ip: ClientIp,
    path: web::Path<String>,
    form: Form<Button>,
) -> Result<HttpResponse> {
    if let Some(name) =
        actions::delete(&app, person.actor().clone(), ip, Some(form.once), id_of(&path)?).await?
    {
        Notice::ok(format!("“{name}” was deleted. Programs that use it are refused."))
            .leave(&req)?;
    }
    Ok(see_other(urls::api_keys()))
}
