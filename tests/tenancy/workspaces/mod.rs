//! Workspaces: the list, making, settings, leaving, deleting, restoring, purging.

mod create;
mod delete;
mod list;
mod settings;

use bulkhead::access::listing::Listing;
use bulkhead::access::{AccountId, UserId, WorkspaceId};
use bulkhead::base::db::schema::{accounts, invitations, memberships, users, workspaces};
use bulkhead::base::db::{Id, Locks};
use diesel::prelude::*;

use crate::support::TestApp;

/// Something in the database that only tests make by hand.
enum Row {}

/// The id of a workspace, deleted or not.
async fn id_of(app: &TestApp, account: &str, workspace: &str) -> WorkspaceId {
    let (account, workspace) = (account.to_owned(), workspace.to_owned());
    app.read(move |db| {
        Ok(workspaces::table
            .inner_join(accounts::table)
            .filter(accounts::handle.eq(account))
            .filter(workspaces::handle.eq(workspace))
            .select(workspaces::id)
            .first(db)?)
    })
    .await
}

/// The account and user of a person.
async fn ids_of(app: &TestApp, handle: &str) -> (AccountId, UserId) {
    let handle = handle.to_owned();
    app.read(move |db| {
        Ok(users::table
            .inner_join(accounts::table)
            .filter(accounts::handle.eq(handle))
            .select((accounts::id, users::id))
            .first(db)?)
    })
    .await
}

/// Lets somebody into a workspace, as accepting an invitation does.
async fn let_in(app: &TestApp, workspace: WorkspaceId, who: &str) {
    let (_, user) = ids_of(app, who).await;
    let now = app.app.now();
    app.app
        .db
        .write(Locks::Instance, move |db| {
            let listing = Listing::of(db, user)?;
            diesel::insert_into(memberships::table)
                .values((
                    memberships::id.eq(Id::<Row>::new(now)),
                    memberships::workspace_id.eq(workspace),
                    memberships::user_id.eq(user),
                    memberships::role.eq(Some("collaborator")),
                    memberships::granted_by_name.eq("Ada"),
                    memberships::sort_name.eq(listing.sort_name),
                    memberships::search_key.eq(listing.search_key),
                    memberships::created_at.eq(now),
                ))
                .execute(db)?;
            Ok(())
        })
        .await
        .unwrap();
}

/// Invites an address into a workspace, without the mail.
async fn invite(app: &TestApp, owner: &str, workspace: WorkspaceId, email: &str) {
    let (account, user) = ids_of(app, owner).await;
    let (owner, email, now) = (owner.to_owned(), email.to_owned(), app.app.now());
    app.app
        .db
        .write(account, move |db| {
            diesel::insert_into(invitations::table)
                .values((
                    invitations::id.eq(Id::<Row>::new(now)),
                    invitations::kind.eq("collaborator"),
                    invitations::account_id.eq(account),
                    invitations::workspace_id.eq(workspace),
                    invitations::email.eq(&email),
                    invitations::email_key.eq(&email),
                    invitations::role.eq("collaborator"),
                    invitations::state.eq("pending"),
                    invitations::generation.eq(1),
                    invitations::expires_at.eq(now.plus_days(7)),
                    invitations::invited_by.eq(Some(user)),
                    invitations::invited_by_name.eq(owner),
                    invitations::created_at.eq(now),
                    invitations::sent_at.eq(now),
                ))
                .execute(db)?;
            Ok(())
        })
        .await
        .unwrap();
}

/// How many rows of each table a workspace has: memberships, invitations, itself.
async fn rows_of(app: &TestApp, id: WorkspaceId) -> (i64, i64, i64) {
    app.read(move |db| {
        let members = memberships::table.filter(memberships::workspace_id.eq(id));
        let invited = invitations::table.filter(invitations::workspace_id.eq(id));
        Ok((
            members.count().get_result(db)?,
            invited.count().get_result(db)?,
            workspaces::table.filter(workspaces::id.eq(id)).count().get_result(db)?,
        ))
    })
    .await
}
