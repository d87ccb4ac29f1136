//! The JSON API of transfers: the review without a transfer, asking, answering and undoing. What a page asks to be
//! ticked and typed is said in the body here.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::actions::{self, Answered, Found, Started, Undone, Wanted, look};
use super::forms::{asks, carried};
use super::model::{Party, PersonAccess, Review, Side, State, Transfer, TransferId};
use super::{queries, rules};
use crate::access::actor::{ChangingDecider, Decider, Person, RecentDecider};
use crate::access::handle::Handle;
use crate::access::membership::{OwningAccount, Workspace};
use crate::access::permission::needs::ManageWorkspaceSettings;
use crate::access::workspace::WorkspaceAccess;
use crate::access::{WorkspaceId, organization};
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::http::json::{
    AnyOf, JsonBody, Refusal, Window, created, moment, no_content, ok, parse_moment, path_id,
};
use crate::base::http::routes::resource;
use crate::tenancy::workspaces::connect::path_of;
use crate::tenancy::workspaces::rules::confirms;

/// The addresses of this slice, below `/api`.
pub fn routes(config: &mut web::ServiceConfig) {
    const PLACE: &str = "/accounts/{account_id}/workspaces/{workspace_id}/transfer";
    config
        .service(resource(format!("{PLACE}/review")).post(dry_run))
        .service(resource(PLACE).post(start))
        .service(resource("/transfers/filter").post(filter))
        .service(resource("/transfers/{id}").get(read))
        .service(resource("/transfers/{id}/approve").post(approve))
        .service(resource("/transfers/{id}/decline").post(decline))
        .service(resource("/transfers/{id}/cancel").post(cancel))
        .service(resource("/transfers/{id}/undo").post(undo));
}

/// Room for workspaces.
#[derive(Debug, Serialize, ToSchema)]
pub struct RoomBody {
    /// Workspaces that it has.
    pub used: i64,
    /// Workspaces that it has after the transfer.
    pub after: i64,
    /// How many it may have; null for any number.
    pub limit: Option<i64>,
}

/// One of the two accounts.
#[derive(Debug, Serialize, ToSchema)]
pub struct PartyBody {
    /// Its id.
    pub account_id: Uuid,
    /// Its handle.
    pub handle: String,
    /// Its name.
    pub name: String,
    /// `personal` or `organization`
    pub kind: &'static str,
    /// Days for which it keeps ended runs; null for ever.
    pub run_retention_days: Option<i32>,
    /// Whether it asks its people for a second factor.
    pub require_two_factor: bool,
    /// Its room; null where whoever asks may not know.
    pub workspaces: Option<RoomBody>,
}

impl PartyBody {
    fn of(party: &Party, is_seen: bool, change: i64) -> Self {
        let room = RoomBody {
            used: party.slots.used,
            after: party.slots.used + change,
            limit: party.slots.limit,
        };
        Self {
            account_id: party.account.id.uuid(),
            handle: party.account.handle.clone(),
            name: party.account.name.clone(),
            kind: party.account.kind.as_str(),
            run_retention_days: party.retention_days,
            require_two_factor: party.second_factor,
            workspaces: is_seen.then_some(room),
        }
    }
}

/// Somebody who loses access.
#[derive(Debug, Serialize, ToSchema)]
pub struct LosingBody {
    /// The person’s id.
    pub user_id: Uuid,
    /// By name.
    pub name: String,
    /// Address.
    pub email: String,
}

/// What a transfer would do.
#[derive(Debug, Serialize, ToSchema)]
pub struct DryRunBody {
    /// The account that the workspace leaves.
    pub source: PartyBody,
    /// The account that it comes to.
    pub target: PartyBody,
    /// Its handle there.
    pub handle: String,
    /// What it does; its `hash` is the `review_hash` of a transfer.
    pub review: Review,
    /// What has to be acknowledged.
    pub acknowledge: Vec<&'static str>,
    /// Whether a consent of somebody else is needed.
    pub awaits_others: bool,
    /// Those who lose access, by name: they can be invited.
    pub losing: Vec<LosingBody>,
}

