//! The addresses that the Prefect client prints.

use actix_web::{HttpResponse, web};
use serde::Deserialize;

use crate::access::actor::SignedInPerson;
use crate::access::{AccountId, WorkspaceId, membership};
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::http::see_other;
use crate::urls;

#[derive(Deserialize)]
pub(super) struct Ids {
    account_id: String,
    workspace_id: String,
}

/// To the workspace's page, for those with access; whichever account it belongs to by now.
pub(super) async fn show(
    person: SignedInPerson,
    app: web::Data<App>,
    ids: web::Path<Ids>,
) -> Result<HttpResponse> {
    let _: AccountId = ids.account_id.parse().map_err(|_| Error::NotFound)?;
    let id: WorkspaceId = ids.workspace_id.parse().map_err(|_| Error::NotFound)?;
    let reach = person.actor().reach(app.now());
    let found = app.db.read(move |db| Ok(membership::by_id(db, &reach, id)?)).await?;
    let (workspace, _) = found.ok_or(Error::NotFound)?;
    Ok(see_other(urls::workspace(&workspace.account_handle, &workspace.handle)))
}
