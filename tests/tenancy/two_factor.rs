//! Two-factor authentication: on, the second step of signing in, off.

use bulkhead::access::UserId;
use bulkhead::access::identify::Verified;
use bulkhead::base::db::schema::{
    audit_entries, mails, recovery_codes, sessions, two_factor, users,
};
use bulkhead::base::db::{Id, Instant};
use bulkhead::base::secret::{InstanceKeys, Purpose};
use bulkhead::tenancy::accounts::actions::reseal_some;
use diesel::prelude::*;
use futures_util::future::join;
use totp_rs::{Builder, Secret};

use crate::support::{Answer, Client, PASSWORD, TestApp, spawn};

const PAGE: &str = "/profile/security/two-factor";
const STEP: &str = "/sign-in/two-factor";

/// What an authenticator app shows for a secret at a moment.
pub fn code_at(secret: &str, at: Instant) -> String {
    let secret = Secret::try_from_base32(secret).unwrap();
    let totp = Builder::new().with_secret(secret).with_account_name("x").build().unwrap();
    totp.generate(u64::try_from(at.as_seconds()).unwrap()).to_string()
}

/// The secret that a setup page shows.
pub fn secret_on(page: &Answer) -> String {
    page.assert_status(200).select("pre code")[0].clone()
}

/// Turns it on; returns the secret and the recovery codes.
pub async fn turn_on(app: &TestApp, client: &Client) -> (String, Vec<String>) {
    let page = client.get(PAGE).await;
    let secret = secret_on(&page);
    let code = code_at(&secret, app.app.now());
    let answer = client.fill(page.form(PAGE, "Turn on"), &[("code", &code)]).await;
    (secret, codes_on(&answer))
}

/// The recovery codes that a page shows, once.
fn codes_on(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.assert_status(200).header("cache-control").unwrap(), "no-store");
    answer.select("pre code")[0].split(' ').map(str::to_owned).collect()
}

/// Somebody with two-factor on; the code that turned it on is used up already.
async fn with_two_factor(app: &TestApp, handle: &str) -> (String, Vec<String>) {
    turn_on(app, &app.user(handle).await).await
}

/// A browser after the right password.
async fn after_password(app: &TestApp, handle: &str) -> Client {
    let client = app.visitor();
    let fields = [("email", handle), ("password", PASSWORD)];
    client.submit("/sign-in", &fields).await.assert_redirect_to(STEP);
    client
}

async fn give(client: &Client, code: &str) -> Answer {
    client.submit(STEP, &[("code", code)]).await
}

async fn signs_in(app: &TestApp, client: &Client, secret: &str) {
    give(client, &code_at(secret, app.app.now())).await.assert_redirect_to("/workspaces");
    client.get("/profile").await.assert_status(200);
}

async fn sessions(app: &TestApp) -> i64 {
    app.read(|db| Ok(sessions::table.count().get_result(db)?)).await
}

async fn rows(app: &TestApp) -> (i64, i64) {
    app.read(|db| {
        let on = two_factor::table.count().get_result(db)?;
        Ok((on, recovery_codes::table.count().get_result(db)?))
    })
    .await
}

async fn user_of(app: &TestApp, handle: &str) -> UserId {
    let email = format!("{handle}@example.org");
    app.read(move |db| {
        Ok(users::table.filter(users::email_key.eq(email)).select(users::id).first(db)?)
    })
    .await
}

/// AU-16, SP-17: turning on takes a right code, shows ten recovery codes, and is told.
#[actix_rt::test]
async fn turning_on_takes_a_right_code() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    ada.get("/profile/security").await.shows("Signing in asks for nothing but the password.");
    let page = ada.get(PAGE).await;
    let secret = secret_on(&page);
    let uri = page.links_containing("otpauth://").pop().unwrap();
    assert_eq!(
        uri,
        format!("otpauth://totp/Bulkhead:ada%40example.org?secret={secret}&issuer=Bulkhead")
    );
    assert_eq!(page.attributes("svg[role=img] path", "d").len(), 1);
    assert_ne!(secret_on(&ada.get(PAGE).await), secret);

    for (typed, says) in [("000000", "clock"), ("", "six digits"), ("12345a", "six digits")] {
        let answer = ada.fill(page.form(PAGE, "Turn on"), &[("code", typed)]).await;
        answer.assert_status(422).shows(says);
        assert_eq!(
            answer.select("pre code")[0],
            secret,
            "the secret stays while it is being typed"
        );
    }
    assert_eq!(rows(&app).await, (0, 0));
    let code = code_at(&secret, app.app.now());
    let spaced = format!(" {} {} ", &code[..3], &code[3..]);
    let codes = codes_on(&ada.fill(page.form(PAGE, "Turn on"), &[("code", &spaced)]).await);
    assert_eq!(codes.len(), 10);
    assert!(codes.iter().all(|code| code.len() == 14), "{codes:?}");
    assert_eq!(rows(&app).await, (1, 10));

    ada.fill(page.form(PAGE, "Turn on"), &[("code", &code)]).await.assert_status(409);
    ada.get(PAGE).await.assert_redirect_to("/profile/security");
    ada.get("/profile/security").await.shows("On").shows("10 recovery codes left");
    assert_eq!(app.audited("two-factor.created").await, 1);
    let mail = app.inbox("ada@example.org").await.pop().unwrap();
    assert_eq!(mail.subject, "Two-factor authentication is on");
    app.assert_audit_is_whole().await;
}

