//! Callers: a browser without a screen, and a program with a key.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Mutex;
use std::time::Duration;

use scraper::{ElementRef, Html, Selector};

/// A browser without a screen: keeps cookies, follows nothing by itself.
pub struct Client {
    base: String,
    http: reqwest::Client,
    cookies: Mutex<BTreeMap<String, String>>,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub text: String,
    pub headers: Vec<(String, String)>,
}

fn http(address: IpAddr) -> reqwest::Client {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .local_address(address)
        .timeout(Duration::from_secs(60))
        .no_proxy()
        .build()
        .unwrap()
}

async fn answer(response: reqwest::Response) -> Answer {
    try_answer(response).await.unwrap()
}

async fn try_answer(response: reqwest::Response) -> reqwest::Result<Answer> {
    let headers: Vec<(String, String)> = response
        .headers()
        .iter()
        .map(|(name, value)| {
            (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        })
        .collect();
    let status = response.status().as_u16();
    // A stream of events does not end by itself.
    let is_stream = headers.iter().any(|(_, value)| value == "text/event-stream");
    let text = if is_stream { String::new() } else { response.text().await? };
    Ok(Answer { status, text, headers })
}

fn selector(css: &str) -> Selector {
    Selector::parse(css).unwrap()
}

fn folded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A form as a page shows it.
#[derive(Clone, Debug)]
pub struct PageForm {
    pub action: String,
    pub fields: Vec<(String, String)>,
}

impl PageForm {
    /// Replaces a field's values, or adds the field.
    pub fn set(&mut self, name: &str, value: &str) {
        self.fields.retain(|(known, _)| known != name);
        self.fields.push((name.to_owned(), value.to_owned()));
    }
}

impl Client {
    pub fn new(base: String, address: IpAddr) -> Self {
        Self { base, http: http(address), cookies: Mutex::new(BTreeMap::new()) }
    }

    fn cookie_header(&self) -> String {
        let cookies = self.cookies.lock().unwrap();
        cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    /// All cookies, for another browser.
    pub fn cookies(&self) -> BTreeMap<String, String> {
        self.cookies.lock().unwrap().clone()
    }

    /// Takes over another browser's cookies.
    pub fn take_cookies(&self, cookies: &BTreeMap<String, String>) {
        self.cookies.lock().unwrap().clone_from(cookies);
    }

    /// A cookie's value.
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.cookies.lock().unwrap().get(name).cloned()
    }

    /// Sets a cookie, as somebody would who tampers.
    pub fn set_cookie(&self, name: &str, value: &str) {
        self.cookies.lock().unwrap().insert(name.to_owned(), value.to_owned());
    }

    fn keep_cookies(&self, answer: &Answer) {
        let mut cookies = self.cookies.lock().unwrap();
        for (name, value) in &answer.headers {
            if name != "set-cookie" {
                continue;
            }
            let (pair, attributes) = value.split_once(';').unwrap_or((value, ""));
            let (name, value) = pair.split_once('=').unwrap();
            if attributes.contains("Max-Age=0") || value.is_empty() {
                cookies.remove(name);
            } else {
                cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    /// Sends any request with this browser's cookies.
    pub async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<reqwest::Body>,
    ) -> Answer {
        self.try_send(method, path, headers, body).await.unwrap()
    }

    /// As [`Client::send`], of a server that may die meanwhile.
    pub async fn try_send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<reqwest::Body>,
    ) -> reqwest::Result<Answer> {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.base))
            .header("cookie", self.cookie_header())
            .body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = try_answer(request.send().await?).await?;
        self.keep_cookies(&answer);
        Ok(answer)
    }

    /// Opens a page of a server that may be away.
    pub async fn try_get(&self, path: &str) -> Option<Answer> {
        self.try_send("GET", path, &[], "").await.ok()
    }

    /// As [`Client::submit`], of a server that may die meanwhile; `None` when no answer came.
    pub async fn try_submit(&self, page: &str, fields: &[(&str, &str)]) -> Option<Answer> {
        let opened = self.try_get(page).await.filter(|answer| answer.status == 200)?;
        let mut form = opened.form(page, "");
        for (name, value) in fields {
            form.set(name, value);
        }
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(&form.fields);
        let headers =
            [("origin", self.base.as_str()), ("content-type", "application/x-www-form-urlencoded")];
        self.try_send("POST", &form.action, &headers, body.finish()).await.ok()
    }

    /// Opens a page.
    pub async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], "").await
    }

    /// Opens a page and follows redirects, as a browser does.
    pub async fn follow(&self, path: &str) -> Answer {
        let mut answer = self.get(path).await;
        for _ in 0..5 {
            if !(300..400).contains(&answer.status) {
                return answer;
            }
            answer = self.get(&answer.location()).await;
        }
        panic!("too many redirects from {path}");
    }

    /// Posts pairs as a form, with the `Origin` that a browser sends.
    pub async fn post(&self, path: &str, fields: &[(String, String)]) -> Answer {
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(fields);
        let headers =
            [("origin", self.base.as_str()), ("content-type", "application/x-www-form-urlencoded")];
        self.send("POST", path, &headers, body.finish()).await
    }

    /// Fills in and sends the main form of a page: the last one that posts.
    pub async fn submit(&self, page: &str, fields: &[(&str, &str)]) -> Answer {
        let form = self.get(page).await.form(page, "");
        self.fill(form, fields).await
    }

    /// Fills in and sends the form of a page whose address or button contains `which`.
    pub async fn submit_form(&self, page: &str, which: &str, fields: &[(&str, &str)]) -> Answer {
        let form = self.get(page).await.form(page, which);
        self.fill(form, fields).await
    }

    /// Sends a form of a page that is open already.
    pub async fn fill(&self, mut form: PageForm, fields: &[(&str, &str)]) -> Answer {
        for (name, value) in fields {
            form.set(name, value);
        }
        self.post(&form.action, &form.fields).await
    }

    /// Makes a workspace through the form.
    pub async fn workspace(&self, handle: &str) -> String {
        let answer = self.submit("/workspaces/new", &[("handle", handle)]).await;
        answer.assert_status(303);
        answer.location().trim_end_matches("/settings").to_owned()
    }
}

