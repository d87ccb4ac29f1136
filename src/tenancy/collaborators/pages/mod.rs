//! The pages of a personal workspace's people.

mod invite;
mod list;
mod remove;

use actix_web::web::ServiceConfig;

use crate::access::permission::needs::ManageWorkspaceUsers;
use crate::access::workspace::WorkspaceAccess;
use crate::base::error::{Error, Result};
use crate::base::http::routes::resource;
use crate::tenancy::invitations::managing;
use crate::tenancy::invitations::model::takes_collaborators;

/// The routes of these pages.
pub fn routes(config: &mut ServiceConfig) {
    const LIST: &str = "/workspaces/{account}/{workspace}/collaborators";
    config
        .service(resource(LIST).get(list::show))
        .service(resource(format!("{LIST}/invite")).get(invite::show).post(invite::send))
        .service(resource(format!("{LIST}/{{id}}/remove")).get(remove::show).post(remove::remove));
    managing::routes::<WorkspaceAccess<ManageWorkspaceUsers>>(config, LIST);
}

/// Which entry of the navigation these pages are.
const AT: &str = "collaborators";

/// An organization's workspace has no collaborators: as if the page did not exist (B7).
fn personal_only<P>(access: &WorkspaceAccess<P>) -> Result<()> {
    if takes_collaborators(access.workspace()) { Ok(()) } else { Err(Error::NotFound) }
}
