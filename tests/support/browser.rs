//! A person at a screen: Chromium, and what is done with it.
//!
//! Things are found by their role and name in the browser's accessibility tree, never by class or id: what a screen
//! reader can't find, a test can't either.

mod checks;
mod driver;

use std::future::Future;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use thirtyfour::TypingData;
use thirtyfour::prelude::*;

use super::app::{PASSWORD, TestApp};

/// How long something may take to appear, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// Whether the browser runs scripts. Every page has to work without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Script {
    On,
    Off,
}

/// One browser with a profile of its own.
pub struct Browser {
    driver: WebDriver,
    base: String,
    script: Script,
}

/// What the accessibility tree says about something on the page.
#[derive(Clone, Debug)]
pub struct Thing {
    pub role: String,
    pub name: String,
    node: u64,
}

impl Drop for Browser {
    fn drop(&mut self) {
        driver::close(self.driver.clone());
    }
}

impl TestApp {
    /// A new browser, with or without scripts.
    pub async fn browser(&self, script: Script) -> Browser {
        Browser::open_at(&self.base, script, None).await
    }
}

/// Asks until there is an answer, or patience ends.
async fn until<T, F: Future<Output = Option<T>>>(ask: impl Fn() -> F) -> Option<T> {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask().await {
            return Some(answer);
        }
        if Instant::now() > end {
            return None;
        }
        actix_rt::time::sleep(Duration::from_millis(50)).await;
    }
}

