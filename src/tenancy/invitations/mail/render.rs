//! The texts of the mails, made when they are sent.

use askama::Template;
use diesel::QueryResult;
use serde_json::Value;

use super::super::model::{Invitation, Kind, Offer, Place, Way};
use super::super::queries::{self, INVITATION_MAIL};
use super::super::rules::{Standing, plain_name, standing};
use super::{DECLINED, JOINED, NO_PLACE, REMINDER_MAIL, RENEWAL};
use crate::access::role::Role;
use crate::app::Context;
use crate::base::db::Db;
use crate::base::error::{Error, Result};
use crate::base::mail::{Notice, QueuedMail, Rendered};
use crate::urls;

/// Writes a mail of this slice; `None` when it is over by now, or not of this slice.
///
/// # Errors
/// The database's fault, or a template's.
pub fn render(context: &Context, db: &mut Db, mail: &QueuedMail) -> Result<Option<Rendered>> {
    let Some(about) = About::of(db, mail)? else { return Ok(None) };
    let is_current = mail.data.0.get("generation").and_then(Value::as_i64)
        == Some(i64::from(about.invitation.generation));
    let standing = standing(&about.invitation, context.now());
    match mail.template.as_str() {
        INVITATION_MAIL | REMINDER_MAIL if is_current && standing == Standing::Open => {
            about.invitation(context, mail.template == REMINDER_MAIL).map(Some)
        }
        RENEWAL if is_current && standing == Standing::Expired => about.renewal(context).map(Some),
        JOINED => about.joined(context, &mail.data.0).map(Some),
        DECLINED => about.declined(context).map(Some),
        NO_PLACE if standing == Standing::Open => about.no_place(context).map(Some),
        _ => Ok(None),
    }
}

/// What all mails of this slice tell about.
struct About {
    invitation: Invitation,
    place: Place,
    offer: Offer,
}

impl About {
    fn of(db: &mut Db, mail: &QueuedMail) -> QueryResult<Option<Self>> {
        let Some(subject) = mail.subject_id else { return Ok(None) };
        let Some(target) = queries::target(db, subject.cast())? else { return Ok(None) };
        let invitation = target.invitation;
        Ok(target.place.map(|(place, offer)| Self { invitation, place, offer }))
    }

    /// The place's name, as one who is not in it may read it: an organization's is quoted (EM-03).
    fn name(&self) -> String {
        match &self.place {
            Place::Workspace(workspace) => workspace.handle.clone(),
            Place::Organization(organization) => format!("“{}”", plain_name(&organization.name)),
        }
    }

    /// `the workspace ada/lab`, `the organization acme`
    fn what(&self) -> String {
        format!("the {} {}", self.place.kind(), self.place.path())
    }

    fn invitation(&self, context: &Context, is_reminder: bool) -> Result<Rendered> {
        let site = context.settings.site().to_owned();
        let token = self.invitation.token(&context.keys, Way::Mailed);
        let who = plain_name(&self.invitation.invited_by_name);
        let name = self.name();
        let subject = if is_reminder {
            format!("The invitation to {name} ends soon")
        } else {
            format!("“{who}” invited you to {name}")
        };
        let purpose = match self.invitation.kind {
            Kind::Collaborator => {
                format!("As a collaborator you can {}.", Role::Collaborator.scopes().in_short())
            }
            _ => format!("Your role there will be “{}”.", plain_name(self.offer.title())),
        };
        let html = InvitationHtml {
            host: context.settings.host(),
            link: format!("{site}{}", urls::invitation(&token)),
            site,
            subject: subject.clone(),
            who,
            what: self.what(),
            purpose,
            is_member: self.invitation.user.is_some(),
            email: self.invitation.email.clone(),
            expires: self.invitation.expires_at.long_text(),
            is_reminder,
        };
        rendered(subject, InvitationText { host: &html.host, mail: &html }, &html)
    }

    fn joined(&self, context: &Context, data: &Value) -> Result<Rendered> {
        let who = plain_name(data.get("name").and_then(Value::as_str).unwrap_or_default());
        let role = plain_name(self.offer.title());
        let body = format!(
            "“{who}” ({}) accepted your invitation to {} and is in it as “{role}” now.",
            self.invitation.email,
            self.what()
        );
        let subject = format!("“{who}” joined {}", self.name());
        notice(context, subject, body, ("See the people", self.place.people()))
    }

    fn declined(&self, context: &Context) -> Result<Rendered> {
        let email = &self.invitation.email;
        let body = format!(
            "{email} declined your invitation to {}. The place is free again.",
            self.what()
        );
        let subject = format!("{email} declined your invitation to {}", self.name());
        notice(context, subject, body, ("See the people", self.place.people()))
    }

    fn no_place(&self, context: &Context) -> Result<Rendered> {
        let email = &self.invitation.email;
        let body = format!(
            "{email} wanted to accept your invitation to {}, but it has as many people as it can \
             have. The invitation stays open until {}. Remove somebody, or ask for a higher limit.",
            self.what(),
            self.invitation.expires_at.long_text()
        );
        let subject = format!("{email} could not join {}: no place left", self.name());
        notice(context, subject, body, ("See the people", self.place.people()))
    }

    fn renewal(&self, context: &Context) -> Result<Rendered> {
        let email = &self.invitation.email;
        let body = format!(
            "The invitation of {email} to {} ended on {}. Whoever has its link asks for a new one.",
            self.what(),
            self.invitation.expires_at.long_text()
        );
        let subject = format!("{email} asks for a new invitation to {}", self.name());
        notice(context, subject, body, ("Send it again", self.place.resend(self.invitation.id)))
    }
}

/// A mail of one paragraph and one link.
fn notice(
    context: &Context,
    subject: String,
    body: String,
    (action, path): (&'static str, String),
) -> Result<Rendered> {
    Notice { subject, body, action, path }.render(&context.settings)
}

fn rendered(subject: String, text: impl Template, html: impl Template) -> Result<Rendered> {
    Ok(Rendered {
        subject,
        text: text.render().map_err(Error::internal)?,
        html: html.render().map_err(Error::internal)?,
    })
}

#[derive(Template)]
#[template(path = "tenancy/invitations/mail/invitation.html")]
struct InvitationHtml {
    host: String,
    site: String,
    subject: String,
    who: String,
    what: String,
    purpose: String,
    is_member: bool,
    email: String,
    expires: String,
    link: String,
    is_reminder: bool,
}

#[derive(Template)]
#[template(path = "tenancy/invitations/mail/invitation.txt", escape = "none")]
struct InvitationText<'a> {
    host: &'a str,
    mail: &'a InvitationHtml,
}
