//! The pages of a personal workspace's people.

mod invite;
mod invited;
mod list;
mod remove;

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::web::{self, ServiceConfig};

use crate::access::workspace::WorkspaceAccess;
use crate::base::error::{Error, Result};
use crate::tenancy::invitations::model::takes_collaborators;
use crate::urls;

/// The routes of these pages.
pub fn routes(config: &mut ServiceConfig) {
    const LIST: &str = "/workspaces/{account}/{workspace}/collaborators";
    let step = |step: &str| web::resource(format!("{LIST}/{{id}}/{step}"));
    config
        .service(web::resource(LIST).get(list::show))
        .service(web::resource(format!("{LIST}/invite")).get(invite::show).post(invite::send))
        .service(step("remove").get(remove::show).post(remove::remove))
        .service(step("resend").get(invited::show_resend).post(invited::resend))
        .service(step("revoke").get(invited::show_revoke).post(invited::revoke))
        .service(step("link").get(invited::show_link).post(invited::link));
}

/// Which entry of the navigation these pages are.
const AT: &str = "collaborators";

/// An organization's workspace has no collaborators: as if the page did not exist (B7).
fn personal_only<P>(access: &WorkspaceAccess<P>) -> Result<()> {
    if takes_collaborators(access.workspace()) { Ok(()) } else { Err(Error::NotFound) }
}

/// The addresses around a page.
#[derive(Clone)]
struct Around {
    workspace: String,
    list: String,
    invite: String,
}

impl Around {
    fn of<P>(access: &WorkspaceAccess<P>) -> Self {
        let workspace = access.workspace();
        let (account, handle) = (&workspace.account_handle, &workspace.handle);
        Self {
            workspace: handle.clone(),
            list: urls::collaborators(account, handle),
            invite: urls::collaborators_invite(account, handle),
        }
    }
}

fn no_store(mut response: HttpResponse) -> HttpResponse {
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
