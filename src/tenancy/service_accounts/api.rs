//! The JSON API of service accounts, which Prefect Cloud's API calls bots.

use actix_web::{HttpRequest, HttpResponse, web};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};
use uuid::Uuid;

use super::actions::{self, Created, NewKey, Renamed};
use super::model::{Bot, BotKey, BotName};
use super::queries;
use crate::access::AccountId;
use crate::access::organization::{Admin, AnyMember, OrganizationAccess, OrganizationRole};
use crate::app::App;
use crate::base::db::Instant;
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::http::json::{
    AnyOf, JsonBody, Refusal, Window, created, moment, no_content, ok, parse_moment, path_id,
};
use crate::base::http::routes::{resource, resources};
use crate::tenancy::api_keys::model::Lifetime;

/// The addresses of this slice, below `/api`.
pub fn routes(config: &mut web::ServiceConfig) {
    let of = |rest: &str| resource(format!("/accounts/{{account_id}}/bots{rest}"));
    config
        .service(
            resources(["/accounts/{account_id}/bots/", "/accounts/{account_id}/bots"])
                .post(create_bot),
        )
        .service(of("/filter").post(filter_bots))
        .service(of("/{id}").get(get_bot).patch(edit_bot).delete(delete_bot))
        .service(of("/{id}/rotate_api_key").post(rotate_api_key));
}

/// The operations of this slice, for the API's document.
#[derive(OpenApi)]
#[openapi(paths(create_bot, filter_bots, get_bot, edit_bot, delete_bot, rotate_api_key))]
pub struct Document;

/// A service account.
#[derive(Debug, Serialize, ToSchema)]
pub struct BotBody {
    /// Its id.
    pub id: Uuid,
    /// When it was made.
    #[schema(format = DateTime)]
    pub created: String,
    /// When it was made; service accounts keep no other moment.
    #[schema(format = DateTime)]
    pub updated: String,
    /// Its id as one who acts.
    pub actor_id: Uuid,
    /// The organization.
    pub account_id: Uuid,
    /// Its name.
    pub name: String,
    /// Always `Member`: a service account is never an admin.
    pub account_role_name: String,
    /// Whether its keys are refused.
    pub disabled: bool,
    /// Its present key.
    pub api_key: Option<BotKeyBody>,
}

/// A service account's key.
#[derive(Debug, Serialize, ToSchema)]
pub struct BotKeyBody {
    /// Its id.
    pub id: Uuid,
    /// When it was made.
    #[schema(format = DateTime)]
    pub created: String,
    /// When it stops; null for never.
    #[schema(format = DateTime)]
    pub expiration: Option<String>,
    /// The last characters, to recognise it.
    pub name: String,
    /// The key itself, in the answer that made it only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

fn key_body(key: &BotKey, secret: Option<String>) -> BotKeyBody {
    BotKeyBody {
        id: key.id.uuid(),
        created: moment(key.created_at),
        expiration: key.expires_at.map(moment),
        name: format!("pnb_…{}", key.last_four),
        key: secret,
    }
}

fn body_of(account: AccountId, bot: &Bot, key: Option<BotKeyBody>) -> BotBody {
    BotBody {
        id: bot.id.uuid(),
        created: moment(bot.created_at),
        updated: moment(bot.created_at),
        actor_id: bot.id.uuid(),
        account_id: account.uuid(),
        name: bot.name.clone(),
        account_role_name: OrganizationRole::Member.title().to_owned(),
        disabled: bot.disabled_at.is_some(),
        api_key: key,
    }
}

/// A service account to make.
#[derive(Debug, Deserialize, ToSchema)]
pub struct BotCreate {
    /// Its name, unique in the organization.
    pub name: String,
    /// When its key stops (RFC 3339); absent or null for never.
    #[serde(default)]
    #[schema(format = DateTime)]
    pub api_key_expiration: Option<String>,
    /// Its role in the organization; only that of `Member` is possible.
    #[serde(default)]
    pub account_role_id: Option<Uuid>,
}

/// A service account is never an admin (A2).
fn check_role(role: Option<Uuid>) -> Result<()> {
    match role.map(OrganizationRole::of_id) {
        None | Some(Some(OrganizationRole::Member)) => Ok(()),
        Some(Some(OrganizationRole::Admin)) => {
            Err(Error::Forbidden("A service account is never an admin.".to_owned()))
        }
        Some(None) => Err(Error::Invalid("There is no such account role.".to_owned())),
    }
}

fn lifetime(text: Option<&str>, now: Instant) -> Result<Lifetime> {
    match text {
        None => Ok(Lifetime::Unlimited),
        Some(text) => {
            let end = parse_moment(text)?;
            if end <= now {
                return Err(Error::Invalid("The key has to stop in the future.".to_owned()));
            }
            Ok(Lifetime::Until(end))
        }
    }
}

/// Makes a service account; the answer holds its key, once.
#[utoipa::path(post, path = "/api/accounts/{account_id}/bots/", tag = "Service accounts",
    request_body = BotCreate,
    responses((status = 201, body = BotBody), (status = 409, body = Refusal)))]
