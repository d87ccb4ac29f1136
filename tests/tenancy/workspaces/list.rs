//! The list of workspaces.

use super::{id_of, invite, let_in};
use crate::support::{Client, spawn};

async fn handles(who: &Client, path: &str) -> Vec<String> {
    let answer = who.get(path).await;
    answer.assert_status(200);
    answer.select("article h3")
}

/// W2: nothing without signing in.
#[actix_rt::test]
async fn a_visitor_is_asked_to_sign_in() {
    let app = spawn().await;
    let visitor = app.visitor();
    for path in
        ["/workspaces", "/workspaces/new", "/workspaces/ada/lab", "/workspaces/ada/lab/leave"]
    {
        let answer = visitor.get(path).await;
        answer.assert_status(303);
        assert!(answer.location().starts_with("/sign-in"), "{path}");
    }
}

/// L1, L6: the first visit offers one thing to do, and help for those who wait.
#[actix_rt::test]
async fn the_first_visit_offers_a_first_workspace() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    let page = ada.get("/workspaces").await;
    page.assert_status(200).shows("Create your first workspace");
    page.shows("Waiting for an invitation? Ask the sender to use ada@example.org");
    assert_eq!(page.link("Create workspace"), "/workspaces/new");
    assert_eq!(page.select("main .btn.primary").len(), 1);
}

/// L3, L4, W3: own workspaces and those one was let into, and no others.
#[actix_rt::test]
async fn the_list_holds_what_a_person_reaches() {
    let app = spawn().await;
    let (ada, bob, eve) = (app.user("ada").await, app.user("bob").await, app.user("eve").await);
    ada.workspace("lab").await;
    ada.workspace("dev").await;
    bob.workspace("own").await;
    eve.workspace("hidden").await;
    let lab = id_of(&app, "ada", "lab").await;
    let hidden = id_of(&app, "eve", "hidden").await;
    let_in(&app, lab, "bob").await;
    invite(&app, "eve", hidden, "bob@example.org").await;

    assert_eq!(handles(&bob, "/workspaces").await, ["own", "lab"]);
    let page = bob.get("/workspaces").await;
    page.shows("Bob bob Personal 1 workspace");
    page.shows("Ada ada Personal 1 workspace shared with you");
    page.shows("2 workspaces").shows("eve/hidden from eve").lacks("dev");
    assert!(page.links_containing("/workspaces/eve").is_empty(), "invited is not in");
    assert_eq!(page.links_containing("/ada/lab/leave"), ["/workspaces/ada/lab/leave"]);
    assert!(page.links_containing("/ada/lab/settings/delete").is_empty());
    assert_eq!(page.links_containing("/bob/own/settings/delete").len(), 1);

    let mine = ada.get("/workspaces").await;
    mine.shows("Ada ada Personal 2 workspaces").shows("1 collaborator").shows("0 collaborators");
    assert!(mine.links_containing("/leave").is_empty());
    assert!(mine.text.contains(&lab.to_string()));

    bob.submit("/workspaces/ada/lab/leave", &[]).await.assert_redirect_to("/workspaces");
    assert_eq!(handles(&bob, "/workspaces").await, ["own"]);
}

