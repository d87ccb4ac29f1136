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
use crate::base::http::page::{Notice, Page};
use crate::base::http::see_other;
use crate::base::text::{When, counted};
use crate::frame::Shell;
use crate::tenancy::api_keys::actions::Deleted;
use crate::tenancy::api_keys::model::KeyId;
use crate::tenancy::api_keys::{actions, queries, rules};
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
    /// Says how many keys end with it.
    others_title: String,
    /// Their names and last characters.
    others: Vec<(String, String)>,
    /// Service accounts whose keys were made with it and go on, and how many are not named.
    bots: Vec<String>,
    more_bots: i64,
}

/// Service accounts named on the page.
const BOTS: i64 = 20;

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
        let all = queries::all(db, user, actions::KEYS)?;
        let others = rules::made_with(&all, id);
        let ending: Vec<KeyId> = others.iter().map(|key| key.id).chain([id]).collect();
        let others: Vec<(String, String)> =
            others.iter().map(|key| (key.name.clone(), key.last_four.clone())).collect();
        let bots = queries::bots_with_keys_by(db, user, &ending, BOTS)?;
        Ok(Some((key, paths, (others, bots))))
    });
    let (key, paths, (others, (bots, all_bots))) = found.await?.ok_or(Error::NotFound)?;
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
        others_title: match others.len() {
            1 => "Another key is deleted too.".to_owned(),
            count => format!("{count} other keys are deleted too."),
        },
        others,
        more_bots: all_bots - i64::try_from(bots.len()).unwrap_or(BOTS),
        bots,
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
    if let Some(Deleted { name, others }) =
        actions::delete(&app, person.actor().clone(), ip, Some(form.once), id_of(&path)?).await?
    {
        let text = match others {
            0 => format!("“{name}” was deleted. Programs that use it are refused."),
            others => format!(
                "“{name}” and {} made with it were deleted. Programs that use them are refused.",
                counted(i64::try_from(others).unwrap_or(i64::MAX), "key", "keys"),
            ),
        };
        Notice::ok(text).leave(&req)?;
    }
    Ok(see_other(urls::api_keys()))
}
