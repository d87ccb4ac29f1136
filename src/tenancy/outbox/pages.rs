//! `/dev/outbox`

use actix_web::http::header::{self, ContentType};
use actix_web::{HttpResponse, web};
use askama::Template;

use super::guard::FromThisMachine;
use super::links::{Piece, pieces};
use crate::app::App;
use crate::base::db::ids::MailId;
use crate::base::error::{Error, Result};
use crate::base::http::page::Page;
use crate::base::mail::{self, QueuedMail, Rendered};
use crate::base::text::When;
use crate::frame::Shell;
use crate::urls;

/// Mails on the page.
const NEWEST: i64 = 100;

/// The HTML part may not run, load or send anything; the mails' own styles apply.
const MAIL_POLICY: &str = "sandbox; default-src 'none'; style-src 'unsafe-inline'";

#[derive(Template)]
#[template(path = "tenancy/outbox/list.html")]
pub struct ListPage {
    shell: Shell,
    rows: Vec<Row>,
}

struct Row {
    href: String,
    subject: Option<String>,
    recipient: String,
    when: When,
}

#[derive(Template)]
#[template(path = "tenancy/outbox/mail.html")]
pub struct MailPage {
    shell: Shell,
    recipient: String,
    when: When,
    content: Option<Content>,
}

struct Content {
    subject: String,
    pieces: Vec<Piece>,
    html_href: String,
}

/// `GET /dev/outbox`
pub async fn list(_: FromThisMachine, shell: Shell, app: web::Data<App>) -> Result<Page<ListPage>> {
    let (context, render) = (app.context.clone(), app.render_mail);
    let mails = app.db.read(move |db| {
        let kept = mail::kept(db, NEWEST)?;
        let with_subject = |kept: QueuedMail| {
            let written = render(&context, db, &kept)?;
            Ok((kept, written.map(|written| written.subject)))
        };
        kept.into_iter().map(with_subject).collect::<Result<Vec<_>>>()
    });
    let now = app.now();
    let row = |(mail, subject): (QueuedMail, Option<String>)| Row {
        href: urls::outbox_mail(mail.id),
        subject,
        recipient: mail.recipient,
        when: When::new(mail.created_at, now),
    };
    Ok(Page(ListPage { shell, rows: mails.await?.into_iter().map(row).collect() }))
}

/// One mail and its text; `None` for the text when what it is about is over.
async fn one(app: &App, id: &str) -> Result<(QueuedMail, Option<Rendered>)> {
    let id: MailId = id.parse().map_err(|_| Error::NotFound)?;
    let (context, render) = (app.context.clone(), app.render_mail);
    app.db
        .read(move |db| {
            let mail = mail::kept_one(db, id)?.ok_or(Error::NotFound)?;
            let written = render(&context, db, &mail)?;
            Ok((mail, written))
        })
        .await
}

/// `GET /dev/outbox/{id}`
pub async fn show(
    _: FromThisMachine,
    shell: Shell,
    app: web::Data<App>,
    path: web::Path<String>,
) -> Result<Page<MailPage>> {
    let (mail, content) = one(&app, &path).await?;
    let content = content.map(|content| Content {
        subject: content.subject,
        pieces: pieces(&content.text, app.settings().site()),
        html_href: urls::outbox_mail_html(mail.id),
    });
    let when = When::new(mail.created_at, app.now());
    Ok(Page(MailPage { shell, recipient: mail.recipient, when, content }))
}

/// `GET /dev/outbox/{id}/html`
pub async fn html(
    _: FromThisMachine,
    app: web::Data<App>,
    path: web::Path<String>,
) -> Result<HttpResponse> {
    let (_, content) = one(&app, &path).await?;
    let content = content.ok_or(Error::NotFound)?;
    Ok(HttpResponse::Ok()
        .content_type(ContentType::html())
        .insert_header((header::CONTENT_SECURITY_POLICY, MAIL_POLICY))
        .body(content.html))
}
