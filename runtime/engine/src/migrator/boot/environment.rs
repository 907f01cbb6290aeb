//! The environment variables of a boot. Pure: the variables are passed as values.

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
const BACKFILLS: &str = "MONGRATE_BACKFILLS";
const ENV: &str = "MONGRATE_ENV";
const VERSION: &str = "MONGRATE_VERSION";

const NAMES: [&str; 9] = [AUTO, FAIL_HARD, TIMEOUT_MS, LOCK_WAIT_MS, LEASE_MS, STOP_ON_ERROR, BACKFILLS, ENV, VERSION];

/// The default time limit of a boot's run.
pub(super) const TIMEOUT: Duration = Duration::from_secs(5 * 60);

/// The values of the variables that are set.
#[derive(Clone, Debug, Default)]
pub(super) struct Variables(BTreeMap<&'static str, OsString>);

impl Variables {
    pub(super) fn read<V: Into<OsString>>(lookup: impl Fn(&str) -> Option<V>) -> Self {
        Self(NAMES.into_iter().filter_map(|name| Some((name, lookup(name)?.into()))).collect())
    }
}

/// The settings of the `MONGRATE_*` variables; see [`Boot`](super::Boot).
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "the option of the builder has this name")]
#[non_exhaustive]
pub struct Environment {
    /// `MONGRATE_AUTO`: whether pending migrations may be applied. Default: true.
    pub auto: bool,
    pub(super) fail_hard: bool,
    /// `MONGRATE_STOP_ON_ERROR`: whether a run stops at the first failure. Default: true.
    pub stop_on_error: bool,
    /// `MONGRATE_BACKFILLS`: who works on backfills. Default: this process, after its boot.
    pub backfills: Backfills,
    timeout: Option<Limit>,
    lock_wait: Option<Duration>,
    lease: Option<Duration>,
    environment: Option<String>,
    codebase_version: Option<String>,
}

/// What a boot does about backfills.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Backfills {
    /// Starts them and works on them after the boot, until they are completed or the process shuts down.
    #[default]
    Background,
    /// Works on them, and returns when they are completed.
    Wait,
    /// Starts them, and leaves the work to other processes.
    Off,
}

impl Environment {
    /// Reads the variables of this process. Fails with [`Error::Variable`] if a variable is malformed, and with
    /// [`Error::Several`] if several are.
    pub fn of_this_process() -> Result<Self, Error> {
        Self::read(&Variables::read(|name| std::env::var_os(name)))
    }

    /// Parses the variables. Malformed variables are reported together.
    pub(super) fn read(variables: &Variables) -> Result<Self, Error> {
        let mut reader = Reader { variables, errors: Vec::new() };
        let settings = Self {
            auto: reader.flag(AUTO).unwrap_or(true),
            fail_hard: reader.flag(FAIL_HARD).unwrap_or(true),
            timeout: reader.limit(TIMEOUT_MS),
            lock_wait: reader.duration(LOCK_WAIT_MS, &options::LOCK_WAIT),
            lease: reader.duration(LEASE_MS, &options::LEASE),
            stop_on_error: reader.flag(STOP_ON_ERROR).unwrap_or(true),
            backfills: reader.backfills(),
            environment: reader.text(ENV).map(str::to_owned),
            codebase_version: reader.text(VERSION).map(str::to_owned),
        };
        Error::gather(reader.errors)?;
        Ok(settings)
    }

    /// Sets the options that are set in the environment. `timeout` is the limit of runs if neither the builder nor the environment
    /// has one.
    pub fn configure(&self, builder: MigratorBuilder, timeout: Limit) -> MigratorBuilder {
        let mut builder = builder.timeout_or(self.timeout, timeout);
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

/// Parses one variable after another. Returns `None` for a variable that is not set, empty or malformed, and collects errors
/// about malformed ones.
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
            _ => self.malformed(name, value, "true or false (or 1 or 0, yes or no, on or off)"),
        }
    }

    fn backfills(&mut self) -> Backfills {
        match self.text(BACKFILLS) {
            None | Some("background") => Some(Backfills::Background),
            Some("wait") => Some(Backfills::Wait),
            Some("off") => Some(Backfills::Off),
            Some(value) => self.malformed(BACKFILLS, value, "background, wait or off"),
        }
        .unwrap_or_default()
    }

    fn duration(&mut self, name: &'static str, allowed: &RangeInclusive<Duration>) -> Option<Duration> {
        let value = self.text(name)?;
        millis(value, allowed).or_else(|| self.malformed(name, value, &accepted(allowed)))
    }

    fn limit(&mut self, name: &'static str) -> Option<Limit> {
        let value = self.text(name)?;
        if value.eq_ignore_ascii_case("none") {
            return Some(Limit::None);
        }
        let limit = millis(value, &options::TIMEOUT).map(Limit::After);
        limit.or_else(|| self.malformed(name, value, &format!("{}, or none", accepted(&options::TIMEOUT))))
    }

    fn text(&mut self, name: &'static str) -> Option<&'a str> {
        let value = self.variables.0.get(name)?;
        match value.to_str() {
            // A value that is read from a file often ends with a line break.
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

fn accepted(allowed: &RangeInclusive<Duration>) -> String {
    let (least, most) = (allowed.start().as_millis(), allowed.end().as_millis());
    format!("a whole number of milliseconds from {least} to {most}")
}