/// AU-16: a setup that nobody finished counts for nothing, and is nobody else's.
#[actix_rt::test]
async fn a_half_finished_two_factor_setup_does_not_count() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    let page = ada.get(PAGE).await;
    ada.fill(page.form(PAGE, "Turn on"), &[("code", "000000")]).await.assert_status(422);
    app.sign_in("ada").await.get("/profile").await.assert_status(200);

    let setup = page.attributes("input[name=setup]", "value").pop().unwrap();
    let code = code_at(&secret_on(&page), app.app.now());
    for other in [app.user("bob").await, app.sign_in("ada").await] {
        let answer = other.submit(PAGE, &[("setup", &setup), ("code", &code)]).await;
        answer.assert_status(422).shows("This page is a newer one.");
    }
    let answer = ada.submit(PAGE, &[("setup", "x"), ("code", &code)]).await;
    answer.assert_status(422).shows("This page is a newer one.");
    assert_eq!(rows(&app).await, (0, 0));
}

/// AU-16: after the password comes the code, and before it there is no session.
#[actix_rt::test]
async fn signing_in_asks_for_the_second_factor() {
    let app = spawn().await;
    let (secret, _) = with_two_factor(&app, "ada").await;
    let before = sessions(&app).await;
    app.advance(60);
    let visitor = app.visitor();
    let fields = [("email", "ada"), ("password", PASSWORD)];
    let asked = visitor.submit("/sign-in?next=%2Fprofile", &fields).await;
    asked.assert_redirect_to(STEP);
    assert_eq!(visitor.cookie("bulkhead"), None);
    assert_eq!(sessions(&app).await, before);
    visitor.get("/profile").await.assert_redirect_to("/sign-in?next=%2Fprofile");
    let page = visitor.get(STEP).await;
    page.assert_status(200).lacks("Sign out");
    assert_eq!(page.attributes("#code", "autocomplete"), ["one-time-code"]);
    assert_eq!(page.attributes("#code", "inputmode"), ["numeric"]);

    for (wrong, says) in [("000000", "counts once"), ("abc", "six digits"), ("", "six digits")] {
        give(&visitor, wrong).await.assert_status(422).shows(says);
    }
    assert_eq!(sessions(&app).await, before);
    assert_eq!(app.audited("user.logged-in").await, 1);
    let code = code_at(&secret, app.app.now());
    give(&visitor, &code).await.assert_redirect_to("/profile");
    visitor.get("/profile").await.assert_status(200).shows("ada@example.org");
    assert_eq!(sessions(&app).await, before + 1);
    assert_eq!(app.audited("user.logged-in").await, 2);
    assert_eq!(visitor.cookie("bulkhead-step"), None);
    visitor.get(STEP).await.assert_redirect_to("/sign-in");

    let wrong = [("email", "ada"), ("password", "not the password")];
    app.visitor().submit("/sign-in", &wrong).await.assert_status(422);
}