pub async fn create_bot(
    access: OrganizationAccess<Admin>,
    app: web::Data<App>,
    ip: ClientIp,
    body: JsonBody<BotCreate>,
) -> Result<HttpResponse> {
    let body = body.parsed()?;
    check_role(body.account_role_id)?;
    let name = BotName::parse(&body.name).map_err(Error::Invalid)?;
    let lifetime = lifetime(body.api_key_expiration.as_deref(), app.now())?;
    let account = access.organization().account;
    match actions::create(&app, access, ip, (name, lifetime), None).await? {
        Created::Made(new) => Ok(created(&new_body(account, &new))),
        Created::NameTaken => Err(taken()),
        Created::LimitReached(limit) => {
            Err(Error::Conflict(format!("The organization has {limit} service accounts at most.")))
        }
    }
}

fn taken() -> Error {
    Error::Conflict("There is a service account of this name.".to_owned())
}

fn new_body(account: AccountId, new: &NewKey) -> BotBody {
    body_of(account, &new.bot, Some(key_body(&new.key, Some(new.secret.reveal()))))
}

/// Which service accounts.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct BotsBody {
    /// By name.
    pub service_accounts: BotsFilter,
    /// Rows at most; 200 unless less is wanted.
    #[schema(maximum = 200)]
    pub limit: Option<u32>,
    /// Rows left out before them.
    pub offset: Option<u32>,
}

/// Which service accounts.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(default)]
pub struct BotsFilter {
    /// With one of these names.
    pub name: AnyOf<String>,
}

/// The service accounts of an organization, by name.
#[utoipa::path(post, path = "/api/accounts/{account_id}/bots/filter", tag = "Service accounts",
    request_body = Option<BotsBody>, responses((status = 200, body = [BotBody])))]
pub async fn filter_bots(
    access: OrganizationAccess<AnyMember>,
    app: web::Data<App>,
    body: JsonBody<BotsBody>,
) -> Result<HttpResponse> {
    let body = body.parsed()?;
    let account = access.organization().account;
    let window = Window::of(body.limit, body.offset)?;
    let names = body.service_accounts.name.values()?;
    let keys = names.map(|names| names.iter().map(|name| name.to_lowercase()).collect());
    let (bots, keys) = app
        .db
        .read(move |db| {
            let bots = queries::all(db, account, keys, window)?;
            let ids: Vec<_> = bots.iter().map(|bot| bot.id).collect();
            Ok((bots, queries::present_keys(db, &ids)?))
        })
        .await?;
    let key = |bot: &Bot| keys.iter().rev().find(|key| key.service_account == bot.id);
    let list: Vec<BotBody> = bots
        .iter()
        .map(|bot| body_of(account, bot, key(bot).map(|key| key_body(key, None))))
        .collect();
    Ok(ok(&list))
}

/// One service account.
#[utoipa::path(get, path = "/api/accounts/{account_id}/bots/{id}", tag = "Service accounts",
    responses((status = 200, body = BotBody)))]
