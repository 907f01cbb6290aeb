//! Nobody's name or password is ever told, whatever goes wrong and however much is asked for.

use futures_util::future::join_all;
use mongrate_tests::{MyApp, Ran, TestDb};

const USER: &str = "maria-kovacs";
const PASSWORD: &str = "correct-horse";

/// Neither is in anything that was written, nor a part that would tell.
fn is_discreet(ran: &Ran, called: &str) {
    let all = format!("{}{}", ran.stdout, ran.stderr).to_lowercase();
    for secret in [USER, PASSWORD, "kovacs", "horse"] {
        assert!(!all.contains(secret), "'{secret}' is told by {called}\n{ran}");
    }
}

/// The same connection string as an option and as a variable, for people and for programs, with all that is logged.
async fn each_way(uri: &str, words: &str) -> Vec<Ran> {
    let by_option = MyApp::anywhere().at(uri);
    let by_variable = MyApp::anywhere().with("MONGODB_URI", uri);
    let calls = [&by_option, &by_variable]
        .into_iter()
        .flat_map(|app| ["-vvv", "-vvv --format json"].map(|how| (app, format!("{words} {how}"))));
    let ran = calls.map(async |(app, words)| {
        let ran = app.run(words.split(' ')).await;
        is_discreet(&ran, &format!("{uri}: {words}"));
        ran
    });
    join_all(ran).await
}

#[tokio::test]
async fn not_when_no_server_is_there() {
    for server in ["127.0.0.1:1/shop", "127.0.0.1:1,127.0.0.1:2/shop?replicaSet=rs0", "no-such-host.invalid/shop"] {
        let option = if server.contains('?') { '&' } else { '?' };
        let uri = format!("mongodb://{USER}:{PASSWORD}@{server}{option}serverSelectionTimeoutMS=200");
        for words in ["status", "up", "deploy"] {
            for ran in each_way(&uri, words).await {
                assert_eq!(ran.code, 4, "{ran}");
            }
        }
    }
}

#[tokio::test]
async fn not_when_the_server_does_not_know_the_user() {
    let db = TestDb::new().await;
    let uri = MyApp::uri(&db).replacen("mongodb://", &format!("mongodb://{USER}:{PASSWORD}@"), 1);
    for words in ["status", "up", "validate", "lock release --confirm --because x"] {
        for ran in each_way(&uri, words).await {
            assert_eq!(ran.code, 1, "{ran}");
            assert!(ran.stderr.contains("help: check the user, the password"), "{ran}");
        }
    }
}

#[tokio::test]
async fn not_when_it_is_no_connection_string() {
    let malformed = [
        format!("mongodb://{USER}:{PASSWORD}"),
        format!("mongodb://{USER}:{PASSWORD}/shop"),
        format!("mongodb://{USER}:{PASSWORD}@"),
        format!("mongodb://{USER}:{PASSWORD}@/shop"),
        format!("mongodb://{USER}:{PASSWORD}@localhost:port/shop"),
        format!("mongodb://{USER}:{PASSWORD}@localhost:123456789/shop"),
        format!("mongodb://{USER}:{PASSWORD}@local host/shop"),
        format!("mongodb://{USER}:{PASSWORD}@localhost/sh$op"),
        format!("mongodb://{USER}:{PASSWORD}@localhost/shop?replicaSet="),
        format!("mongodb://{USER}:{PASSWORD}@localhost/shop?w=1&journal=maybe"),
        format!("mongodb://{USER}:{PASSWORD}@localhost/shop?authMechanism=SCRAM-{PASSWORD}"),
        format!("mongodb://localhost/shop?authMechanismProperties={USER}:{PASSWORD}"),
        format!("mongodb://localhost/shop?tls=true&tlsCertificateKeyFilePassword={PASSWORD}&tls=false"),
        format!("mongodb://localhost/shop?proxyHost=a&proxyUsername={USER}&proxyPassword={PASSWORD}&foo"),
        format!("mongodb://{USER}:{PASSWORD}/@localhost/shop"),
        format!("mongodb://{USER}:{PASSWORD}@{PASSWORD}@localhost/shop"),
        format!("mongodb://{USER}:%zz{PASSWORD}@localhost/shop"),
        format!("mongodb://{USER}@corp:{PASSWORD}@localhost/shop"),
        format!("mongodb:/{USER}:{PASSWORD}@localhost/shop"),
        format!("mongo://{USER}:{PASSWORD}@localhost/shop"),
        format!("{USER}:{PASSWORD}@localhost/shop"),
        format!("{USER}:{PASSWORD}"),
        format!(" mongodb://{USER}:{PASSWORD}@localhost:1/shop"),
        format!("mongodb+srv://{USER}:{PASSWORD}@localhost/shop"),
        format!("mongodb+srv://{USER}:{PASSWORD}@a.b.invalid:27017/shop"),
    ];
    for uri in malformed {
        for ran in each_way(&uri, "status").await {
            assert_ne!(ran.code, 0, "{ran}");
        }
    }
}

