//! Making and changing a limit.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use super::super::actions::{self, Change, Changed};
use super::super::model::{BANNED, Limit, LimitId, LimitKind, MOST, TAG, Which};
use super::super::queries;
use super::title;
use crate::access::permission::needs::ManageConcurrencyLimits;
use crate::access::workspace::WorkspaceAccess;
use crate::app::App;
use crate::base::db::Instant;
use crate::base::error::{Error, Result};
use crate::base::http::client::ClientIp;
use crate::base::http::form::{Field, Form};
use crate::base::http::json::path_id;
use crate::base::http::page::{Notice, Page};
use crate::base::http::see_other;
use crate::base::text::{When, single_line, thousands};
use crate::frame::Shell;
use crate::urls;

type Access = WorkspaceAccess<ManageConcurrencyLimits>;

/// What is typed.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Typed {
    kind: String,
    name: String,
    slots: String,
    decay: String,
    on: String,
    /// As it was when the form was opened (ALL-05).
    updated: String,
    /// The kind that the form is to be for from now on; nothing is saved then (ALL-08).
    show: String,
}

/// Which kind a new limit is of.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    kind: String,
}

/// What somebody else changed while the form was open.
struct Stale {
    when: When,
    by: String,
    /// Each field that differs: its label, and the present value.
    present: Vec<(&'static str, String)>,
}

#[derive(Template)]
#[template(path = "orchestration/concurrency/form.html")]
struct FormPage {
    shell: Shell,
    kind: LimitKind,
    name: Field,
    slots: Field,
    decay: Field,
    on: Field,
    updated: String,
    stale: Option<Stale>,
    /// The limit that is changed: what it is called, and its page.
    known: Option<(String, String)>,
    /// The kinds that a new limit can be of: the word, what it is called, and what it does.
    kinds: Vec<(&'static str, &'static str, &'static str)>,
    here: String,
    list_href: String,
    cancel_href: String,
}

/// The kinds that are made here.
const KINDS: [(&str, &str, &str); 2] = [
    ("global", "Global", "Code asks for it by name: concurrency(\"db\")."),
    ("tag", "Task tag", "Every task with the tag takes a slot."),
];

/// What the name is called.
fn name_label(kind: LimitKind) -> &'static str {
    if kind == LimitKind::Tag { "Tag" } else { "Name" }
}

fn parse_name(typed: &str, kind: LimitKind) -> Result<String, String> {
    let what = if kind == LimitKind::Tag { "The tag" } else { "The name" };
    let name = single_line(typed, what, 100)?;
    if name.is_empty() {
        return Err(format!("Type {}.", what.to_lowercase()));
    }
    if name.contains(BANNED) {
        return Err("Use none of / % & < and >: the client could not name it.".to_owned());
    }
    match (kind, LimitKind::of(&name)) {
        (LimitKind::Tag, _) => Ok(format!("{TAG}{name}")),
        (_, LimitKind::Tag) => {
            Err("Names that begin with “tag:” are those of task tags. Choose that kind.".to_owned())
        }
        (_, LimitKind::Deployment) => {
            Err("Names that begin with “deployment:” are those of deployments.".to_owned())
        }
        (_, LimitKind::Global) => Ok(name),
    }
}

fn parse_slots(typed: &str) -> Result<i64, String> {
    let number = typed.trim().parse().ok().filter(|number| (0..=MOST).contains(number));
    number.ok_or_else(|| format!("Use a whole number from 0 to {}.", thousands(MOST)))
}

fn parse_decay(typed: &str) -> Result<f64, String> {
    if typed.trim().is_empty() {
        return Ok(0.0);
    }
    let number = typed.trim().replace(',', ".").parse::<f64>().ok();
    let number = number.filter(|number| number.is_finite() && *number >= 0.0);
    number.ok_or_else(|| "Use a number, such as 2 or 0.5, or leave it empty.".to_owned())
}

fn decay_text(decay: f64) -> String {
    if decay > 0.0 { decay.to_string() } else { String::new() }
}

impl FormPage {
    fn of(access: &Access, shell: Shell, kind: LimitKind, typed: Typed) -> Self {
        let workspace = access.workspace();
        let list_href = urls::limits_of(workspace, kind.as_str());
        Self {
            kind,
            name: Field::new("name", typed.name),
            slots: Field::new("slots", typed.slots),
            decay: Field::new("decay", typed.decay),
            on: Field::new("on", typed.on),
            updated: typed.updated,
            stale: None,
            known: None,
            kinds: KINDS.to_vec(),
            here: urls::limit_new(workspace, kind.as_str()),
            cancel_href: list_href.clone(),
            list_href,
            shell: access.shell(shell, "concurrency"),
        }
    }

    fn of_limit(access: &Access, shell: Shell, limit: &Limit, typed: Typed) -> Self {
        let page = urls::limit(access.workspace(), limit.id);
        Self {
            here: urls::limit_step(access.workspace(), limit.id, "edit"),
            cancel_href: page.clone(),
            known: Some((title(limit), page)),
            kinds: Vec::new(),
            ..Self::of(access, shell, limit.kind, typed)
        }
    }

    /// What is typed, if it can be.
    fn parse(&mut self) -> Option<(String, Change)> {
        let kind = self.kind;
        let name = self.name.parse(|typed| parse_name(typed, kind));
        let slots = self.slots.parse(parse_slots);
        let decay = self.decay.parse(parse_decay);
        let change = Change {
            slots: Some(slots?),
            decay: Some(decay?),
            is_active: Some(!self.on.value.is_empty()),
            ..Change::default()
        };
        Some((name?, change))
    }

