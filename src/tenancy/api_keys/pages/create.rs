//! `/profile/api-keys/new`

use actix_web::{HttpResponse, web};
use askama::Template;

use super::Expiry;
use super::list::limited_to;
use crate::access::actor::RecentlyConfirmed;
use crate::access::membership;
use crate::app::App;
use crate::base::error::Result;
use crate::base::http::client::ClientIp;
use crate::base::http::form::Form;
use crate::base::http::page::Page;
use crate::base::text::counted;
use crate::frame::Shell;
use crate::tenancy::api_keys::actions::{self, Created, NewKey};
use crate::tenancy::api_keys::forms::{NewKeyFields, NewKeyForm, limit_options};
use crate::tenancy::api_keys::model::Lifetime;
use crate::tenancy::api_keys::queries;

#[derive(Template)]
#[template(path = "tenancy/api_keys/new.html")]
struct NewPage {
    shell: Shell,
    fields: NewKeyFields,
    lifetimes: Vec<(String, String)>,
    limits: Vec<(String, String)>,
    problem: Option<String>,
    is_first: bool,
}

/// Workspaces in the select.
const WORKSPACES: i64 = 1000;

async fn page(
    app: &App,
    person: &RecentlyConfirmed,
    shell: Shell,
    fields: Option<NewKeyFields>,
    problem: Option<String>,
) -> Result<Page<NewPage>> {
    let reach = person.actor().reach(app.now());
    let found = app.db.read(move |db| Ok(membership::list(db, &reach, WORKSPACES)?)).await?;
    let paths = found.into_iter().map(|found| (found.id, queries::path(&found))).collect();
    let is_first = fields.is_none();
    Ok(Page(NewPage {
        shell: shell.at("api-keys"),
        fields: fields.unwrap_or_else(NewKeyFields::empty),
        lifetimes: Lifetime::options(),
        limits: limit_options(paths),
        problem,
        is_first,
    }))
}

/// `GET /profile/api-keys/new`
pub async fn show(
    person: RecentlyConfirmed,
    shell: Shell,
    app: web::Data<App>,
) -> Result<HttpResponse> {
    page(&app, &person, shell, None, None).await?.ok()
}

/// `POST /profile/api-keys/new`: answers with the key, once (SP-17).
pub async fn save(
    person: RecentlyConfirmed,
    shell: Shell,
    app: web::Data<App>,
    ip: ClientIp,
    form: Form<NewKeyForm>,
) -> Result<HttpResponse> {
    let (mut fields, request) = NewKeyFields::parse(form.fields);
    let Some(request) = request else {
        return page(&app, &person, shell, Some(fields), None).await?.unprocessable();
    };
    let mut problem = None;
    match actions::create(&app, person.clone(), ip, form.once, request).await? {
        Created::Made(new) => return Page(MadePage::new(&app, shell, &new)).ok(),
        Created::NameTaken => {
            let words = "You have a key of this name. Choose another one.";
            fields.name = fields.name.with_problem(words);
        }
        Created::WorkspaceGone => {
            let words = "You can’t access this workspace any more. Choose another one.";
            fields.limit = fields.limit.with_problem(words);
        }
        Created::LimitReached(limit) => problem = Some(limit_words(limit)),
    }
    page(&app, &person, shell, Some(fields), problem).await?.unprocessable()
}

/// Why there can be no further key.
pub fn limit_words(limit: i64) -> String {
    let keys = counted(limit, "API key", "API keys");
    format!("You have {keys}, and more aren’t possible here. Delete one that you don’t use.")
}

#[derive(Template)]
#[template(path = "tenancy/api_keys/made.html")]
struct MadePage {
    shell: Shell,
    name: String,
    secret: String,
    last_four: String,
    commands: String,
    limited_to: String,
    read_only: bool,
    expiry: Expiry,
}

impl MadePage {
    fn new(app: &App, shell: Shell, new: &NewKey) -> Self {
        let key = &new.key;
        let paths: Vec<_> = key.only_workspace_id.zip(new.only.clone()).into_iter().collect();
        let secret = new.secret.reveal();
        let site = app.settings().site();
        let workspace =
            new.only.as_ref().map(|path| format!(" --workspace {path}")).unwrap_or_default();
        Self {
            shell: shell.at("api-keys"),
            name: key.name.clone(),
            last_four: key.last_four.clone(),
            commands: format!(
                "prefect config set PREFECT_CLOUD_API_URL={site}/api\n\
                 prefect config set PREFECT_CLOUD_UI_URL={site}\n\
                 prefect cloud login --key {secret}{workspace}"
            ),
            secret,
            limited_to: limited_to(key, &paths),
            read_only: key.read_only,
            expiry: Expiry::new(key.expires_at, key.created_at),
        }
    }
}
