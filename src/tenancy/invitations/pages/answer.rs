//! The invited person's answers: accept, decline, ask again.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use super::super::actions::{self, Accepted, Seen};
use super::super::forms::JoinFields;
use super::{landed, message, nothing, private, show};
use crate::access::actor::{Actor, AnySession};
use crate::app::App;
use crate::base::error::Result;
use crate::base::http::client::ClientIp;
use crate::base::http::form::{Button, Form};
use crate::base::http::page::Notice;
use crate::base::http::see_other;
use crate::frame::Shell;
use crate::urls;

/// `POST /invitations/{token}/accept`
pub(super) async fn accept(
    req: HttpRequest,
    token: web::Path<String>,
    app: web::Data<App>,
    (shell, session, ip): (Shell, Option<AnySession>, ClientIp),
    _: Form<Button>,
) -> Result<HttpResponse> {
    let Some(AnySession(who)) = session else {
        return Ok(private(see_other(urls::invitation(&token))));
    };
    let person = who.person();
    match actions::seen(&app, &token, Some(person.user)).await? {
        Seen::Open(opened) => match actions::accept(&app, &opened, who.actor(), ip).await? {
            Accepted::WrongAccount | Accepted::Unverified => {
                let fields = JoinFields::of(&opened.invitation);
                show::open_page(&app, shell, &opened, Some(person), fields, StatusCode::FORBIDDEN)
            }
            outcome => landed(&req, shell, &opened, outcome),
        },
        seen => show::seen_page(&req, &app, shell, seen, Some(person)),
    }
}

/// `POST /invitations/{token}/decline`
pub(super) async fn decline(
    req: HttpRequest,
    token: web::Path<String>,
    app: web::Data<App>,
    (shell, session, ip): (Shell, Option<AnySession>, ClientIp),
    _: Form<Button>,
) -> Result<HttpResponse> {
    let actor = session.as_ref().map(|AnySession(who)| who.actor());
    let person = actor.and_then(Actor::as_person);
    let opened = match actions::seen(&app, &token, None).await? {
        // Kept for whom it is for: a browser that somebody else uses does not answer.
        Seen::Open(opened) if person.is_some_and(|person| !opened.invitation.is_for(person)) => {
            let fields = JoinFields::of(&opened.invitation);
            return show::open_page(&app, shell, &opened, person, fields, StatusCode::FORBIDDEN);
        }
        Seen::Open(opened) => opened,
        Seen::Expired(_) => return Ok(private(see_other(urls::invitation(&token)))),
        Seen::Joined(_) | Seen::Nothing => return nothing(shell),
    };
    if !actions::decline(&app, &opened, actor, ip).await? {
        return nothing(shell);
    }
    let told = format!("{} was told.", opened.invitation.invited_by_name);
    if person.is_some_and(|person| person.verified) {
        let name = opened.place.name();
        Notice::ok(format!("You declined the invitation to {name}. {told}")).leave(&req)?;
        return Ok(private(see_other(urls::workspaces())));
    }
    message(shell, StatusCode::OK, "You declined the invitation", format!("{told} That is all."))
}

/// `POST /invitations/{token}/renew`
pub(super) async fn ask_again(
    token: web::Path<String>,
    app: web::Data<App>,
    ip: ClientIp,
    _: Form<Button>,
) -> Result<HttpResponse> {
    if let Seen::Expired(opened) = actions::seen(&app, &token, None).await? {
        actions::ask_again(&app, &opened, ip).await?;
    }
    Ok(private(see_other(urls::invitation(&token))))
}
