//! Files beside the migrations of a drawing, whose checksum is `t1:0`.

use super::*;
use crate::fixtures::drawings::{draw, ids};

fn file(text: &str) -> Result<Released, Failure> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(NAME), text).unwrap();
    Released::of_crate(folder.path())
}

fn locked(text: &str, drawing: &str) -> String {
    let mut file = file(text).unwrap();
    draw(drawing).iter().for_each(|migration| file.lock(migration));
    file.text()
}

#[test]
fn a_new_file_says_what_it_is_and_reads_as_it_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let mut file = Released::of_crate(folder.path()).unwrap();
    assert!(!file.exists());
    draw("002_b\nmodule:menu:001_a\n001_a\n010_k").iter().for_each(|migration| file.lock(migration));
    file.write().unwrap();
    let text = fs::read_to_string(folder.path().join(NAME)).unwrap();
    assert_eq!(text, format!("{HEADING}001_a t1:0\n002_b t1:0\n010_k t1:0\nmodule:menu:001_a t1:0\n"));
    let again = Released::of_crate(folder.path()).unwrap();
    assert!(again.exists());
    assert_eq!((again.len(), again.text()), (4, text));
}

#[test]
fn a_line_is_added_where_it_belongs_and_all_others_stay() {
    for (before, after) in [
        ("", "002_b t1:0\n"),
        ("# why\n", "# why\n002_b t1:0\n"),
        ("# why\n003_c t1:9", "# why\n002_b t1:0\n003_c t1:9\n"),
        ("001_a t1:9\r\n\r\n# why\r\n003_c t1:9\r\n", "001_a t1:9\n002_b t1:0\n\n# why\n003_c t1:9\n"),
        // Left by a merge.
        ("003_c t1:9\n001_a t1:9\n003_c t1:9\n", "003_c t1:9\n001_a t1:9\n002_b t1:0\n003_c t1:9\n"),
    ] {
        assert_eq!(locked(before, "002_b"), after);
    }
}

#[test]
fn an_old_line_is_replaced_wherever_it_is() {
    assert_eq!(locked("002_b t0:9\n001_a t1:9\n002_b t0:9\n", "002_b"), "002_b t1:0\n001_a t1:9\n002_b t1:0\n");
}

#[test]
fn it_differs_from_the_code_in_four_ways() {
    let text = "001_a t1:0\n002_b t1:9\n003_c t0:9\n004_d t2:9\n005_e t1:0\n";
    let registry = draw("001_a\n002_b\n003_c\n004_d\n006_f");
    let differences = file(text).unwrap().compare(&registry.iter().collect::<Vec<_>>(), &registry);
    assert_eq!(ids(differences.unlocked), "006_f");
    assert_eq!(ids(differences.outdated), "003_c");
    assert_eq!(differences.modified, ["002_b"]);
    assert_eq!(differences.removed, ["005_e"]);
}

#[test]
fn what_has_moved_to_another_crate_is_not_removed() {
    let differences = file("001_a t1:0\n").unwrap().compare(&[], &draw("001_a\n002_b"));
    assert_eq!((differences.removed.len(), differences.unlocked.len()), (0, 0));
}

#[test]
fn what_a_merge_has_left_is_refused_by_its_line() {
    for (text, told) in [
        ("001_a t1:0\n<<<<<<< HEAD\n", "line 2 is invalid: `<<<<<<< HEAD`"),
        ("=======\n", "line 1 is invalid: `=======`"),
        (">>>>>>> 1a2b3c4 (Fix: all)\n", "line 1 is invalid: `>>>>>>> 1a2b3c4 (Fix: all)`"),
        ("001_a\n", "line 1 is invalid: `001_a`"),
        ("001_a t1:0\n\n001_a t1:9\n", "lines 1 and 3 have different checksums of `001_a`"),
    ] {
        let failure = file(text).unwrap_err();
        assert!(failure.message.ends_with(told), "{}", failure.message);
        assert!(failure.message.contains(NAME), "{}", failure.message);
    }
    assert_eq!(file("001_a t1:0\n# why\n001_a t1:0 \n").unwrap().len(), 1);
}
