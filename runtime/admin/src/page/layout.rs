//! What every view has around it.

use axum::response::{Html, IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};

use super::assets;
use crate::admin::Admin;
use crate::call::Call;

/// A view of the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum View {
    Overview,
    History,
    Lock,
}

impl View {
    const ALL: [Self; 3] = [Self::Overview, Self::History, Self::Lock];

    /// The relative URL of each view, and its name.
    fn link(self) -> (&'static str, &'static str) {
        match self {
            Self::Overview => ("./", "Overview"),
            Self::History => ("history", "History"),
            Self::Lock => ("lock", "Lock"),
        }
    }
}

/// The frame of a view.
pub(crate) struct Layout<'a> {
    pub(crate) admin: &'a Admin,
    /// What the view shows, state first, such as `2 pending`.
    pub(crate) title: &'a str,
    pub(crate) actor: Option<&'a str>,
    pub(crate) current: Option<View>,
}

impl<'a> Layout<'a> {
    pub(crate) fn of(call: &'a Call, title: &'a str, current: impl Into<Option<View>>) -> Self {
        Self { admin: &call.admin, title, actor: Some(&call.allowed.actor), current: current.into() }
    }

    pub(crate) fn answer(&self, body: &Markup) -> Response {
        self.page(body).into_response()
    }

    pub(crate) fn page(&self, body: &Markup) -> Html<String> {
        let Self { admin, title, actor, current } = self;
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    title { (title) " · " (admin.title()) " · Migrations" }
                    link rel="icon" href=(assets::ICON_URL.as_str());
                    link rel="stylesheet" href=(assets::STYLE_URL.as_str());
                    script src=(assets::SCRIPT_URL.as_str()) defer {}
                }
                body {
                    a.skip href="#main" { "Skip to content" }
                    header.bar {
                        div.wrap {
                            span.brand { (admin.title()) }
                            nav aria-label="Views" {
                                @for view in View::ALL {
                                    @let (url, name) = view.link();
                                    a href=(url) aria-current=[(*current == Some(view)).then_some("page")] { (name) }
                                }
                            }
                            span.who {
                                @if let Some(environment) = admin.site().migrator().environment() { span.env { (environment) } }
                                @if let Some(actor) = actor { (actor) }
                                @if let Some(home) = admin.home() { a href=(home) { "Back to the application" } }
                            }
                        }
                    }
                    main #main .wrap { (body) }
                    footer.wrap.muted { "Answered by " (admin.process()) }
                }
            }
        };
        Html(page.into_string())
    }
}
