//! What happened, in the order in which it did in each account.

use std::collections::HashMap;

use actix_web::http::Method;
use serde_json::{Value, json};

use super::people::{
    PEOPLE, collaborates, joins, make_keys, make_organization, make_people, signs_in,
};
use super::{Demo, runs};
use crate::access::WorkspaceId;
use crate::access::membership::Workspace;
use crate::access::organization::OrganizationRole::{Admin, Member};
use crate::access::role::Role;
use crate::base::error::Error;
use crate::cli::CliError;
use crate::tenancy::accounts::queries::account_with_handle;
use crate::tenancy::workspaces::queries::with_deleted;

/// Owner, handle, description, days since it was made, collaborators; the oldest of each owner first.
type Place = (&'static str, &'static str, &'static str, i64, &'static [&'static str]);

const PLACES: [Place; 6] = [
    (
        "mara",
        "weather-bot",
        "Hourly forecasts for the harbour office",
        120,
        &["idris", "priya", "elena"],
    ),
    ("mara", "tide-models", "Surge and current forecasts", 64, &["elena"]),
    ("mara", "scratch", "", 9, &[]),
    ("idris", "price-scraper", "Competitor prices, every night", 210, &["mara"]),
    ("priya", "churn-report", "Monthly figures for the board", 31, &["mara", "tomas"]),
    ("elena", "buoy-intake", "Sensor files, every 15 minutes", 18, &["mara"]),
];

/// The API, asked with the keys of some people.
struct Asking<'a> {
    demo: &'a Demo,
    keys: HashMap<&'static str, String>,
}

/// An id in an answer.
fn id(answer: &Value) -> String {
    answer.get("id").and_then(Value::as_str).unwrap_or_default().to_owned()
}

impl Asking<'_> {
    async fn ask(&self, who: &str, method: Method, path: &str, body: Value) -> Asked {
        let key = self.keys.get(who).map(String::as_str).unwrap_or_default();
        (self.demo.api)(key, (method, format!("/api{path}")), body).await
    }

    async fn post(&self, who: &str, path: &str, body: Value) -> Asked {
        self.ask(who, Method::POST, path, body).await
    }

    /// Makes a workspace of an account; its place in the API, and itself.
    async fn workspace(
        &self,
        who: &str,
        account: &str,
        (handle, description): (&str, &str),
    ) -> Result<(String, Workspace), CliError> {
        let body = json!({ "handle": handle, "description": description });
        let made = self.post(who, &format!("{account}/workspaces/"), body).await?;
        let workspace: WorkspaceId = id(&made).parse().map_err(CliError::new)?;
        let found = self.demo.app.db.read(move |db| Ok(with_deleted(db, workspace)?)).await?;
        let (known, _) = found.ok_or(Error::NotFound)?;
        Ok((format!("{account}/workspaces/{workspace}"), known))
    }

    /// Transfers a workspace, or asks for it, after the review was read.
    async fn transfer(&self, who: &str, place: &str, (path, note): (&str, &str)) -> Asked {
        let to = json!({ "account_handle": "northwind" });
        let seen = self.post(who, &format!("{place}/transfer/review"), to).await?;
        let part = |name: &str| seen.get(name).cloned().unwrap_or_default();
        let body = json!({
            "account_handle": "northwind",
            "review_hash": part("review").get("hash"),
            "acknowledge": part("acknowledge"),
            "confirm": path,
            "note": note,
        });
        self.post(who, &format!("{place}/transfer"), body).await
    }
}

type Asked = Result<Value, CliError>;