/// Where a workspace is to go.
#[derive(Debug, Deserialize, ToSchema)]
pub struct DryRun {
    /// Handle of the account.
    pub account_handle: String,
    /// The workspace's handle there; null for the one that it has.
    #[serde(default)]
    pub handle: Option<String>,
}

/// A transfer to ask for.
#[derive(Debug, Deserialize, ToSchema)]
pub struct TransferCreate {
    /// Handle of the account.
    pub account_handle: String,
    /// The workspace's handle there; null for the one that it has.
    #[serde(default)]
    pub handle: Option<String>,
    /// `review.hash` of the review that was seen.
    pub review_hash: String,
    /// All of the review's `acknowledge`.
    #[serde(default)]
    pub acknowledge: Vec<String>,
    /// `account/workspace`, as it is now.
    pub confirm: String,
    /// A word to the others.
    #[serde(default)]
    pub note: String,
    /// No sooner than this (RFC 3339).
    #[serde(default)]
    #[schema(format = DateTime)]
    pub not_before: Option<String>,
    /// Whether it waits until no flow run is going on.
    #[serde(default)]
    pub when_idle: bool,
    /// Who of those who lose access is invited to the account, by id; 50 at most.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub invite: Vec<Uuid>,
}

/// An account by its names.
#[derive(Debug, Serialize, ToSchema)]
pub struct NamesBody {
    /// Its id.
    pub account_id: Uuid,
    /// Its handle.
    pub handle: String,
    /// Its name.
    pub name: String,
    /// The workspace's handle in it.
    pub workspace_handle: String,
    /// Who consented for it, and when; null as long as nobody did.
    pub approved_by: Option<String>,
}

/// A transfer.
#[derive(Debug, Serialize, ToSchema)]
pub struct TransferBody {
    /// Its id.
    pub id: Uuid,
    /// The workspace.
    pub workspace_id: Uuid,
    /// `pending`, `completed`, `undone`, `declined`, `cancelled`, `expired` or `void`
    pub state: &'static str,
    /// The side whose consent is missing, if one is.
    pub awaits: Option<Side>,
    /// The account that the workspace leaves.
    pub source: NamesBody,
    /// The account that it comes to.
    pub target: NamesBody,
    /// A word to the others.
    pub note: String,
    /// Why it ended.
    pub reason: Option<String>,
    /// Who asked.
    pub requested_by: String,
    /// When.
    #[schema(format = DateTime)]
    pub created: String,
    /// When it ends without an answer.
    #[schema(format = DateTime)]
    pub expires: String,
    /// No sooner than this.
    #[schema(format = DateTime)]
    pub not_before: Option<String>,
    /// Whether it waits until no flow run is going on.
    pub when_idle: bool,
    /// When it ended, or moved the workspace.
    #[schema(format = DateTime)]
    pub decided: Option<String>,
    /// Until when it can be undone.
    #[schema(format = DateTime)]
    pub undo_until: Option<String>,
    /// Why it can't be undone now, where it moved the workspace and something is in the way.
    pub undo_obstacle: Option<String>,
    /// What it would do now, or did, as far as whoever asks may see it; null in lists, and where nothing moved.
    pub review: Option<Review>,
    /// What has to be acknowledged to approve it.
    pub acknowledge: Vec<&'static str>,
}

impl TransferBody {
    fn of(transfer: &Transfer, (source, target): (&(String, String), &(String, String))) -> Self {
        let names =
            |(name, handle): &(String, String), account: Uuid, workspace: &str, side| NamesBody {
                account_id: account,
                handle: handle.clone(),
                name: name.clone(),
                workspace_handle: workspace.to_owned(),
                approved_by: transfer.consent(side).map(|consent| consent.name.clone()),
            };
        let (from, to) = (transfer.source_account_id.uuid(), transfer.target_account_id.uuid());
        Self {
            id: transfer.id.uuid(),
            workspace_id: transfer.workspace_id.uuid(),
            state: transfer.state.as_str(),
            awaits: rules::awaits(transfer),
            source: names(source, from, &transfer.source_handle, Side::Source),
            target: names(target, to, &transfer.target_handle, Side::Target),
            note: transfer.note.clone(),
            reason: transfer.reason.clone(),
            requested_by: transfer.requested_by_name.clone(),
            created: moment(transfer.created_at),
            expires: moment(transfer.expires_at),
            not_before: transfer.chosen_time().map(moment),
            when_idle: transfer.when_idle,
            decided: transfer.decided_at.map(moment),
            undo_until: transfer.undo_until.map(moment),
            undo_obstacle: None,
            review: None,
            acknowledge: Vec::new(),
        }
    }

