//! API keys: made once, shown once, recognised, limited, ended.

use bulkhead::access::identify::Verified;
use bulkhead::base::db::schema::{api_keys, audit_entries, mails};
use diesel::prelude::*;
use serde_json::{Value, json};

use super::invited::user_id;
use super::members::acme;
use crate::support::{Answer, Client, spawn, spawn_with};

const KEYS: &str = "/profile/api-keys";
const NEW: &str = "/profile/api-keys/new";
const DAY: i64 = 86_400;

/// The key that an answer shows.
#[track_caller]
pub fn key_in(answer: &Answer) -> String {
    answer.assert_status(200);
    let at = answer.text.find("pnu_").unwrap_or_else(|| panic!("no key in {}", answer.visible()));
    answer.text[at..at + 40].to_owned()
}

/// Makes a key through the form.
pub async fn make_key(person: &Client, name: &str) -> String {
    key_in(&person.submit(NEW, &[("name", name)]).await)
}

/// The delete page of the key in the newest row.
async fn newest_delete_page(person: &Client) -> String {
    person.get(KEYS).await.links_containing("/delete").remove(0)
}

/// A3, A5, A6, AK-01, SP-17: shown once with the commands, then only its last four.
#[actix_rt::test]
async fn a_new_key_is_shown_once_and_works() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    ada.get(KEYS).await.assert_status(200).shows("No API keys yet");
    let answer = ada.submit(NEW, &[("name", "  laptop ")]).await;
    let key = key_in(&answer);
    assert_eq!(answer.header("cache-control").as_deref(), Some("no-store"));
    answer
        .shows(&format!("prefect config set PREFECT_CLOUD_API_URL={}/api", app.base))
        .shows(&format!("prefect config set PREFECT_CLOUD_UI_URL={}", app.base))
        .shows(&format!("prefect cloud login --key {key}"))
        .shows("23 Dec 2026");

    app.api(&key).get("/api/me/workspaces").await.assert_status(200);
    let list = ada.get(KEYS).await;
    assert!(!list.text.contains("pnu_"));
    list.shows("laptop").shows(&format!("····{}", &key[36..])).shows("Everything you can access");
    assert_eq!(app.audited("api-key.created").await, 1);
    app.assert_audit_is_whole().await;
}

/// AK-01, AK-06, LG-02: no table holds the key itself.
#[actix_rt::test]
async fn the_database_keeps_a_hash_and_four_characters() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    let key = make_key(&ada, "laptop").await;
    let (hashes, texts) = app
        .read(|db| {
            let hashes: Vec<(Vec<u8>, String)> =
                api_keys::table.select((api_keys::hash, api_keys::last_four)).load(db)?;
            let mut texts: Vec<String> =
                audit_entries::table.select(audit_entries::entry).load(db)?;
            texts.extend(mails::table.select(mails::data).load::<String>(db)?);
            Ok((hashes, texts))
        })
        .await;
    assert_eq!(hashes, [(bulkhead::base::secret::sha256(key.as_bytes()), key[36..].to_owned())]);
    assert!(texts.iter().all(|text| !text.contains(&key)));
    let mail = app.inbox("ada@example.org").await.pop().unwrap();
    assert!(!mail.text.contains(&key) && !mail.html.contains(&key));
}

/// EM-06: whoever owns the account hears of a new key.
#[actix_rt::test]
async fn a_new_key_is_told_by_mail() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    make_key(&ada, "a <b> & c").await;
    let mail = app.inbox("ada@example.org").await.pop().unwrap();
    assert_eq!(mail.subject, "A new API key was created for your account");
    assert!(mail.text.contains("“a <b> & c”") && mail.text.contains("23 December 2026"));
    assert!(mail.html.contains("a &#60;b&#62; &#38; c"), "{}", mail.html);
    assert_eq!(mail.link(), KEYS);
}

/// SP-17, F-19: the same form twice makes one key, and says what to do.
#[actix_rt::test]
async fn a_form_sent_twice_makes_one_key() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    let mut form = ada.get(NEW).await.form(NEW, "Create");
    form.set("name", "laptop");
    ada.fill(form.clone(), &[]).await.assert_status(200);
    let again = ada.fill(form.clone(), &[]).await;
    again.assert_status(409).shows("create another").lacks("pnu_");
    ada.fill(form, &[("name", "other")]).await.assert_status(409);
    ada.get(KEYS).await.shows("1 key").lacks("other");
}