/// All of it.
pub async fn tell(demo: &Demo, hash: &str) -> Result<(), CliError> {
    demo.at(365, 0);
    make_people(demo, hash).await?;
    demo.at(300, 0);
    let api = Asking { demo, keys: make_keys(demo).await? };
    let places = personal(&api).await?;
    let (forecasts, ci) = northwind(&api).await?;

    demo.at(50, 0);
    make_organization(demo, "elena", ("tidewater", "Tidewater Labs", "Bergen")).await?;
    for (days, who) in (2..).zip(PEOPLE) {
        demo.at(days, 3);
        signs_in(demo, who.handle).await?;
    }
    let place = |path: &str| places.get(path).map(String::as_str).unwrap_or_default();
    demo.at(1, 2);
    api.transfer(
        "mara",
        place("mara/tide-models"),
        ("mara/tide-models", "Goes with the forecasts"),
    )
    .await?;
    demo.at(0, 5);
    let note = "The team uses it more than I do";
    api.transfer("idris", place("idris/price-scraper"), ("idris/price-scraper", note)).await?;
    // Who was seen last.
    demo.at(0, 3);
    let health = format!("{forecasts}/health");
    for who in ["noor", "sven", "lucia"] {
        api.ask(who, Method::GET, &health, Value::Null).await?;
    }
    let health = (Method::GET, format!("/api{health}"));
    (demo.api)(&ci, health, Value::Null).await?;
    demo.at(0, 2);
    signs_in(demo, "mara").await?;
    let emails = json!({ "emails": ["nils.berg@kelp.example"] });
    let invitations = format!("{}/invitations/", place("mara/weather-bot"));
    api.post("mara", &invitations, emails).await.map(drop)
}

/// Everybody's own workspaces; where each is in the API.
async fn personal(api: &Asking<'_>) -> Result<HashMap<String, String>, CliError> {
    let demo = api.demo;
    let mut places = HashMap::new();
    for (owner, handle, description, days, people) in PLACES {
        let made = demo.at(days, 0);
        let account = demo.app.db.read(move |db| Ok(account_with_handle(db, owner)?)).await?;
        let account = account.ok_or(Error::NotFound)?;
        let account = format!("/accounts/{account}");
        let (place, workspace) = api.workspace(owner, &account, (handle, description)).await?;
        for (later, somebody) in (1..).zip(people) {
            let joined = demo.at(days - later, 0).max(made);
            let seen = demo.now.plus_days(1 - later).max(joined);
            collaborates(demo, workspace.clone(), (somebody, seen)).await?;
        }
        if handle == "scratch" {
            // By now this one has expired.
            demo.at(8, 0);
            let emails = json!({ "emails": ["jo@harbour.example"] });
            let weather = places.get("mara/weather-bot").cloned().unwrap_or_default();
            api.post(owner, &format!("{weather}/invitations/"), emails).await?;
        }
        places.insert(format!("{owner}/{handle}"), place);
    }
    Ok(places)
}

/// The organization, from its first day to this one; where its first workspace is in the API, and the key of a service
/// account that works there.
async fn northwind(api: &Asking<'_>) -> Result<(String, String), CliError> {
    let demo = api.demo;
    demo.at(75, 0);
    let names = ("northwind", "Northwind Data", "Tromsø");
    let account = make_organization(demo, "mara", names).await?;
    let here = format!("/accounts/{account}");
    for (days, who, role) in
        [(74, "priya", Admin), (73, "noor", Member), (73, "sven", Member), (72, "lucia", Member)]
    {
        demo.at(days, 1);
        joins(demo, account, (who, role)).await?;
    }
    demo.at(71, 6);
    let about = ("forecasts", "Harbour and tide forecasts, from the buoys to the bulletin");
    let (forecasts, its_runs) = api.workspace("mara", &here, about).await?;
    demo.at(71, 2);
    let role = json!({
        "name": "Release manager",
        "description": "Runs deployments, and puts new ones in place",
        "inherited_role_id": Role::Runner.id(),
        "scopes": ["write_deployments"],
    });
    let release = id(&api.post("mara", &format!("{here}/workspace_roles/"), role).await?);
    let people = grants(api, &forecasts, Some(release)).await?;
    let bots = service_accounts(api, &here).await?;
    for (bot, role) in [("ci", Role::Developer), ("prod-worker", Role::Worker)] {
        shares(api, &forecasts, (&bots, bot), role).await?;
    }

    demo.at(60, 0);
    let about = ("billing", "Invoices, and the rates and figures that they are made from");
    let (billing, its_invoices) = api.workspace("priya", &here, about).await?;
    demo.at(59, 0);
    give(api, &billing, (&people, "noor"), (Role::Viewer.id().to_string(), Some(14))).await?;
    shares(api, &billing, (&bots, "prod-worker"), Role::Worker).await?;
    demo.at(45, 0);
    let viewer = json!({ "workspace_role_id": Role::Viewer.id() });
    api.ask("priya", Method::PUT, &format!("{forecasts}/default_role"), viewer).await?;

    runs::fill(demo, its_runs.id, &runs::FORECASTS).await?;
    runs::fill(demo, its_invoices.id, &runs::BILLING).await?;

    demo.at(10, 0);
    let rotated = json!({
        "api_key_expiration": demo.now.plus_days(20).to_string(),
        "old_key_expires_in_seconds": 86_400,
    });
    let worker = bots.get("prod-worker").map(|(id, _)| id.as_str()).unwrap_or_default();
    api.post("priya", &format!("{here}/bots/{worker}/rotate_api_key"), rotated).await?;
    demo.at(8, 0);
    let asked = json!({ "emails": ["jo@harbour.example", "wanda@northwind.example"] });
    api.post("priya", &format!("{here}/invitations/"), asked).await?;
    demo.at(3, 0);
    let asked = json!({ "emails": ["nils.berg@kelp.example"] });
    api.post("mara", &format!("{here}/invitations/"), asked).await?;
    let ci = bots.get("ci").map(|(_, key)| key.clone()).unwrap_or_default();
    Ok((forecasts, ci))
}