/// AU-16: a code counts once, also when it comes twice at the same moment, and for one step of
/// drift either way.
#[actix_rt::test]
async fn a_two_factor_code_counts_once_and_for_a_minute() {
    let app = spawn().await;
    let (secret, _) = with_two_factor(&app, "ada").await;
    let used = code_at(&secret, app.app.now());
    give(&after_password(&app, "ada").await, &used).await.assert_status(422);

    app.advance(90);
    let now = app.app.now();
    let shifted = |seconds: i64| {
        let at = Instant::from_microseconds(now.as_microseconds() + seconds * 1_000_000);
        code_at(&secret, at)
    };
    for too_far in [-60, 60] {
        let visitor = after_password(&app, "ada").await;
        give(&visitor, &shifted(too_far)).await.assert_status(422);
    }
    for drifted in [-30, 30] {
        let visitor = after_password(&app, "ada").await;
        give(&visitor, &shifted(drifted)).await.assert_redirect_to("/workspaces");
    }
    // The later one is used up, and with it the one between.
    for spent in [-30, 0, 30] {
        let visitor = after_password(&app, "ada").await;
        give(&visitor, &shifted(spent)).await.assert_status(422);
    }

    app.advance(90);
    let code = code_at(&secret, app.app.now());
    let (one, two) = (after_password(&app, "ada").await, after_password(&app, "ada").await);
    let (first, second) = join(give(&one, &code), give(&two, &code)).await;
    let mut statuses = [first.status, second.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 422]);
}

/// AU-16: a recovery code signs in once, is recorded and told; new ones end the old ones.
#[actix_rt::test]
async fn a_recovery_code_of_two_factor_counts_once() {
    let app = spawn().await;
    let (secret, codes) = with_two_factor(&app, "ada").await;
    let visitor = after_password(&app, "ada").await;
    give(&visitor, &codes[0]).await.assert_redirect_to("/workspaces");
    visitor.get("/profile/security").await.shows("9 recovery codes left");
    let mails = app.inbox("ada@example.org").await;
    let mail = mails.iter().find(|mail| mail.subject == "A recovery code was used").unwrap();
    assert!(mail.text.contains("9 recovery codes are left"), "{}", mail.text);
    assert_eq!(app.audited("two-factor.recovered").await, 1);
    give(&after_password(&app, "ada").await, &codes[0]).await.assert_status(422);
    let plain = codes[1].replace('-', "");
    give(&after_password(&app, "ada").await, &plain).await.assert_redirect_to("/workspaces");

    let page = "/profile/security/two-factor/recovery-codes";
    visitor.get(page).await.shows("The 8 that are left stop working at once.");
    let anew = codes_on(&visitor.submit(page, &[]).await);
    assert_eq!(anew.len(), 10);
    assert_eq!(app.audited("two-factor.rotated").await, 1);
    give(&after_password(&app, "ada").await, &codes[2]).await.assert_status(422);
    give(&after_password(&app, "ada").await, &anew[2]).await.assert_redirect_to("/workspaces");

    // Another person's recovery code opens nothing.
    let (_, others) = with_two_factor(&app, "bob").await;
    give(&after_password(&app, "ada").await, &others[0]).await.assert_status(422);
    app.advance(60);
    signs_in(&app, &after_password(&app, "ada").await, &secret).await;
    app.assert_audit_is_whole().await;
}

/// AU-08, AU-16: wrong codes cost as wrong passwords do, and the right password buys no new tries.
#[actix_rt::test]
async fn wrong_two_factor_codes_are_throttled() {
    let app = spawn().await;
    let (secret, _) = with_two_factor(&app, "ada").await;
    app.advance(60);
    let visitor = after_password(&app, "ada").await;
    for _ in 0..5 {
        give(&visitor, "000000").await.assert_status(422);
    }
    let code = code_at(&secret, app.app.now());
    assert_eq!(give(&visitor, &code).await.assert_status(429).header("retry-after").unwrap(), "31");
    let fields = [("email", "ada"), ("password", PASSWORD)];
    visitor.submit("/sign-in", &fields).await.assert_redirect_to(STEP);
    give(&visitor, &code).await.assert_status(429);
    // Elsewhere the owner gets in.
    signs_in(&app, &after_password(&app, "ada").await, &secret).await;
    app.advance(60);
    signs_in(&app, &visitor, &secret).await;
    let mails = app.inbox("ada@example.org").await;
    assert_eq!(mails.last().unwrap().subject, "New sign-in to your account");
}