impl Answer {
    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {}", self.text))
    }

    /// A header's first value.
    pub fn header(&self, name: &str) -> Option<String> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    }

    /// Where it redirects to.
    pub fn location(&self) -> String {
        self.header("location")
            .unwrap_or_else(|| panic!("{} is no redirect: {}", self.status, self.visible()))
    }

    #[track_caller]
    pub fn assert_status(&self, status: u16) -> &Self {
        assert_eq!(
            self.status,
            status,
            "{} {}",
            self.header("location").unwrap_or_default(),
            self.visible()
        );
        self
    }

    #[track_caller]
    pub fn assert_redirect_to(&self, path: &str) -> &Self {
        self.assert_status(303);
        assert_eq!(self.location(), path);
        self
    }

    /// The page's visible text, white space folded.
    pub fn visible(&self) -> String {
        let page = Html::parse_document(&self.text);
        let root = page.select(&selector("body")).next();
        folded(&root.map(|body| body.text().collect::<Vec<_>>().join(" ")).unwrap_or_default())
    }

    #[track_caller]
    pub fn shows(&self, text: &str) -> &Self {
        let visible = self.visible();
        assert!(visible.contains(text), "{text:?} is not in {visible}");
        self
    }

    #[track_caller]
    pub fn lacks(&self, text: &str) -> &Self {
        let visible = self.visible();
        assert!(!visible.contains(text), "{text:?} is in {visible}");
        self
    }

    /// The texts of what a selector finds.
    pub fn select(&self, css: &str) -> Vec<String> {
        let page = Html::parse_document(&self.text);
        page.select(&selector(css)).map(|found| folded(&found.text().collect::<String>())).collect()
    }

    /// An attribute of what a selector finds.
    pub fn attributes(&self, css: &str, name: &str) -> Vec<String> {
        let page = Html::parse_document(&self.text);
        page.select(&selector(css))
            .filter_map(|found| found.attr(name).map(str::to_owned))
            .collect()
    }

    /// The address of a link by its words.
    #[track_caller]
    pub fn link(&self, words: &str) -> String {
        let page = Html::parse_document(&self.text);
        let found = page
            .select(&selector("a[href]"))
            .find(|link| folded(&link.text().collect::<String>()) == words)
            .and_then(|link| link.attr("href").map(str::to_owned));
        found.unwrap_or_else(|| panic!("no link {words:?} in {}", self.visible()))
    }

    /// All addresses that contain something.
    pub fn links_containing(&self, part: &str) -> Vec<String> {
        self.attributes("a[href]", "href").into_iter().filter(|href| href.contains(part)).collect()
    }

    /// A form of the page, as a browser would send it unchanged.
    #[track_caller]
    pub fn form(&self, page: &str, which: &str) -> PageForm {
        assert_eq!(
            self.status,
            200,
            "{page}: {} {}",
            self.header("location").unwrap_or_default(),
            self.visible()
        );
        self.form_anyway(page, which)
    }

    /// As [`Answer::form`], also of a page that shows problems.
    #[track_caller]
    pub fn form_anyway(&self, page: &str, which: &str) -> PageForm {
        let document = Html::parse_document(&self.text);
        let form = document
            .select(&selector("main form[method=post]"))
            .rfind(|form| {
                let action = form.attr("action").unwrap_or_default();
                let button = folded(&form.text().collect::<String>());
                action.contains(which) || button.contains(which)
            })
            .unwrap_or_else(|| panic!("no form {which:?} in {}", self.visible()));
        let action = form.attr("action").filter(|action| !action.is_empty()).unwrap_or(page);
        PageForm { action: action.to_owned(), fields: fields(form) }
    }
}

