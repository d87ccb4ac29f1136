//! Choosing where a workspace moves to, what that would change, and the confirmation (T5 … T11).

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use crate::access::actor::{Person, RecentlyConfirmed, SignedInPerson};
use crate::access::handle::Handle;
use crate::access::membership::{self, AccountKind, OwningAccount, Workspace};
use crate::access::permission::{Permission, needs};
use crate::access::workspace::WorkspaceAccess;
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::http::form::{Field, Form, led_to};
use crate::base::http::page::{Notice, Page};
use crate::base::http::see_other;
use crate::frame::Shell;
use crate::tenancy::impacts::export::{Format, Route, file};
use crate::tenancy::impacts::model::Review;
use crate::tenancy::impacts::view::View;
use crate::tenancy::transfers::actions::{self, Started, Wanted};

use crate::tenancy::transfers::forms::{
    CARRIED, Confirmation, ReviewParams, StartForm, carried, handle_of,
};
use crate::tenancy::transfers::model::{Facts, Party, Sees};
use crate::tenancy::transfers::queries::{self};
use crate::tenancy::transfers::rules;
use crate::tenancy::workspaces::connect::path_of;
use crate::urls;

#[derive(Template)]
#[template(path = "tenancy/transfers/start.html")]
struct StartPage {
    shell: Shell,
    workspace: Workspace,
    path: String,
    label: String,
    target: Field,
    other: Field,
    handle: Field,
    organizations: Vec<(String, String)>,
    own: Option<(String, String)>,
    support: Option<String>,
    found: Option<Found>,
    /// The review as a file: its form, and where it is.
    files: Vec<(&'static str, String)>,
    /// Where the password is asked for once more, when it has to be.
    confirm_href: Option<String>,
    /// Another handle in the target and the review with it, where the one that is asked for can't be had.
    free_handle: Option<(String, String)>,
}

struct Found {
    source: Account,
    account: Account,
    view: View,
    confirmation: Confirmation,
    /// Not before this.
    time: Field,
    /// Whether it waits until no flow run is going on.
    idle: Field,
    /// Those who lose access: id, name, address, and whether they are to be invited.
    losing: Vec<(String, String, String, bool)>,
    /// How many of them are not in this list.
    more_losing: usize,
    carry_problem: Option<String>,
    /// `Transfer`, or `Request transfer`.
    verb: &'static str,
    /// Who has to approve.
    awaited: Option<String>,
    /// Set where something changed since the review that was seen.
    changed: bool,
    is_possible: bool,
}

/// One of the two accounts, on top of the page.
struct Account {
    name: String,
    handle: String,
    /// How many workspaces it has, and has afterwards, where whoever looks may know.
    slots: Option<(String, String)>,
}

impl Account {
    /// An account as one side sees it; `change` is what the transfer does to the number of its workspaces.
    fn of(party: &Party, is_seen: bool, change: i64) -> Self {
        let slots = is_seen.then(|| {
            let limit = party.slots.limit.map_or_else(String::new, |limit| format!(" of {limit}"));
            (party.slots.used.to_string(), format!("{}{limit}", party.slots.used + change))
        });
        Self { name: party.account.name.clone(), handle: party.account.handle.clone(), slots }
    }
}

/// Accounts in the list, at most.
const LISTED: i64 = 100;

/// What the page needs to know of accounts.
pub(super) struct Around {
    organizations: Vec<OwningAccount>,
    pub(super) target: Option<OwningAccount>,
}

pub(super) async fn around(app: &App, person: &Person, account: String) -> Result<Around> {
    let person = person.clone();
    app.db
        .read(move |db| {
            let organizations = membership::administered(db, &person, LISTED)?;
            let target = match account.as_str() {
                "" => None,
                handle if Handle::is_stored_form(handle) => {
                    queries::target_of_handle(db, &person, handle)?
                }
                _ => None,
            };
            Ok(Around { organizations, target })
        })
        .await
}

impl StartPage {
    fn of(
        shell: Shell,
        app: &App,
        workspace: &Workspace,
        (person, around): (&Person, &Around),
        params: &ReviewParams,
    ) -> Self {
        let handle =
            if params.handle.is_empty() { workspace.handle.clone() } else { params.handle.clone() };
        let option = |account: &OwningAccount| (account.handle.clone(), account.name.clone());
        let may_own = workspace.account_kind == AccountKind::Organization;
        let path = path_of(workspace);
        Self {
            shell,
            label: format!("Type {path} to confirm"),
            path,
            target: Field::new("target", params.target.clone()),
            other: Field::new("other", params.other.clone()),
            handle: Field::new("handle", handle),
            organizations: around
                .organizations
                .iter()
                .filter(|account| account.id != workspace.account)
                .map(option)
                .collect(),
            own: may_own.then(|| (person.handle.clone(), person.name.clone())),
            support: app.settings().flags.support.clone(),
            found: None,
            files: Vec::new(),
            confirm_href: None,
            free_handle: None,
            workspace: workspace.clone(),
        }
    }