pub fn folded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Browser {
    /// A browser for a server under another name than the usual one.
    pub async fn open_at(base: &str, script: Script, hosts: Option<&str>) -> Self {
        let driver = driver::open(script, hosts).await;
        let browser = Self { driver, base: base.to_owned(), script };
        browser.width(1280).await;
        browser
    }

    /// Opens an address of the server.
    pub async fn open(&self, path: &str) -> &Self {
        self.driver.goto(format!("{}{path}", self.base)).await.unwrap();
        self
    }

    /// Signs a person in through the form.
    pub async fn sign_in(&self, handle: &str) -> &Self {
        self.open("/sign-in").await;
        self.fill("Email", handle).await;
        self.fill("Password", PASSWORD).await;
        self.click_button("Sign in").await;
        self.is_at("/workspaces").await
    }

    /// The address without the server's name.
    pub async fn path(&self) -> String {
        let url = self.driver.current_url().await.unwrap();
        url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()))
    }

    /// The browser arrives at an address.
    pub async fn is_at(&self, path: &str) -> &Self {
        if until(|| async { (self.path().await == path).then_some(()) }).await.is_none() {
            self.fail(&format!("this is not {path}")).await;
        }
        self
    }

    pub async fn click_link(&self, name: &str) -> &Self {
        self.click(&["link"], name).await
    }

    /// Presses a button. One that sends a form is waited for until the next page has come: what the
    /// page before said must not be taken for the answer.
    pub async fn click_button(&self, name: &str) -> &Self {
        let found = self.find(&["button"], name).await;
        let sends = found.attr("type").await.ok().flatten().is_none_or(|kind| kind == "submit");
        let before = self.document().await;
        if let Err(error) = found.click().await {
            self.fail(&format!("{name:?} can't be clicked: {error}")).await;
        }
        let end = Instant::now() + Duration::from_secs(5);
        while sends && self.document().await == before && Instant::now() < end {
            actix_rt::time::sleep(Duration::from_millis(20)).await;
        }
        self
    }

    /// Which document the browser shows; another one after each navigation.
    async fn document(&self) -> Option<String> {
        let html = self.driver.find(By::Tag("html")).await.ok()?.to_json().ok()?;
        let id = html.as_object()?.values().next()?.as_str()?.to_owned();
        id.rsplit_once(".e.").map(|(document, _)| document.to_owned())
    }

    /// Opens what can be folded out: a menu, details.
    pub async fn open_menu(&self, name: &str) -> &Self {
        self.click(&["DisclosureTriangleGrouped", "DisclosureTriangle"], name).await
    }

    /// Types over what a field holds.
    pub async fn fill(&self, label: &str, value: &str) -> &Self {
        let fills = || async {
            // The page that was found may go while the next one, with such a field too, arrives.
            let field = self.find(&["textbox", "searchbox", "combobox"], label).await;
            field.clear().await.ok()?;
            field.send_keys(value).await.ok()
        };
        if until(fills).await.is_none() {
            self.fail(&format!("{label} can’t be filled in")).await;
        }
        self
    }

    /// What a field holds.
    pub async fn value(&self, label: &str) -> String {
        let field = self.find(&["textbox", "searchbox", "combobox"], label).await;
        field.value().await.unwrap().unwrap_or_default()
    }

    /// Chooses an option of a list.
    pub async fn choose(&self, label: &str, option: &str) -> &Self {
        let list = self.find(&["combobox"], label).await;
        let mut known = Vec::new();
        for found in list.find_all(By::Tag("option")).await.unwrap() {
            known.push(folded(&found.text().await.unwrap()));
            if known.last().is_some_and(|text| text == option) {
                found.click().await.unwrap();
                return self;
            }
        }
        self.fail(&format!("{label} has no {option:?}, only {known:?}")).await
    }

    /// Chooses one of a few that are all in sight.
    pub async fn pick(&self, name: &str) -> &Self {
        self.click(&["radio"], name).await
    }

    /// Ticks a box.
    pub async fn check(&self, label: &str) -> &Self {
        let found = self.find(&["checkbox"], label).await;
        if !found.is_selected().await.unwrap() {
            found.click().await.unwrap();
        }
        self
    }

    /// Whether a button can be pressed.
    pub async fn is_enabled(&self, name: &str) -> bool {
        self.find(&["button"], name).await.is_enabled().await.unwrap()
    }

    /// Presses keys where the focus is.
    pub async fn press(&self, keys: impl Into<TypingData>) -> &Self {
        self.driver.action_chain().send_keys(keys).perform().await.unwrap();
        self
    }

    /// What has the focus.
    pub async fn focused(&self) -> Thing {
        let element = self.driver.active_element().await.unwrap();
        let object = element.cdp_remote_object_id().await.unwrap();
        let answer = self
            .cdp(
                "Accessibility.getPartialAXTree",
                json!({ "objectId": object, "fetchRelatives": false }),
            )
            .await
            .unwrap();
        thing(&answer["nodes"][0]).unwrap_or_else(|| Thing {
            role: "none".into(),
            name: String::new(),
            node: 0,
        })
    }

    /// The visible text, white space folded.
    pub async fn text(&self) -> String {
        let said = self.driver.execute("return document.body?.innerText ?? ''", Vec::new()).await;
        said.ok()
            .and_then(|text| text.convert::<String>().ok())
            .map(|text| folded(&text))
            .unwrap_or_default()
    }

    /// A text is on the page, or comes.
    pub async fn shows(&self, text: &str) -> &Self {
        if until(|| async { self.text().await.contains(text).then_some(()) }).await.is_none() {
            self.fail(&format!("{text:?} is not on the page")).await;
        }
        self
    }

    /// A text is not on the page, or goes.
    pub async fn lacks(&self, text: &str) -> &Self {
        let is_gone = || async {
            let shown = self.text().await;
            (!shown.is_empty() && !shown.contains(text)).then_some(())
        };
        if until(is_gone).await.is_none() {
            self.fail(&format!("{text:?} is on the page")).await;
        }
        self
    }

    /// Whether something is to be found.
    pub async fn has(&self, role: &str, name: &str) -> bool {
        self.things(role).await.iter().any(|thing| is_called(thing, name))
    }

    /// Everything of a role that is open to a screen reader.
    pub async fn things(&self, role: &str) -> Vec<Thing> {
        let Ok(document) = self.cdp("DOM.getDocument", json!({ "depth": 0 })).await else {
            return Vec::new();
        };
        let within = &document["root"]["backendNodeId"];
        let answer = self
            .cdp("Accessibility.queryAXTree", json!({ "backendNodeId": within, "role": role }))
            .await;
        let nodes =
            answer.ok().and_then(|answer| answer["nodes"].as_array().cloned()).unwrap_or_default();
        nodes.iter().filter_map(thing).collect()
    }

    async fn click(&self, roles: &[&str], name: &str) -> &Self {
        let found = self.find(roles, name).await;
        if let Err(error) = found.click().await {
            self.fail(&format!("{name:?} can't be clicked: {error}")).await;
        }
        self
    }

    async fn find(&self, roles: &[&str], name: &str) -> WebElement {
        let look = || async {
            for role in roles {
                for thing in self.things(role).await {
                    if is_called(&thing, name) {
                        return self.element(&thing).await.ok();
                    }
                }
            }
            None
        };
        if let Some(found) = until(look).await {
            return found;
        }
        let mut known = Vec::new();
        for role in roles {
            known.extend(self.things(role).await.into_iter().map(|thing| thing.name));
        }
        self.fail(&format!("there is no {} {name:?}, only {known:?}", roles[0])).await
    }

    /// An element's id in ChromeDriver is made of the frame's, the document's and the node's.
    async fn element(&self, thing: &Thing) -> WebDriverResult<WebElement> {
        let mut id = self.driver.find(By::Tag("html")).await?.to_json()?;
        for value in id.as_object_mut().into_iter().flat_map(|map| map.values_mut()) {
            let (document, _) = value.as_str().and_then(|id| id.rsplit_once(".e.")).unwrap();
            *value = json!(format!("{document}.e.{}", thing.node));
        }
        WebElement::from_json(id, self.driver.handle().clone())
    }

    async fn cdp(&self, method: &str, parameters: Value) -> WebDriverResult<Value> {
        self.driver.cdp().send_raw(method, parameters).await
    }

    /// Ends the test with what can be seen, as words and as a picture.
    async fn fail(&self, message: &str) -> ! {
        let name = std::thread::current().name().unwrap_or("test").replace("::", "-");
        self.picture(&format!("failed-{name}")).await;
        let (path, text) = (self.path().await, self.text().await);
        panic!("{message}\n  at {path} (scripts {:?}): {text}", self.script);
    }
}

fn thing(node: &Value) -> Option<Thing> {
    let is_there = node["ignored"] == json!(false);
    is_there.then_some(())?;
    Some(Thing {
        role: node["role"]["value"].as_str()?.to_owned(),
        name: folded(node["name"]["value"].as_str().unwrap_or_default()),
        node: node["backendDOMNodeId"].as_u64()?,
    })
}

/// By its whole name; what an optional field or a box with a hint has after it doesn't count.
fn is_called(thing: &Thing, name: &str) -> bool {
    let has_hint = thing.role == "checkbox";
    thing.name.strip_prefix(name).is_some_and(|rest| {
        rest.is_empty() || rest == " (optional)" || (has_hint && rest.starts_with(' '))
    })
}
