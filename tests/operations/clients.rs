//! Faults as clients that run flows meet them: refused with a word on when to come again, and nothing that
//! was acknowledged is lost.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use bulkhead::base::db::AnyConnection;
use diesel::connection::SimpleConnection;
use serde_json::{Value, json};

use super::faults::Tight;
use crate::orchestration::flow_runs::flow;
use crate::support::{
    Answer, ApiClient, Client, Home, Server, Socket, invariants, is_postgres, spawn,
};
use crate::tenancy::service_accounts::key_of;

/// A program with a key of `ada`, talking to `server`; the address of `ada/lab`; the key.
pub async fn lab(ada: &Client, server: &Server) -> (ApiClient, String, String) {
    let lab = [("owner", "ada"), ("handle", "lab")];
    ada.submit("/workspaces/new", &lab).await.assert_status(303);
    let key = key_of(ada).await;
    let api = ApiClient::new(server.base.clone(), std::net::Ipv4Addr::LOCALHOST.into(), &key);
    let place = place(&api).await;
    (api, place, key)
}

/// The address of the first workspace that a key reaches.
async fn place(api: &ApiClient) -> String {
    let place = api.get("/api/me/workspaces").await.json()[0].clone();
    let id = |name: &str| place[name].as_str().unwrap().to_owned();
    format!("/api/accounts/{}/workspaces/{}", id("account_id"), id("workspace_id"))
}

/// Taken, or refused with a word on when to come again.
fn is_taken(answer: &Answer) -> bool {
    if (200..300).contains(&answer.status) {
        return true;
    }
    assert_eq!(answer.status, 503, "{}", answer.text);
    let seconds: u32 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=5).contains(&seconds), "{seconds}");
    false
}

async fn make(api: &ApiClient, place: &str, flow: &Value) -> Answer {
    api.post(&format!("{place}/flow_runs/"), json!({ "flow_id": flow })).await
}

async fn list(api: &ApiClient, place: &str, what: &str) -> Answer {
    api.post(&format!("{place}/{what}/filter"), json!({})).await
}

/// Every id of a list that was answered.
fn ids(answer: &Answer) -> BTreeSet<String> {
    let list = answer.assert_status(200).json();
    list.as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
}

/// F-07: while another process holds the file's write lock runs are made late or refused as busy, and lists
/// are read.
#[actix_rt::test]
async fn a_locked_file_delays_runs_and_no_list() {
    let mut home = Home::empty();
    let server = home.start().await;
    let ada = server.set_up("ada").await;
    let (api, place, _) = lab(&ada, &server).await;
    let flow = flow(&api, &place, "etl").await;
    let AnyConnection::Sqlite(mut other) = home.connect().connection else { return };
    for (seconds, taken) in [(3, true), (9, false)] {
        other.batch_execute("BEGIN EXCLUSIVE").unwrap();
        let began = Instant::now();
        let held = Duration::from_secs(seconds);
        let reads = async {
            while began.elapsed() < held {
                let asked = Instant::now();
                list(&api, &place, "flow_runs").await.assert_status(200);
                assert!(asked.elapsed() < Duration::from_secs(3), "{:?}", asked.elapsed());
                actix_rt::time::sleep(Duration::from_millis(100)).await;
            }
            other.batch_execute("ROLLBACK").unwrap();
        };
        let (made, ()) = futures_util::future::join(make(&api, &place, &flow), reads).await;
        assert_eq!(is_taken(&made), taken, "{seconds} s: {}", made.text);
    }
    assert!(is_taken(&make(&api, &place, &flow).await));
    assert_eq!(ids(&list(&api, &place, "flow_runs").await).len(), 2);
}

/// F-08: connections to PostgreSQL that break refuse runs for a moment; every run that was answered is there.
#[actix_rt::test]
async fn broken_connections_lose_no_run() {
    if !is_postgres() {
        return;
    }
    let mut home = Home::empty();
    let server = home.start().await;
    let ada = server.set_up("ada").await;
    let (api, place, _) = lab(&ada, &server).await;
    let flow = flow(&api, &place, "etl").await;
    let mut db = home.connect();
    let mut answered = BTreeSet::new();
    for _ in 0..5 {
        let killed = "SELECT count(pg_terminate_backend(pid)) AS number FROM pg_stat_activity \
                      WHERE datname = current_database() AND pid <> pg_backend_pid()";
        invariants::number(&mut db, killed);
        let began = Instant::now();
        loop {
            let made = make(&api, &place, &flow).await;
            if is_taken(&made) {
                answered.insert(made.json()["id"].as_str().unwrap().to_owned());
                break;
            }
            assert!(began.elapsed() < Duration::from_secs(5), "it does not recover");
        }
    }
    assert!(answered.is_subset(&ids(&list(&api, &place, "flow_runs").await)));
}