    /// Says at the field that the handle can't be had, and offers one that can to whoever may know.
    fn offer_another(&mut self, facts: &Facts, sees_target: bool) {
        let Some(taken) = &facts.taken else { return };
        self.handle.problem = Some(if sees_target {
            taken.problem()
        } else {
            "This handle can’t be had there. Choose another one.".to_owned()
        });
        self.free_handle = sees_target.then(|| {
            let place = urls::settings_transfer(&self.workspace);
            let free = taken.proposal.as_str();
            let pairs = [("target", &*facts.target.account.handle), ("handle", free)];
            (free.to_owned(), urls::with_query(&place, &pairs))
        });
    }

    /// The account and the handle that are asked for; the problem stands at its field.
    fn asked(&mut self, around: &Around, params: &ReviewParams) -> Option<(OwningAccount, Handle)> {
        if params.account().is_empty() {
            return None;
        }
        let field = if params.other.trim().is_empty() { &mut self.target } else { &mut self.other };
        let target = around.target.as_ref();
        field.problem = rules::refusal(&self.workspace, target, self.support.as_deref());
        let target = target.filter(|_| field.problem.is_none()).cloned();
        match handle_of(&self.handle.value) {
            Ok(handle) => Some((target?, handle)),
            Err(field) => {
                self.handle = field;
                None
            }
        }
    }
}

fn found(
    (facts, review): (&Facts, &Review),
    (decides, sees_people): (Sees, bool),
    app: &App,
) -> Found {
    let (source, target) = (&facts.source.account, &facts.target.account);
    let missing: Vec<&str> = [(source, decides.source), (target, decides.target)]
        .into_iter()
        .filter(|(_, decides)| !decides)
        .map(|(account, _)| account.name.as_str())
        .collect();
    let losing: Vec<_> = facts
        .people
        .iter()
        .filter(|one| one.loses() && sees_people)
        .map(|one| (one.user.to_string(), one.name.clone(), one.email.clone(), false))
        .collect();
    let sees_target = decides.target;
    let can_ask = facts.taken.is_none() && !(sees_target && facts.target.slots.is_full());
    Found {
        source: Account::of(&facts.source, true, -1),
        account: Account::of(&facts.target, sees_target, 1),
        view: View::of(review, app.now()),
        confirmation: Confirmation::of(review),
        time: Field::empty("time"),
        idle: Field::empty("idle"),
        losing: losing.iter().take(CARRIED).cloned().collect(),
        more_losing: losing.len().saturating_sub(CARRIED),
        carry_problem: None,
        verb: if missing.is_empty() { "Transfer" } else { "Request transfer" },
        awaited: (!missing.is_empty()).then(|| {
            let days = app.settings().flags.transfer_days;
            format!(
                "Nothing moves before an admin of {} approves. The request ends after {days} days.",
                missing.join(" and one of ")
            )
        }),
        changed: false,
        is_possible: can_ask,
    }
}

/// `GET …/settings/transfer`: the review is to be read by whoever may ask; the password is for the deed.
pub(super) async fn show(
    access: WorkspaceAccess<needs::ManageWorkspaceSettings>,
    (signed_in, recent): (SignedInPerson, Option<RecentlyConfirmed>),
    shell: Shell,
    app: web::Data<App>,
    params: Option<web::Query<ReviewParams>>,
) -> Result<HttpResponse> {
    let params = params.map(web::Query::into_inner).unwrap_or_default();
    let person = signed_in.person();
    let id = access.workspace().id;
    let waiting = app.db.read(move |db| Ok(queries::pending_of(db, id)?)).await?;
    if let Some(waiting) = waiting.filter(|waiting| waiting.expires_at > app.now()) {
        return Ok(see_other(urls::transfer(waiting.id)));
    }
    let around = around(&app, person, params.account()).await?;
    let shell = access.shell(shell, "settings");
    let access_sees_runs = access.may(Permission::SeeFlows);
    let mut page = StartPage::of(shell, &app, access.workspace(), (person, &around), &params);
    let Some((target, handle)) = page.asked(&around, &params) else {
        let is_wrong =
            [&page.target, &page.other, &page.handle].iter().any(|f| f.problem.is_some());
        return if is_wrong { Page(page).unprocessable() } else { Page(page).ok() };
    };
    let (facts, review, decides) =
        actions::dry_run(&app, &access, (person, target, handle)).await?;
    let who = (decides, access.may(Permission::SeeWorkspaceUsers));
    page.offer_another(&facts, decides.target);
    let mut found = found((&facts, &review), who, &app);
    if access_sees_runs {
        found.view.link_runs(&urls::transfer_runs(&page.workspace, &facts.target.account.handle));
    }
    page.confirm_href = recent.is_none().then(|| {
        let place = urls::settings_transfer(&page.workspace);
        let account = params.account();
        let pairs = [("target", &*account), ("handle", &params.handle)];
        urls::confirm_access_next(&urls::with_query(&place, &pairs))
    });
    page.found = Some(found);
    let path = urls::settings_transfer_review(&page.workspace);
    let file = |format: &'static str| {
        let account = params.account();
        let pairs = [("target", &*account), ("handle", &params.handle), ("format", format)];
        (format, urls::with_query(&path, &pairs))
    };
    page.files = ["md", "csv", "json"].map(file).to_vec();
    Page(page).ok()
}