/// AU-16: a reset of the password neither signs in nor turns two-factor off; nor does a change.
#[actix_rt::test]
async fn another_password_leaves_two_factor_on() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    let (secret, _) = turn_on(&app, &ada).await;
    app.advance(60);
    let waiting = after_password(&app, "ada").await;
    let visitor = app.visitor();
    visitor.submit("/forgot-password", &[("email", "ada@example.org")]).await.assert_status(200);
    let link = app.inbox("ada@example.org").await.pop().unwrap().link();
    let changed = "seven purple submarines 41";
    let answer = visitor.submit(&link, &[("new_password", changed)]).await;
    answer.assert_redirect_to("/sign-in?done=reset");
    visitor.get("/profile").await.assert_status(303);
    visitor
        .submit("/sign-in", &[("email", "ada"), ("password", changed)])
        .await
        .assert_redirect_to(STEP);
    // Who began with the password before begins again.
    let code = code_at(&secret, app.app.now());
    give(&waiting, &code).await.assert_redirect_to("/sign-in?done=too-late");
    signs_in(&app, &visitor, &secret).await;

    let fields = [("current_password", changed), ("new_password", "another-orchid-tractor-99")];
    visitor.submit_form("/profile/security", "Change password", &fields).await.assert_status(303);
    visitor.get("/profile/security").await.assert_status(200).shows("10 recovery codes left");
    assert_eq!(rows(&app).await, (1, 10));
}

/// AU-16: what the browser holds between the steps counts ten minutes, there and unchanged only.
#[actix_rt::test]
async fn the_second_step_is_bound_to_person_browser_and_time() {
    let app = spawn().await;
    let (secret, _) = with_two_factor(&app, "ada").await;
    let (evil, _) = with_two_factor(&app, "eve").await;
    app.advance(60);
    let visitor = after_password(&app, "ada").await;
    let token = visitor.cookie("bulkhead-step").unwrap();
    assert!(!token.contains("ada"), "{token}");

    let other = app.visitor();
    other.get("/sign-in").await.assert_status(200);
    other.set_cookie("bulkhead-step", &token);
    other.get(STEP).await.assert_redirect_to("/sign-in");
    for at in [0, 40, token.len() / 2, token.len() - 2] {
        let mut changed = token.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        visitor.set_cookie("bulkhead-step", std::str::from_utf8(&changed).unwrap());
        visitor.get(STEP).await.assert_redirect_to("/sign-in");
    }
    // Eve's own token signs in nobody but Eve, and her codes open nothing of Ada's.
    let eve = after_password(&app, "eve").await;
    give(&eve, &code_at(&secret, app.app.now())).await.assert_status(422);
    visitor.set_cookie("bulkhead-step", &token);
    give(&visitor, &code_at(&evil, app.app.now())).await.assert_status(422);
    signs_in(&app, &eve, &evil).await;
    eve.get("/profile").await.shows("eve@example.org");

    app.advance(541);
    let form = visitor.get(STEP).await.form(STEP, "");
    app.advance(60);
    let code = code_at(&secret, app.app.now());
    let late = visitor.fill(form, &[("code", &code)]).await;
    late.assert_redirect_to("/sign-in?done=too-late");
    visitor.get(&late.location()).await.shows("Signing in took too long.");
    visitor.get(STEP).await.assert_redirect_to("/sign-in");
    visitor.get("/profile").await.assert_status(303);
    assert_eq!(app.audited("user.logged-in").await, 3);
}

/// AU-16: the sign-in form under an invitation asks too, and leads back to the invitation.
#[actix_rt::test]
async fn an_invited_person_with_two_factor_is_asked_too() {
    let app = spawn().await;
    let (secret, _) = with_two_factor(&app, "bob").await;
    let ada = app.user("ada").await;
    ada.workspace("lab").await;
    let fields = [("email", "bob@example.org")];
    ada.submit("/workspaces/ada/lab/collaborators/invite", &fields).await.assert_status(303);
    let link = app.inbox("bob@example.org").await.pop().unwrap().link();
    app.advance(60);
    let bob = app.visitor();
    let answer = bob.submit(&format!("{link}/sign-in"), &[("password", PASSWORD)]).await;
    answer.assert_redirect_to(STEP);
    bob.get("/profile").await.assert_status(303);
    give(&bob, &code_at(&secret, app.app.now())).await.assert_redirect_to(&link);
    bob.submit_form(&link, "accept", &[]).await.assert_status(303);
    bob.get("/workspaces").await.shows("lab");

    // What came too late begins where it began.
    let late = app.visitor();
    let other = after_password(&app, "bob").await;
    drop(other);
    ada.workspace("den").await;
    ada.submit("/workspaces/ada/den/collaborators/invite", &fields).await.assert_status(303);
    let link = app.inbox("bob@example.org").await.pop().unwrap().link();
    late.submit(&format!("{link}/sign-in"), &[("password", PASSWORD)]).await;
    app.advance(601);
    late.get(STEP).await.assert_redirect_to(&link);
}