    fn whole(found: Found) -> Self {
        let body = Self::of(&found.transfer, (&found.source, &found.target));
        let words = match &found.review {
            Some(review) if found.transfer.state == State::Pending => words(review),
            _ => Vec::new(),
        };
        Self { undo_obstacle: found.obstacle, acknowledge: words, review: found.review, ..body }
    }
}

fn losing(person: &PersonAccess) -> LosingBody {
    LosingBody {
        user_id: person.user.uuid(),
        name: person.name.clone(),
        email: person.email.clone(),
    }
}

fn words(review: &Review) -> Vec<&'static str> {
    asks(review).into_iter().map(|(word, _)| word).collect()
}

/// Looks whether everything is acknowledged, and the path is typed, as a page asks for it.
fn confirmed(review: &Review, path: &str, (given, confirm): (&[String], &str)) -> Result<()> {
    let missing: Vec<&str> =
        words(review).into_iter().filter(|word| !given.iter().any(|one| one == word)).collect();
    if !missing.is_empty() {
        let text = format!("acknowledge: {} is lost; say so.", missing.join(" and "));
        return Err(Error::Invalid(text));
    }
    confirms(confirm, path).map_err(|problem| Error::Invalid(format!("confirm: {problem}")))
}

const CHANGED: &str =
    "Something is otherwise than in the review that was seen. Nothing moved: read it again.";

/// Where a workspace is asked to go.
async fn asked(
    app: &App,
    person: &Person,
    workspace: &Workspace,
    (account, handle): (String, Option<String>),
) -> Result<(OwningAccount, Handle)> {
    let (person, account) = (person.clone(), account.trim().to_lowercase());
    let target = app
        .db
        .read(move |db| {
            if !Handle::is_stored_form(&account) {
                return Ok(None);
            }
            Ok(queries::target_of_handle(db, &person, &account)?)
        })
        .await?;
    let support = app.settings().flags.support.as_deref();
    if let Some(problem) = rules::refusal(workspace, target.as_ref(), support) {
        return Err(Error::Invalid(format!("account_handle: {problem}")));
    }
    let handle = handle.unwrap_or_else(|| workspace.handle.clone());
    let handle =
        Handle::parse(&handle).map_err(|problem| Error::Invalid(format!("handle: {problem}")))?;
    Ok((target.ok_or(Error::NotFound)?, handle))
}

/// Says what a transfer would do, and changes nothing.
#[utoipa::path(post, path = "/api/accounts/{account_id}/workspaces/{workspace_id}/transfer/review",
    tag = "Transfers", params(("account_id" = Uuid, Path), ("workspace_id" = Uuid, Path)),
    request_body = DryRun,
    responses((status = 200, body = DryRunBody), (status = 400, body = Refusal),
              (status = 401, body = Refusal), (status = 403, body = Refusal),
              (status = 404, body = Refusal), (status = 415, body = Refusal),
              (status = 422, body = Refusal)))]
