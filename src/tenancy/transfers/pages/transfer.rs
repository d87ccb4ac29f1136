//! A transfer that waits, with the answers to it; and its receipt, with the way back.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use crate::access::actor::{RecentlyConfirmed, SignedInPerson};
use crate::access::membership::Workspace;
use crate::app::App;
use crate::base::db::{Instant, StateType};
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::http::form::{Field, Form};
use crate::base::http::json::path_id;
use crate::base::http::page::{Notice, Page};
use crate::base::http::see_other;
use crate::base::text::{When, thousands};
use crate::base::zone::Zone;
use crate::frame::Shell;
use crate::tenancy::impacts::export::{Format, Route, file};
use crate::tenancy::impacts::model::{Code, Side};
use crate::tenancy::impacts::parts::people_lose;
use crate::tenancy::impacts::view::{Part, View};
use crate::tenancy::transfers::actions::{self, Answered, Found, Undone, look};
use crate::tenancy::transfers::forms::{AnswerForm, Confirmation, ReviewParams, handle_of};
use crate::tenancy::transfers::model::{GoingOn, State, Transfer, TransferId};
use crate::tenancy::transfers::review::commands;
use crate::tenancy::transfers::rules;
use crate::tenancy::workspaces::connect::path_of;
use crate::urls;

