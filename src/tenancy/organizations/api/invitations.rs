//! Invitations into an organization.

use crate::access::organization::{AnyMember, OrganizationAccess, OrganizationRole};
use crate::app::App;
use crate::base::db::Instant;
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::http::json::{
    JsonBody, Refusal, Window, created, moment, no_content, ok, path_id,
};
use crate::tenancy::invitations::actions::Recruiting;
use crate::tenancy::invitations::actions::{self as invitations, LineOutcome, LineResult, Managed};
use crate::tenancy::invitations::api::{InvitationBody, InvitationsBody, Sent};
use crate::tenancy::invitations::model::Scope;
use crate::tenancy::invitations::queries as invited;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// People to invite.
#[derive(Debug, Deserialize, ToSchema)]
pub struct MemberInvite {
    /// Their addresses, 50 at most.
    #[schema(max_items = 50)]
    pub emails: Vec<String>,
    /// As what; `Member` unless something else is wanted.
    #[serde(default)]
    pub account_role_id: Option<Uuid>,
}

/// What became of the lines of an invitation, as the API says it.
pub(crate) fn sent_bodies(results: Vec<LineResult>) -> Vec<Sent> {
    results
        .into_iter()
        .map(|result| {
            let (status, invitation_id, until) = match &result.outcome {
                LineOutcome::Sent(id, until) => ("sent", Some(id.uuid()), Some(*until)),
                LineOutcome::Unmailed(id, until) => ("not_mailed", Some(id.uuid()), Some(*until)),
                LineOutcome::Invited(id) => ("already_invited", Some(id.uuid()), None),
                LineOutcome::Member => ("already_member", None, None),
                LineOutcome::Invalid(_) => ("invalid", None, None),
                LineOutcome::Yourself => ("yourself", None, None),
                LineOutcome::Full(_) => ("no_place", None, None),
                LineOutcome::TooManyOpen | LineOutcome::TooManyToday | LineOutcome::Surplus => {
                    ("too_many", None, None)
                }
                LineOutcome::Declined(until) => ("declined_lately", None, Some(*until)),
            };
            Sent {
                email: result.typed,
                status: status.to_owned(),
                invitation_id,
                until: until.map(|at: Instant| moment(at)),
            }
        })
        .collect()
}

/// Invites people into an organization; each address has an answer of its own.
#[utoipa::path(post, path = "/api/accounts/{account_id}/invitations/", tag = "Invitations",
    request_body = MemberInvite, responses((status = 201, body = [Sent])))]
pub async fn invite(
    access: Recruiting,
    app: web::Data<App>,
    ip: ClientIp,
    body: JsonBody<MemberInvite>,
) -> Result<HttpResponse> {
    let body = body.parsed()?;
    let role = match body.account_role_id {
        None => OrganizationRole::Member,
        Some(id) => OrganizationRole::of_id(id)
            .ok_or_else(|| Error::Invalid("There is no such account role.".to_owned()))?,
    };
    let sent = invitations::invite_members(&app, access, ip, body.emails, (role, None)).await?;
    Ok(created(&sent_bodies(sent)))
}

/// The invitations into an organization that were not answered, the newest first.
#[utoipa::path(post, path = "/api/accounts/{account_id}/invitations/filter", tag = "Invitations",
    request_body = Option<InvitationsBody>, responses((status = 200, body = [InvitationBody])))]
pub async fn invitations_of(
    access: OrganizationAccess<AnyMember>,
    app: web::Data<App>,
    body: JsonBody<InvitationsBody>,
) -> Result<HttpResponse> {
    let body = body.parsed()?;
    let window = Window::of(body.limit, body.offset)?;
    let scope = Scope { account: access.organization().account, workspace: None };
    let now = app.now();
    let found = app.db.read(move |db| Ok(invited::open_ones(db, scope, window)?)).await?;
    let list: Vec<InvitationBody> = found.iter().map(|one| InvitationBody::of(one, now)).collect();
    Ok(ok(&list))
}

/// Takes an invitation back.
#[utoipa::path(delete, path = "/api/accounts/{account_id}/invitations/{id}", tag = "Invitations",
    responses((status = 204), (status = 409, body = Refusal)))]
pub async fn revoke(
    req: HttpRequest,
    access: Recruiting,
    app: web::Data<App>,
    ip: ClientIp,
) -> Result<HttpResponse> {
    let managed = invitations::revoke(&app, access, ip, path_id(&req, "id")?).await?;
    crate::tenancy::invitations::api::managed(managed).map(|_| no_content())
}

/// Sends an invitation again, with a new link.
#[utoipa::path(post, path = "/api/accounts/{account_id}/invitations/{id}/resend",
    tag = "Invitations",
    responses((status = 200, body = InvitationBody), (status = 409, body = Refusal)))]
pub async fn resend(
    req: HttpRequest,
    access: Recruiting,
    app: web::Data<App>,
    ip: ClientIp,
) -> Result<HttpResponse> {
    let done: Managed<_> =
        invitations::resend(&app, access, ip, (path_id(&req, "id")?, None)).await?;
    let sent = crate::tenancy::invitations::api::managed(done)?;
    Ok(ok(&InvitationBody::of(&sent, app.now())))
}
