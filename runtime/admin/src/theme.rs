//! The color scheme that a person has chosen. It is in a cookie, so that the first paint is right without a script.

use axum::http::HeaderMap;
use axum::http::header::COOKIE;
use serde::Deserialize;

/// The name of the cookie.
pub(crate) const COOKIE_NAME: &str = "mongrate-theme";

/// A color scheme.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Theme {
    /// That of the system.
    #[default]
    Auto,
    Light,
    Dark,
}

impl Theme {
    pub(crate) const ALL: [Self; 3] = [Self::Auto, Self::Light, Self::Dark];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    pub(crate) fn next(self) -> Self {
        match self {
            Self::Auto => Self::Light,
            Self::Light => Self::Dark,
            Self::Dark => Self::Auto,
        }
    }

    /// Reads the cookie.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let chosen = cookies.flat_map(|value| value.split("; ")).filter_map(|cookie| cookie.split_once('='));
        let chosen = chosen.filter(|(name, _)| *name == COOKIE_NAME).find_map(|(_, value)| Self::parse(value));
        chosen.unwrap_or_default()
    }

    fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|theme| theme.name() == name)
    }
}