/// `GET …/settings/transfer/review`: the review as a file.
pub(super) async fn download(
    access: WorkspaceAccess<needs::ManageWorkspaceSettings>,
    signed_in: SignedInPerson,
    shell: Shell,
    app: web::Data<App>,
    params: Option<web::Query<ReviewParams>>,
) -> Result<HttpResponse> {
    let params = params.map(web::Query::into_inner).unwrap_or_default();
    let person = signed_in.person();
    let around = around(&app, person, params.account()).await?;
    let mut page = StartPage::of(shell, &app, access.workspace(), (person, &around), &params);
    let asked = page.asked(&around, &params);
    let (target, handle) =
        asked.ok_or_else(|| Error::Invalid("Choose an account and a handle first.".to_owned()))?;
    let format = Format::of(&params.format)?;
    let to = format!("{}/{handle}", target.handle);
    let (_, review, _) = actions::dry_run(&app, &access, (person, target, handle)).await?;
    file(&review, Route { from: &page.path, to: Some(&to) }, format)
}

/// `POST …/settings/transfer`
pub(super) async fn submit(
    access: WorkspaceAccess<needs::ManageWorkspaceSettings>,
    confirmed: RecentlyConfirmed,
    shell: Shell,
    app: web::Data<App>,
    ip: ClientIp,
    (form, req): (Form<StartForm>, HttpRequest),
) -> Result<HttpResponse> {
    let (once, form) = (form.once, form.fields);
    let params = ReviewParams {
        target: form.target.clone(),
        other: String::new(),
        handle: form.handle.clone(),
        format: String::new(),
    };
    let person = confirmed.person().clone();
    let around = around(&app, &person, params.account()).await?;
    let workspace = access.workspace().clone();
    let zone = shell.zone.clone();
    let shell = access.shell(shell, "settings");
    let mut page = StartPage::of(shell, &app, &workspace, (&person, &around), &params);
    let Some((target, handle)) = page.asked(&around, &params) else {
        return Page(page).unprocessable();
    };
    let (facts, review, decides) =
        actions::dry_run(&app, &access, (&person, target.clone(), handle.clone())).await?;
    let who = (decides, access.may(Permission::SeeWorkspaceUsers));
    let mut found = found((&facts, &review), who, &app);
    let typed = (&*form.ack, &*form.confirm, &*form.note);
    let note = found.confirmation.read(&page.path, typed);
    let now = app.now();
    found.time = Field::new("time", form.time.clone());
    let time = found.time.parse(|typed| rules::time(typed, &zone, now));
    found.idle = Field::new("idle", form.idle.clone());
    let when_idle = form.idle == "on";
    for (id, _, _, is_ticked) in &mut found.losing {
        *is_ticked = form.carry.contains(id);
    }
    let carry = carried(&form.carry).map_err(|problem| found.carry_problem = Some(problem)).ok();
    if form.hash != review.hash {
        // What changed may be that this form was sent before.
        if let Some(place) = app.db.read(move |db| led_to(db, once)).await? {
            return Ok(see_other(place));
        }
        found.changed = true;
        page.found = Some(found);
        return Page(page).with_status(StatusCode::CONFLICT);
    }
    let (Some(note), Some(execute_at), Some(carry)) = (note, time, carry) else {
        page.found = Some(found);
        return Page(page).unprocessable();
    };
    let wanted = Wanted { target, handle, note, execute_at, when_idle, carry, hash: form.hash };
    let to = match actions::start(&app, access, confirmed.into(), (ip, Some(once)), wanted).await? {
        Started::Waits(id) => {
            let text = if found.awaited.is_some() {
                "The transfer is requested. Whoever has to approve it got a mail."
            } else if when_idle && execute_at.is_none() {
                "The workspace moves once no flow run is going on. None starts meanwhile."
            } else {
                "The transfer is scheduled. Nothing moves before its time."
            };
            Notice::ok(text).leave(&req)?;
            urls::transfer(id)
        }
        Started::Moved(id) => {
            Notice::ok("The workspace moved. Everybody concerned got a mail.").leave(&req)?;
            urls::transfer(id)
        }
        Started::Before(place) => place,
        Started::Changed | Started::Blocked => {
            found.changed = true;
            page.found = Some(found);
            return Page(page).with_status(StatusCode::CONFLICT);
        }
    };
    Ok(see_other(to))
}
