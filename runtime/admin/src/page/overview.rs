//! The overview: counts, and every migration with its state.

use axum::response::Response;
use maud::html;

use super::layout::Layout;
use super::view::View;
use crate::call::Call;
use crate::problem::Problem;

pub(crate) async fn show(call: Call) -> Result<Response, Problem> {
    let status = call.migrator().status().await?;
    let pending = status.pending().count();
    let title = format!("{pending} pending");
    let body = html! {
        section.head { h1 { (title) } }
        ul.rows {
            @for standing in status.iter() {
                li {
                    span.badge { (standing.label()) }
                    div.what { (standing.migration.id()) p { (standing.migration.description()) } }
                }
            }
        }
    };
    Ok(Layout::of(&call, &title, View::Overview).answer(&body))
}