#[derive(Template)]
#[template(path = "tenancy/transfers/transfer.html")]
struct TransferPage {
    shell: Shell,
    title: String,
    /// A tone, and the words for how it stands.
    state: (&'static str, &'static str, String),
    facts: Vec<(&'static str, String)>,
    note: String,
    reason: Option<String>,
    /// The two accounts by name.
    names: (String, String),
    view: Option<View>,
    /// Commands that point a client to where the workspace is, or is to be, for those who reach it.
    commands: Vec<String>,
    commands_title: &'static str,
    approving: Option<Approving>,
    /// Why not, where whoever looks may say so.
    declining: Option<Field>,
    may_cancel: bool,
    undo: Option<UndoPart>,
    /// Where the password is asked for once more, when it has to be.
    confirm_href: Option<String>,
    changed: bool,
    home: Option<String>,
    /// The review as a file: its form, and where it is.
    files: Vec<(&'static str, String)>,
    /// Flow runs that were going on when it moved and still are.
    going_on: Vec<RunPart>,
    /// How many more there are, and where.
    more_going_on: Option<(String, String)>,
}

/// A flow run, and where it can be ended.
struct RunPart {
    name: String,
    state: String,
    href: String,
    cancel: Option<String>,
    crash: Option<String>,
}

impl RunPart {
    fn of(run: &GoingOn, workspace: &Workspace) -> Self {
        let step = |step| urls::flow_run_step(workspace, run.id, step);
        let is_stopping = run.state == Some(StateType::Cancelling);
        let is_paused = run.state == Some(StateType::Paused);
        Self {
            name: run.name.clone(),
            state: run.state.map_or("", StateType::as_str).to_lowercase(),
            href: urls::flow_run(workspace, run.id),
            cancel: (!is_stopping).then(|| step("cancel")),
            crash: (!is_stopping && !is_paused).then(|| step("crash")),
        }
    }
}

/// What a yes needs.
struct Approving {
    /// `Transfer` where it is the last one, else `Approve`.
    verb: &'static str,
    /// The handle in the target, which its side may change.
    handle: Option<Field>,
    prefix: String,
    confirmation: Confirmation,
    label: String,
    path: String,
}

/// What is lost by going back.
const AT_ONCE: &str = "At once, with their API keys.";

struct UndoPart {
    until: When,
    /// Why it can't be undone now.
    obstacle: Option<String>,
    /// Who would lose access.
    losing: Option<Part>,
    label: String,
    confirm: Field,
}

fn state_of(
    transfer: &Transfer,
    names: (&str, &str),
    now: Instant,
) -> (&'static str, &'static str, String) {
    match transfer.state {
        State::Pending if transfer.expires_at <= now => {
            ("neutral", "clock", "Ended without an answer".to_owned())
        }
        State::Pending if rules::is_scheduled(transfer, now) => {
            let at = transfer.execute_at.map(Instant::minute_text).unwrap_or_default();
            ("info", "clock", format!("Scheduled for {at}"))
        }
        State::Pending if rules::is_waiting_for_runs(transfer, now) => {
            ("info", "clock", "Waits for flow runs to end".to_owned())
        }
        State::Pending => {
            let awaited = match rules::awaits(transfer) {
                Some(Side::Source) => names.0,
                Some(Side::Target) | None => names.1,
            };
            ("warn", "clock", format!("Waits for {awaited}"))
        }
        State::Completed => ("ok", "check", "Transferred".to_owned()),
        State::Undone => ("info", "info", "Undone".to_owned()),
        State::Declined => ("danger", "x", "Declined".to_owned()),
        State::Cancelled => ("neutral", "x", "Cancelled".to_owned()),
        State::Expired => ("neutral", "clock", "Ended without an answer".to_owned()),
        State::Void => ("neutral", "x", "Void".to_owned()),
    }
}

/// What there is to tell of a transfer: names and texts.
fn facts_of(
    transfer: &Transfer,
    (source, target): (&str, &str),
    (path, to): (&str, &str),
    is_pending: bool,
    zone: &Zone,
) -> Vec<(&'static str, String)> {
    let mut facts = vec![("From", path.to_owned()), ("To", to.to_owned())];
    facts.push((
        "Asked for by",
        format!("{}, {}", transfer.requested_by_name, zone.minute_text(transfer.created_at)),
    ));
    for (side, name, word) in [(Side::Source, source, "Leaves"), (Side::Target, target, "Comes to")]
    {
        let text = match transfer.consent(side) {
            Some(consent) => {
                format!("{name}: approved by {}, {}", consent.name, zone.minute_text(consent.at))
            }
            None if is_pending => format!("{name}: not approved yet"),
            None => name.to_owned(),
        };
        facts.push((word, text));
    }
    if let Some(at) = transfer.chosen_time() {
        facts.push(("Not before", zone.minute_text(at)));
    }
    if transfer.when_idle {
        let text = format!(
            "No flow run is going on; none starts meanwhile, for {} hours at most",
            rules::IDLE_HOURS
        );
        facts.push(("Once", text));
    }
    if is_pending {
        facts.push(("Ends", zone.minute_text(transfer.expires_at)));
    }
    if let (State::Completed | State::Undone, Some(at)) = (transfer.state, transfer.decided_at) {
        facts.push(("Moved", zone.minute_text(at)));
    }
    if let (Some(by), Some(at)) = (&transfer.undone_by_name, transfer.undone_at) {
        facts.push(("Undone", format!("{by}, {}", zone.minute_text(at))));
    }
    facts
}

/// The commands for where a workspace is now.
fn commands_of(workspace: &Workspace, site: &str) -> Vec<String> {
    let api = urls::api_workspace(workspace.account, workspace.id);
    commands(&path_of(workspace), &format!("{site}{api}")).to_vec()
}

fn page(
    shell: Shell,
    person: &SignedInPerson,
    is_recent: bool,
    found: Found,
    (now, site): (Instant, &str),
) -> TransferPage {
    let may_ask = found.may_ask();
    let Found { transfer, workspace, sees, decides, review, target, source, going_on, .. } = found;
    let is_pending = transfer.state == State::Pending && transfer.expires_at > now;
    let missing = |side| transfer.consent(side).is_none();
    let may_approve = is_pending
        && ((decides.source && missing(Side::Source)) || (decides.target && missing(Side::Target)));
    let is_asker = transfer.requested_by == Some(person.person().user);
    let may_cancel = is_pending && (decides.source || (is_asker && sees.source));
    // As long as it waits it may be renamed.
    let handle = if is_pending { &workspace.handle } else { &transfer.source_handle };
    let path = format!("{}/{handle}", source.1);
    let to = format!("{}/{}", target.1, transfer.target_handle);
    let last_missing = [Side::Source, Side::Target].into_iter().all(|side| {
        !missing(side)
            || (side == Side::Source && decides.source)
            || (side == Side::Target && decides.target)
    });
    let facts = facts_of(&transfer, (&source.0, &target.0), (&path, &to), is_pending, &shell.zone);
    let undo = (rules::can_be_undone(&transfer, now) && may_ask).then(|| UndoPart {
        until: When::new(transfer.undo_until.unwrap_or(now), now),
        obstacle: found.obstacle.clone(),
        losing: people_lose(&found.undo_losers.iter().collect::<Vec<_>>(), AT_ONCE.to_owned())
            .map(|impact| Part::of(&impact)),
        label: format!("Type {to} to confirm"),
        confirm: Field::empty("confirm"),
    });
    let is_undone = transfer.state == State::Undone;
    let commands = match &review {
        Some(review) if is_pending => {
            review.part(Code::ProfilesChange).map_or_else(Vec::new, |part| part.lines.clone())
        }
        Some(_) if found.reaches => commands_of(&workspace, site),
        _ => Vec::new(),
    };
    let needs_password = may_approve || undo.is_some();
    let approving = review.as_ref().filter(|_| may_approve).map(|review| Approving {
        verb: if last_missing { "Transfer" } else { "Approve" },
        handle: (decides.target && missing(Side::Target))
            .then(|| Field::new("handle", transfer.target_handle.clone())),
        prefix: format!("{}/", target.1),
        confirmation: Confirmation::of(review),
        label: format!("Type {path} to confirm"),
        path,
    });
    TransferPage {
        going_on: going_on.iter().map(|run| RunPart::of(run, &workspace)).collect(),
        more_going_on: (found.more_going_on > 0).then(|| {
            let more = format!("and {} more", thousands(found.more_going_on));
            (more, urls::flow_runs(&workspace))
        }),
        title: format!("Transfer of {}", workspace.handle),
        state: state_of(&transfer, (&source.0, &target.0), now),
        facts,
        note: transfer.note.clone(),
        reason: transfer.reason.clone(),
        names: (source.0.clone(), target.0.clone()),
        commands,
        commands_title: if is_undone { "Where it is again" } else { "After the transfer" },
        view: review.as_ref().map(|review| {
            let mut view = View::of(review, now);
            if is_pending && sees.source && found.sees_runs {
                view.link_runs(&urls::transfer_runs(&workspace, &target.1));
            }
            if is_pending { view } else { view.of_receipt() }
        }),
        approving,
        declining: (is_pending && may_ask).then(|| Field::empty("reason")),
        may_cancel,
        undo,
        confirm_href: (needs_password && !is_recent)
            .then(|| urls::confirm_access_next(&urls::transfer(transfer.id))),
        changed: false,
        files: ["md", "csv", "json"]
            .map(|format| (format, urls::transfer_review(transfer.id, format)))
            .to_vec(),
        home: found.reaches.then(|| urls::workspace(&workspace)),
        shell: shell.at("workspaces"),
    }
}

/// `GET /transfers/{id}`
pub(super) async fn show(
    person: SignedInPerson,
    recent: Option<RecentlyConfirmed>,
    shell: Shell,
    app: web::Data<App>,
    req: HttpRequest,
) -> Result<HttpResponse> {
    let id: TransferId = path_id(&req, "id")?;
    let found = look(&app, (person.actor().clone(), id), None).await?;
    Page(page(shell, &person, recent.is_some(), found, (app.now(), app.settings().site()))).ok()
}

/// `GET /transfers/{id}/review`: the review, or the receipt, as a file.
pub(super) async fn download(
    person: SignedInPerson,
    app: web::Data<App>,
    req: HttpRequest,
    params: Option<web::Query<ReviewParams>>,
) -> Result<HttpResponse> {
    let id: TransferId = path_id(&req, "id")?;
    let params = params.map(web::Query::into_inner).unwrap_or_default();
    let found = look(&app, (person.actor().clone(), id), None).await?;
    let review = found.review.ok_or(Error::NotFound)?;
    let format = Format::of(&params.format)?;
    let from = format!("{}/{}", found.source.1, found.transfer.source_handle);
    let to = format!("{}/{}", found.target.1, found.transfer.target_handle);
    file(&review, Route { from: &from, to: Some(&to) }, format)
}

/// `POST /transfers/{id}`
pub(super) async fn act(
    (person, recent): (SignedInPerson, Result<RecentlyConfirmed>),
    shell: Shell,
    app: web::Data<App>,
    ip: ClientIp,
    (form, req): (Form<AnswerForm>, HttpRequest),
) -> Result<HttpResponse> {
    let id: TransferId = path_id(&req, "id")?;
    let form = form.fields;
    let here = urls::transfer(id);
    let typed = (!form.handle.is_empty() && form.act == "approve").then(|| handle_of(&form.handle));
    let wanted = typed.clone().and_then(Result::ok);
    let found = look(&app, (person.actor().clone(), id), wanted.clone()).await?;
    let hash = found.review.as_ref().map(|review| review.hash.clone());
    let to = format!("{}/{}", found.target.1, found.transfer.target_handle);
    let here_now = (app.now(), app.settings().site());
    let mut page = page(shell, &person, recent.is_ok(), found, here_now);
    match form.act.as_str() {
        "approve" => {
            let confirmed = recent?;
            let Some(approving) = &mut page.approving else {
                return Err(Error::Conflict(
                    "There is nothing here for you to approve.".to_owned(),
                ));
            };
            if let Some(Err(field)) = typed {
                approving.handle = Some(field);
                return Page(page).unprocessable();
            }
            if let (Some(field), Some(wanted)) = (&mut approving.handle, &wanted) {
                wanted.as_str().clone_into(&mut field.value);
            }
            let path = approving.path.clone();
            let good = approving.confirmation.read(&path, (&form.ack, &form.confirm, ""));
            if hash.as_deref() != Some(&*form.hash) {
                page.changed = true;
                return Page(page).with_status(StatusCode::CONFLICT);
            }
            if good.is_none() {
                return Page(page).unprocessable();
            }
            let notice = match actions::approve(&app, confirmed.into(), ip, id, (form.hash, wanted))
                .await?
            {
                Answered::Waits => Notice::ok("You approved it. The other side is asked."),
                Answered::Moved => {
                    Notice::ok("The workspace moved. Everybody concerned got a mail.")
                }
                Answered::Changed | Answered::Blocked => {
                    page.changed = true;
                    return Page(page).with_status(StatusCode::CONFLICT);
                }
            };
            notice.leave(&req)?;
        }
        "decline" => {
            let mut field = Field::new("reason", form.reason);
            let Some(reason) = field.parse(|reason| rules::note(reason, "The reason")) else {
                page.declining = Some(field);
                return Page(page).unprocessable();
            };
            actions::decline(&app, person.into(), ip, (id, reason)).await?;
            Notice::ok("The transfer is declined. Whoever asked got a mail.").leave(&req)?;
        }
        "cancel" => {
            actions::cancel(&app, person.into(), ip, id).await?;
            Notice::ok("The transfer is cancelled. Nothing moves.").leave(&req)?;
        }
        "undo" => {
            let confirmed = recent?;
            let mut confirm = Field::new("confirm", form.confirm);
            if confirm
                .parse(|typed| crate::tenancy::workspaces::rules::confirms(typed, &to))
                .is_none()
            {
                if let Some(undo) = &mut page.undo {
                    undo.confirm = confirm;
                }
                return Page(page).unprocessable();
            }
            match actions::undo(&app, confirmed.into(), ip, id).await? {
                Undone::Back(back) => {
                    let path = format!("{}/{}", back.account_handle, back.handle);
                    Notice::ok(format!("The transfer is undone: the workspace is {path} again."))
                        .leave(&req)?;
                }
                Undone::Refused(reason) => {
                    if let Some(undo) = &mut page.undo {
                        undo.obstacle = Some(reason);
                    }
                    return Page(page).with_status(StatusCode::CONFLICT);
                }
            }
        }
        _ => return Err(Error::Invalid("Choose what to do.".to_owned())),
    }
    Ok(see_other(here))
}
