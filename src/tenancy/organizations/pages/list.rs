//! A person's organizations, and making one.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use crate::access::actor::SignedInPerson;
use crate::app::App;
use crate::base::error::Result;
use crate::base::http::client::ClientIp;
use crate::base::http::form::Form;
use crate::base::http::page::{Notice, Page};
use crate::base::http::see_other;
use crate::frame::Shell;
use crate::tenancy::organizations::actions::{self, Outcome};
use crate::tenancy::organizations::forms::{EditForm, Fields, NewForm};
use crate::tenancy::organizations::queries::{self, Listed};

#[derive(Template)]
#[template(path = "tenancy/organizations/list.html")]
struct ListPage {
    shell: Shell,
    rows: Vec<Listed>,
}

/// `GET /organizations`
pub(super) async fn show(
    person: SignedInPerson,
    shell: Shell,
    app: web::Data<App>,
) -> Result<HttpResponse> {
    let user = person.person().user;
    let rows = app.db.read(move |db| Ok(queries::of_person(db, user)?)).await?;
    Page(ListPage { shell: shell.at("organizations"), rows }).ok()
}

#[derive(Template)]
#[template(path = "tenancy/organizations/new.html")]
struct NewPage {
    shell: Shell,
    fields: Fields,
}

/// `GET /organizations/new`
pub(super) async fn new(_: SignedInPerson, shell: Shell) -> Result<HttpResponse> {
    let fields = Fields::new(EditForm::default());
    Page(NewPage { shell: shell.at("organizations"), fields }).ok()
}

/// `POST /organizations/new`
pub(super) async fn create(
    person: SignedInPerson,
    shell: Shell,
    app: web::Data<App>,
    ip: ClientIp,
    form: Form<NewForm>,
    req: HttpRequest,
) -> Result<HttpResponse> {
    let Form { fields, once } = form;
    let mut fields = Fields::new(fields.into());
    let shell = shell.at("organizations");
    let Some(wanted) = fields.parse() else {
        return Page(NewPage { shell, fields }).unprocessable();
    };
    let name = wanted.name.as_str().to_owned();
    match actions::create(&app, person, ip, wanted, once).await? {
        Outcome::Done(place) => {
            Notice::ok(format!("{name} is ready.")).leave(&req)?;
            Ok(see_other(place))
        }
        Outcome::Taken(free) => {
            fields.taken(free.as_ref());
            Page(NewPage { shell, fields }).unprocessable()
        }
        Outcome::TooMany(problem) => {
            fields.name.problem = Some(problem);
            Page(NewPage { shell, fields }).unprocessable()
        }
    }
}
