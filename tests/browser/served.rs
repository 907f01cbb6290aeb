//! The application that a browser opens.

use axum::Router;
use mongrate::Migrator;
use mongrate_admin::Admin;
use mongrate_tests::http::{API, PAGE, tokens};
use tokio::net::TcpListener;

/// An application on a port of its own, served until the end of the test.
pub(crate) struct Served {
    /// Such as `http://127.0.0.1:41234`.
    pub(crate) origin: String,
    prefix: &'static str,
}

impl Served {
    /// Serves the page and the API of a migrator, for the [`tokens`].
    pub(crate) async fn new(migrator: &Migrator) -> Self {
        Self::of(&Admin::new(migrator, tokens()).title("shop").build()).await
    }

    /// Serves the page and the API.
    pub(crate) async fn of(admin: &Admin) -> Self {
        Self::under("", Router::new().merge(admin.page_at(PAGE)).merge(admin.api_at(API))).await
    }

    /// Serves an application that is found under a prefix.
    pub(crate) async fn under(prefix: &'static str, router: Router) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { origin, prefix }
    }

    /// The address of a view, such as `history`.
    pub(crate) fn view(&self, view: &str) -> String {
        format!("{}{}{PAGE}/{view}", self.origin, self.prefix)
    }
}
