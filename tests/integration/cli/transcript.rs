//! What an operator sees, to be compared with what is in `snapshots/`.
//!
//! A text that has changed on purpose is taken over with `INSTA_UPDATE=always cargo test`, and looked at in the diff.

use std::fmt::Write;

use mongrate_tests::{MyApp, Ran, TestDb};

/// Some calls in a row. Lines of stderr begin with an exclamation mark.
#[derive(Debug)]
pub(crate) struct Transcript {
    pub(crate) app: MyApp,
    text: String,
}

/// What differs from one run to the next. Columns are as wide as what is in them, so that their spaces differ, too.
const FILTERS: [(&str, &str); 13] = [
    (r"\d{4}-\d\d-\d\dT[\d:.]+Z", "<time>"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "<time>"),
    (r"\b(\d+ ms|\d+\.\d s)\b", "<took>"),
    (r"duration_ms=\d+", "duration_ms=<took>"),
    (r"process \d+ on [\w.-]+", "process <pid> on <host>"),
    (r"t2:[0-9a-f]{64}", "t2:<checksum>"),
    (r"(migrations|main)\.rs:\d+", "$1.rs:<line>"),
    (r"127\.0\.0\.1:\d+", "<host>:<port>"),
    (r"\btest_\d+_\d+\b", "<database>"),
    (r"(\S) {2,}", "$1  "),
    (r" +\n", "\n"),
    // As 7.0 puts it.
    ("invalid character in a db name", "invalid character in the database name"),
    // Logged only if it takes a while.
    (r"! stopping; waiting for the current operation\n", ""),
];

/// Names of methods and types: nothing that an operator could type.
const NOT_ON_THE_COMMAND_LINE: [&str; 14] = [
    "mark_applied",
    "mark_pending",
    "force_unlock",
    "lock_wait",
    "lock_status",
    "with_dependents",
    "continue_on_error",
    "Migrator",
    "Registry",
    "Policy::",
    "Transactions::",
    ".only(",
    "(..)",
    "registry",
];

impl Transcript {
    pub(crate) fn on(db: &TestDb) -> Self {
        Self::of(MyApp::on(db))
    }

    pub(crate) fn of(app: MyApp) -> Self {
        Self { app, text: String::new() }
    }

    /// Calls the program with these words, of which those in quotes belong together.
    pub(crate) async fn run(&mut self, words: &str) -> &mut Self {
        let ran = self.app.run(split(words)).await;
        self.note(words, &ran);
        self
    }

    /// Notes a call that was started elsewhere.
    pub(crate) fn note(&mut self, words: &str, ran: &Ran) {
        for name in NOT_ON_THE_COMMAND_LINE {
            assert!(!ran.stdout.contains(name) && !ran.stderr.contains(name), "'{name}' in\n{ran}");
        }
        let code = if ran.code == 0 { String::new() } else { format!("  [exit code {}]", ran.code) };
        writeln!(self.text, "$ {} migrate {words}{code}", self.app.name()).unwrap();
        for line in ran.stdout.lines() {
            writeln!(self.text, "  {line}").unwrap();
        }
        for line in ran.stderr.lines() {
            writeln!(self.text, "! {line}").unwrap();
        }
        self.text.push('\n');
    }

    /// What happens beside it.
    pub(crate) fn remark(&mut self, remark: &str) -> &mut Self {
        writeln!(self.text, "# {remark}\n").unwrap();
        self
    }

    /// Compares it with the snapshot of this name.
    pub(crate) fn is(&self, name: &str) {
        let mut settings = insta::Settings::clone_current();
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        for (pattern, shown) in FILTERS {
            settings.add_filter(pattern, shown);
        }
        settings.bind(|| insta::assert_snapshot!(name, self.text.trim_end()));
    }
}

fn split(words: &str) -> Vec<String> {
    let parts = words.split('"').enumerate();
    parts
        .flat_map(|(place, part)| match place % 2 {
            0 => part.split_whitespace().map(str::to_owned).collect(),
            _ => vec![part.to_owned()],
        })
        .collect()
}
