//! The pages about who may use an organization's workspace.

mod add;
mod default;
mod explain;
mod list;
mod row;

use actix_web::web;

use crate::access::membership::Workspace;
use crate::access::workspace::{Asks, WorkspaceAccess};
use crate::access::{ServiceAccountId as Bot, UserId};
use crate::app::App;
use crate::base::error::Result;
use crate::base::http::routes::resource;
use crate::frame::Shell;
use crate::tenancy::roles;
use crate::urls;

/// The addresses of this slice.
pub fn routes(config: &mut web::ServiceConfig) {
    const LIST: &str = "/workspaces/{account}/{workspace}/sharing";
    let of = |rest: &str| resource(format!("{LIST}{rest}"));
    config
        .service(of("").get(list::show))
        .service(of("/default").get(default::show).post(default::save))
        .service(of("/access/{person}").get(explain::show))
        .service(of("/members/new").get(add::new_member).post(add::send))
        .service(of("/members/{id}/role").get(row::show::<UserId>).post(row::save::<UserId>))
        .service(
            of("/members/{id}/remove").get(row::show_remove::<UserId>).post(row::remove::<UserId>),
        )
        .service(of("/service-accounts/new").get(add::new_bot).post(add::share))
        .service(of("/service-accounts/{id}/role").get(row::show::<Bot>).post(row::save::<Bot>))
        .service(
            of("/service-accounts/{id}/remove")
                .get(row::show_remove::<Bot>)
                .post(row::remove::<Bot>),
        );
    crate::tenancy::invitations::managing::routes::<
        WorkspaceAccess<crate::access::permission::needs::ManageWorkspaceUsers>,
    >(config, &format!("{LIST}/invitations"));
}

/// Which entry of the navigation these pages are.
const AT: &str = "sharing";

/// What stands around a page.
struct Around {
    workspace: String,
    organization: String,
    list: String,
}

impl Around {
    fn of(place: &Workspace) -> Self {
        Self {
            workspace: place.handle.clone(),
            organization: place.account_name.clone(),
            list: urls::sharing(place),
        }
    }
}

fn shell<P: Asks>(access: &WorkspaceAccess<P>, shell: Shell) -> Shell {
    access.shell(shell, AT)
}

/// One role in a select: its value, its words, and whether the viewer may give it.
#[derive(Clone, Debug)]
pub(super) struct RoleOption {
    value: String,
    text: String,
    is_off: bool,
}

/// The roles of a select. One that allows more than the viewer may do is off, and says why.
async fn role_options<P: Asks>(app: &App, access: &WorkspaceAccess<P>) -> Result<Vec<RoleOption>> {
    let account = access.workspace().account;
    let mine = access.reach().narrow(access.held().scopes);
    let all = app.db.read(move |db| Ok(roles::queries::grantable(db, account)?)).await?;
    let option = |role: crate::access::role::NamedRole| {
        let is_off = !mine.covers(role.scopes);
        let text = if is_off { format!("{} (above yours)", role.title) } else { role.title };
        RoleOption { value: role.role.to_string(), text, is_off }
    };
    Ok(all.into_iter().map(option).collect())
}
