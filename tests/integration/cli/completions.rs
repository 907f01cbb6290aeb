//! Completion scripts, read by the shells that they are for.

use std::process::Command;

use mongrate_tests::{MyApp, Scratch};
use serde_json::Value;

/// The script for bash, in a file.
async fn script(called: &[&str]) -> Scratch {
    let ran = MyApp::anywhere().called(called).run(["completions", "bash"]).await;
    assert_eq!(ran.code, 0, "{ran}");
    let install = format!("`my-app {} completions bash > ~/.local", called.join(" "));
    assert!(ran.stderr.contains(&install), "{ran}");
    let scratch = Scratch::new();
    std::fs::write(scratch.path().join("my-app.bash"), ran.stdout).unwrap();
    scratch
}

fn bash(scratch: &Scratch, command: &str) -> String {
    let mut bash = Command::new("bash");
    let output = bash.args(["--norc", "-c", command]).current_dir(scratch.path()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// What bash offers after these words, of which the last one is being typed.
fn offered(scratch: &Scratch, words: &[&str]) -> Vec<String> {
    let [.., before, current] = words else { panic!("too few words") };
    let line = words.join("' '");
    let completed = format!(
        "source ./my-app.bash
        function=$(complete -p my-app | sed 's/.*-F \\([^ ]*\\) .*/\\1/')
        COMP_WORDS=('{line}'); COMP_CWORD={}
        \"$function\" my-app '{current}' '{before}'
        printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        words.len() - 1,
    );
    bash(scratch, &completed).split_whitespace().map(str::to_owned).collect()
}

#[tokio::test]
async fn bash_completes_commands_and_options() {
    let scratch = script(&["migrate"]).await;
    bash(&scratch, "bash -n my-app.bash");
    assert_eq!(offered(&scratch, &["my-app", ""]), ["migrate"]);
    assert_eq!(offered(&scratch, &["my-app", "migrate", "stat"]), ["status"]);
    let verbs = offered(&scratch, &["my-app", "migrate", ""]);
    for direction in ["status", "up", "down", "lock", "new", "completions"] {
        assert!(verbs.contains(&direction.to_owned()), "{verbs:?}");
    }
    assert_eq!(offered(&scratch, &["my-app", "migrate", "lock", "r"]), ["release"]);
    assert_eq!(offered(&scratch, &["my-app", "migrate", "new", "--rev"]), ["--reversible"]);
    assert_eq!(
        offered(&scratch, &["my-app", "migrate", "new", "--kind", ""]),
        ["tx", "schema", "backfill", "database"]
    );
    assert_eq!(offered(&scratch, &["my-app", "migrate", "up", "--format", "j"]), ["json"]);
}

#[tokio::test]
async fn they_know_where_the_commands_are_mounted() {
    let scratch = script(&["tools", "db"]).await;
    assert_eq!(offered(&scratch, &["my-app", ""]), ["tools"]);
    assert_eq!(offered(&scratch, &["my-app", "tools", ""]), ["db"]);
    assert_eq!(offered(&scratch, &["my-app", "tools", "db", "hist"]), ["history"]);
}

#[tokio::test]
async fn every_shell_gets_a_script() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let ran = MyApp::anywhere().run(["completions", shell, "--quiet"]).await;
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran}");
        assert!(ran.stdout.contains("my-app") && ran.stdout.contains("lock-file"), "{ran}");

        let told = MyApp::anywhere().run(["completions", shell, "--format", "json"]).await;
        let told: Value = serde_json::from_str(&told.stdout).unwrap();
        assert_eq!(
            (told["shell"].as_str(), told["script"].as_str().map(str::trim_end)),
            (Some(shell), Some(ran.stdout.trim_end()))
        );
    }
    let ran = MyApp::anywhere().run(["completions", "tcsh"]).await;
    assert_eq!(ran.code, 2, "{ran}");
}
