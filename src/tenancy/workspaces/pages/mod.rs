//! The pages.

mod client;
mod dashboard;
mod delete;
mod deleted;
mod leave;
mod list;
mod new;
mod settings;

use actix_web::web;

use crate::access::membership::Workspace;
use crate::app::App;

/// The addresses of this slice. `new` and `deleted` are reserved handles, so no account hides them.
pub fn routes(config: &mut web::ServiceConfig) {
    let of_workspace =
        |rest: &str| web::resource(format!("/workspaces/{{account}}/{{workspace}}{rest}"));
    config
        .service(web::resource("/workspaces").get(list::show))
        .service(web::resource("/workspaces/new").get(new::show).post(new::create))
        .service(web::resource("/workspaces/deleted/{id}").get(deleted::show).post(deleted::act))
        .service(of_workspace("").get(dashboard::show))
        .service(of_workspace("/settings").get(settings::show))
        .service(of_workspace("/settings/edit").get(settings::edit).post(settings::save))
        .service(of_workspace("/settings/delete").get(delete::show).post(delete::delete))
        .service(of_workspace("/leave").get(leave::show).post(leave::leave))
        .service(
            web::resource([
                "/account/{account_id}/workspace/{workspace_id}",
                "/account/{account_id}/workspace/{workspace_id}/{tail:.*}",
            ])
            .get(client::show),
        );
}

/// `ada/lab`
fn path_of(workspace: &Workspace) -> String {
    format!("{}/{}", workspace.account_handle, workspace.handle)
}

/// What is typed once on a machine to work with a workspace (G1, decisions 21).
#[derive(Clone, Debug)]
struct Connect {
    server: String,
    login: &'static str,
    select: String,
}

impl Connect {
    fn of(app: &App, workspace: &Workspace) -> Self {
        let site = app.settings().site();
        Self {
            server: format!(
                "prefect config set PREFECT_CLOUD_API_URL=\"{site}/api\"\n\
                 prefect config set PREFECT_CLOUD_UI_URL=\"{site}\""
            ),
            login: "prefect cloud login --key \"pnu_…\"",
            select: format!("prefect cloud workspace set --workspace \"{}\"", path_of(workspace)),
        }
    }
}

/// Where people ask for a higher limit, as an address.
fn support_href(support: &str) -> String {
    if support.contains("://") { support.to_owned() } else { format!("mailto:{support}") }
}
