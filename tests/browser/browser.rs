//! A browser, driven as a person would: by what is shown.

use std::thread;
use std::time::Duration;

use mongrate_tests::{Scratch, eventually};
use serde_json::{Value, json};
use thirtyfour::prelude::{By, ChromiumLikeCapabilities, DesiredCapabilities, WebDriver, WebElement};
use thirtyfour::{BrowserLogEntry, CapabilitiesHelper};
use tokio::time::{sleep, timeout};

use crate::chromedriver::Chromedriver;
use crate::quiet::Turn;
use crate::served::Served;

const LIMIT: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(50);

const ARGUMENTS: [&str; 8] = [
    "headless",
    "no-sandbox",
    "disable-gpu",
    "disable-quic",
    "no-first-run",
    "disable-background-networking",
    "disable-component-update",
    "disable-sync",
];

/// A browser with a profile of its own. A scenario ends with [`finish`](Self::finish), in `checks.rs`.
pub(crate) struct Browser {
    pub(crate) driver: WebDriver,
    pub(crate) origins: Vec<String>,
    pub(crate) is_checked: bool,
    site: String,
    // Dropped in this order.
    _chromedriver: Chromedriver,
    _profile: Scratch,
    _turn: Turn,
}

impl Browser {
    /// Opens a browser and the overview, which shows the form to sign in.
    pub(crate) async fn open(served: &Served) -> Self {
        Self::open_in(Turn::beside_others().await, served).await
    }

    /// Opens a browser while no other one is open.
    pub(crate) async fn alone(served: &Served) -> Self {
        Self::open_in(Turn::alone().await, served).await
    }

    async fn open_in(turn: Turn, served: &Served) -> Self {
        let (chromedriver, profile) = (Chromedriver::start().await, Scratch::new());
        let mut capabilities = DesiredCapabilities::chrome();
        for argument in ARGUMENTS {
            capabilities.add_arg(&format!("--{argument}")).unwrap();
        }
        capabilities.add_arg("--window-size=1280,900").unwrap();
        capabilities.add_arg(&format!("--user-data-dir={}", profile.path().display())).unwrap();
        capabilities.set("goog:loggingPrefs", json!({ "browser": "ALL", "performance": "ALL" })).unwrap();
        let driver = WebDriver::builder(chromedriver.url(), capabilities).request_timeout(Duration::from_secs(60));
        let driver = driver.connect().await.expect("no browser; install the package chromium");
        let browser = Self {
            driver,
            origins: vec![served.origin.clone()],
            is_checked: false,
            site: served.view(""),
            _chromedriver: chromedriver,
            _profile: profile,
            _turn: turn,
        };
        browser.goto("").await;
        browser
    }

    /// Opens a browser and signs in.
    pub(crate) async fn signed_in(served: &Served, token: &str) -> Self {
        let browser = Self::open(served).await;
        browser.sign_in(token).await;
        browser.see("Sign out").await;
        browser
    }

    /// Fills in the form to sign in, and sends it.
    pub(crate) async fn sign_in(&self, token: &str) {
        self.fill("token", token).await;
        self.press("Sign in").await;
    }

    /// Opens a view of the page, such as `history`.
    pub(crate) async fn goto(&self, view: &str) {
        self.driver.goto(format!("{}{view}", self.site)).await.unwrap();
    }

    /// Opens another application, which may be asked from now on.
    pub(crate) async fn visit(&mut self, served: &Served) {
        self.origins.push(served.origin.clone());
        self.driver.goto(&served.origin).await.unwrap();
    }

    /// Clicks the first visible link, button or summary with this text.
    pub(crate) async fn press(&self, text: &str) {
        self.click(
            By::XPath(format!("//*[(self::a or self::button or self::summary) and normalize-space()='{text}']")),
            text,
        )
        .await;
    }

    /// Clicks the first visible element that matches a selector.
    pub(crate) async fn press_css(&self, selector: &str) {
        self.click(By::Css(selector), selector).await;
    }

    async fn click(&self, by: By, name: &str) {
        eventually(&format!("'{name}' to click"), async || {
            // A live region may be replaced between finding and clicking.
            self.first(by.clone()).await?.click().await.ok()
        })
        .await;
    }

    /// Replaces the text of the first visible field with this name.
    pub(crate) async fn fill(&self, name: &str, text: &str) {
        let selector = format!("[name='{name}']");
        let field = eventually(&selector, async || self.first(By::Css(&selector)).await).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// The first visible element.
    pub(crate) async fn first(&self, by: By) -> Option<WebElement> {
        for element in self.driver.find_all(by).await.unwrap() {
            if element.is_displayed().await.unwrap_or(false) {
                return Some(element);
            }
        }
        None
    }

    /// Waits until a text is shown.
    pub(crate) async fn see(&self, text: &str) {
        let awaited = timeout(LIMIT, async {
            while !self.shows(text).await {
                sleep(POLL).await;
            }
        });
        if awaited.await.is_err() {
            let (address, body) = (self.address().await, self.text("body").await);
            panic!("waited {LIMIT:?} in vain for '{text}' on {address}:\n{body}");
        }
    }

    /// Whether a text is shown now.
    pub(crate) async fn shows(&self, text: &str) -> bool {
        self.text("body").await.contains(text)
    }

    /// The visible text of the first element that matches, or an empty text.
    pub(crate) async fn text(&self, selector: &str) -> String {
        let script = "const found = document.querySelector(arguments[0]); return found ? found.innerText : ''";
        self.ask(script, &[json!(selector)]).await.as_str().unwrap().to_owned()
    }

    /// How many elements match.
    pub(crate) async fn count(&self, selector: &str) -> u64 {
        self.ask("return document.querySelectorAll(arguments[0]).length", &[json!(selector)]).await.as_u64().unwrap()
    }

    /// What a script returns.
    pub(crate) async fn ask(&self, script: &str, arguments: &[Value]) -> Value {
        self.driver.execute(script, arguments.to_vec()).await.unwrap().json().clone()
    }

    /// Waits until a script returns `true`.
    pub(crate) async fn wait_for(&self, condition: &str, script: &str) {
        eventually(condition, async || (self.ask(script, &[]).await == true).then_some(())).await;
    }

    /// Presses a key, wherever the focus is.
    pub(crate) async fn type_keys(&self, key: impl Into<char>) {
        self.driver.action_chain().send_keys(key.into().to_string()).perform().await.unwrap();
    }

    /// Sends a command of Chromium's protocol for developer tools.
    pub(crate) async fn devtools(&self, command: &str, parameters: Value) -> Value {
        self.driver.cdp().send_raw(command, parameters).await.unwrap()
    }

    /// The end of the address after the page's own, such as `run?id=1`.
    pub(crate) async fn address(&self) -> String {
        let url = self.driver.current_url().await.unwrap().to_string();
        url.rsplit_once('/').unwrap().1.to_owned()
    }

    /// Waits for the one line that the browser has logged: a server refused something with this status.
    pub(crate) async fn refused(&self, status: u16) {
        let log = eventually("a refusal in the log of the browser", async || {
            let log = self.log().await;
            (!log.is_empty()).then_some(log)
        })
        .await;
        assert!(log.len() == 1 && log[0].message.contains(&format!("status of {status}")), "{log:?}");
    }

    /// The lines that the browser has logged since the last call.
    pub(crate) async fn log(&self) -> Vec<BrowserLogEntry> {
        self.driver.browser_log().await.unwrap()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The session ends with its chromedriver. The driver's own way would need the runtime, which this blocks.
        let _ = self.driver.clone().leak();
        assert!(self.is_checked || thread::panicking(), "a scenario ends with `finish`");
    }
}