/// The members by handle, and the first roles that they get in a workspace.
async fn grants(
    api: &Asking<'_>,
    place: &str,
    release: Option<String>,
) -> Result<HashMap<&'static str, String>, CliError> {
    api.demo.at(70, 0);
    let mut people = HashMap::new();
    for who in ["noor", "sven", "lucia"] {
        let user = move |db: &mut _| {
            let user = crate::tenancy::accounts::queries::by_handle(db, who)?;
            Ok(user.ok_or(Error::NotFound)?.id)
        };
        people.insert(who, api.demo.app.db.read(user).await?.to_string());
    }
    let built_in = |role: Role| role.id().to_string();
    give(api, place, (&people, "noor"), (built_in(Role::Developer), None)).await?;
    give(api, place, (&people, "sven"), (built_in(Role::Runner), None)).await?;
    if let Some(release) = release {
        give(api, place, (&people, "lucia"), (release, None)).await?;
    }
    Ok(people)
}

/// Gives a member a role in a workspace, for so many days from now on or for good.
async fn give(
    api: &Asking<'_>,
    place: &str,
    (people, who): (&HashMap<&'static str, String>, &str),
    (role, days): (String, Option<i64>),
) -> Result<(), CliError> {
    let until = days.map(|days| api.demo.now.plus_days(days).to_string());
    let body =
        json!([{ "user_id": people.get(who), "workspace_role_id": role, "expiration": until }]);
    api.post("mara", &format!("{place}/user_access/"), body).await.map(drop)
}

/// Makes the service accounts; their ids and keys by name.
async fn service_accounts(
    api: &Asking<'_>,
    here: &str,
) -> Result<HashMap<&'static str, (String, String)>, CliError> {
    api.demo.at(68, 0);
    let mut bots = HashMap::new();
    for name in ["ci", "prod-worker", "metrics-export"] {
        let made = api.post("mara", &format!("{here}/bots/"), json!({ "name": name })).await?;
        let key = made.pointer("/api_key/key").and_then(Value::as_str).unwrap_or_default();
        bots.insert(name, (id(&made), key.to_owned()));
    }
    Ok(bots)
}

/// Shares a workspace with a service account.
async fn shares(
    api: &Asking<'_>,
    place: &str,
    (bots, name): (&HashMap<&'static str, (String, String)>, &str),
    role: Role,
) -> Result<(), CliError> {
    let bot = bots.get(name).map(|(id, _)| id);
    let body = json!([{ "bot_id": bot, "workspace_role_id": role.id() }]);
    api.post("mara", &format!("{place}/bot_access/"), body).await.map(drop)
}
