//! The JSON API of a person's own keys.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};
use uuid::Uuid;

use super::actions::{self, Created};
use super::model::{Key, KeyId, KeyName, KeyRequest, Lifetime};
use super::queries;
use crate::access::UserId;
use crate::access::actor::Actor;
use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::http::json::{
    JsonBody, Refusal, created, moment, no_content, ok, parse_moment, path_id,
};
use crate::base::http::routes::{resource, resources};

/// The addresses of this slice, below `/api`.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .service(
            resources(["/users/{user_id}/api_keys", "/users/{user_id}/api_keys/"])
                .get(list_keys)
                .post(create_key),
        )
        .service(resource("/users/{user_id}/api_keys/{id}").get(get_key).delete(delete_key));
}

/// The operations of this slice, for the API's document.
#[derive(OpenApi)]
#[openapi(paths(list_keys, create_key, get_key, delete_key))]
pub struct Document;

/// A person's key.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeyBody {
    /// Its id.
    pub id: Uuid,
    /// When it was made.
    #[schema(format = DateTime)]
    pub created: String,
    /// Its name.
    pub name: String,
    /// When it stops; null for never.
    #[schema(format = DateTime)]
    pub expiration: Option<String>,
    /// When it was used last, to the minute.
    #[schema(format = DateTime)]
    pub last_used: Option<String>,
    /// The id of the key that it was made with and is deleted with; null for one that was made in the browser.
    pub made_with: Option<Uuid>,
    /// The key itself, in the answer that made it only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

fn body_of(key: &Key, secret: Option<String>) -> KeyBody {
    KeyBody {
        id: key.id.uuid(),
        created: moment(key.created_at),
        name: key.name.clone(),
        expiration: key.expires_at.map(moment),
        last_used: key.last_used_at.map(moment),
        made_with: key.made_with_key_id.map(KeyId::uuid),
        key: secret,
    }
}

/// The person of the path, if the key is that person's and not limited to a workspace: everybody else
/// is not there.
fn person(req: &HttpRequest, app: &App) -> Result<(Actor, UserId)> {
    let actor = Actor::of(req)?;
    let reach = actor.reach(app.now());
    let user: UserId = path_id(req, "user_id")?;
    let is_own = actor.as_person().is_some_and(|person| person.user == user);
    if is_own && !reach.is_limited() { Ok((actor, user)) } else { Err(Error::NotFound) }
}

/// The person's keys, the newest first.
#[utoipa::path(get, path = "/api/users/{user_id}/api_keys", tag = "API keys",
    responses((status = 200, body = [KeyBody])))]
pub async fn list_keys(req: HttpRequest, app: web::Data<App>) -> Result<HttpResponse> {
    let (_, user) = person(&req, &app)?;
    let keys = app.db.read(move |db| Ok(queries::all(db, user, actions::KEYS)?)).await?;
    let list: Vec<KeyBody> = keys.iter().map(|key| body_of(key, None)).collect();
    Ok(ok(&list))
}

/// A key to make.
#[derive(Debug, Deserialize, ToSchema)]
pub struct KeyCreate {
    /// Its name.
    pub name: String,
    /// When it stops (RFC 3339), not later than the key that asks; absent or null for never.
    #[serde(default)]
    #[schema(format = DateTime)]
    pub expiration: Option<String>,
}

/// Makes another key of the same person, which does not outlive the one that asks and is deleted with it; the
/// answer holds it, once.
#[utoipa::path(post, path = "/api/users/{user_id}/api_keys", tag = "API keys",
    request_body = KeyCreate,
    responses((status = 201, body = KeyBody), (status = 403, body = Refusal),
              (status = 409, body = Refusal)))]
pub async fn create_key(
    req: HttpRequest,
    app: web::Data<App>,
    ip: ClientIp,
    body: JsonBody<KeyCreate>,
) -> Result<HttpResponse> {
    let (actor, _) = person(&req, &app)?;
    let by = actions::MakingKey::of(actor)?;
    let body = body.parsed()?;
    let lifetime = match body.expiration.as_deref().map(parse_moment).transpose()? {
        None => Lifetime::Unlimited,
        Some(end) if end > app.now() => Lifetime::Until(end),
        Some(_) => return Err(Error::Invalid("The key has to stop in the future.".to_owned())),
    };
    let name = KeyName::parse(&body.name).map_err(Error::Invalid)?;
    let request = KeyRequest { name, lifetime, only_workspace: None, read_only: false };
    match actions::create_by_key(&app, by, ip, request).await? {
        Created::Made(new) => Ok(created(&body_of(&new.key, Some(new.secret.reveal())))),
        Created::NameTaken => Err(Error::Conflict("You have a key of this name.".to_owned())),
        Created::LimitReached(limit) => {
            Err(Error::Conflict(format!("One person has {limit} keys at most.")))
        }
        Created::WorkspaceGone => Err(Error::NotFound),
    }
}

/// One of the person's keys.
#[utoipa::path(get, path = "/api/users/{user_id}/api_keys/{id}", tag = "API keys",
    responses((status = 200, body = KeyBody)))]
pub async fn get_key(req: HttpRequest, app: web::Data<App>) -> Result<HttpResponse> {
    let (_, user) = person(&req, &app)?;
    let id: KeyId = path_id(&req, "id")?;
    let key = app.db.read(move |db| Ok(queries::one(db, user, id)?)).await?;
    Ok(ok(&body_of(&key.ok_or(Error::NotFound)?, None)))
}

/// Deletes one of the person's keys, and with it the keys that were made with it (`made_with`); they are refused
/// from the next request on.
#[utoipa::path(delete, path = "/api/users/{user_id}/api_keys/{id}", tag = "API keys",
    responses((status = 204), (status = 403, body = Refusal)))]
pub async fn delete_key(
    req: HttpRequest,
    app: web::Data<App>,
    ip: ClientIp,
) -> Result<HttpResponse> {
    let (actor, _) = person(&req, &app)?;
    if actor.reach(app.now()).only_reads() {
        return Err(Error::Forbidden("This key only reads.".to_owned()));
    }
    actions::delete(&app, actor, ip, None, path_id(&req, "id")?).await?;
    Ok(no_content())
}