/// A5: what is wrong stands beside the field, and what was typed stays.
#[actix_rt::test]
async fn a_bad_form_keeps_what_was_typed() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    make_key(&ada, "laptop").await;
    for (field, value, says) in [
        ("name", "", "Enter a name"),
        ("name", "a\u{202e}b", "invisible"),
        ("name", "laptop", "You have a key of this name"),
        ("expires", "8", "Choose one of the list"),
        ("limit", "everything", "Choose one of the list"),
        ("limit", "01a207b8-2b80-7000-8017-d0bb318e5353", "can’t access this workspace"),
        ("read_only", "yes", "Tick the box"),
    ] {
        let typed = [("name", "server"), ("expires", "90"), (field, value)];
        let answer = ada.submit(NEW, &typed).await;
        answer.assert_status(422).shows(says).shows("The key wasn’t created.").lacks("pnu_");
        assert_eq!(answer.attributes("[aria-invalid]", "name"), [field], "{field}={value}");
    }
    for unknown in ["user_id", "hash", "expires_at"] {
        ada.submit(NEW, &[("name", "server"), (unknown, "x")]).await.assert_status(422);
    }
    ada.get(KEYS).await.shows("1 key");
}

/// AZ-12: as many keys as the operator allows, and no more.
#[actix_rt::test]
async fn the_limit_of_keys_is_kept() {
    let app = spawn_with(|flags| flags.key_limit = 2).await;
    let ada = app.user("ada").await;
    let first = make_key(&ada, "first").await;
    make_key(&ada, "second").await;
    ada.submit(NEW, &[("name", "third")]).await.assert_status(422).shows("You have 2 API keys");
    client_page_refuses(&ada).await;
    ada.submit(&newest_delete_page(&ada).await, &[]).await.assert_redirect_to(KEYS);
    make_key(&ada, "third").await;
    app.api(&first).get("/api/health").await.assert_status(200);
    make_key(&app.user("bob").await, "first").await;
}

async fn client_page_refuses(person: &Client) {
    let page = "/auth/client?callback=http%3A//localhost%3A4300";
    let mut form = person.get(page).await.form(page, "Authorize");
    form.action = page.to_owned();
    person.fill(form, &[]).await.assert_status(422).shows("Delete one").lacks("pnu_");
}

/// AU-17: a key is made only soon after the password was given, form and post alike.
#[actix_rt::test]
async fn a_key_needs_a_recent_password() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    let form = ada.get(NEW).await.form(NEW, "Create");
    app.advance(11 * 60);
    let confirm = "/confirm-access?next=%2Fprofile%2Fapi-keys%2Fnew";
    ada.get(NEW).await.assert_redirect_to(confirm);
    ada.fill(form, &[("name", "laptop")]).await.assert_redirect_to(confirm);
    ada.get(KEYS).await.shows("No API keys yet");
}

/// AU-15: without a confirmed address there are no keys.
#[actix_rt::test]
async fn an_unconfirmed_person_makes_no_key() {
    let app = spawn().await;
    app.make_user("eve", Verified::No).await;
    let eve = app.visitor();
    let typed = [("email", "eve"), ("password", crate::support::PASSWORD)];
    eve.submit("/sign-in", &typed).await.assert_status(303);
    for page in [KEYS, NEW, "/auth/client?callback=http%3A//localhost%3A4300"] {
        eve.get(page).await.assert_redirect_to("/verify-email");
    }
}

/// A5, AK-05, AZ-08: the page before names the last use; afterwards the key is dead at once.
#[actix_rt::test]
async fn a_deleted_key_is_refused_at_once() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    let key = make_key(&ada, "laptop").await;
    app.api(&key).get("/api/health").await.assert_status(200);
    let page = newest_delete_page(&ada).await;
    wait_for_use(&ada, &page).await;

    let form = ada.get(&page).await.form(&page, "Delete");
    ada.fill(form.clone(), &[]).await.assert_redirect_to(KEYS);
    ada.get(KEYS).await.shows("“laptop” was deleted").shows("No API keys yet");
    app.api(&key).get("/api/health").await.assert_status(401);
    ada.fill(form, &[]).await.assert_redirect_to(KEYS);
    ada.get(&page).await.assert_status(404);
    assert_eq!(app.audited("api-key.deleted").await, 1);
    app.assert_audit_is_whole().await;
}

