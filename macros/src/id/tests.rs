use super::{QualifiedId, Source, check, is_date, suggestion};

#[test]
fn ids_are_three_digits_or_a_date_and_a_name() {
    for id in [
        "001_create_users",
        "000_a",
        "999_with-dash",
        "001__",
        "001_2",
        "20240229_leap",
        "20260131-dash",
        "202601312_counter",
        "20260131235959_time",
        "20240109000000123-milliseconds",
    ] {
        assert_eq!(check(id), Ok(()), "{id}");
    }
    for id in [
        "",
        "_",
        "001",
        "001_",
        "001-dash",
        "01_a",
        "0001_a",
        "1234567_a",
        "202601312359591234_eighteen",
        "001_Upper",
        "001_a b",
        "001_é",
        "٠٠١_a",
        "a001_a",
        "20250229_a",
        "20261301_a",
        "20260100_a",
        "20260431_a",
        "19000229_a",
        "001_a\n",
        "module:menu:001_a",
    ] {
        assert!(check(id).is_err(), "{id}");
    }
}

#[test]
fn dates_are_those_of_the_calendar() {
    for date in ["20000229", "20240229", "20260131", "20261231235959"] {
        assert!(is_date(date), "{date}");
    }
    for date in ["19000229", "20230229", "20260631", "20260001", "20261301", "2026013"] {
        assert!(!is_date(date), "{date}");
    }
}

#[test]
fn a_near_miss_is_corrected() {
    for (id, meant) in [
        ("create_users", Some("001_create_users")),
        ("CreateUsers", Some("001_create_users")),
        ("1_Create Users", Some("001_create_users")),
        ("01-create-users", Some("001_create-users")),
        ("0007_a", Some("007_a")),
        (" 001_a ", Some("001_a")),
        ("001 - Add E-Mail!", Some("001_add_e-mail")),
        ("20260131 users", Some("20260131_users")),
        ("1000_a", None),
        ("001", None),
        ("", None),
        ("20250229_users", None),
        ("20240109000000123 Users", Some("20240109000000123_users")),
        ("ü", None),
    ] {
        assert_eq!(suggestion(id).as_deref(), meant, "{id}");
        if let Some(meant) = meant {
            assert_eq!(check(meant), Ok(()), "{id}");
        }
    }
}

#[test]
fn a_message_names_the_id_the_problem_and_an_example() {
    let message = check("1_Create Users").unwrap_err();
    for part in [
        "`1_Create Users` is not an id",
        "`1` has 1 digit",
        "did you mean `001_create_users`?",
        "like `001_create_users`",
    ] {
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn sources() {
    assert_eq!(Source::parse("system"), Ok(Source::System));
    assert_eq!(Source::parse("module:menu"), Ok(Source::Module("menu".into())));
    assert_eq!(Source::parse("plugin:whale-alerts"), Ok(Source::Plugin("whale-alerts".into())));
    for text in ["", "menu", "module", "module:", "module:Menu", "module:a:b", "crate:menu", "System"] {
        assert!(Source::parse(text).is_err(), "{text}");
    }
}

#[test]
fn dependencies_are_qualified_ids() {
    for text in ["001_a", "module:menu:001_a", "plugin:whale-alerts:20260131_a"] {
        assert_eq!(QualifiedId::parse(text).as_ref().map(QualifiedId::as_str), Ok(text));
    }
    for text in ["", "a", "menu:001_a", "system:001_a", "module::001_a", "module:menu:", "crate:menu:001_a", ":001_a"] {
        assert!(QualifiedId::parse(text).is_err(), "{text}");
    }
    let own = QualifiedId::new(&Source::Module("menu".into()), "001_a");
    assert_eq!(QualifiedId::parse("module:menu:001_a"), Ok(own));
}

#[test]
fn the_key_of_an_id_never_changes() {
    let key = QualifiedId::new(&Source::System, "001_create_users").key();
    assert_eq!(format!("{key:032x}"), "671e5c08fe527f76396047735d6a0a3a");
}
