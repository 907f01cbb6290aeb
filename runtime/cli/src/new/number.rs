//! The number in front of a name: one more than the highest, or the date.

use std::collections::HashSet;

use super::name::Name;
use crate::failure::Failure;
use crate::migrate;

/// What is known of the numbers of one source. Ids are without their source.
#[derive(Debug)]
pub(super) struct Numbers<'a> {
    /// Of all its migrations.
    pub(super) ids: Vec<&'a str>,
    /// The one that the new one follows.
    pub(super) newest: Option<&'a str>,
    /// Numbers that are taken by what is not linked in yet.
    pub(super) waiting: Vec<&'a str>,
}

impl Numbers<'_> {
    /// The id of the next one. `now` is year to second, in 14 digits.
    pub(super) fn next(&self, name: &Name, dated: bool, now: &str) -> Result<String, Failure> {
        match self.newest.map(number) {
            Some(date) if date.len() > 3 => self.dated(name, date, now),
            _ if dated => self.dated(name, "", now),
            _ => self.plural(name),
        }
    }

    fn plural(&self, name: &Name) -> Result<String, Failure> {
        let highest =
            self.ids.iter().filter_map(|id| Some(number(id)).filter(|number| number.len() == 3)?.parse().ok());
        let first = highest.max().map_or(1, |highest: u16| highest + 1);
        let free = (first..=999).map(|number| format!("{number:03}")).find(|number| !self.waiting.contains(&&**number));
        let free = free.ok_or_else(|| {
            Failure::usage("999 is the highest number of three digits, and it is taken").help(format!(
                "go on with dates: `{} new {} --dated`; those that follow it will be dated, too",
                migrate(),
                name.as_str()
            ))
        })?;
        Ok(format!("{free}_{}", name.as_str()))
    }

    /// As long as the newest one, and parted from the name by the same sign; the time is added if that id is taken.
    fn dated(&self, name: &Name, date: &str, now: &str) -> Result<String, Failure> {
        let sign = if self.newest.is_some_and(|id| id[date.len()..].starts_with('-')) { '-' } else { '_' };
        let ids: HashSet<&str> = self.ids.iter().copied().collect();
        let lengths = if date.len() > 8 { &[14][..] } else { &[8, 14] };
        let mut candidates = lengths.iter().map(|&length| format!("{}{sign}{}", &now[..length], name.as_str()));
        candidates.find(|id| !ids.contains(id.as_str())).ok_or_else(|| {
            Failure::usage(format!("there is a '{}' of this very second already", name.as_str()))
                .help("call it otherwise")
        })
    }
}

/// The digits in front of an id.
pub(super) fn number(id: &str) -> &str {
    let digits = id.bytes().take_while(u8::is_ascii_digit).count();
    &id[..digits]
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "20261121094307";

    /// The last id is the newest.
    fn next(ids: &[&str], waiting: &[&str], dated: bool) -> Result<String, String> {
        let numbers = Numbers { ids: ids.to_vec(), newest: ids.last().copied(), waiting: waiting.to_vec() };
        numbers.next(&Name::of("add_roles").unwrap(), dated, NOW).map_err(|failure| failure.message.into_string())
    }

    #[test]
    fn the_next_one_has_the_next_number() {
        for (ids, waiting, expected) in [
            (&[][..], &[][..], "001_add_roles"),
            (&["001_a"], &[], "002_add_roles"),
            (&["001_a", "012_b", "007_c"], &[], "013_add_roles"),
            (&["001_a"], &["002", "003", "005"], "004_add_roles"),
            // Numbers below the highest do not matter.
            (&["009_a"], &["003"], "010_add_roles"),
            (&["20260101_a", "001_b"], &[], "002_add_roles"),
            (&["998_a"], &[], "999_add_roles"),
        ] {
            assert_eq!(next(ids, waiting, false).as_deref(), Ok(expected), "{ids:?}");
        }
    }

    #[test]
    fn after_a_date_comes_a_date() {
        for (ids, expected) in [
            (&["20260131_a"][..], "20261121_add_roles"),
            (&["001_a", "20260131-a"], "20261121-add_roles"),
            (&["20260131235900-a"], "20261121094307-add_roles"),
            (&["202601312_a"], "20261121094307_add_roles"),
            (&["20261121_add_roles", "20261121_b"], "20261121094307_add_roles"),
            (&["20261121-add_roles", "20261121_b"], "20261121_add_roles"),
        ] {
            assert_eq!(next(ids, &[], false).as_deref(), Ok(expected), "{ids:?}");
        }
        let both = ["20261121094307_add_roles", "20261121_add_roles"];
        assert!(next(&both, &[], false).unwrap_err().contains("of this very second"));
    }

    #[test]
    fn dates_can_begin_at_any_time() {
        assert_eq!(next(&[], &[], true).as_deref(), Ok("20261121_add_roles"));
        assert_eq!(next(&["001_a"], &[], true).as_deref(), Ok("20261121_add_roles"));
        assert_eq!(next(&["999_a"], &[], true).as_deref(), Ok("20261121_add_roles"));
        assert!(next(&["999_a"], &[], false).unwrap_err().contains("999 is the highest number"));
    }
}