/// A7, AK-05, AK-07: whoever had a key for an hour keeps none that it made; what a service account works with goes
/// on, and is named.
#[actix_rt::test]
async fn keys_made_with_a_key_end_with_it() {
    let app = spawn().await;
    let ada = acme(&app).await;
    let root = make_key(&ada, "root").await;
    let places = app.api(&root).get("/api/me/workspaces").await.json();
    let keys = format!("/api/users/{}/api_keys", user_id(&app, "ada").await);
    let made_by = async |by: &str, name: &str| {
        let end = app.app.now().plus_days(20);
        let body = json!({"name": name, "expiration": end});
        let made = app.api(by).post(&keys, body).await.assert_status(201).json();
        (made["key"].as_str().unwrap().to_owned(), made["made_with"].clone())
    };
    let (child, by) = made_by(&root, "child").await;
    let (grandchild, _) = made_by(&child, "grandchild").await;
    let other = make_key(&ada, "other").await;
    let (kept, _) = made_by(&other, "kept").await;
    let bots = format!("/api/accounts/{}/bots", places[0]["account_id"].as_str().unwrap());
    let made = app.api(&grandchild).post(&format!("{bots}/"), json!({"name": "robo"})).await;
    let bot = made.assert_status(201).json()["api_key"]["key"].as_str().unwrap().to_owned();

    let listed = app.api(&other).get(&keys).await.json();
    let row = |name: &str| {
        listed.as_array().unwrap().iter().find(|key| key["name"] == name).unwrap().clone()
    };
    assert_eq!((&row("root")["id"], &row("root")["made_with"]), (&by, &Value::Null));
    let page = format!("{KEYS}/{}/delete", by.as_str().unwrap());
    ada.get(&page)
        .await
        .shows("2 other keys are deleted too.")
        .shows("child ····")
        .shows("grandchild ····")
        .lacks("kept")
        .shows("Keys of service accounts go on working.")
        .shows("acme/robo");
    ada.submit(&page, &[]).await.assert_redirect_to(KEYS);
    ada.get(KEYS).await.shows("“root” and 2 keys made with it were deleted").shows("2 keys");
    for (key, status) in
        [(&root, 401), (&child, 401), (&grandchild, 401), (&other, 200), (&kept, 200), (&bot, 200)]
    {
        app.api(key).get("/api/me/workspaces").await.assert_status(status);
    }
    assert_eq!(app.audited("api-key.deleted").await, 3);

    // A program ends them in the same way, also the key that asks.
    let id = row("other")["id"].as_str().unwrap().to_owned();
    app.api(&kept).send("DELETE", &format!("{keys}/{id}"), None).await.assert_status(204);
    for key in [&other, &kept] {
        app.api(key).get("/api/me/workspaces").await.assert_status(401);
    }
    ada.get(KEYS).await.shows("No API keys yet");
    app.assert_audit_is_whole().await;
}

/// The last use is noted beside the answer, so it may take a moment.
async fn wait_for_use(person: &Client, page: &str) {
    for _ in 0..100 {
        if person.get(page).await.visible().contains("Last used just now from 127.") {
            return;
        }
        actix_rt::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("the last use was not noted");
}

/// AZ-03: somebody else's key looks like none.
#[actix_rt::test]
async fn nobody_sees_or_deletes_the_keys_of_others() {
    let app = spawn().await;
    let (ada, eve) = (app.user("ada").await, app.user("eve").await);
    let key = make_key(&ada, "laptop").await;
    make_key(&eve, "mine").await;
    eve.get(KEYS).await.lacks("laptop");
    let (page, own) = (newest_delete_page(&ada).await, newest_delete_page(&eve).await);
    eve.get(&page).await.assert_status(404);
    let mut form = eve.get(&own).await.form(&own, "Delete");
    form.action = page;
    eve.fill(form, &[]).await.assert_status(404);
    eve.get("/profile/api-keys/x/delete").await.assert_status(404);
    app.api(&key).get("/api/health").await.assert_status(200);
}

/// AK-05: keys end on time, and the list says so before and after.
#[actix_rt::test]
async fn an_expired_key_is_refused() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    let key = make_key(&ada, "laptop").await;
    let forever = key_in(&ada.submit(NEW, &[("name", "old"), ("expires", "never")]).await);
    ada.get(KEYS).await.lacks("Expires in").shows("Never");
    app.advance(24 * DAY);
    let ada = app.sign_in("ada").await;
    ada.get(KEYS).await.shows("Expires in 6 days");
    app.api(&key).get("/api/health").await.assert_status(200);
    app.advance(6 * DAY);
    app.api(&key).get("/api/health").await.assert_status(401);
    app.api(&forever).get("/api/health").await.assert_status(200);
    app.sign_in("ada").await.get(KEYS).await.shows("Expired");
}

