//! Where the faces of an admin are mounted, as far as it knows: a router around them may add a prefix to all of them.

use std::sync::{Mutex, PoisonError};

/// The paths of page and API.
#[derive(Debug, Default)]
pub(crate) struct Mounts(Mutex<Paths>);

#[derive(Debug, Default)]
struct Paths {
    page: Option<String>,
    api: Option<String>,
}

impl Mounts {
    pub(crate) fn page_at(&self, path: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).page = Some(path.to_owned());
    }

    /// The first one counts.
    pub(crate) fn api_at(&self, path: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).api.get_or_insert_with(|| path.to_owned());
    }

    /// The address of the API relative to the views of the page: `../../api/migrations`. `None` if there is no API.
    pub(crate) fn api_from_page(&self) -> Option<String> {
        let paths = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let segments = |path: &str| path.split('/').filter(|segment| !segment.is_empty()).count();
        let up = "../".repeat(paths.page.as_deref().map_or(0, segments));
        let api = paths.api.as_deref()?.trim_start_matches('/');
        Some(format!("./{up}{api}").trim_end_matches('/').to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::Mounts;

    #[test]
    fn the_api_is_found_from_the_page() {
        for (page, api, relative) in [
            ("/system/database", "/api/migrations", "./../../api/migrations"),
            ("/admin", "/api", "./../api"),
            ("", "/api", "./api"),
            ("/admin", "", "./.."),
        ] {
            let mounts = Mounts::default();
            assert_eq!(mounts.api_from_page(), None);
            mounts.page_at(page);
            mounts.api_at(api);
            mounts.api_at("/later");
            assert_eq!(mounts.api_from_page().as_deref(), Some(relative));
        }
    }
}
