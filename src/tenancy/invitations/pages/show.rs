//! The invitation itself, for whoever opens its link.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use jiff::SignedDuration;

use super::super::actions::{self, Seen};
use super::super::forms::JoinFields;
use super::super::model::{Invitation, Opened, Place};
use super::super::rules;
use super::{arrived, nothing, private};
use crate::access::actor::{AnySession, Person as Account};
use crate::access::email::EmailAddress;
use crate::app::App;
use crate::base::db::Instant;
use crate::base::error::Result;
use crate::base::http::page::{Notice, Page};
use crate::base::text::When;
use crate::frame::{Person, Shell};

/// `GET /invitations/{token}`
pub(super) async fn show(
    req: HttpRequest,
    token: web::Path<String>,
    app: web::Data<App>,
    shell: Shell,
    session: Option<AnySession>,
) -> Result<HttpResponse> {
    let person = session.map(|AnySession(who)| who.person().clone());
    let seen = actions::seen(&app, &token, person.as_ref().map(|person| person.user)).await?;
    seen_page(&req, &app, shell, seen, person.as_ref())
}

/// The page for what a link leads to.
pub(super) fn seen_page(
    req: &HttpRequest,
    app: &App,
    shell: Shell,
    seen: Seen,
    person: Option<&Account>,
) -> Result<HttpResponse> {
    match seen {
        Seen::Open(opened) => {
            let fields = JoinFields::of(&opened.invitation);
            open_page(app, shell, &opened, person, fields, StatusCode::OK)
        }
        Seen::Expired(opened) => expired(app, shell, &opened),
        Seen::Joined(home) => arrived(req, &home, &Notice::info("You already joined.")),
        Seen::Nothing => nothing(shell),
    }
}

/// What the invitation is about, as all its pages show it.
pub(super) struct Card {
    pub inviter: Person,
    /// `workspace` or `organization`.
    pub kind: &'static str,
    /// Handle of the account.
    pub account: String,
    /// Handle of the workspace, or name of the organization.
    pub name: String,
    pub role: String,
    pub purpose: String,
    /// The same in full.
    pub allows: Vec<String>,
    /// Whether the organization asks for a second factor.
    pub needs_second_factor: bool,
    /// When the access ends that the invitation gives.
    pub until: Option<When>,
    pub email: String,
    pub expires: When,
}

impl Card {
    pub(super) fn of(opened: &Opened, now: Instant) -> Self {
        let invitation = &opened.invitation;
        let (account, needs_second_factor) = match &opened.place {
            Place::Workspace(place) => (&place.account_handle, false),
            Place::Organization(place) => (&place.handle, place.two_factor_since.is_some()),
        };
        Self {
            inviter: Person::new(&invitation.invited_by_name, ""),
            kind: opened.place.kind(),
            account: account.clone(),
            name: opened.place.name().to_owned(),
            role: opened.offer.title().to_owned(),
            purpose: opened.offer.purpose(),
            allows: opened.offer.allows(),
            needs_second_factor,
            until: invitation.access_until.map(|at| When::new(at, now)),
            email: invitation.email.clone(),
            expires: When::new(invitation.expires_at, now),
        }
    }
}

/// The addresses of the steps from this page.
pub(super) struct Steps {
    pub accept: String,
    pub decline: String,
    pub sign_up: String,
    pub sign_in: String,
}

impl Steps {
    fn of(opened: &Opened) -> Self {
        Self {
            accept: opened.step("accept"),
            decline: opened.step("decline"),
            sign_up: opened.step("sign-up"),
            sign_in: opened.step("sign-in"),
        }
    }
}

/// Who looks at an open invitation.
enum Reader {
    /// Nobody is signed in; whether a new account still has to confirm its address by mail.
    Visitor(Box<JoinFields>, bool),
    /// Nobody is signed in, and only a member who has an account can accept.
    SignedOut,
    /// The invited person.
    Invited,
    /// The invited address, not confirmed, and the link does not confirm it.
    Unverified,
}

#[derive(Template)]
#[template(path = "tenancy/invitations/show.html")]
struct InvitationPage {
    shell: Shell,
    card: Card,
    steps: Steps,
    reader: Reader,
}

#[derive(Template)]
#[template(path = "tenancy/invitations/wrong_account.html")]
struct WrongAccountPage {
    shell: Shell,
    card: Card,
    masked: String,
    signed_in_as: String,
    switch: String,
}

/// An invitation that can be accepted, for whoever looks.
pub(super) fn open_page(
    app: &App,
    shell: Shell,
    opened: &Opened,
    person: Option<&Account>,
    fields: JoinFields,
    status: StatusCode,
) -> Result<HttpResponse> {
    let confirms = rules::proof(opened.way, app.settings().keeps_mails()).is_some();
    let reader = match person {
        None if opened.invitation.user.is_some() => Reader::SignedOut,
        None => Reader::Visitor(Box::new(fields), !confirms),
        Some(person) if !opened.invitation.is_for(person) => {
            return wrong_account(app.now(), shell, opened, status);
        }
        Some(person) if !person.verified && !confirms => Reader::Unverified,
        Some(_) => Reader::Invited,
    };
    let (card, steps) = (Card::of(opened, app.now()), Steps::of(opened));
    Page(InvitationPage { shell, card, steps, reader }).with_status(status).map(private)
}

fn wrong_account(
    now: Instant,
    shell: Shell,
    opened: &Opened,
    status: StatusCode,
) -> Result<HttpResponse> {
    let page = WrongAccountPage {
        card: Card::of(opened, now),
        masked: masked(&opened.invitation),
        signed_in_as: shell.viewer.as_ref().map(|viewer| viewer.email.clone()).unwrap_or_default(),
        switch: opened.step("switch"),
        shell,
    };
    Page(page).with_status(status).map(private)
}

fn masked(invitation: &Invitation) -> String {
    EmailAddress::parse(&invitation.email).map(|email| email.masked()).unwrap_or_default()
}

#[derive(Template)]
#[template(path = "tenancy/invitations/expired.html")]
struct ExpiredPage {
    shell: Shell,
    card: Card,
    asked: Option<When>,
    renew: String,
}

/// An invitation whose time is over: 410, and the way to a new one.
fn expired(app: &App, shell: Shell, opened: &Opened) -> Result<HttpResponse> {
    let now = app.now();
    let lately = |at: &Instant| now.since(*at) < SignedDuration::from_hours(24);
    let asked = opened.invitation.renewal_asked_at.filter(lately);
    let page = ExpiredPage {
        shell,
        card: Card::of(opened, now),
        asked: asked.map(|at| When::new(at, now)),
        renew: opened.step("renew"),
    };
    Page(page).with_status(StatusCode::GONE).map(private)
}