pub async fn dry_run(
    access: WorkspaceAccess<ManageWorkspaceSettings>,
    decider: Decider,
    app: web::Data<App>,
    body: JsonBody<DryRun>,
) -> Result<HttpResponse> {
    let body = body.parsed()?;
    let person = decider.person();
    let wanted = (body.account_handle, body.handle);
    let (target, handle) = asked(&app, person, access.workspace(), wanted).await?;
    let source = access.workspace().account;
    let (facts, review, sees) = actions::dry_run(&app, &access, (person, target, handle)).await?;
    let asker = person.clone();
    let decides =
        app.db.read(move |db| Ok(organization::has_authority(db, &asker, source)?)).await?;
    Ok(ok(&DryRunBody {
        source: PartyBody::of(&facts.source, true, -1),
        target: PartyBody::of(&facts.target, sees.target, 1),
        handle: facts.handle.as_str().to_owned(),
        acknowledge: words(&review),
        awaits_others: !decides || !sees.target,
        losing: facts.people.iter().filter(|one| one.loses()).map(losing).collect(),
        review,
    }))
}

/// Asks for a transfer; where whoever asks decides over both accounts, the workspace moves at once.
#[utoipa::path(post, path = "/api/accounts/{account_id}/workspaces/{workspace_id}/transfer",
    tag = "Transfers", params(("account_id" = Uuid, Path), ("workspace_id" = Uuid, Path)),
    request_body = TransferCreate,
    responses((status = 201, body = TransferBody), (status = 400, body = Refusal),
              (status = 401, body = Refusal), (status = 403, body = Refusal),
              (status = 404, body = Refusal), (status = 409, body = Refusal),
              (status = 415, body = Refusal), (status = 422, body = Refusal),
              (status = 429, body = Refusal)))]
pub async fn start(
    access: WorkspaceAccess<ManageWorkspaceSettings>,
    decider: RecentDecider,
    (app, ip): (web::Data<App>, ClientIp),
    body: JsonBody<TransferCreate>,
) -> Result<HttpResponse> {
    let body = body.parsed()?;
    let (person, workspace) = (decider.person(), access.workspace().clone());
    let wanted = (body.account_handle, body.handle);
    let (target, handle) = asked(&app, person, &workspace, wanted).await?;
    let aim = (person, target.clone(), handle.clone());
    let (_, review, _) = actions::dry_run(&app, &access, aim).await?;
    confirmed(&review, &path_of(&workspace), (&body.acknowledge, &body.confirm))?;
    let note = rules::note(&body.note, "The note").map_err(Error::Invalid)?;
    let execute_at = body.not_before.as_deref().map(parse_moment).transpose()?;
    if let Some(at) = execute_at {
        rules::in_time(at, app.now())
            .map_err(|why| Error::Invalid(format!("not_before: {why}")))?;
    }
    let when_idle = body.when_idle;
    let invite: Vec<String> = body.invite.iter().map(Uuid::to_string).collect();
    let carry = carried(&invite).map_err(|why| Error::Invalid(format!("invite: {why}")))?;
    let hash = body.review_hash;
    let wanted = Wanted { target, handle, note, execute_at, when_idle, carry, hash };
    let actor = decider.actor().clone();
    let id = match actions::start(&app, access, decider, (ip, None), wanted).await? {
        Started::Waits(id) | Started::Moved(id) => id,
        Started::Before(_) => {
            return Err(Error::Conflict("A transfer of it waits already.".to_owned()));
        }
        Started::Changed => return Err(Error::Conflict(CHANGED.to_owned())),
        Started::Blocked => {
            let text = "Something blocks it; the review says what, and how to mend it.";
            return Err(Error::Conflict(text.to_owned()));
        }
    };
    let (again, now) = (app.get_ref().clone(), app.now());
    let found = app.db.read(move |db| look(db, &again, (&actor, id), None, now)).await?;
    Ok(created(&TransferBody::whole(found)))
}

/// Which transfers.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct TransfersBody {
    /// By state and workspace.
    pub transfers: TransfersFilter,
    /// Rows at most; 200 unless less is wanted.
    #[schema(maximum = 200)]
    pub limit: Option<u32>,
    /// Rows left out before them.
    pub offset: Option<u32>,
}

/// Which transfers.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(default)]
pub struct TransfersFilter {
    /// In one of these states.
    pub state: AnyOf<String>,
    /// Of one of these workspaces.
    pub workspace_id: AnyOf<Uuid>,
}