/// L5: search, owner, order; all in the address; hostile values find nothing and break nothing.
#[actix_rt::test]
async fn the_list_is_searched_and_ordered_by_its_address() {
    let app = spawn().await;
    let (ada, bob) = (app.user("ada").await, app.user("bob").await);
    for (handle, description) in [("beta", "100% rain"), ("alpha", "Snow_flakes"), ("gamma", "")] {
        let fields = [("handle", handle), ("description", description)];
        ada.submit("/workspaces/new", &fields).await.assert_status(303);
        app.advance(1);
    }
    bob.workspace("delta").await;
    let_in(&app, id_of(&app, "bob", "delta").await, "ada").await;
    for (query, found) in [
        ("", vec!["alpha", "beta", "gamma", "delta"]),
        ("?sort=newest", vec!["gamma", "alpha", "beta", "delta"]),
        ("?sort=%27%3B--", vec!["alpha", "beta", "gamma", "delta"]),
        ("?owner=ada", vec!["alpha", "beta", "gamma"]),
        ("?owner=bob", vec!["delta"]),
        ("?owner=eve", vec![]),
        ("?q=LPH", vec!["alpha"]),
        ("?q=snow", vec!["alpha"]),
        ("?q=ada/b", vec!["beta"]),
        ("?q=bob", vec!["delta"]),
        ("?q=%25", vec!["beta"]),
        ("?q=_", vec!["alpha"]),
        ("?q=%5C", vec![]),
        ("?q=%27+OR+1%3D1+--", vec![]),
        ("?q=%F0%9F%9A%80", vec![]),
        ("?q=a&q=b&owner=ada&owner=bob", vec!["alpha", "beta", "gamma"]),
        ("?after=%01&before=x/y/z&page=-1", vec!["alpha", "beta", "gamma", "delta"]),
    ] {
        assert_eq!(handles(&ada, &format!("/workspaces{query}")).await, found, "{query}");
    }
    let none = ada.get("/workspaces?q=nothing").await;
    none.shows("No workspace matches your search.").shows("0 workspaces");
    assert_eq!(none.link("Clear"), "/workspaces");
    let long = format!("/workspaces?q={}", "x".repeat(4000));
    ada.get(&long).await.assert_status(200);
}

/// L5: 24 on a page, and every workspace on exactly one page, forwards and backwards.
#[actix_rt::test]
async fn every_workspace_is_on_exactly_one_page() {
    let app = spawn().await;
    let (ada, bob) = (app.user("ada").await, app.user("bob").await);
    for n in 0..30 {
        ada.workspace(&format!("w-{n:02}")).await;
        app.advance(1);
    }
    for n in 0..25 {
        bob.workspace(&format!("x-{n:02}")).await;
        let_in(&app, id_of(&app, "bob", &format!("x-{n:02}")).await, "ada").await;
        app.advance(1);
    }
    for start in ["/workspaces", "/workspaces?sort=newest"] {
        let mut page = ada.get(start).await;
        page.shows("55 workspaces");
        let mut pages = vec![page.select("article h3")];
        while let Some(next) = page.attributes("a[rel=next]", "href").first().cloned() {
            page = ada.get(&next).await;
            pages.push(page.select("article h3"));
        }
        assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [24, 24, 7]);
        let mut all = pages.concat();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 55);
        let mut back = Vec::new();
        while let Some(previous) = page.attributes("a[rel=prev]", "href").first().cloned() {
            page = ada.get(&previous).await;
            back.insert(0, page.select("article h3"));
        }
        assert_eq!(back, pages[..2]);
    }
}

/// The switcher offers where somebody was last before the rest; what a browser says of it opens nothing.
#[actix_rt::test]
async fn the_switcher_knows_the_recent_ones() {
    let app = spawn().await;
    let ada = app.user("ada").await;
    let bob = app.user("bob").await;
    for place in 0..10 {
        ada.workspace(&format!("w{place}")).await;
    }
    bob.workspace("secret").await;
    let switcher = async |page: &str| {
        let page = ada.get(page).await;
        page.attributes(".switch .menu-list > a[href*='/ada/'], .switch a[href*='/bob/']", "href")
    };
    ada.get("/workspaces/ada/w8").await;
    ada.get("/workspaces/ada/w9").await;
    let offered = switcher("/workspaces/ada/w0").await;
    let path = |place: u8| format!("/workspaces/ada/w{place}");
    assert_eq!(offered, [9, 8, 1, 2, 3, 4, 5, 6].map(path));
    // The page that is open is not offered, and comes first afterwards.
    let offered = switcher("/workspaces/ada/w9").await;
    assert_eq!(offered[..3], [0, 8, 1].map(path));

    let secret = id_of(&app, "bob", "secret").await;
    ada.set_cookie("bulkhead-recent", &format!("nonsense.{secret}.{secret}"));
    let offered = switcher("/workspaces/ada/w0").await;
    assert_eq!(offered, [1, 2, 3, 4, 5, 6, 7, 8].map(path));
}
