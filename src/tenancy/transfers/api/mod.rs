//! The JSON API of transfers: the review without a transfer, asking, answering and undoing. What a page asks to be
//! ticked and typed is said in the body here.

mod bodies;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};
use uuid::Uuid;

use self::bodies::{
    DryRun, DryRunBody, LosingBody, PartyBody, TransferBody, TransferCreate, words,
};
use super::actions::{self, Answered, Found, Started, Undone, Wanted, look};
use super::forms::carried;
use super::model::{State, TransferId};
use super::{queries, rules};
use crate::access::actor::{Actor, ChangingDecider, Decider, Person, RecentDecider};
use crate::access::handle::Handle;
use crate::access::membership::{OwningAccount, Workspace};
use crate::access::permission::Permission;
use crate::access::permission::needs::ManageWorkspaceSettings;
use crate::access::workspace::WorkspaceAccess;
use crate::access::{WorkspaceId, organization};
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::http::json::{
    AnyOf, JsonBody, Refusal, Window, created, no_content, ok, parse_moment, path_id,
};
use crate::base::http::routes::resource;
use crate::tenancy::impacts::model::Review;
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

/// The operations of this slice, for the API's document.
#[derive(OpenApi)]
#[openapi(paths(dry_run, start, filter, read, approve, decline, cancel, undo))]
pub struct Document;

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
    tag = "Transfers", request_body = DryRun, responses((status = 200, body = DryRunBody)))]
pub async fn dry_run(
    access: WorkspaceAccess<ManageWorkspaceSettings>,
    // What can't be reached isn't there, whatever the key may decide.
    decider: Result<Decider>,
    app: web::Data<App>,
    body: JsonBody<DryRun>,
) -> Result<HttpResponse> {
    let sees_people = access.may(Permission::SeeWorkspaceUsers);
    let decider = decider?;
    let body = body.parsed()?;
    let person = decider.person();
    let wanted = (body.account_handle, body.handle);
    let (target, handle) = asked(&app, person, access.workspace(), wanted).await?;
    let (facts, review, decides) =
        actions::dry_run(&app, &access, (person, target, handle)).await?;
    let losing = facts.people.iter().filter(|one| one.loses() && sees_people);
    Ok(ok(&DryRunBody {
        source: PartyBody::of(&facts.source, true, -1),
        target: PartyBody::of(&facts.target, decides.target, 1),
        handle: facts.handle.as_str().to_owned(),
        acknowledge: words(&review),
        awaits_others: !decides.source || !decides.target,
        losing: losing.map(LosingBody::of).collect(),
        review,
    }))
}

/// Asks for a transfer; where whoever asks decides over both accounts, the workspace moves at once.
#[utoipa::path(post, path = "/api/accounts/{account_id}/workspaces/{workspace_id}/transfer",
    tag = "Transfers", request_body = TransferCreate,
    responses((status = 201, body = TransferBody), (status = 409, body = Refusal),
              (status = 429, body = Refusal)))]
pub async fn start(
    access: WorkspaceAccess<ManageWorkspaceSettings>,
    decider: Result<RecentDecider>,
    (app, ip): (web::Data<App>, ClientIp),
    body: JsonBody<TransferCreate>,
) -> Result<HttpResponse> {
    let decider = decider?;
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
    let found = look(&app, (actor, id), None).await?;
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
    responses((status = 200, body = [TransferBody]), (status = 403, body = Refusal)))]
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
    look(app, (decider.actor().clone(), id), None).await
}

/// One transfer, with its review as it is now, or its receipt.
#[utoipa::path(get, path = "/api/transfers/{id}", tag = "Transfers",
    responses((status = 200, body = TransferBody), (status = 403, body = Refusal)))]
pub async fn read(decider: Decider, app: web::Data<App>, req: HttpRequest) -> Result<HttpResponse> {
    let id: TransferId = path_id(&req, "id")?;
    Ok(ok(&TransferBody::whole(found(&app, &decider, id).await?)))
}

/// A transfer, for somebody who decides over one of its sides: that is judged before what is sent.
async fn deciding(app: &App, actor: &Actor, id: TransferId) -> Result<Found> {
    let found = look(app, (actor.clone(), id), None).await?;
    if !found.may_ask() {
        let text = "Only who decides over one of the two accounts can do this.";
        return Err(Error::Forbidden(text.to_owned()));
    }
    Ok(found)
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
    request_body = Approval,
    responses((status = 200, body = ApprovalBody), (status = 403, body = Refusal),
              (status = 409, body = Refusal)))]
pub async fn approve(
    decider: RecentDecider,
    (app, ip): (web::Data<App>, ClientIp),
    req: HttpRequest,
    body: JsonBody<Approval>,
) -> Result<HttpResponse> {
    let id: TransferId = path_id(&req, "id")?;
    let mut found = deciding(&app, decider.actor(), id).await?;
    let body = body.parsed()?;
    let handle = body.handle.as_deref().map(Handle::parse).transpose();
    let handle = handle.map_err(|problem| Error::Invalid(format!("handle: {problem}")))?;
    if handle.is_some() {
        found = look(&app, (decider.actor().clone(), id), handle.clone()).await?;
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
    request_body = Option<Declining>,
    responses((status = 204), (status = 403, body = Refusal), (status = 409, body = Refusal)))]
pub async fn decline(
    decider: ChangingDecider,
    (app, ip): (web::Data<App>, ClientIp),
    req: HttpRequest,
    body: JsonBody<Declining>,
) -> Result<HttpResponse> {
    let id: TransferId = path_id(&req, "id")?;
    deciding(&app, decider.actor(), id).await?;
    let reason = rules::note(&body.parsed()?.reason, "The reason").map_err(Error::Invalid)?;
    actions::decline(&app, decider, ip, (id, reason)).await?;
    Ok(no_content())
}

/// Takes a transfer back that waits.
#[utoipa::path(post, path = "/api/transfers/{id}/cancel", tag = "Transfers",
    responses((status = 204), (status = 403, body = Refusal), (status = 409, body = Refusal)))]
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
#[utoipa::path(post, path = "/api/transfers/{id}/undo", tag = "Transfers", request_body = Undoing,
    responses((status = 204), (status = 403, body = Refusal), (status = 409, body = Refusal)))]
pub async fn undo(
    decider: RecentDecider,
    (app, ip): (web::Data<App>, ClientIp),
    req: HttpRequest,
    body: JsonBody<Undoing>,
) -> Result<HttpResponse> {
    let id: TransferId = path_id(&req, "id")?;
    let found = deciding(&app, decider.actor(), id).await?;
    let body = body.parsed()?;
    confirms(&body.confirm, &path_of(&found.workspace))
        .map_err(|problem| Error::Invalid(format!("confirm: {problem}")))?;
    match actions::undo(&app, decider, ip, id).await? {
        Undone::Back(_) => Ok(no_content()),
        Undone::Refused(reason) => Err(Error::Conflict(reason)),
    }
}