pub async fn get_bot(
    req: HttpRequest,
    access: OrganizationAccess<AnyMember>,
    app: web::Data<App>,
) -> Result<HttpResponse> {
    let (account, id) = (access.organization().account, path_id(&req, "id")?);
    let (bot, keys) = app
        .db
        .read(move |db| {
            let bot = queries::one(db, account, id)?.ok_or(Error::NotFound)?;
            Ok((bot, queries::present_keys(db, &[id])?))
        })
        .await?;
    let key = keys.last().map(|key| key_body(key, None));
    Ok(ok(&body_of(account, &bot, key)))
}

/// A change of a service account; what is absent stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct BotChange {
    /// Its name.
    pub name: Option<String>,
    /// Its role in the organization; only that of `Member` is possible.
    pub account_role_id: Option<Uuid>,
    /// Whether its keys are refused.
    pub disabled: Option<bool>,
}

/// Renames a service account, or disables or enables it: one of these at a time.
#[utoipa::path(patch, path = "/api/accounts/{account_id}/bots/{id}", tag = "Service accounts",
    request_body = Option<BotChange>, responses((status = 204), (status = 409, body = Refusal)))]
pub async fn edit_bot(
    req: HttpRequest,
    access: OrganizationAccess<Admin>,
    app: web::Data<App>,
    ip: ClientIp,
    body: JsonBody<BotChange>,
) -> Result<HttpResponse> {
    let body = body.parsed()?;
    let id = path_id(&req, "id")?;
    check_role(body.account_role_id)?;
    match (body.name, body.disabled) {
        (Some(_), Some(_)) => {
            let text = "Change the name and whether it is disabled one after the other.";
            return Err(Error::Invalid(text.to_owned()));
        }
        (Some(name), None) => {
            let name = BotName::parse(&name).map_err(Error::Invalid)?;
            if actions::rename(&app, access, ip, id, name).await? == Renamed::NameTaken {
                return Err(taken());
            }
        }
        (None, Some(is_disabled)) => {
            actions::set_disabled(&app, access, ip, (id, is_disabled)).await?;
        }
        (None, None) => {
            let account = access.organization().account;
            let found = app.db.read(move |db| Ok(queries::one(db, account, id)?)).await?;
            found.ok_or(Error::NotFound)?;
        }
    }
    Ok(no_content())
}

/// Removes a service account with its keys and its roles in workspaces.
#[utoipa::path(delete, path = "/api/accounts/{account_id}/bots/{id}", tag = "Service accounts",
    responses((status = 204)))]
pub async fn delete_bot(
    req: HttpRequest,
    access: OrganizationAccess<Admin>,
    app: web::Data<App>,
    ip: ClientIp,
) -> Result<HttpResponse> {
    actions::remove(&app, access, ip, path_id(&req, "id")?).await?;
    Ok(no_content())
}

/// A key to be replaced.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct Rotation {
    /// When the new key stops (RFC 3339); absent or null for never.
    #[schema(format = DateTime)]
    pub api_key_expiration: Option<String>,
    /// How long the old key lives on, in seconds; at most 172800 (48 hours).
    #[schema(minimum = 0, maximum = 172_800)]
    pub old_key_expires_in_seconds: Option<i64>,
}

/// Gives a service account another key; the answer holds it, once.
#[utoipa::path(post, path = "/api/accounts/{account_id}/bots/{id}/rotate_api_key",
    tag = "Service accounts", request_body = Option<Rotation>,
    responses((status = 201, body = BotBody)))]
pub async fn rotate_api_key(
    req: HttpRequest,
    access: OrganizationAccess<Admin>,
    app: web::Data<App>,
    ip: ClientIp,
    body: JsonBody<Rotation>,
) -> Result<HttpResponse> {
    let body = body.parsed()?;
    let lifetime = lifetime(body.api_key_expiration.as_deref(), app.now())?;
    let seconds = body.old_key_expires_in_seconds.unwrap_or(0);
    let overlap = SignedDuration::from_secs(seconds);
    let account = access.organization().account;
    let asked = (path_id(&req, "id")?, lifetime, overlap);
    let new = actions::rotate(&app, access, ip, asked, None).await?;
    Ok(created(&new_body(account, &new)))
}
