//! What the environment tells a boot. Pure: the variables come as values.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::error::Error;
use crate::migrator::builder::MigratorBuilder;
use crate::options;
use crate::options::Limit;

const AUTO: &str = "MONGRATE_AUTO";
const FAIL_HARD: &str = "MONGRATE_FAIL_HARD";
const TIMEOUT_MS: &str = "MONGRATE_TIMEOUT_MS";
const LOCK_WAIT_MS: &str = "MONGRATE_LOCK_WAIT_MS";
const LEASE_MS: &str = "MONGRATE_LEASE_MS";
const STOP_ON_ERROR: &str = "MONGRATE_STOP_ON_ERROR";
const ENV: &str = "MONGRATE_ENV";
const VERSION: &str = "MONGRATE_VERSION";

const NAMES: [&str; 8] = [AUTO, FAIL_HARD, TIMEOUT_MS, LOCK_WAIT_MS, LEASE_MS, STOP_ON_ERROR, ENV, VERSION];

/// How long the run of a boot may take when nobody says otherwise.
pub(super) const TIMEOUT: Duration = Duration::from_secs(5 * 60);

/// The variables as they were found.
#[derive(Clone, Debug, Default)]
pub(super) struct Variables(BTreeMap<&'static str, OsString>);

impl Variables {
    pub(super) fn found<V: Into<OsString>>(lookup: impl Fn(&str) -> Option<V>) -> Self {
        Self(NAMES.into_iter().filter_map(|name| Some((name, lookup(name)?.into()))).collect())
    }
}

/// The settings in the `MONGRATE_*` variables; see [`MigratorBuilder::boot`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Environment {
    /// `MONGRATE_AUTO`: whether pending migrations may be applied. Default: true.
    pub auto: bool,
    pub(super) fail_hard: bool,
    /// `MONGRATE_STOP_ON_ERROR`: whether a run stops at the first failure. Default: true.
    pub stop_on_error: bool,
    timeout: Option<Limit>,
    lock_wait: Option<Duration>,
    lease: Option<Duration>,
    environment: Option<String>,
    codebase_version: Option<String>,
}

impl Environment {
    /// Reads the variables of this process. Fails with [`Error::Variable`], or [`Error::Several`], if one is malformed.
    pub fn of_this_process() -> Result<Self, Error> {
        Self::read(&Variables::found(|name| std::env::var_os(name)))
    }

    /// All that is malformed is told at once.
    pub(super) fn read(variables: &Variables) -> Result<Self, Error> {
        let mut reader = Reader { variables, errors: Vec::new() };
        let settings = Self {
            auto: reader.flag(AUTO).unwrap_or(true),
            fail_hard: reader.flag(FAIL_HARD).unwrap_or(true),
            timeout: reader.limit(TIMEOUT_MS),
            lock_wait: reader.duration(LOCK_WAIT_MS, &options::LOCK_WAIT),
            lease: reader.duration(LEASE_MS, &options::LEASE),
            stop_on_error: reader.flag(STOP_ON_ERROR).unwrap_or(true),
            environment: reader.text(ENV).map(str::to_owned),
            codebase_version: reader.text(VERSION).map(str::to_owned),
        };
        Error::gather(reader.errors)?;
        Ok(settings)
    }

    /// Sets the options that are set in the environment. `timeout` is the limit of a run for which nobody has set one.
    #[must_use]
    pub fn configure(&self, builder: MigratorBuilder, timeout: Limit) -> MigratorBuilder {
        let mut builder = builder.limited(self.timeout, timeout);
        if let Some(wait) = self.lock_wait {
            builder = builder.lock_wait(wait);
        }
        if let Some(lease) = self.lease {
            builder = builder.lease(lease);
        }
        if let Some(environment) = &self.environment {
            builder = builder.environment(environment);
        }
        if let Some(version) = &self.codebase_version {
            builder = builder.codebase_version(version);
        }
        builder
    }
}

/// Reads one variable after the other. One that is not set or empty is `None`; so is one that is malformed, which is an
/// error besides.
struct Reader<'a> {
    variables: &'a Variables,
    errors: Vec<Error>,
}

impl<'a> Reader<'a> {
    fn flag(&mut self, name: &'static str) -> Option<bool> {
        let value = self.text(name)?;
        match value.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => Some(true),
            "false" | "0" | "no" | "off" => Some(false),
            _ => self.malformed(name, value, "true or false (also 1 and 0, yes and no, on and off)"),
        }
    }

    fn duration(&mut self, name: &'static str, allowed: &RangeInclusive<Duration>) -> Option<Duration> {
        let value = self.text(name)?;
        millis(value, allowed).or_else(|| self.malformed(name, value, &told(allowed)))
    }

    fn limit(&mut self, name: &'static str) -> Option<Limit> {
        let value = self.text(name)?;
        if value.eq_ignore_ascii_case("none") {
            return Some(Limit::None);
        }
        let limit = millis(value, &options::TIMEOUT).map(Limit::After);
        limit.or_else(|| self.malformed(name, value, &format!("{}, or none", told(&options::TIMEOUT))))
    }

    fn text(&mut self, name: &'static str) -> Option<&'a str> {
        let value = self.variables.0.get(name)?;
        match value.to_str() {
            // What reads a file into a variable often leaves a line end behind it.
            Some(value) => Some(value.trim()).filter(|value| !value.is_empty()),
            None => self.malformed(name, &value.to_string_lossy(), "text in UTF-8"),
        }
    }

    fn malformed<T>(&mut self, name: &'static str, value: &str, accepted: &str) -> Option<T> {
        self.errors.push(Error::Variable { name, value: value.to_owned(), accepted: accepted.to_owned() });
        None
    }
}

fn millis(value: &str, allowed: &RangeInclusive<Duration>) -> Option<Duration> {
    value.parse().ok().map(Duration::from_millis).filter(|duration| allowed.contains(duration))
}

fn told(allowed: &RangeInclusive<Duration>) -> String {
    let (least, most) = (allowed.start().as_millis(), allowed.end().as_millis());
    format!("a whole number of milliseconds from {least} to {most}")
}