/// SP-15: one mail a week before the end, for keys that live longer than that.
#[actix_rt::test]
async fn an_expiring_key_is_told_once() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    make_key(&ada, "laptop").await;
    ada.submit(NEW, &[("name", "short"), ("expires", "7")]).await.assert_status(200);
    ada.submit(NEW, &[("name", "old"), ("expires", "never")]).await.assert_status(200);
    app.run_jobs().await;
    assert_eq!(app.inbox("ada@example.org").await.len(), 3);
    for _ in 0..3 {
        app.advance(8 * DAY);
        app.run_jobs().await;
    }
    let mails = app.inbox("ada@example.org").await;
    assert_eq!(mails.len(), 4);
    assert_eq!(mails[3].subject, "Your API key “laptop” expires on 23 Dec 2026");
    assert!(mails[3].text.contains("It was never used."));
    assert_eq!(mails[3].link(), NEW);

    let ada = app.sign_in("ada").await;
    let page = ada.get(KEYS).await.links_containing("/delete").pop().unwrap();
    ada.submit(&page, &[]).await.assert_redirect_to(KEYS);
    let mails = app.inbox("ada@example.org").await;
    assert!(mails.iter().all(|mail| !mail.subject.contains("expires")), "{mails:?}");
}

/// SP-15: the operator can switch these mails off.
#[actix_rt::test]
async fn without_reminders_nobody_is_told() {
    let app = spawn_with(|flags| flags.reminders = false).await;
    make_key(&app.user("ada").await, "laptop").await;
    app.advance(25 * DAY);
    app.run_jobs().await;
    assert_eq!(app.inbox("ada@example.org").await.len(), 1);
}

/// SP-22, IV-03: 25 on a page, found by a part of their name.
#[actix_rt::test]
async fn many_keys_are_paged_and_searched() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    for n in 1..=27 {
        make_key(&ada, &format!("Key_{n}%")).await;
    }
    let first = ada.get(KEYS).await;
    first.shows("27 keys").shows("Key_27%").lacks("Key_2%");
    assert_eq!(first.select("tbody tr").len(), 25);
    let second = ada.get(&first.link("Next")).await;
    assert_eq!(second.select("tbody tr b"), ["Key_2%", "Key_1%"]);
    let back = ada.get(&second.link("Previous")).await;
    assert_eq!(back.select("tbody tr").len(), 25);

    ada.get(&format!("{KEYS}?q=KEY_2%25")).await.shows("1 of 27 keys").lacks("Key_27%");
    ada.get(&format!("{KEYS}?q=_%25")).await.shows("0 of 27 keys").shows("No key matches");
    ada.get(&format!("{KEYS}?after=nonsense")).await.assert_status(200).shows("Key_27%");
}

/// U-items for one's own account: what was done is told, to its owner alone.
#[actix_rt::test]
async fn activity_tells_what_happened_in_the_own_account() {
    let app = spawn().await;
    let (ada, eve) = (app.user("ada").await, app.user("eve").await);
    make_key(&ada, "laptop <b>").await;
    ada.submit(&newest_delete_page(&ada).await, &[]).await.assert_redirect_to(KEYS);
    let page = ada.get("/profile/activity").await;
    page.shows("Deleted an API key laptop <b> You 127.").shows("Created an API key laptop <b> You");
    page.shows("Signed in");
    eve.get("/profile/activity").await.assert_status(200).lacks("laptop");
    app.visitor()
        .get("/profile/activity")
        .await
        .assert_redirect_to("/sign-in?next=%2Fprofile%2Factivity");
}

/// Keyset paging of the own entries.
#[actix_rt::test]
async fn activity_goes_back_page_by_page() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    for n in 1..=30 {
        make_key(&ada, &format!("key-{n}-")).await;
    }
    let first = ada.get("/profile/activity").await;
    first.shows("key-30-").lacks("key-5-");
    let second = ada.get(&first.link("Next")).await;
    second.shows("key-5-").lacks("key-6-");
    ada.get(&second.link("Previous")).await.shows("key-30-").shows("key-6-");
}