    fn title(&self) -> String {
        self.known.as_ref().map_or("Create limit".to_owned(), |(name, _)| format!("Edit {name}"))
    }

    /// What else is there by now than what is typed.
    fn turn_stale(&mut self, limit: &Limit, now: Instant) {
        let on = |is_on: bool| if is_on { "on" } else { "off" }.to_owned();
        let fields = [
            (name_label(limit.kind), self.name.value.trim().to_owned(), title(limit)),
            ("Slots", self.slots.value.trim().to_owned(), limit.slots.to_string()),
            ("Given back per second", self.decay.value.trim().to_owned(), decay_text(limit.decay)),
            ("On", on(!self.on.value.is_empty()), on(limit.is_active)),
        ];
        let differs = fields.into_iter().filter(|(_, typed, present)| typed != present);
        let shown = |text: String| if text.is_empty() { "empty".to_owned() } else { text };
        self.stale = Some(Stale {
            when: When::new(limit.updated_at, now),
            by: limit.changed_by.clone(),
            present: differs.map(|(label, _, present)| (label, shown(present))).collect(),
        });
        self.updated = limit.updated_at.to_string();
    }
}

pub(super) async fn ask_new(
    access: Access,
    shell: Shell,
    asked: Option<web::Query<Asked>>,
) -> Result<HttpResponse> {
    let asked = asked.map(web::Query::into_inner).unwrap_or_default();
    let kind = kind_of(&asked.kind);
    let typed = Typed { on: "on".to_owned(), ..Typed::default() };
    Page(FormPage::of(&access, shell, kind, typed)).ok()
}

/// A kind that is made here.
fn kind_of(word: &str) -> LimitKind {
    let kind = LimitKind::parse(word).filter(|kind| *kind != LimitKind::Deployment);
    kind.unwrap_or(LimitKind::Global)
}

pub(super) async fn create(
    access: Access,
    (shell, ip): (Shell, ClientIp),
    app: web::Data<App>,
    form: Form<Typed>,
    req: HttpRequest,
) -> Result<HttpResponse> {
    if !form.fields.show.is_empty() {
        let kind = kind_of(&form.fields.show);
        return Page(FormPage::of(&access, shell, kind, form.fields)).ok();
    }
    let kind = kind_of(&form.fields.kind);
    let workspace = access.workspace().clone();
    let mut page = FormPage::of(&access, shell, kind, form.fields);
    let Some(wanted) = page.parse() else { return Page(page).unprocessable() };
    match actions::create(&app, access, ip, wanted).await {
        Ok(limit) => {
            Notice::ok(format!("“{}” is created.", title(&limit))).leave(&req)?;
            Ok(see_other(urls::limit(&workspace, limit.id)))
        }
        Err(Error::Conflict(problem)) => {
            page.name = page.name.with_problem(problem);
            Page(page).unprocessable()
        }
        Err(error) => Err(error),
    }
}

async fn own(app: &App, access: &Access, req: &HttpRequest) -> Result<Limit> {
    let (workspace, id): (_, LimitId) = (access.workspace().id, path_id(req, "id")?);
    let found = app.db.read(move |db| Ok(queries::one(db, workspace, id)?)).await?;
    found.filter(|limit| limit.kind != LimitKind::Deployment).ok_or(Error::NotFound)
}

pub(super) async fn ask_edit(
    access: Access,
    shell: Shell,
    app: web::Data<App>,
    req: HttpRequest,
) -> Result<HttpResponse> {
    let limit = own(&app, &access, &req).await?;
    let typed = Typed {
        kind: String::new(),
        name: title(&limit),
        slots: limit.slots.max(0).to_string(),
        decay: decay_text(limit.decay),
        on: if limit.is_active { "on".to_owned() } else { String::new() },
        updated: limit.updated_at.to_string(),
        show: String::new(),
    };
    Page(FormPage::of_limit(&access, shell, &limit, typed)).ok()
}

pub(super) async fn edit(
    access: Access,
    (shell, ip): (Shell, ClientIp),
    app: web::Data<App>,
    form: Form<Typed>,
    req: HttpRequest,
) -> Result<HttpResponse> {
    let limit = own(&app, &access, &req).await?;
    let (workspace, now) = (access.workspace().clone(), app.now());
    let mut page = FormPage::of_limit(&access, shell, &limit, form.fields);
    let Some((name, change)) = page.parse() else { return Page(page).unprocessable() };
    let seen: Option<Instant> = page.updated.parse().ok();
    let change = Change { name: Some(name), ..change };
    // A form that says no time was opened on nothing that is known.
    let seen = Some(seen.unwrap_or(Instant::from_microseconds(0)));
    match actions::change(&app, access, ip, (Which::Id(limit.id), change), seen).await {
        Ok(Changed::Done(limit)) => {
            Notice::ok(format!("“{}” is saved.", title(&limit))).leave(&req)?;
            Ok(see_other(urls::limit(&workspace, limit.id)))
        }
        Ok(Changed::Stale(present)) => {
            page.turn_stale(&present, now);
            Page(page).unprocessable()
        }
        Err(Error::Conflict(problem)) => {
            page.name = page.name.with_problem(problem);
            Page(page).unprocessable()
        }
        Err(error) => Err(error),
    }
}