/// The transfers out of and into accounts over which the person decides, the newest first.
#[utoipa::path(post, path = "/api/transfers/filter", tag = "Transfers",
    request_body = Option<TransfersBody>,
    responses((status = 200, body = [TransferBody]), (status = 400, body = Refusal),
              (status = 401, body = Refusal), (status = 403, body = Refusal),
              (status = 415, body = Refusal), (status = 422, body = Refusal)))]
pub async fn filter(
    decider: Decider,
    app: web::Data<App>,
    body: JsonBody<TransfersBody>,
) -> Result<HttpResponse> {
    let body = body.parsed()?;
    let window = Window::of(body.limit, body.offset)?;
    let known = |word: &String| {
        State::parse(word).ok_or_else(|| Error::Invalid(format!("state: there is no {word}.")))
    };
    let states = body.transfers.state.values()?;
    let states: Option<Vec<State>> =
        states.map(|words| words.iter().map(known).collect::<Result<_>>()).transpose()?;
    let workspaces = body.transfers.workspace_id.values()?;
    let workspaces =
        workspaces.map(|ids| ids.into_iter().map(WorkspaceId::from).collect::<Vec<WorkspaceId>>());
    let person = decider.person().clone();
    let rows = app
        .db
        .read(move |db| {
            let accounts = organization::decided_by(db, &person)?;
            Ok(queries::of_accounts(db, accounts, (states, workspaces), window)?)
        })
        .await?;
    let list: Vec<TransferBody> =
        rows.iter().map(|row| TransferBody::of(&row.0, (&row.1, &row.2))).collect();
    Ok(ok(&list))
}

async fn found(app: &App, decider: &Decider, id: TransferId) -> Result<Found> {
    let (again, actor, now) = (app.clone(), decider.actor().clone(), app.now());
    app.db.read(move |db| look(db, &again, (&actor, id), None, now)).await
}

/// One transfer, with its review as it is now, or its receipt.
#[utoipa::path(get, path = "/api/transfers/{id}", tag = "Transfers", params(("id" = Uuid, Path)),
    responses((status = 200, body = TransferBody), (status = 401, body = Refusal),
              (status = 403, body = Refusal), (status = 404, body = Refusal)))]
pub async fn read(decider: Decider, app: web::Data<App>, req: HttpRequest) -> Result<HttpResponse> {
    let id: TransferId = path_id(&req, "id")?;
    Ok(ok(&TransferBody::whole(found(&app, &decider, id).await?)))
}

/// A yes.
#[derive(Debug, Deserialize, ToSchema)]
pub struct Approval {
    /// `review.hash` of the review that was seen.
    pub review_hash: String,
    /// All of the review's `acknowledge`.
    #[serde(default)]
    pub acknowledge: Vec<String>,
    /// `account/workspace`, as it is now.
    pub confirm: String,
    /// Another handle in the target, which its side may choose.
    #[serde(default)]
    pub handle: Option<String>,
}

/// What became of a yes.
#[derive(Debug, Serialize, ToSchema)]
pub struct ApprovalBody {
    /// Whether the workspace moved; if not, something is awaited.
    pub moved: bool,
}

/// Says yes for every side over which the person decides.
#[utoipa::path(post, path = "/api/transfers/{id}/approve", tag = "Transfers",
    params(("id" = Uuid, Path)), request_body = Approval,
    responses((status = 200, body = ApprovalBody), (status = 400, body = Refusal),
              (status = 401, body = Refusal), (status = 403, body = Refusal),
              (status = 404, body = Refusal), (status = 409, body = Refusal),
              (status = 415, body = Refusal), (status = 422, body = Refusal)))]