/// An option without its name, or in its place another one.
#[tokio::test]
async fn not_when_it_is_where_it_does_not_belong() {
    let uri = format!("mongodb://{USER}:{PASSWORD}@localhost:1/shop");
    let db = TestDb::new().await;
    for before in [
        "status",
        "status --url",
        "up",
        "up --to",
        "run",
        "down --yes",
        "show",
        "accept",
        "mark applied --yes",
        "lock",
        "--database",
        "prune --yes",
        "history --source",
        "status --format",
        "up --timeout",
        "",
        "up --lock-wait",
        "baseline",
        "lock release --confirm --by x --because y",
        "validate --uri mongodb://localhost/shop --uri",
    ] {
        for uri in [uri.clone(), format!("--={uri}"), format!("--uri={uri} --url={uri}")] {
            let words = format!("{before} {uri}");
            let ran = MyApp::on(&db).run(words.split(' ').filter(|word| !word.is_empty())).await;
            is_discreet(&ran, &words);
        }
    }
}

/// Whatever characters the password has, which may end a connection string in a sentence, in JSON, or in a shell.
#[tokio::test]
async fn not_whatever_characters_they_have() {
    let db = TestDb::new().await;
    for (password, secrets) in [
        ("correct'kovacs horse", &["correct", "kovacs", "horse"][..]),
        ("correct`kovacs`horse", &["correct", "kovacs", "horse"]),
        ("correct \"kovacs\" horse", &["correct", "kovacs", "horse"]),
        ("correct\\kovacs\thorse", &["correct", "kovacs", "horse"]),
        ("correct\nkovacs\u{1b}horse", &["correct", "kovacs", "horse"]),
        ("correct@kovacs://horse", &["correct", "kovacs", "horse"]),
    ] {
        for uri in [
            format!("mongodb://maria:{password}@localhost:1/shop"),
            format!("mongodb+srv://maria:{password}@localhost"),
            format!("mongodb://maria:{password}"),
        ] {
            for before in [
                "status",
                "status --url",
                "up",
                "up --to",
                "down --yes",
                "show",
                "accept",
                "mark applied --yes",
                "lock",
                "--database",
                "prune --yes",
                "history --source",
                "history --migration",
                "status --format",
                "up --timeout",
                "",
                "baseline",
                "lock release --confirm --by x --because",
                "mark applied 001_create_users --yes --by",
            ] {
                for how in ["-v", "--format=json"] {
                    let words = before.split(' ').filter(|word| !word.is_empty());
                    let ran = MyApp::on(&db).run(words.chain([uri.as_str(), how])).await;
                    let all = format!("{}{}", ran.stdout, ran.stderr).to_lowercase();
                    for secret in secrets.iter().chain(&["maria"]) {
                        assert!(!all.contains(secret), "'{secret}' is told by {before} {uri:?}\n{ran}");
                    }
                }
            }
        }
    }
    // Without quotes the shell makes several arguments of one.
    for before in ["show", "status", "up", "mark applied --yes"] {
        let words = format!("{before} mongodb://maria:correct kovacs horse@localhost/shop");
        let ran = MyApp::on(&db).run(words.split(' ')).await;
        let all = format!("{}{}", ran.stdout, ran.stderr);
        for secret in ["maria", "correct", "kovacs", "horse"] {
            assert!(!all.contains(secret), "'{secret}' is told by {words}\n{ran}");
        }
    }
}

#[tokio::test]
async fn not_in_help() {
    let uri = format!("mongodb://{USER}:{PASSWORD}@localhost:1/shop");
    for words in ["--help", "help", "help up", "up --help", "status -h", "lock release --help", ""] {
        let app = MyApp::anywhere().with("MONGODB_URI", &uri);
        is_discreet(&app.run(words.split(' ').filter(|word| !word.is_empty())).await, words);
    }
}
