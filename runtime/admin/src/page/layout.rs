//! What every view has around it.

use axum::response::{Html, IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};
use mongrate::display::plural;

use super::assets;
use super::view::View;
use super::words::visible;
use crate::admin::Admin;
use crate::call::Call;
use crate::theme::Theme;

/// The frame of a view.
pub(crate) struct Layout<'a> {
    admin: &'a Admin,
    /// `None` before somebody has signed in.
    call: Option<&'a Call>,
    theme: Theme,
    /// The state first, such as `2 pending`.
    title: &'a str,
    current: Option<View>,
    banners: Markup,
}

impl<'a> Layout<'a> {
    /// The frame of a view for whoever has signed in.
    pub(crate) fn of(call: &'a Call, title: &'a str, current: impl Into<Option<View>>) -> Self {
        let frame = Self::signed_out(&call.admin, call.theme, title);
        Self { call: Some(call), current: current.into(), ..frame }
    }

    /// The frame of the sign-in form, and of a problem before sign-in.
    pub(crate) fn signed_out(admin: &'a Admin, theme: Theme, title: &'a str) -> Self {
        Self { admin, call: None, theme, title, current: None, banners: html! {} }
    }

    /// Adds warnings above the view.
    pub(crate) fn banners(mut self, banners: Markup) -> Self {
        self.banners = banners;
        self
    }

    pub(crate) fn answer(&self, body: &Markup) -> Response {
        self.page(body).into_response()
    }

    pub(crate) fn page(&self, body: &Markup) -> Html<String> {
        let (admin, title) = (self.admin, self.title);
        let theme = (self.theme != Theme::Auto).then(|| self.theme.name());
        let page = html! {
            (DOCTYPE)
            html lang="en" data-theme=[theme] {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content=(theme.unwrap_or("light dark"));
                    title { (visible(title)) " · " (admin.title()) " · Migrations" }
                    link rel="icon" href=(assets::ICON_URL.as_str());
                    link rel="stylesheet" href=(assets::STYLE_URL.as_str());
                    script src=(assets::SCRIPT_URL.as_str()) defer {}
                }
                body {
                    a.skip href="#main" { "Skip to content" }
                    (self.header())
                    main #main .wrap tabindex="-1" {
                        p #said .hidden role="status" {}
                        div #banners .banners data-live { (self.read_only()) (self.banners) }
                        (body)
                    }
                    (self.footer())
                }
            }
        };
        Html(page.into_string())
    }

    fn header(&self) -> Markup {
        html! {
            header.bar {
                div.wrap {
                    span.brand {
                        (logo()) (self.admin.title())
                        @if let Some(database) = self.call.and_then(|call| call.site.tenant()) { " / " (visible(database)) }
                    }
                    @if let Some(call) = self.call { (self.navigation(call)) }
                    div.who {
                        @if let Some(environment) = self.admin.site().migrator().environment() {
                            span.env { (visible(environment)) }
                        }
                        @if let Some(call) = self.call {
                            span.actor { (visible(&call.allowed.actor)) }
                            @if self.admin.access().sign_in().is_some() {
                                form method="post" action="sign-out" { button.link { "Sign out" } }
                            }
                        }
                        @if let Some(home) = self.admin.home() { a href=(home) { "Back to the application" } }
                        (switch(self.theme))
                    }
                }
            }
        }
    }

    fn navigation(&self, call: &Call) -> Markup {
        const LINKS: [(View, &str); 4] =
            [(View::Overview, "Overview"), (View::History, "History"), (View::Lock, "Lock"), (View::Api, "API")];
        let current = |view| (self.current == Some(view)).then_some("page");
        html! {
            nav aria-label="Views" {
                @for (view, name) in LINKS {
                    a href=(view.url(&call.site, &[])) aria-current=[current(view)] { (name) }
                }
                // Of all databases, so that it names none.
                @if self.admin.tenants().is_some() {
                    a href=(View::Tenants.segment()) aria-current=[current(View::Tenants)] { "Tenants" }
                }
            }
        }
    }

    fn read_only(&self) -> Markup {
        html! {
            @if self.call.is_some() && self.admin.is_read_only() {
                p.alert { strong { "Read-only." } " This process shows everything and changes nothing." }
            }
        }
    }

    fn footer(&self) -> Markup {
        let linked = self.call.map(|call| call.migrator().registry().len() as u64);
        html! {
            footer.wrap.muted {
                "Answered by " (self.admin.process())
                @if let Some(linked) = linked { " · " (plural(linked, "migration")) " linked in" }
                button #keys .link type="button" hidden { "Keys" }
            }
        }
    }
}

/// Whether the view follows changes, or a button to refresh it without a script.
pub(crate) fn live() -> Markup {
    html! {
        span.live hidden { label { input #live type="checkbox" checked; " Live" } span.when {} }
        noscript { a.button href="" { "Refresh" } }
    }
}

/// The way back from a view.
pub(crate) fn crumb(call: &Call, here: &str) -> Markup {
    html! { p.crumb { a href=(View::Overview.url(&call.site, &[])) { "Overview" } " / " (visible(here)) } }
}

fn logo() -> Markup {
    html! {
        svg width="18" height="18" viewBox="0 0 18 18" aria-hidden="true" {
            ellipse cx="9" cy="4" rx="6.5" ry="2.6" {}
            path d="M2.5 4v5c0 1.4 2.9 2.6 6.5 2.6s6.5-1.2 6.5-2.6V4M2.5 9v5c0 1.4 2.9 2.6 6.5 2.6s6.5-1.2 6.5-2.6V9" {}
        }
    }
}

/// Switches to the next color scheme.
fn switch(theme: Theme) -> Markup {
    let name = format!("Theme: {}. Switch to {}", theme.name(), theme.next().name());
    html! {
        form method="post" action="theme" {
            button.icon name="theme" value=(theme.next().name()) title=(name) aria-label=(name) {
                svg width="16" height="16" viewBox="0 0 16 16" aria-hidden="true" {
                    circle cx="8" cy="8" r="6.5" {}
                    @match theme {
                        Theme::Auto => path.full d="M8 1.5a6.5 6.5 0 0 1 0 13z" {},
                        Theme::Light => circle.full cx="8" cy="8" r="2.5" {},
                        Theme::Dark => circle.full cx="8" cy="8" r="6.5" {},
                    }
                }
            }
        }
    }
}
