//! Why a member has access: every source, and what they add up to (1.14, 9).

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::{Around, shell};
use crate::access::actor::Reach;
use crate::access::handle::Handle;
use crate::access::identify;
use crate::access::membership::{self, Held, Source};
use crate::access::organization;
use crate::access::permission::Permission;
use crate::access::permission::needs::SeeWorkspaceUsers;
use crate::access::workspace::WorkspaceAccess;
use crate::app::App;
use crate::base::db::Instant;
use crate::base::error::{Error, Result};
use crate::base::http::page::Page;
use crate::base::text::{When, counted};
use crate::frame::{Person, Shell};
use crate::tenancy::accounts;
use crate::tenancy::api_keys;
use crate::tenancy::sharing::actions::organization_only;

struct SourceView {
    title: String,
    text: String,
    until: Option<When>,
    allows: String,
}

struct Line {
    words: &'static str,
    from: String,
}

#[derive(Template)]
#[template(path = "tenancy/sharing/explain.html")]
struct ExplainPage {
    shell: Shell,
    around: Around,
    person: Person,
    total: Option<String>,
    lacks_second_factor: bool,
    sources: Vec<SourceView>,
    lines: Vec<Line>,
    keys: String,
}

fn source(source: &Source, organization: &str, now: Instant) -> SourceView {
    let (text, until) = match source {
        Source::OwnAccount => ("The workspace’s account is this person’s own".to_owned(), None),
        Source::OrganizationAdmin => {
            (format!("Admin of {organization}: always Owner of all its workspaces"), None)
        }
        Source::Default(_) => {
            (format!("Default role: what anyone at {organization} may do here"), None)
        }
        Source::Grant(grant) => (
            format!("Own role here, given by {} on {}", grant.by, grant.since.day_text()),
            grant.until,
        ),
    };
    let count = i64::try_from(source.scopes().iter().count()).unwrap_or_default();
    SourceView {
        title: source.title().to_owned(),
        text,
        until: until.map(|at| When::new(at, now)),
        allows: counted(count, "permission", "permissions"),
    }
}

/// Each permission, with the sources that give it.
fn lines(held: &Held) -> Vec<Line> {
    let from = |permission: Permission| {
        let sources = held.sources.iter().filter(|source| source.scopes().contains(permission));
        sources.map(|source| source.title().to_owned()).collect::<Vec<_>>().join(", ")
    };
    held.scopes
        .iter()
        .map(|permission| Line {
            words: permission.words().trim_end_matches('.'),
            from: from(permission),
        })
        .collect()
}

/// `GET …/sharing/access/{person}`
pub(super) async fn show(
    req: HttpRequest,
    access: WorkspaceAccess<SeeWorkspaceUsers>,
    page_shell: Shell,
    app: web::Data<App>,
) -> Result<HttpResponse> {
    organization_only(access.workspace())?;
    let handle = req.match_info().get("person").filter(|text| Handle::is_stored_form(text));
    let handle = handle.ok_or(Error::NotFound)?.to_owned();
    let (place, now) = (access.workspace().clone(), app.now());
    let (person, held, keys) = app
        .db
        .read(move |db| {
            let user = accounts::queries::by_handle(db, &handle)?.ok_or(Error::NotFound)?;
            // Only people of this organization are anybody's business here.
            let member = organization::role(db, user.id, place.account)?;
            member.ok_or(Error::NotFound)?;
            let person = identify::person(db, user.id, true)?.ok_or(Error::NotFound)?;
            let held = membership::held(db, &Reach::of_person(&person, now), &place)?;
            let keys = api_keys::queries::reaching(db, user.id, place.id, now)?;
            Ok((person, held, keys))
        })
        .await?;
    let around = Around::of(access.workspace());
    let sources = held.iter().flat_map(|held| &held.sources);
    Page(ExplainPage {
        shell: shell(&access, page_shell),
        total: held.as_ref().map(Held::title),
        lacks_second_factor: held.as_ref().is_some_and(|held| held.lacks_second_factor),
        sources: sources.map(|one| source(one, &around.organization, now)).collect(),
        lines: held.as_ref().map(lines).unwrap_or_default(),
        keys: counted(keys, "API key", "API keys"),
        person: Person::new(&person.name, &person.email),
        around,
    })
    .ok()
}
