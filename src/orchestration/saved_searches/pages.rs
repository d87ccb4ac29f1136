//! The pages of saved searches: the list, saving one, and deleting one.

use std::collections::BTreeMap;

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::model::{self, SavedSearch, words};
use super::{actions, queries};
use crate::access::membership::Workspace;
use crate::access::permission::Permission;
use crate::access::permission::needs::{ManageSavedSearch, SeeFlows};
use crate::access::workspace::WorkspaceAccess;
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::http::form::{Button, Field, Form};
use crate::base::http::json::path_id;
use crate::base::http::page::{Notice, Page};
use crate::base::http::routes::resource;
use crate::base::http::see_other;
use crate::base::text::When;
use crate::frame::Shell;
use crate::orchestration::deletion::Deletion;
use crate::urls;

/// The addresses of this slice.
pub fn routes(config: &mut web::ServiceConfig) {
    let at = |rest: &str| {
        resource(format!("/workspaces/{{account}}/{{workspace}}/saved-searches{rest}"))
    };
    config
        .service(at("").get(list))
        .service(at("/new").get(ask_save).post(save))
        .service(at("/{id}/delete").get(ask_delete).post(delete));
}

/// The saved searches as the list of flow runs shows them.
pub struct Bar {
    /// Their names, the list that each shows, and whether that is the one at hand.
    pub links: Vec<(String, String, bool)>,
    /// The page that saves what the list is narrowed by, where somebody may and it is not saved yet.
    pub save_href: Option<String>,
    /// The list of all, where there are any: also those of other programs, which are no links here.
    pub all_href: Option<String>,
}

impl Bar {
    /// Those that the list of flow runs can show. `pairs` are what it is narrowed by.
    pub fn of(
        workspace: &Workspace,
        found: &[SavedSearch],
        (pairs, may_save): (&[(&str, &str)], bool),
    ) -> Self {
        let here = runs(workspace, pairs);
        let shown = found.iter().filter_map(|search| Some((search, shown(workspace, search)?)));
        let links = shown.map(|(search, to)| (search.name.clone(), to.clone(), to == here));
        let is_saved = links.clone().any(|(_, _, is_here)| is_here);
        let save = urls::with_query(&urls::saved_search_new(workspace), pairs);
        Self {
            links: links.collect(),
            save_href: (may_save && !is_saved).then_some(save),
            all_href: (!found.is_empty()).then(|| urls::saved_searches(workspace)),
        }
    }
}

/// The list of flow runs, narrowed.
fn runs(workspace: &Workspace, pairs: &[(&str, &str)]) -> String {
    urls::with_query(&urls::flow_runs(workspace), pairs)
}

/// The list that a search shows; `None` for one of another program.
fn shown(workspace: &Workspace, search: &SavedSearch) -> Option<String> {
    let own = search.parameters()?;
    let pairs: Vec<_> = own.iter().map(|(name, value)| (*name, value.as_str())).collect();
    Some(runs(workspace, &pairs))
}

#[derive(Template)]
#[template(path = "orchestration/saved_searches/index.html")]
struct ListPage {
    shell: Shell,
    /// Each search, the list that it shows, when it changed, and the page that deletes it.
    rows: Vec<(SavedSearch, Option<String>, When, String)>,
    may_delete: bool,
    runs_href: String,
}

async fn list(
    access: WorkspaceAccess<SeeFlows>,
    shell: Shell,
    app: web::Data<App>,
) -> Result<HttpResponse> {
    let (workspace, now) = (access.workspace().clone(), app.now());
    let id = workspace.id;
    let found = app.db.read(move |db| Ok(queries::some(db, id, model::ALL)?)).await?;
    let row = |search: SavedSearch| {
        let delete = urls::saved_search_delete(&workspace, search.id);
        let changed = When::new(search.updated_at, now);
        let href = shown(&workspace, &search);
        (search, href, changed, delete)
    };
    Page(ListPage {
        rows: found.into_iter().map(row).collect(),
        may_delete: access.may(Permission::ManageSavedSearch),
        runs_href: urls::flow_runs(&workspace),
        shell: access.shell(shell, "flow-runs"),
    })
    .ok()
}

#[derive(Template)]
#[template(path = "orchestration/saved_searches/form.html")]
struct SavePage {
    shell: Shell,
    name: Field,
    /// What the list is narrowed by.
    kept: Vec<(&'static str, String)>,
    words: String,
    here: String,
    back: String,
}

impl SavePage {
    /// What was typed, or asked for by the address: a name, and the parameters of the list.
    fn of(
        access: &WorkspaceAccess<ManageSavedSearch>,
        shell: Shell,
        mut typed: BTreeMap<String, String>,
    ) -> Self {
        let name = Field::new("name", typed.remove("name").unwrap_or_default());
        let kept = model::known(&typed);
        let pairs: Vec<_> = kept.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Self {
            words: words(&model::of_parameters(&kept)),
            here: urls::saved_search_new(access.workspace()),
            back: runs(access.workspace(), &pairs),
            shell: access.shell(shell, "flow-runs"),
            name,
            kept,
        }
    }
}

async fn ask_save(
    access: WorkspaceAccess<ManageSavedSearch>,
    shell: Shell,
    asked: Option<web::Query<BTreeMap<String, String>>>,
) -> Result<HttpResponse> {
    let asked = asked.map(web::Query::into_inner).unwrap_or_default();
    Page(SavePage::of(&access, shell, asked)).ok()
}

async fn save(
    access: WorkspaceAccess<ManageSavedSearch>,
    (shell, ip): (Shell, ClientIp),
    app: web::Data<App>,
    form: Form<BTreeMap<String, String>>,
    req: HttpRequest,
) -> Result<HttpResponse> {
    let mut page = SavePage::of(&access, shell, form.fields);
    let Some(name) = page.name.parse(model::name) else { return Page(page).unprocessable() };
    let filters = model::of_parameters(&page.kept);
    match actions::save(&app, access, ip, (name, filters)).await {
        Ok((search, is_new)) => {
            let done = if is_new { "is saved" } else { "looks for this from now on" };
            Notice::ok(format!("“{}” {done}.", search.name)).leave(&req)?;
            Ok(see_other(page.back))
        }
        Err(Error::Conflict(problem)) => {
            page.name = page.name.with_problem(problem);
            Page(page).unprocessable()
        }
        Err(error) => Err(error),
    }
}

async fn ask_delete(
    access: WorkspaceAccess<ManageSavedSearch>,
    shell: Shell,
    app: web::Data<App>,
    req: HttpRequest,
) -> Result<HttpResponse> {
    let (workspace, id) = (access.workspace().id, path_id(&req, "id")?);
    let found = app.db.read(move |db| Ok(queries::one(db, workspace, id)?)).await?;
    let name = found.ok_or(Error::NotFound)?.name;
    let text = "It goes for everybody in this workspace. The flow runs that it finds stay.";
    let (texts, list) = (vec![text.to_owned()], urls::saved_searches(access.workspace()));
    Deletion { kind: "saved search", name, texts, list: ("Saved searches", list) }
        .page(access.shell(shell, "flow-runs"))
}

async fn delete(
    access: WorkspaceAccess<ManageSavedSearch>,
    app: web::Data<App>,
    ip: ClientIp,
    _form: Form<Button>,
    req: HttpRequest,
) -> Result<HttpResponse> {
    let to = urls::saved_searches(access.workspace());
    let name = actions::delete(&app, access, ip, path_id(&req, "id")?).await?;
    Notice::ok(format!("“{name}” is deleted.")).leave(&req)?;
    Ok(see_other(to))
}
