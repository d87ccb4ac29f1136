//! `/profile/delete`

use actix_session::SessionExt;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::actions::{self, Closed};
use super::queries::{self, Holdings};
use crate::access::actor::RecentlyConfirmed;
use crate::app::App;
use crate::base::error::Result;
use crate::base::http::client::ClientIp;
use crate::base::http::form::{Field, Form};
use crate::base::http::page::Page;
use crate::base::http::see_other;
use crate::base::text::counted;
use crate::frame::Shell;
use crate::urls;

struct ObstacleRow {
    name: String,
    href: String,
    is_deleted: bool,
}

#[derive(Template)]
#[template(path = "tenancy/closing/delete.html")]
struct DeletePage {
    shell: Shell,
    handle: String,
    confirm: Field,
    obstacles: Vec<ObstacleRow>,
    /// Address and handle of those that would be without an admin.
    organizations: Vec<(String, String)>,
    keys: String,
    places: String,
}

async fn page(
    who: &RecentlyConfirmed,
    app: &App,
    shell: Shell,
    confirm: Field,
) -> Result<DeletePage> {
    let (user, account) = (who.person().user, who.person().account);
    let holdings = app.db.read(move |db| Ok(queries::holdings(db, user, account)?)).await?;
    let Holdings { obstacles, organizations, keys, places } = holdings;
    let handle = who.person().handle.clone();
    let organizations = organizations
        .into_iter()
        .map(|(_, name)| (urls::organization_page(&name, "members"), name))
        .collect();
    let obstacles = obstacles
        .into_iter()
        .map(|obstacle| ObstacleRow {
            name: format!("{handle}/{}", obstacle.handle),
            is_deleted: obstacle.deleted_at.is_some(),
            href: match obstacle.deleted_at {
                Some(_) => urls::workspace_deleted(obstacle.id),
                None => urls::settings_delete((&handle, &obstacle.handle)),
            },
        })
        .collect();
    Ok(DeletePage {
        shell: shell.at("profile"),
        confirm,
        obstacles,
        organizations,
        keys: counted(keys, "API key", "API keys"),
        places: counted(places, "workspace of somebody else", "workspaces of others"),
        handle,
    })
}

/// `GET /profile/delete`
pub async fn show(
    who: RecentlyConfirmed,
    app: web::Data<App>,
    shell: Shell,
) -> Result<HttpResponse> {
    Page(page(&who, &app, shell, Field::empty("confirm")).await?).ok()
}

/// The typed confirmation.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConfirmForm {
    confirm: String,
}

/// `POST /profile/delete`
pub async fn delete(
    req: HttpRequest,
    who: RecentlyConfirmed,
    app: web::Data<App>,
    shell: Shell,
    ip: ClientIp,
    form: Form<ConfirmForm>,
) -> Result<HttpResponse> {
    let mut confirm = Field::new("confirm", form.fields.confirm);
    if confirm.value.trim() != who.person().handle {
        confirm.problem = Some(format!("Type {} to confirm.", who.person().handle));
        return Page(page(&who, &app, shell, confirm).await?).unprocessable();
    }
    match actions::close(&app, who.clone(), ip).await? {
        Closed::Gone => {
            req.get_session().purge();
            Ok(see_other(urls::with_query(urls::sign_in(), &[("done", "deleted")])))
        }
        Closed::IsNeeded => Page(page(&who, &app, shell, confirm).await?).unprocessable(),
    }
}