pub async fn approve(
    decider: RecentDecider,
    (app, ip): (web::Data<App>, ClientIp),
    req: HttpRequest,
    body: JsonBody<Approval>,
) -> Result<HttpResponse> {
    let body = body.parsed()?;
    let id: TransferId = path_id(&req, "id")?;
    let handle = body.handle.as_deref().map(Handle::parse).transpose();
    let handle = handle.map_err(|problem| Error::Invalid(format!("handle: {problem}")))?;
    let (again, actor, now) = (app.get_ref().clone(), decider.actor().clone(), app.now());
    let wanted = handle.clone();
    let found = app.db.read(move |db| look(db, &again, (&actor, id), wanted.as_ref(), now)).await?;
    if !found.may_ask {
        let text = "Only who decides over one of the two accounts can approve it.";
        return Err(Error::Forbidden(text.to_owned()));
    }
    if found.transfer.state == State::Pending
        && let Some(review) = &found.review
    {
        confirmed(review, &path_of(&found.workspace), (&body.acknowledge, &body.confirm))?;
    }
    let moved = match actions::approve(&app, decider, ip, id, (body.review_hash, handle)).await? {
        Answered::Waits => false,
        Answered::Moved => true,
        Answered::Changed | Answered::Blocked => return Err(Error::Conflict(CHANGED.to_owned())),
    };
    Ok(ok(&ApprovalBody { moved }))
}

/// A no.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct Declining {
    /// Why.
    pub reason: String,
}

/// Says no for a side over which the person decides.
#[utoipa::path(post, path = "/api/transfers/{id}/decline", tag = "Transfers",
    params(("id" = Uuid, Path)), request_body = Option<Declining>,
    responses((status = 204), (status = 400, body = Refusal), (status = 401, body = Refusal),
              (status = 403, body = Refusal), (status = 404, body = Refusal),
              (status = 409, body = Refusal), (status = 415, body = Refusal),
              (status = 422, body = Refusal)))]
pub async fn decline(
    decider: ChangingDecider,
    (app, ip): (web::Data<App>, ClientIp),
    req: HttpRequest,
    body: JsonBody<Declining>,
) -> Result<HttpResponse> {
    let reason = rules::note(&body.parsed()?.reason, "The reason").map_err(Error::Invalid)?;
    actions::decline(&app, decider, ip, (path_id(&req, "id")?, reason)).await?;
    Ok(no_content())
}

/// Takes a transfer back that waits.
#[utoipa::path(post, path = "/api/transfers/{id}/cancel", tag = "Transfers",
    params(("id" = Uuid, Path)),
    responses((status = 204), (status = 401, body = Refusal), (status = 403, body = Refusal),
              (status = 404, body = Refusal), (status = 409, body = Refusal)))]
pub async fn cancel(
    decider: ChangingDecider,
    (app, ip): (web::Data<App>, ClientIp),
    req: HttpRequest,
) -> Result<HttpResponse> {
    actions::cancel(&app, decider, ip, path_id(&req, "id")?).await?;
    Ok(no_content())
}

/// The wish to undo.
#[derive(Debug, Deserialize, ToSchema)]
pub struct Undoing {
    /// `account/workspace`, as it is now.
    pub confirm: String,
}

/// Undoes a transfer within its days; everything returns that still can.
#[utoipa::path(post, path = "/api/transfers/{id}/undo", tag = "Transfers",
    params(("id" = Uuid, Path)), request_body = Undoing,
    responses((status = 204), (status = 400, body = Refusal), (status = 401, body = Refusal),
              (status = 403, body = Refusal), (status = 404, body = Refusal),
              (status = 409, body = Refusal), (status = 415, body = Refusal),
              (status = 422, body = Refusal)))]
pub async fn undo(
    decider: RecentDecider,
    (app, ip): (web::Data<App>, ClientIp),
    req: HttpRequest,
    body: JsonBody<Undoing>,
) -> Result<HttpResponse> {
    let body = body.parsed()?;
    let id: TransferId = path_id(&req, "id")?;
    let (again, actor, now) = (app.get_ref().clone(), decider.actor().clone(), app.now());
    let found = app.db.read(move |db| look(db, &again, (&actor, id), None, now)).await?;
    confirms(&body.confirm, &path_of(&found.workspace))
        .map_err(|problem| Error::Invalid(format!("confirm: {problem}")))?;
    match actions::undo(&app, decider, ip, id).await? {
        Undone::Back(_) => Ok(no_content()),
        Undone::Refused(reason) => Err(Error::Conflict(reason)),
    }
}