/// AU-14, AU-16: confirming an address from a browser that is not signed in asks too.
#[actix_rt::test]
async fn confirming_an_address_does_not_step_around_two_factor() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    let (secret, _) = turn_on(&app, &ada).await;
    ada.submit("/profile/email", &[("email", "ada@new.example")]).await.assert_status(303);
    let link = app.inbox("ada@new.example").await.pop().unwrap().link();
    app.advance(60);
    let visitor = app.visitor();
    visitor.submit(&link, &[("password", PASSWORD)]).await.assert_redirect_to(STEP);
    visitor.get("/profile").await.assert_status(303);
    signs_in(&app, &visitor, &secret).await;
}

/// AU-17: on, off and new recovery codes ask for the password again after ten minutes.
#[actix_rt::test]
async fn changes_of_two_factor_take_a_recent_password() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    let page = ada.get(PAGE).await;
    let code = code_at(&secret_on(&page), app.app.now());
    app.advance(601);
    let confirm = format!("/confirm-access?next={}", PAGE.replace('/', "%2F"));
    ada.get(PAGE).await.assert_redirect_to(&confirm);
    let answer = ada.fill(page.form(PAGE, "Turn on"), &[("code", &code)]).await;
    answer.assert_redirect_to(&confirm);
    assert_eq!(rows(&app).await, (0, 0));
    ada.submit(&confirm, &[("password", PASSWORD)]).await.assert_redirect_to(PAGE);
    turn_on(&app, &ada).await;

    let off = format!("{PAGE}/off");
    let forms = [
        (off.clone(), ada.get(&off).await.form(&off, "")),
        (format!("{PAGE}/recovery-codes"), {
            let page = format!("{PAGE}/recovery-codes");
            ada.get(&page).await.form(&page, "")
        }),
    ];
    app.advance(601);
    for (page, form) in forms {
        assert!(ada.get(&page).await.location().starts_with("/confirm-access"), "{page}");
        assert!(ada.fill(form, &[]).await.location().starts_with("/confirm-access"), "{page}");
    }
    assert_eq!(rows(&app).await, (1, 10));
    assert_eq!(app.audited("two-factor.rotated").await, 0);
}

/// AU-16: off is off at once, told, and other sessions stay; so do they when it is turned on.
#[actix_rt::test]
async fn two_factor_is_turned_off() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    let elsewhere = app.sign_in("ada").await;
    turn_on(&app, &ada).await;
    elsewhere.get("/profile").await.assert_status(200);
    let waiting = after_password(&app, "ada").await;
    let off = format!("{PAGE}/off");
    ada.submit(&off, &[]).await.assert_redirect_to("/profile/security");
    ada.get("/profile/security").await.shows("Two-factor authentication is off.");
    assert_eq!(rows(&app).await, (0, 0));
    assert_eq!(app.audited("two-factor.deleted").await, 1);
    let mail = app.inbox("ada@example.org").await.pop().unwrap();
    assert_eq!(mail.subject, "Two-factor authentication is off");
    elsewhere.get("/profile").await.assert_status(200);
    app.sign_in("ada").await;
    give(&waiting, "123456").await.assert_redirect_to("/sign-in?done=too-late");

    for page in [off, format!("{PAGE}/recovery-codes")] {
        ada.get(&page).await.assert_redirect_to("/profile/security");
    }
    let fields = ada.get("/profile").await.form("/profile", "Save").fields;
    let tokens: Vec<_> =
        fields.into_iter().filter(|(name, _)| name == "csrf" || name == "once").collect();
    ada.post(&format!("{PAGE}/recovery-codes"), &tokens).await.assert_status(404);
}

/// AU-16, SE-01: whoever has the database has neither secret nor recovery codes.
#[actix_rt::test]
async fn the_database_tells_no_two_factor_secret() {
    let app = spawn().await;
    let (secret, codes) = with_two_factor(&app, "ada").await;
    let bytes = Secret::try_from_base32(&secret).unwrap().as_bytes().to_vec();
    give(&after_password(&app, "ada").await, &codes[0]).await.assert_status(303);
    let dump: Vec<Vec<u8>> = app
        .read(|db| {
            let mut all: Vec<Vec<u8>> = two_factor::table.select(two_factor::secret).load(db)?;
            all.extend(recovery_codes::table.select(recovery_codes::hash).load::<Vec<u8>>(db)?);
            let texts = [
                mails::table.select(mails::data).load::<String>(db)?,
                audit_entries::table.select(audit_entries::entry).load(db)?,
                sessions::table.select(sessions::state).load(db)?,
            ];
            all.extend(texts.concat().into_iter().map(String::into_bytes));
            Ok(all)
        })
        .await;
    let mut secrets = vec![bytes, secret.into_bytes()];
    for code in codes {
        secrets.push(code.replace('-', "").into_bytes());
        secrets.push(code.into_bytes());
    }
    assert!(dump.len() > 12);
    for (stored, secret) in dump.iter().flat_map(|s| secrets.iter().map(move |w| (s, w))) {
        assert!(!stored.windows(secret.len()).any(|part| part == secret.as_slice()));
    }
}

