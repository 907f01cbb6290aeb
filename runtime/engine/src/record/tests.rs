use super::*;

/// A record without optional fields.
fn bare() -> Record {
    Record {
        id: "001_a".to_owned(),
        status: RecordStatus::RolledBack,
        direction: Direction::Up,
        underway: false,
        canceled: false,
        partial: false,
        kind: None,
        source: "system".to_owned(),
        description: "A".to_owned(),
        checksum: "t1:0".to_owned(),
        reversible: true,
        batch: 2,
        executed_at: DateTime::from_millis(1),
        execution_duration: 3,
        verification_failed: false,
        reverted_at: None,
        applied_by: None,
        reverted_by: None,
        host: "host".to_owned(),
        pid: 4,
        environment: None,
        codebase_version: None,
        error: None,
        error_stack: None,
        permanent: false,
        attempts: 5,
        token: 6,
        position: None,
    }
}

fn full() -> Record {
    Record {
        direction: Direction::Down,
        underway: true,
        canceled: true,
        partial: true,
        kind: Some(Kind::Database),
        permanent: true,
        verification_failed: true,
        reverted_at: Some(DateTime::from_millis(7)),
        applied_by: Some("ana".to_owned()),
        reverted_by: Some("ben".to_owned()),
        environment: Some("test".to_owned()),
        codebase_version: Some("1.2".to_owned()),
        error: Some("no".to_owned()),
        error_stack: Some(vec!["no".to_owned(), "because".to_owned()]),
        position: Some((6, 1)),
        ..bare()
    }
}

#[test]
fn times_are_stored_as_dates_and_numbers_as_64_bits() {
    let (stored, _) = full().fields().unwrap();
    assert_eq!(stored.get_datetime("revertedAt").unwrap().timestamp_millis(), 7);
    assert_eq!(stored.get_i64("batch").unwrap(), 2);
    assert_eq!(stored.get_array("position").unwrap(), &[Bson::Int64(6), Bson::Int64(1)]);
}

#[test]
fn a_kind_of_a_newer_version_is_read_as_none() {
    let mut stored = serde_json::to_value(full()).unwrap();
    stored["kind"] = "of-tomorrow".into();
    let read: Record = serde_json::from_value(stored).unwrap();
    assert_eq!(read, Record { kind: None, ..full() });
}

#[test]
fn missing_optional_fields_are_unset() {
    let (full, nothing) = full().fields().unwrap();
    assert!(nothing.is_empty());
    let (set, unset) = bare().fields().unwrap();
    let mut names: Vec<_> = set.keys().chain(unset.keys()).collect();
    names.sort();
    let mut all: Vec<_> = full.keys().collect();
    all.sort();
    assert_eq!(names, all);
}
