//! What holds for every page: axe finds nothing, nothing sticks out at the side, the console is silent.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::{Browser, Script};

const AXE: &str = include_str!("../../browser/axe.min.js");

const RUN_AXE: &str = "
const done = arguments[0];
const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
axe.run(document, { runOnly: { type: 'tag', values: tags }, resultTypes: ['violations'] }).then(
  (result) => done(result.violations.flatMap((rule) =>
    rule.nodes.map((node) => `${rule.id}: ${rule.help}\\n    ${node.html}\\n    ${node.failureSummary}`))),
  (error) => done([`axe failed: ${error}`]));";

/// Whatever ends right of the window and is not cut off by something around it.
const STICKS_OUT: &str = "
const width = document.documentElement.clientWidth;
if (document.documentElement.scrollWidth <= width) return [];
return [...document.body.querySelectorAll('*')]
  .filter((e) => e.getBoundingClientRect().right > width + .5)
  .map((e) => `${e.outerHTML.slice(0, 160)} ends at ${e.getBoundingClientRect().right}`)
  .concat([`the page is ${document.documentElement.scrollWidth} wide`]);";

const TRANSFERRED: &str = "
const [page] = performance.getEntriesByType('navigation');
const parts = performance.getEntriesByType('resource');
const wanted = document.querySelectorAll('link[rel=stylesheet], script[src]').length;
if (!page.loadEventEnd || parts.length < wanted) return [];
return [page, ...parts].map((entry) => [entry.name, entry.transferSize]);";

/// Server-sent events begin when `hear()` is called.
const DEAF: &str = "
const Source = window.EventSource;
window.EventSource = function (url) {
  const late = Object.assign(new EventTarget(), { close() {} });
  window.hear = () => {
    const source = new Source(url);
    for (const name of ['open', 'message', 'error'])
      source.addEventListener(name, () => late.dispatchEvent(new Event(name)));
  };
  return late;
};";

impl Browser {
    /// The window's width in CSS pixels.
    pub async fn width(&self, width: u32) -> &Self {
        let metrics =
            json!({ "width": width, "height": 800, "deviceScaleFactor": 1, "mobile": false });
        self.cdp("Emulation.setDeviceMetricsOverride", metrics).await.unwrap();
        self
    }

    /// What the device says about itself: "light" or "dark".
    pub async fn device_theme(&self, theme: &str) -> &Self {
        self.media("", theme).await
    }

    /// Shows the page as it is printed.
    pub async fn on_paper(&self) -> &Self {
        self.media("print", "light").await
    }

    async fn media(&self, media: &str, theme: &str) -> &Self {
        let features = json!([
            { "name": "prefers-color-scheme", "value": theme },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ]);
        self.cdp("Emulation.setEmulatedMedia", json!({ "media": media, "features": features }))
            .await
            .unwrap();
        self
    }

    /// All that holds for every page, and its pictures: wide and narrow, light and dark.
    pub async fn is_sound(&self, name: &str) -> &Self {
        for (width, theme) in [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")] {
            self.width(width).await.device_theme(theme).await;
            self.has_no_accessibility_violations().await;
            if self.script == Script::On {
                self.looks(&format!("{name}-{width}-{theme}")).await;
            }
            self.has_no_sideways_scroll().await;
        }
        self.width(320).await.has_no_sideways_scroll().await;
        self.width(1280).await.device_theme("light").await;
        self.console_is_silent().await
    }

    /// The page stands at its top.
    pub async fn is_at_its_top(&self) -> &Self {
        let down = self.driver.execute("return window.scrollY", Vec::new()).await.unwrap();
        let down = down.convert::<f64>().unwrap();
        self.none(&if down > 0.0 { vec![format!("{down} px down")] } else { Vec::new() }, "opened")
            .await
    }

    /// Nothing lies below the window's lower edge.
    pub async fn has_no_downward_scroll(&self) -> &Self {
        let hidden = "const e = document.documentElement; return e.scrollHeight - e.clientHeight";
        let hidden: f64 = self.driver.execute(hidden, Vec::new()).await.unwrap().convert().unwrap();
        let found = if hidden > 0.0 { vec![format!("{hidden} px more")] } else { Vec::new() };
        self.none(&found, "too high").await
    }

    /// Pages opened from now on are told nothing by the server before [`Self::hears`].
    pub async fn is_deaf(&self) -> &Self {
        let source = json!({ "source": DEAF });
        self.cdp("Page.addScriptToEvaluateOnNewDocument", source).await.unwrap();
        self
    }

    /// The page that is open listens from now on.
    pub async fn hears(&self) -> &Self {
        self.driver.execute("hear()", Vec::new()).await.unwrap();
        self
    }

    /// axe finds nothing; it is a script itself, so only where scripts run.
    pub async fn has_no_accessibility_violations(&self) -> &Self {
        if self.script == Script::Off {
            return self;
        }
        let loaded =
            self.driver.execute("return typeof axe === 'object'", Vec::new()).await.unwrap();
        if !loaded.convert::<bool>().unwrap() {
            self.driver.execute(AXE, Vec::new()).await.unwrap();
        }
        let found = self.driver.execute_async(RUN_AXE, Vec::new()).await.unwrap();
        self.none(&found.convert::<Vec<String>>().unwrap(), "axe").await
    }

    /// Nothing is wider than the window.
    pub async fn has_no_sideways_scroll(&self) -> &Self {
        let found = self.driver.execute(STICKS_OUT, Vec::new()).await.unwrap();
        self.none(&found.convert::<Vec<String>>().unwrap(), "too wide").await
    }

    /// The browser complains about nothing: no script errors, nothing that the Content-Security-Policy stopped. A page
    /// may answer with an error status of its own; what it is made of may not.
    pub async fn console_is_silent(&self) -> &Self {
        let said: Vec<String> = self
            .driver
            .browser_log()
            .await
            .unwrap()
            .into_iter()
            .filter(|entry| matches!(entry.level.as_str(), "SEVERE" | "WARNING"))
            .map(|entry| entry.message)
            .filter(|message| {
                message.contains("/static/")
                    || !message.contains("the server responded with a status of 4")
            })
            .collect();
        self.none(&said, "console").await
    }

    /// The bytes of everything the first visit loads; the browser counts them a little later.
    pub async fn transferred(&self) -> Vec<(String, u64)> {
        let mut loaded = Vec::new();
        for _ in 0..100 {
            loaded = self.driver.execute(TRANSFERRED, Vec::new()).await.unwrap().convert().unwrap();
            if !loaded.is_empty() {
                break;
            }
            actix_rt::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        loaded
    }

    async fn none(&self, found: &[String], what: &str) -> &Self {
        if !found.is_empty() {
            self.fail(&format!("{what}: {}", found.join("\n  "))).await;
        }
        self
    }

    /// Keeps a picture of the whole page for people to look at: target/pictures/{name}.png.
    pub async fn looks(&self, name: &str) -> &Self {
        self.picture(name).await;
        self
    }

    pub(super) async fn picture(&self, name: &str) {
        let Ok(metrics) = self.cdp("Page.getLayoutMetrics", json!({})).await else { return };
        let size = &metrics["cssContentSize"];
        let clip =
            json!({ "x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1 });
        let wish = json!({ "format": "png", "captureBeyondViewport": true, "clip": clip });
        let Ok(picture) = self.cdp("Page.captureScreenshot", wish).await else { return };
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/pictures");
        std::fs::create_dir_all(&folder).unwrap();
        let png = STANDARD.decode(picture["data"].as_str().unwrap()).unwrap();
        std::fs::write(folder.join(format!("{name}.png")), png).unwrap();
    }
}
