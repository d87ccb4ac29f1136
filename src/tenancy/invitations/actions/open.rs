//! Opening a link: who it is for and how things stand, without changing anything (IN-03).

use diesel::prelude::*;

use super::super::model::{Invitation, Kind, Opened, Place, Way, takes_collaborators};
use super::super::rules::{Standing, standing};
use super::super::{model::InvitationId, queries};
use crate::access::UserId;
use crate::app::{App, Context};
use crate::base::db::{Db, Instant};
use crate::base::error::Result;
use crate::base::secret::LinkToken;

/// What a link leads to.
#[derive(Clone, Debug)]
pub enum Seen {
    /// It can be accepted.
    Open(Opened),
    /// Its time is over; a new one can be asked for.
    Expired(Opened),
    /// The viewer accepted it before and is still in; the address of the place.
    Joined(String),
    /// Anything else: never told apart.
    Nothing,
}

/// Looks at a link for whoever is signed in.
pub async fn seen(app: &App, token: &str, viewer: Option<UserId>) -> Result<Seen> {
    let (context, token, now) = (app.context.clone(), token.to_owned(), app.now());
    app.db.read(move |db| Ok(look(db, &context, &token, viewer, now)?)).await
}

fn look(
    db: &mut Db,
    context: &Context,
    token: &str,
    viewer: Option<UserId>,
    now: Instant,
) -> QueryResult<Seen> {
    let Some((opened, accepted_by)) = find(db, context, token)? else { return Ok(Seen::Nothing) };
    Ok(match standing(&opened.invitation, now) {
        Standing::Open => Seen::Open(opened),
        Standing::Expired => Seen::Expired(opened),
        Standing::Over => match viewer {
            Some(viewer)
                if accepted_by == Some(viewer)
                    && queries::is_member(db, opened.invitation.scope(), viewer)? =>
            {
                Seen::Joined(opened.place.home())
            }
            _ => Seen::Nothing,
        },
    })
}

/// The invitation that a token was made for, in its present generation, while the place lives in the
/// account that invited.
pub(super) fn find(
    db: &mut Db,
    context: &Context,
    token: &str,
) -> QueryResult<Option<(Opened, Option<UserId>)>> {
    let Some(link) = LinkToken::parse(token) else { return Ok(None) };
    let Some(target) = queries::target(db, InvitationId::from(link.id()))? else { return Ok(None) };
    let invitation = target.invitation;
    let proved = Way::ALL
        .into_iter()
        .find(|way| link.proves(&context.keys, way.purpose(), invitation.generation));
    let (Some(way), Some((place, offer))) = (proved, target.place) else { return Ok(None) };
    if !fits(&invitation, &place) {
        return Ok(None);
    }
    let accepted_by = invitation.accepted_by;
    let token = token.to_owned();
    Ok(Some((Opened { invitation, place, offer, way, token }, accepted_by)))
}

/// Whether the place is still what it was when the invitation was sent: of the same account, and of
/// the kind that has such invitations.
fn fits(invitation: &Invitation, place: &Place) -> bool {
    let kind = match place {
        Place::Organization(_) => Kind::Organization,
        Place::Workspace(workspace) if takes_collaborators(workspace) => Kind::Collaborator,
        Place::Workspace(_) => Kind::Workspace,
    };
    place.account() == invitation.account && kind == invitation.kind
}
