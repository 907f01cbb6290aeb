use std::time::Duration;

use super::*;

fn read(variables: &[(&str, &str)]) -> Result<Environment, Error> {
    let lookup = |name: &str| variables.iter().find(|(set, _)| *set == name).map(|(_, value)| *value);
    Environment::read(&Variables::read(lookup))
}

/// The name and the whole message of each error.
fn refused(variables: &[(&str, &str)]) -> Vec<(&'static str, String)> {
    let message = |error: Error| match &error {
        Error::Variable { name, .. } => (*name, error.to_string()),
        _ => panic!("{error}"),
    };
    match read(variables).unwrap_err() {
        Error::Several { errors } => errors.into_iter().map(message).collect(),
        error => vec![message(error)],
    }
}

#[test]
fn unset_variables_use_the_defaults() {
    let defaults = read(&[]).unwrap();
    assert_eq!(
        defaults,
        Environment {
            auto: true,
            fail_hard: true,
            backfills: Backfills::Background,
            timeout: None,
            lock_wait: None,
            lease: None,
            stop_on_error: true,
            environment: None,
            codebase_version: None,
        }
    );
    let empty = NAMES.map(|name| (name, if name == ENV { " \n" } else { "" }));
    assert_eq!(read(&empty).unwrap(), defaults, "an empty value counts as not set");
}

#[test]
fn all_variables_are_parsed() {
    let settings = read(&[
        ("MONGRATE_AUTO", "false"),
        ("MONGRATE_FAIL_HARD", "0"),
        ("MONGRATE_TIMEOUT_MS", "1500"),
        ("MONGRATE_LOCK_WAIT_MS", "0"),
        ("MONGRATE_LEASE_MS", "1000"),
        ("MONGRATE_STOP_ON_ERROR", "off"),
        ("MONGRATE_BACKFILLS", "wait"),
        ("MONGRATE_ENV", "production\n"),
        ("MONGRATE_VERSION", "v2 of today"),
    ]);
    assert_eq!(
        settings.unwrap(),
        Environment {
            auto: false,
            fail_hard: false,
            backfills: Backfills::Wait,
            timeout: Some(Limit::After(Duration::from_millis(1500))),
            lock_wait: Some(Duration::ZERO),
            lease: Some(Duration::from_secs(1)),
            stop_on_error: false,
            environment: Some("production".to_owned()),
            codebase_version: Some("v2 of today".to_owned()),
        }
    );
    assert_eq!(read(&[(TIMEOUT_MS, "none")]).unwrap().timeout, Some(Limit::None));
    assert_eq!(read(&[(LEASE_MS, "86400000")]).unwrap().lease, Some(Duration::from_secs(24 * 60 * 60)));
}

#[test]
fn flags_accept_common_spellings() {
    for (yes, no) in [("true", "false"), ("1", "0"), ("yes", "no"), ("on", "off"), ("TRUE", "False"), (" Yes ", "nO")] {
        assert!(read(&[(AUTO, yes)]).unwrap().auto, "{yes}");
        assert!(!read(&[(AUTO, no)]).unwrap().auto, "{no}");
    }
    for value in ["maybe", "t", "2", "-1", "true false", "enabled"] {
        assert_eq!(refused(&[(AUTO, value)]).len(), 1, "{value}");
    }
    assert_eq!(
        refused(&[(AUTO, "maybe")])[0].1,
        "the environment variable MONGRATE_AUTO is 'maybe', but takes true or false (or 1 or 0, yes or no, on or off). \
         Correct it, or unset it to use the default"
    );
}

#[test]
fn durations_are_whole_milliseconds_within_limits() {
    let too_large = (options::TIMEOUT.end().as_millis() + 1).to_string();
    for value in ["-1", "1.5", "5s", "5_000", "1e3", "99999999999999999999999", &too_large] {
        for name in [TIMEOUT_MS, LOCK_WAIT_MS, LEASE_MS] {
            assert_eq!(refused(&[(name, value)])[0].0, name, "{value}");
        }
    }
    let message = &refused(&[(TIMEOUT_MS, "0")])[0].1;
    assert!(
        message.contains("is '0', but takes a whole number of milliseconds from 1 to 2592000000, or none"),
        "{message}"
    );
    for value in ["0", "999"] {
        let message = &refused(&[(LEASE_MS, value)])[0].1;
        assert!(message.contains("MONGRATE_LEASE_MS"), "{message}");
        assert!(message.contains(&format!("is '{value}', but takes")), "{message}");
        assert!(message.contains("a whole number of milliseconds from 1000 to 86400000"), "{message}");
    }
}

#[test]
fn malformed_variables_are_reported_together() {
    let wrong = NAMES.map(|name| (name, "wrong"));
    let names: Vec<_> = refused(&wrong).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, [AUTO, FAIL_HARD, TIMEOUT_MS, LOCK_WAIT_MS, LEASE_MS, STOP_ON_ERROR, BACKFILLS]);
}

#[cfg(unix)]
#[test]
fn invalid_unicode_is_malformed() {
    use std::os::unix::ffi::OsStringExt;

    for name in NAMES {
        let lookup = |asked: &str| (asked == name).then(|| OsString::from_vec(vec![b'4', 0xff]));
        let error = Environment::read(&Variables::read(lookup)).unwrap_err();
        let Error::Variable { name: reported, value, accepted } = &error else { panic!("{error}") };
        assert_eq!((*reported, value.as_str(), accepted.as_str()), (name, "4\u{fffd}", "text in UTF-8"));
    }
}