fn fields(form: ElementRef<'_>) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    for field in form.select(&selector("input[name], textarea[name], select[name]")) {
        let name = field.attr("name").unwrap_or_default().to_owned();
        let value = match field.value().name() {
            "textarea" => field.text().collect(),
            "select" => field
                .select(&selector("option"))
                .find(|option| option.attr("selected").is_some())
                .or_else(|| field.select(&selector("option:not([disabled])")).next())
                .map(|option| option.attr("value").unwrap_or_default().to_owned())
                .unwrap_or_default(),
            _ => {
                let kind = field.attr("type").unwrap_or("text");
                let is_choice = matches!(kind, "checkbox" | "radio");
                if is_choice && field.attr("checked").is_none() {
                    continue;
                }
                field.attr("value").unwrap_or(if is_choice { "on" } else { "" }).to_owned()
            }
        };
        fields.push((name, value));
    }
    fields
}

/// A program with a key.
pub struct ApiClient {
    base: String,
    http: reqwest::Client,
    key: String,
}

impl ApiClient {
    pub fn new(base: String, address: IpAddr, key: &str) -> Self {
        Self { base, http: http(address), key: key.to_owned() }
    }

    /// Calls an endpoint; an empty key sends none.
    pub async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, None).await
    }

    /// Sends JSON to an endpoint.
    pub async fn post(&self, path: &str, body: serde_json::Value) -> Answer {
        self.send("POST", path, Some(body)).await
    }

    /// Calls an endpoint with any method, and JSON where there is some.
    pub async fn send(&self, method: &str, path: &str, body: Option<serde_json::Value>) -> Answer {
        self.try_send(method, path, body).await.unwrap()
    }

    /// Its key.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Sends a text as JSON, to the letter.
    pub async fn send_text(&self, method: &str, path: &str, body: String) -> Answer {
        self.try_send_text(method, path, Some(body)).await.unwrap()
    }

    /// Calls an endpoint; nothing where the server is gone.
    pub async fn try_send(
        &self,
        method: &str,
        path: &str,
        body: Option<serde_json::Value>,
    ) -> Option<Answer> {
        self.try_send_text(method, path, body.map(|body| body.to_string())).await
    }

    async fn try_send_text(
        &self,
        method: &str,
        path: &str,
        body: Option<String>,
    ) -> Option<Answer> {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if !self.key.is_empty() {
            request = request.header("authorization", format!("Bearer {}", self.key));
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body);
        }
        Some(answer(request.send().await.ok()?).await)
    }
}
