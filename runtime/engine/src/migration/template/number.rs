//! The number of a new migration: one more than the highest, or a date.

use std::iter;

use mongodb::bson::DateTime;

/// Returns the id of the next migration of a source, without the source. `ids` are the existing ids in plan order, without the
/// source. `unlinked` are the names of files in its folder that are not linked in. The number is a date if `dated`, or if the last
/// id has one.
#[must_use]
pub fn next_id(name: &str, ids: &[&str], unlinked: &[String], dated: bool, now: DateTime) -> String {
    let now = now.try_to_rfc3339_string().unwrap_or_else(|_| now.to_string());
    let newest = ids.last().map_or(0, |id| number(id).len());
    // From the year to the second, or to the millisecond, whose zeros the text leaves out.
    let precision = if newest > 14 { 17 } else { 14 };
    let now: String = now.chars().filter(char::is_ascii_digit).chain(iter::repeat('0')).take(precision).collect();
    let today = now.get(..8).unwrap_or(&now);
    let highest = ids.iter().filter_map(|id| number(id).parse::<u16>().ok()).max().unwrap_or(0);
    let mut counted = (highest + 1..=999).map(|number| format!("{number:03}_{name}"));
    // The file of this very migration is no reason for another number: it is written a second time.
    let is_free = |id: &String| {
        let (taken, own) = (format!("m{}", &id[..4]), format!("m{id}.rs"));
        !unlinked.iter().any(|file| file.starts_with(&taken) && *file != own)
    };
    match counted.find(is_free) {
        Some(id) if newest <= 3 && !dated => id,
        _ => {
            let by_day = format!("{today}_{name}");
            if newest <= 8 && !ids.contains(&&*by_day) { by_day } else { format!("{now}_{name}") }
        }
    }
}

/// The digits in front of an id.
fn number(id: &str) -> &str {
    &id[..id.bytes().take_while(u8::is_ascii_digit).count()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_one_more_than_the_highest_or_a_date() {
        for (ids, unlinked, dated, expected) in [
            (&[][..], &[][..], false, "001_add_roles"),
            (&["001_a"], &[], false, "002_add_roles"),
            (&["001_a", "007_c", "012_b"], &[], false, "013_add_roles"),
            (&["001_a"], &["m002_b.rs", "m003_c.rs", "m005_d.rs"], false, "004_add_roles"),
            // A lower number does not matter.
            (&["009_a"], &["m003_b.rs"], false, "010_add_roles"),
            // Called twice: the file is refused as existing.
            (&["001_a"], &["m002_b.rs", "m003_add_roles.rs"], false, "003_add_roles"),
            (&["998_a"], &[], false, "999_add_roles"),
            (&["999_a"], &[], false, "20261121_add_roles"),
            (&["999_a"], &[], true, "20261121_add_roles"),
            (&[], &[], true, "20261121_add_roles"),
            (&["001_a", "20260131-a"], &[], false, "20261121_add_roles"),
            (&["20260131235900-a"], &[], false, "20261121094307_add_roles"),
            (&["20260131235900123-a"], &[], false, "20261121094307123_add_roles"),
            (&["20261121_add_roles", "20261121_b"], &[], false, "20261121094307_add_roles"),
        ] {
            let unlinked: Vec<_> = unlinked.iter().copied().map(str::to_owned).collect();
            let now = DateTime::parse_rfc3339_str("2026-11-21T09:43:07.123Z").unwrap();
            assert_eq!(next_id("add_roles", ids, &unlinked, dated, now), expected, "{ids:?} {unlinked:?}");
        }
    }
}