/// SP-9, AU-16: while two instance keys count, secrets are sealed anew, and the old key can go.
#[actix_rt::test]
async fn two_factor_secrets_move_to_the_new_instance_key() {
    let app = spawn().await;
    let (secret, _) = with_two_factor(&app, "ada").await;
    let user = user_of(&app, "ada").await;
    let new = "the key after it, which is long enough too".to_owned();
    let old = "a key of the tests, long enough to be one".to_owned();
    let both = InstanceKeys::new(new.clone().into(), Some(old.into()));
    let none: UserId = Id::from(user.uuid());
    let last = app
        .app
        .db
        .ingest(move |db| {
            let first = reseal_some(db, &both, Id::from(uuid::Uuid::nil()))?;
            assert_eq!(first, Some(none));
            reseal_some(db, &both, none)
        })
        .await
        .unwrap();
    assert_eq!(last, None);
    let sealed: Vec<u8> =
        app.read(|db| Ok(two_factor::table.select(two_factor::secret).first(db)?)).await;
    let alone = InstanceKeys::new(new.into(), None);
    let opened = alone.open(Purpose::TwoFactorSecret, user.uuid().as_bytes(), &sealed).unwrap();
    assert_eq!(Secret::from(opened).to_base32(), secret);
}

/// AU-16: keys are a way in of their own; and what belongs to an account goes with it.
#[actix_rt::test]
async fn keys_go_on_beside_two_factor_and_deletion_takes_all() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    let page = ada.submit("/profile/api-keys/new", &[("name", "laptop")]).await;
    let key = page.select("code").into_iter().find(|text| text.starts_with("pnu_")).unwrap();
    turn_on(&app, &ada).await;
    app.api(&key).get("/api/me/workspaces").await.assert_status(200);
    app.make_user("bob", Verified::Mailed).await;
    app.sign_in("bob").await;
    ada.submit("/profile/delete", &[("confirm", "ada")]).await.assert_status(303);
    assert_eq!(rows(&app).await, (0, 0));
}

/// AU-16: a rule that is made while a change waits for its turn counts for that change.
#[actix_rt::test]
async fn the_rule_counts_for_a_change_that_waits() {
    use bulkhead::base::db::Locks;
    use bulkhead::base::db::schema::{accounts, organizations, service_accounts, workspaces};

    let app = spawn().await;
    let ada = crate::tenancy::members::acme(&app).await;
    let bots = "/organizations/acme/service-accounts/new";
    let sharing = "/workspaces/acme/data/sharing/default";
    let bot = ada.get(bots).await.form(bots, "Create");
    let default = ada.get(sharing).await.form(sharing, "Save");
    let now = app.app.now();
    let account: bulkhead::access::AccountId = app
        .read(|db| {
            Ok(accounts::table
                .filter(accounts::handle.eq("acme"))
                .select(accounts::id)
                .first(db)?)
        })
        .await;
    let ruling = app.app.db.write(Locks::accounts([account]), move |db| {
        std::thread::sleep(std::time::Duration::from_millis(700));
        diesel::update(organizations::table.find(account))
            .set(organizations::two_factor_since.eq(Some(now)))
            .execute(db)?;
        Ok(())
    });
    let changing = async {
        actix_rt::time::sleep(std::time::Duration::from_millis(200)).await;
        let bot = ada.fill(bot, &[("name", "ingest")]);
        join(bot, ada.fill(default, &[("role", "viewer")])).await
    };
    let (ruled, (bot, default)) = join(ruling, changing).await;
    ruled.unwrap();
    assert_ne!(bot.status, 200);
    assert_ne!(default.header("location").as_deref(), Some("/workspaces/acme/data/sharing"));
    let (bots, open) = app
        .read(|db| {
            let bots: i64 = service_accounts::table.count().get_result(db)?;
            let open = workspaces::table.filter(workspaces::default_role.is_not_null());
            Ok((bots, open.count().get_result::<i64>(db)?))
        })
        .await;
    assert_eq!((bots, open), (0, 0));
}
