//! The texts of the mails, made when they are sent.

use askama::Template;
use diesel::QueryResult;
use serde_json::Value;

use super::super::model::{Invitation, Way};
use super::super::queries::{self, INVITATION_MAIL};
use super::super::rules::{Standing, plain_name, standing};
use super::{DECLINED, JOINED, NO_PLACE, REMINDER_MAIL, RENEWAL};
use crate::access::membership::Workspace;
use crate::app::Context;
use crate::base::db::Db;
use crate::base::error::{Error, Result};
use crate::base::mail::{QueuedMail, Rendered};
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
    workspace: Workspace,
}

impl About {
    fn of(db: &mut Db, mail: &QueuedMail) -> QueryResult<Option<Self>> {
        let Some(subject) = mail.subject_id else { return Ok(None) };
        let Some(target) = queries::target(db, subject.cast())? else { return Ok(None) };
        let invitation = target.invitation;
        Ok(target.workspace.map(|workspace| Self { invitation, workspace }))
    }

    fn path(&self) -> String {
        format!("{}/{}", self.workspace.account_handle, self.workspace.handle)
    }

    fn invitation(&self, context: &Context, is_reminder: bool) -> Result<Rendered> {
        let site = context.settings.site().to_owned();
        let token = self.invitation.token(&context.keys, Way::Mailed);
        let who = plain_name(&self.invitation.invited_by_name);
        let name = self.workspace.handle.clone();
        let subject = if is_reminder {
            format!("The invitation to {name} ends soon")
        } else {
            format!("“{who}” invited you to {name}")
        };
        let html = InvitationHtml {
            host: context.settings.host(),
            link: format!("{site}{}", urls::invitation(&token)),
            site,
            subject: subject.clone(),
            who,
            name,
            path: self.path(),
            email: self.invitation.email.clone(),
            expires: self.invitation.expires_at.long_text(),
            is_reminder,
        };
        rendered(subject, InvitationText { host: &html.host, mail: &html }, &html)
    }

    fn collaborators(&self) -> String {
        urls::collaborators(&self.workspace.account_handle, &self.workspace.handle)
    }

    fn joined(&self, context: &Context, data: &Value) -> Result<Rendered> {
        let who = plain_name(data.get("name").and_then(Value::as_str).unwrap_or_default());
        let name = &self.workspace.handle;
        let body = format!(
            "“{who}” ({}) accepted your invitation and can view and run flows in the workspace {} now.",
            self.invitation.email,
            self.path()
        );
        let subject = format!("“{who}” joined {name}");
        notice(context, subject, body, ("See the collaborators", self.collaborators()))
    }

    fn declined(&self, context: &Context) -> Result<Rendered> {
        let (email, name) = (&self.invitation.email, &self.workspace.handle);
        let body = format!(
            "{email} declined your invitation to the workspace {}. The place is free again.",
            self.path()
        );
        let subject = format!("{email} declined your invitation to {name}");
        notice(context, subject, body, ("See the collaborators", self.collaborators()))
    }

    fn no_place(&self, context: &Context) -> Result<Rendered> {
        let (email, name) = (&self.invitation.email, &self.workspace.handle);
        let body = format!(
            "{email} wanted to accept your invitation to the workspace {}, but it has as many \
             collaborators as it can have. The invitation stays open until {}. Remove somebody, or \
             ask for a higher limit.",
            self.path(),
            self.invitation.expires_at.long_text()
        );
        let subject = format!("{email} could not join {name}: no place left");
        notice(context, subject, body, ("See the collaborators", self.collaborators()))
    }

    fn renewal(&self, context: &Context) -> Result<Rendered> {
        let (email, name) = (&self.invitation.email, &self.workspace.handle);
        let body = format!(
            "The invitation of {email} to the workspace {} ended on {}. Whoever has its link asks \
             for a new one.",
            self.path(),
            self.invitation.expires_at.long_text()
        );
        let (account, handle) = (&self.workspace.account_handle, &self.workspace.handle);
        let resend = urls::collaborator_step(account, handle, self.invitation.id, "resend");
        let subject = format!("{email} asks for a new invitation to {name}");
        notice(context, subject, body, ("Send it again", resend))
    }
}

/// A mail of one paragraph and one link.
fn notice(
    context: &Context,
    subject: String,
    body: String,
    (action, path): (&'static str, String),
) -> Result<Rendered> {
    let site = context.settings.site().to_owned();
    let html = NoticeHtml {
        host: context.settings.host(),
        link: format!("{site}{path}"),
        site,
        subject: subject.clone(),
        body,
        action,
    };
    rendered(subject, NoticeText { host: &html.host, mail: &html }, &html)
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
    name: String,
    path: String,
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

#[derive(Template)]
#[template(path = "tenancy/invitations/mail/notice.html")]
struct NoticeHtml {
    host: String,
    site: String,
    subject: String,
    body: String,
    action: &'static str,
    link: String,
}

#[derive(Template)]
#[template(path = "tenancy/invitations/mail/notice.txt", escape = "none")]
struct NoticeText<'a> {
    host: &'a str,
    mail: &'a NoticeHtml,
}
