//! What the tests of invitations and collaborators share. Rows that other slices make are written
//! into the database here; everything else goes through pages.

use bulkhead::access::listing::Listing;
use bulkhead::access::membership::AccountKind;
use bulkhead::access::{AccountId, UserId, WorkspaceId};
use bulkhead::base::db::schema::{accounts, invitations, memberships, users, workspaces};
use bulkhead::base::db::{Db, Id, Instant};
use bulkhead::base::error::Result;
use bulkhead::base::settings::{Flags, SmtpTls};
use bulkhead::tenancy::invitations::model::{Invitation, State};
use diesel::prelude::*;

use crate::support::{Answer, Client, PASSWORD, TestApp};

/// Changes the database directly.
pub async fn change<R: Send + 'static>(
    app: &TestApp,
    work: impl FnOnce(&mut Db) -> Result<R> + Send + 'static,
) -> R {
    app.app.db.ingest(work).await.unwrap()
}

/// A mail server is set; nothing is sent, since no worker runs.
pub fn with_mail_server(flags: &mut Flags) {
    flags.smtp_host = Some("127.0.0.1".to_owned());
    flags.smtp_tls = SmtpTls::None;
}

/// A workspace of a person, as a row; returns its address.
pub async fn workspace(app: &TestApp, owner: &str, handle: &str) -> String {
    let (owner, name) = (owner.to_owned(), handle.to_owned());
    let now = app.app.now();
    let path = format!("/workspaces/{owner}/{handle}");
    change(app, move |db| {
        let account: AccountId =
            accounts::table.filter(accounts::handle.eq(&owner)).select(accounts::id).first(db)?;
        diesel::insert_into(workspaces::table)
            .values((
                workspaces::id.eq(WorkspaceId::new(now)),
                workspaces::account_id.eq(account),
                workspaces::handle.eq(&name),
                workspaces::name.eq(&name),
                workspaces::description.eq(""),
                workspaces::created_by_name.eq(&owner),
                workspaces::created_at.eq(now),
                workspaces::updated_at.eq(now),
            ))
            .execute(db)?;
        Ok(())
    })
    .await;
    path
}

/// The id of a workspace by its handle, which the tests use once.
pub async fn workspace_id(app: &TestApp, handle: &'static str) -> WorkspaceId {
    app.read(move |db| {
        Ok(workspaces::table
            .filter(workspaces::handle.eq(handle))
            .select(workspaces::id)
            .first(db)?)
    })
    .await
}

/// The id of a person.
pub async fn user_id(app: &TestApp, handle: &'static str) -> UserId {
    app.read(move |db| {
        Ok(users::table
            .inner_join(accounts::table)
            .filter(accounts::handle.eq(handle))
            .select(users::id)
            .first(db)?)
    })
    .await
}

/// Lets a person in without an invitation, as a row.
pub async fn let_in(app: &TestApp, handle: &'static str, workspace: WorkspaceId) {
    let user = user_id(app, handle).await;
    let now = app.app.now();
    change(app, move |db| {
        let listing = Listing::of(db, user)?;
        diesel::insert_into(memberships::table)
            .values((
                memberships::id.eq(Id::<Invitation>::new(now)),
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
    .await;
}

/// Makes a personal account an organization, as a row.
pub async fn make_organization(app: &TestApp, handle: &'static str) {
    change(app, move |db| {
        diesel::update(accounts::table.filter(accounts::handle.eq(handle)))
            .set(accounts::kind.eq(AccountKind::Organization))
            .execute(db)?;
        Ok(())
    })
    .await;
}

/// Gives an account a member limit of its own.
pub async fn limit_members(app: &TestApp, handle: &'static str, limit: Option<i32>) {
    change(app, move |db| {
        diesel::update(accounts::table.filter(accounts::handle.eq(handle)))
            .set(accounts::member_limit.eq(limit))
            .execute(db)?;
        Ok(())
    })
    .await;
}

/// Invites through the form.
pub async fn invite(owner: &Client, lab: &str, lines: &str) -> Answer {
    owner.submit(&format!("{lab}/collaborators/invite"), &[("email", lines)]).await
}

/// The link in the last invitation mail to an address.
pub async fn mailed_link(app: &TestApp, address: &str) -> String {
    let mails = app.inbox(address).await;
    let mail = mails.iter().rev().find(|mail| mail.text.contains("/invitations/"));
    mail.unwrap_or_else(|| panic!("no invitation to {address} among {mails:?}")).link()
}

/// The addresses of a row's menu, found by what stands in the row.
pub async fn step(owner: &Client, lab: &str, row: &str, step: &str) -> String {
    let page = owner.get(&format!("{lab}/collaborators?q={}", row.replace('@', "%40"))).await;
    let mut links = page.assert_status(200).links_containing(&format!("/{step}"));
    // The line above the list may lead there too.
    links.dedup();
    assert_eq!(links.len(), 1, "{row} {step}: {}", page.visible());
    links.remove(0)
}

/// The link that the owner copies for an address.
pub async fn copied_link(owner: &Client, lab: &str, address: &str) -> String {
    let page = step(owner, lab, address, "link").await;
    let answer = owner.submit(&page, &[]).await;
    answer.assert_status(200);
    let url = answer.select(".code code").pop().unwrap();
    url[url.find("/invitations/").unwrap()..].to_owned()
}

/// What somebody new types.
pub fn newcomer(handle: &str) -> Vec<(&'static str, String)> {
    let name = format!("{}{}", handle[..1].to_uppercase(), &handle[1..]);
    vec![("name", name), ("handle", handle.to_owned()), ("password", PASSWORD.to_owned())]
}

/// Fills in the sign-up form of an invitation.
pub async fn sign_up(client: &Client, link: &str, handle: &str) -> Answer {
    let fields = newcomer(handle);
    let fields: Vec<(&str, &str)> =
        fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    client.submit_form(link, "sign-up", &fields).await
}

/// All states of invitations, oldest first.
pub async fn states(app: &TestApp) -> Vec<State> {
    app.read(|db| {
        Ok(invitations::table
            .order((invitations::created_at, invitations::id))
            .select(invitations::state)
            .load(db)?)
    })
    .await
}

/// How many people were let into anything.
pub async fn members(app: &TestApp) -> i64 {
    app.read(|db| Ok(memberships::table.count().get_result(db)?)).await
}

/// How an address was confirmed.
pub async fn verified(app: &TestApp, handle: &'static str) -> String {
    app.read(move |db| {
        Ok(users::table
            .inner_join(accounts::table)
            .filter(accounts::handle.eq(handle))
            .select(users::verified)
            .first(db)?)
    })
    .await
}

/// Moves the end of all invitations.
pub async fn end_at(app: &TestApp, at: Instant) {
    change(app, move |db| {
        diesel::update(invitations::table).set(invitations::expires_at.eq(at)).execute(db)?;
        Ok(())
    })
    .await;
}