/// F-09: while every connection is taken a client is refused after a second, with a hint when to come again.
#[actix_rt::test]
async fn clients_are_refused_while_no_connection_is_free() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    let owned = [("owner", "ada"), ("handle", "lab")];
    ada.submit("/workspaces/new", &owned).await.assert_status(303);
    let api = app.api(&key_of(&ada).await);
    let place = place(&api).await;
    let busy = app.hold_connections().await;
    let began = Instant::now();
    assert!(!is_taken(&list(&api, &place, "flow_runs").await));
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    busy.await;
    list(&api, &place, "flow_runs").await.assert_status(200);
}

/// F-11: without room on the disk logs are refused as whole batches, lists are read, and with room again
/// everything goes on; no line that was taken is lost.
#[actix_rt::test]
async fn a_full_disk_loses_no_line_that_was_taken() {
    if is_postgres() {
        return;
    }
    let mut home = Home::empty();
    let tight = Tight::of(&mut home);
    let folder = home.database.folder.path().to_owned();
    let mut server = home.start().await;
    let ada = server.set_up("ada").await;
    let (api, place, _) = lab(&ada, &server).await;
    let flow = flow(&api, &place, "etl").await;
    let run = make(&api, &place, &flow).await.json()["id"].clone();
    tight.fill(&server, &folder);
    let (mut taken, mut refused) = (0, 0);
    for batch in 0..40 {
        let lines: Vec<Value> = (0..20)
            .map(|line| {
                json!({"name": "prefect", "level": 20, "message": format!("{batch}.{line}"),
                    "timestamp": "2026-11-23T08:00:00Z", "flow_run_id": run})
            })
            .collect();
        let answer = api.post(&format!("{place}/logs/"), json!(lines)).await;
        if is_taken(&answer) {
            taken += 1;
        } else {
            refused += 1;
        }
        list(&api, &place, "flow_runs").await.assert_status(200);
        if batch == 30 {
            assert!(refused > 0, "the disk was never full");
            tight.free(&server, &folder);
        }
    }
    assert!(taken > 0, "with room again it takes no line");
    let mut found = 0;
    loop {
        let body = json!({"offset": found, "limit": 200});
        let page = api.post(&format!("{place}/logs/filter"), body).await.assert_status(200).json();
        let lines = page.as_array().unwrap().len();
        found += lines;
        if lines == 0 {
            break;
        }
    }
    assert_eq!(found, taken * 20);
    server.stop();
}

/// F-14, F-21: a stop ends sockets as one that goes away; what was acknowledged on them the next server has.
#[actix_rt::test]
async fn a_stop_ends_sockets_and_keeps_what_they_told() {
    let mut home = Home::empty();
    let mut server = home.start().await;
    let ada = server.set_up("ada").await;
    let (_, place, key) = lab(&ada, &server).await;
    let head = [("authorization", format!("Bearer {key}"))];
    let mut socket =
        Socket::open(&server.base, &format!("{place}/events/in"), &head).await.unwrap();
    for n in 0..50_u128 {
        let event = json!({"id": uuid::Uuid::from_u128(n + 1), "event": "told",
            "occurred": "2026-11-23T08:00:00Z", "resource": {"prefect.resource.id": "thing"}});
        socket.send(&event).await;
    }
    socket.checkpoint().await;
    server.signal("TERM");
    assert_eq!(socket.end().await, 1001);
    assert!(server.wait(Duration::from_secs(25)).success());
    let server = home.start().await;
    let again = ApiClient::new(server.base.clone(), std::net::Ipv4Addr::LOCALHOST.into(), &key);
    let filter = json!({"limit": 50, "filter": {"event": {"name": ["told"]},
        "occurred": {"since": "2026-11-23T00:00:00Z", "until": "2026-11-24T00:00:00Z"}}});
    let found = again.post(&format!("{place}/events/filter"), filter).await;
    assert_eq!(found.assert_status(200).json()["total"], 50);
}
