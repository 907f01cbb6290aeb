//! The views of the page and their addresses.
//!
//! All views are in one directory, and every address is relative to it, so that the page works under any prefix. Ids are only
//! ever values of a query: `plugin:menu:001_init` at the beginning of an address would be a URL of the scheme `plugin`.

use crate::site::Site;

/// A view of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum View {
    Overview,
    Migration,
    Plan,
    Run,
    History,
    Lock,
    Tenants,
    Api,
}

impl View {
    pub(crate) const ALL: [Self; 8] =
        [Self::Overview, Self::Migration, Self::Plan, Self::Run, Self::History, Self::Lock, Self::Tenants, Self::Api];

    /// The last segment of its path.
    pub(crate) fn segment(self) -> &'static str {
        match self {
            Self::Overview => "",
            Self::Migration => "migration",
            Self::Plan => "plan",
            Self::Run => "run",
            Self::History => "history",
            Self::Lock => "lock",
            Self::Tenants => "tenants",
            Self::Api => "api",
        }
    }

    /// The address of the view with a query, for this database.
    pub(crate) fn url(self, site: &Site, query: &[(&str, &str)]) -> String {
        let database = site.tenant().map(|name| ("database", name));
        self.address(query.iter().copied().chain(database))
    }

    /// The address of the view with a query, for the database of a tenant.
    pub(crate) fn url_in(self, database: &str, query: &[(&str, &str)]) -> String {
        self.address(query.iter().copied().chain([("database", database)]))
    }

    pub(super) fn address<'q>(self, query: impl Iterator<Item = (&'q str, &'q str)>) -> String {
        let address = if self == Self::Overview { "./" } else { self.segment() };
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
        if query.is_empty() { address.to_owned() } else { format!("{address}?{query}") }
    }

    /// Rebuilds an address that came with a request. Anything but one of the views is the overview, so that a foreign address
    /// leads nowhere else.
    pub(crate) fn rebuild(address: &str) -> String {
        let (segment, query) = address.split_once('?').unwrap_or((address, ""));
        let segment = segment.strip_prefix("./").unwrap_or(segment);
        let Some(view) = Self::ALL.into_iter().find(|view| view.segment() == segment) else {
            return Self::Overview.address([].into_iter());
        };
        let pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
        view.address(pairs.iter().map(|(key, value)| (&**key, &**value)))
    }
}

#[cfg(test)]
mod tests {
    use super::View;

    #[test]
    fn ids_are_encoded_values() {
        let query = [("id", "plugin:whale-alerts:001_init"), ("q", "a b&c=ä\r\n\"<")];
        let address = View::Migration.address(query.into_iter());
        assert_eq!(address, "migration?id=plugin%3Awhale-alerts%3A001_init&q=a+b%26c%3D%C3%A4%0D%0A%22%3C");
    }

    #[test]
    fn only_the_own_views_are_rebuilt() {
        for (address, rebuilt) in [
            ("", "./"),
            ("./", "./"),
            ("./?q=a+b", "./?q=a+b"),
            ("history?status=failed", "history?status=failed"),
            ("migration?id=plugin%3Ax%3A001_y", "migration?id=plugin%3Ax%3A001_y"),
            ("migration?id=a\r\nSet-Cookie: b", "migration?id=a%0D%0ASet-Cookie%3A+b"),
            ("//evil.example", "./"),
            ("/\\evil.example", "./"),
            ("\\\\evil.example", "./"),
            ("https://evil.example", "./"),
            ("https:evil.example", "./"),
            ("javascript:alert(1)", "./"),
            ("%2f%2fevil.example", "./"),
            ("../history", "./"),
            (".//history", "./"),
            ("session", "./"),
            ("history#x", "./"),
        ] {
            assert_eq!(View::rebuild(address), rebuilt, "{address}");
        }
    }
}
