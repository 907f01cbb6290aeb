//! What holds of every view, at the end of every scenario.

use std::path::PathBuf;
use std::{env, fs};

use serde_json::{Value, json};

use crate::browser::Browser;

/// Returns what axe-core objects to.
const AXE: &str = "
    const done = arguments[arguments.length - 1];
    const tags = ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'];
    axe.run(document, { runOnly: { type: 'tag', values: tags } }).then(
        ({ violations }) => done(violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => node.target).join(', ')}`)),
        (error) => done([String(error)]));";

impl Browser {
    /// Checks the view as it is, and that the browser has logged nothing and asked no other host. Every scenario ends with this.
    pub(crate) async fn finish(mut self) {
        self.check().await;
        let log = self.log().await;
        assert!(log.is_empty(), "the browser has logged {log:#?}");
        self.check_requests().await;
        self.is_checked = true;
    }

    /// Checks the view for accessibility in light, in dark and on a narrow screen, where nothing may have to be scrolled sideways.
    pub(crate) async fn check(&self) {
        let address = self.address().await;
        if self.ask("return typeof axe", &[]).await == "undefined" {
            self.driver.execute(axe(), Vec::new()).await.unwrap();
        }
        for scheme in ["light", "dark"] {
            self.prefer(scheme).await;
            self.check_access(&format!("{address} in {scheme}")).await;
        }
        self.narrow(true).await;
        self.check_access(&format!("{address} at 360 px")).await;
        let width = self.ask("return document.documentElement.scrollWidth", &[]).await;
        assert!(width.as_u64().unwrap() <= 360, "{address} is {width} px wide on a screen of 360 px");
        self.narrow(false).await;
        self.prefer("").await;
    }

    /// Makes the system's color scheme `light`, `dark` or what it was.
    pub(crate) async fn prefer(&self, scheme: &str) {
        let feature = json!({ "name": "prefers-color-scheme", "value": scheme });
        self.devtools("Emulation.setEmulatedMedia", json!({ "features": [feature] })).await;
    }

    /// Makes the screen as narrow as that of a phone, or as wide as it was.
    pub(crate) async fn narrow(&self, is_narrow: bool) {
        let phone = json!({ "width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": true });
        let (command, parameters) = if is_narrow {
            ("Emulation.setDeviceMetricsOverride", phone)
        } else {
            ("Emulation.clearDeviceMetricsOverride", json!({}))
        };
        self.devtools(command, parameters).await;
    }

    async fn check_access(&self, view: &str) {
        let violations = self.driver.execute_async(AXE, Vec::new()).await.unwrap().json().clone();
        assert_eq!(violations, json!([]), "{view} is not accessible");
    }

    async fn check_requests(&self) {
        let asked = self.requests().await;
        // Neither leaves the browser: data in the address, and the page of a new tab.
        let is_ours = |url: &String| {
            url.starts_with("data:")
                || url.starts_with("chrome")
                || self.origins.iter().any(|origin| url.starts_with(origin))
        };
        let foreign: Vec<_> = asked.iter().filter(|url| !is_ours(url)).collect();
        assert!(foreign.is_empty(), "the browser has asked {foreign:#?}");
        assert!(!asked.is_empty(), "the log of requests is empty, so it proves nothing");
    }

    /// The addresses that the browser has requested since the last call.
    pub(crate) async fn requests(&self) -> Vec<String> {
        let lines = self.driver.get_log("performance").await.unwrap();
        let messages = lines.iter().map(|line| serde_json::from_str::<Value>(&line.message).unwrap()["message"].take());
        let requests = messages.filter(|message| message["method"] == "Network.requestWillBeSent");
        requests.map(|message| message["params"]["request"]["url"].as_str().unwrap().to_owned()).collect()
    }
}

/// The source of axe-core, which is not part of the repository.
fn axe() -> String {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/axe");
    let path = env::var_os("AXE").map_or_else(|| folder.join("axe.min.js"), PathBuf::from);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}; run .ci/axe to fetch it", path.display()))
}
