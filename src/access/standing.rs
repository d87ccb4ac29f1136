//! The right of a key to something in a workspace, asked again as long as a connection lives (WS-04,
//! AZ-08).

use diesel::QueryResult;
use jiff::SignedDuration;
use uuid::Uuid;

use super::actor::Reach;
use super::membership::{Held, Workspace};
use super::permission::Permission;
use super::{AccountId, WorkspaceId, identify, membership, transfers};
use crate::app::App;
use crate::base::db::{Db, Instant};
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::secret::ApiKey;

/// A workspace by its ids, and what is held there. A socket cannot lead on to another address once it is open, so one at
/// the address of before a transfer is served by the new place, for those with access there (SP-30).
fn reached(
    db: &mut Db,
    reach: &Reach,
    (account, workspace): (AccountId, WorkspaceId),
) -> QueryResult<Option<(Workspace, Held)>> {
    let here = membership::by_ids(db, reach, account, workspace)?;
    if here.is_some() || !transfers::came_from(db, workspace, account)? {
        return Ok(here);
    }
    membership::by_id(db, reach, workspace)
}

/// How long an answer counts: sockets end within five seconds of a revocation.
pub const ASK_AGAIN: SignedDuration = SignedDuration::from_secs(3);

/// A key's right to something in a workspace.
pub struct Standing {
    key: ApiKey,
    ip: ClientIp,
    place: (AccountId, WorkspaceId),
    permission: Permission,
}

impl Standing {
    /// What a key says of itself; ask [`Standing::check`] whether it is so.
    ///
    /// # Errors
    /// [`Error::SignInRequired`] for what is no key.
    pub fn claimed(
        key: &str,
        ip: ClientIp,
        place: (AccountId, WorkspaceId),
        permission: Permission,
    ) -> Result<Self> {
        let key = ApiKey::parse(key).ok_or(Error::SignInRequired)?;
        Ok(Self { key, ip, place, permission })
    }

    /// The workspace.
    pub fn workspace(&self) -> WorkspaceId {
        self.place.1
    }

    /// Asks whether the key may do it now; the key's id.
    ///
    /// # Errors
    /// [`Error::SignInRequired`], [`Error::NotFound`], [`Error::Forbidden`]; the database's fault.
    pub async fn check(&self, app: &App) -> Result<Uuid> {
        let actor = identify::actor_of_key(app, &self.key, self.ip).await?;
        let now: Instant = app.now();
        let (reach, (account, workspace)) = (actor.reach(now), self.place);
        let found = app.db.read(move |db| Ok(reached(db, &reach, (account, workspace))?)).await?;
        let Some((workspace, held)) = found else { return Err(Error::NotFound) };
        if reach.only_workspace.is_some_and(|only| only != workspace.id) {
            return Err(Error::NotFound);
        }
        if held.lacks_second_factor {
            return Err(Error::SecondFactorRequired(workspace.account_name));
        }
        if !reach.narrow(held.scopes).contains(self.permission) {
            return Err(Error::Forbidden(format!(
                "This needs the permission “{}”.",
                self.permission.words().trim_end_matches('.')
            )));
        }
        Ok(actor.id())
    }
}
