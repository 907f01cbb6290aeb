//! The table of routes. The routers, the checks of access, the OpenAPI document and the tests are made from it.

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};

use crate::access::Action::{Accept, Baseline, Down, Draft, DryRun, Look, Mark, Prune, Steer, Stop, Unlock, Up};
use crate::admin::Admin;
use crate::call::Call;
use crate::face::Face;
use crate::guard::{self, Gate};
use crate::parameters;
use crate::problem::Problem;
use crate::route::{Route, delete, get, patch, post};
use crate::{api, page};
use crate::{events, openapi};

/// The API.
#[rustfmt::skip]
pub(crate) fn api() -> Vec<Route> {
    vec![
        get("/status", Look, api::status::status).does("Show the status of every migration")
            .takes(parameters::OF_STATUS).answers(&[(200, "status-page"), (304, "")]),
        get("/pending", Look, api::checks::pending).does("List what is not applied")
            .answers(&[(200, "pending")]),
        get("/validate", Look, api::checks::validate).does("Compare the records and the database with the code")
            .answers(&[(200, "validate")]),
        get("/version", Look, api::checks::version).does("Show how far each source is")
            .answers(&[(200, "version")]),
        get("/statistics", Look, api::checks::statistics).does("Show the number, failures and durations of executions")
            .answers(&[(200, "statistics")]),
        get("/health", Look, api::checks::health).does("Check the health of the database")
            .answers(&[(200, "health")]),
        get("/history", Look, api::history::history).does("Page through the history, newest first")
            .takes(parameters::OF_HISTORY)
            .answers(&[(200, "history")]),
        get("/graph", Look, api::graph::graph).does("Draw the dependency graph")
            .takes(parameters::OF_GRAPH)
            .answers(&[(200, "graph"), (200, api::graph::SVG), (200, api::graph::DOT), (200, api::graph::MERMAID)]),
        get("/migrations/{id}", Look, api::show::show).does("Show everything about a migration")
            .answers(&[(200, "show")]),
        get("/{id}", Look, api::show::show).does("Show everything about a migration")
            .answers(&[(200, "show")]),
        get("/backfills", Look, api::backfills::list).does("List the backfills that have started and not completed")
            .answers(&[(200, "backfill"), (304, "")]),
        get("/backfills/{id}", Look, api::backfills::show).does("Show how far a backfill has come")
            .answers(&[(200, "open-backfill"), (304, "")]),
        get("/backfills/{id}/skipped", Look, api::backfills::skipped).does("List the documents that a backfill has skipped")
            .answers(&[(200, "backfill-skipped")]),
        patch("/backfills/{id}", Steer, api::backfills::steer).does("Pause, resume or tune a backfill")
            .reads("steer-request")
            .answers(&[(200, "open-backfill"), (204, "")]),
        post("/backfills/{id}/retry", Up, api::backfills::retry).does("Go on with a backfill that has failed")
            .takes(parameters::OF_UP).reads("up-request")
            .answers(&[(200, "report"), (202, "run-state")]),
        post("/backfills/{id}/cancel", Mark, api::amend::cancel).does("End a backfill; it runs again only when it is named. Confirmed by the `ETag` of the status as `If-Match`")
            .reads("end-request").answers(&[(200, "report")]),
        post("/backfills/{id}/restart", Mark, api::amend::restart).does("Let the next run start a backfill from the beginning, confirmed by the `ETag` of the status as `If-Match`")
            .reads("end-request").answers(&[(200, "report")]),
        get("/tenants", Look, api::tenants::tenants).does("Show how far the databases of the tenants are")
            .takes(parameters::OF_TENANTS).answers(&[(200, "tenants")]),
        get("/plan", Look, api::plan::plan).does("Show what a run would do, with the `ETag` that confirms it")
            .takes(parameters::OF_PLAN)
            .answers(&[(200, "plan")]),
        post("/up", Up, api::up::up).does("Apply pending migrations")
            .takes(parameters::OF_UP).reads("up-request")
            .answers(&[(200, "report"), (202, "run-state")]),
        post("/execute", Up, api::up::up).does("Apply pending migrations: the same as `up`")
            .takes(parameters::OF_UP).reads("up-request")
            .answers(&[(200, "report"), (202, "run-state")]),
        post("/migrations/{id}/run", Up, api::up::one).does("Apply one migration and its pending dependencies")
            .takes(parameters::OF_UP).reads("up-request")
            .answers(&[(200, "report"), (202, "run-state")]),
        post("/down", Down, api::down::down).does("Revert applied migrations, confirmed by the `ETag` of the plan as `If-Match`")
            .takes(parameters::OF_DOWN).reads("down-request")
            .answers(&[(200, "report"), (202, "run-state")]),
        get("/runs", Look, api::runs::list).does("List the newest runs")
            .answers(&[(200, "run-list")]),
        get("/runs/{run}", Look, api::runs::show).does("Show what a run has done")
            .answers(&[(200, "run-state"), (303, "")]),
        post("/runs/{run}/stop", Stop, api::runs::stop).does("Stop a run in good order, wherever it runs")
            .reads("stop-request")
            .answers(&[(202, "run-state")]),
        post("/mark/applied", Mark, api::amend::mark_applied).does("Mark migrations as applied without running them, confirmed by the `ETag` of the status as `If-Match`")
            .reads("mark-request")
            .answers(&[(200, "report")]),
        post("/mark/pending", Mark, api::amend::mark_pending).does("Mark migrations as pending without reverting them, confirmed by the `ETag` of the status as `If-Match`")
            .reads("mark-request")
            .answers(&[(200, "report")]),
        post("/baseline", Baseline, api::amend::baseline).does("Mark a migration and everything before it as applied, confirmed by the `ETag` of the status as `If-Match`")
            .reads("baseline-request")
            .answers(&[(200, "report")]),
        post("/accept", Accept, api::amend::accept).does("Accept the current code of a changed migration, confirmed by the `ETag` of the status as `If-Match`")
            .reads("amend-request")
            .answers(&[(200, "report")]),
        post("/prune", Prune, api::amend::prune).does("Delete the record of a migration that no longer exists, confirmed by the `ETag` of the status as `If-Match`")
            .reads("amend-request")
            .answers(&[(200, "report")]),
        get("/lock", Look, api::lock::status).does("Show who holds the lock")
            .answers(&[(200, "lock-status")]),
        get("/lock/status", Look, api::lock::status).does("Show who holds the lock")
            .answers(&[(200, "lock-status")]),
        delete("/lock", Unlock, api::unlock::unlock).does("Release the lock by force, confirmed by the `ETag` of the lock as `If-Match`")
            .reads("unlock-request")
            .answers(&[(200, "lock-release")]),
        post("/lock/release", Unlock, api::unlock::unlock).does("Release the lock by force: the same as `DELETE lock`")
            .reads("unlock-request")
            .answers(&[(200, "lock-release")]),
        post("/new", Draft, api::draft::draft).does("Create the code of a new migration to copy; writes nothing")
            .reads("new-request")
            .answers(&[(200, "new")]),
        post("/", Draft, api::draft::draft).does("Create the code of a new migration: the same as `new`")
            .reads("new-request")
            .answers(&[(200, "new")]),
        get("/events", Look, events::all).does("Stream what happens: `state`, `step`, `operation`, `tenants` and `gone`")
            .answers(&[(200, "text/event-stream")]),
        get("/openapi.json", Look, document).does("Describe this API")
            .answers(&[(200, "any")]),
    ]
}

/// The page.
pub(crate) fn page() -> Vec<Route> {
    vec![
        get("/", Look, page::overview::show),
        get("/plan", Look, page::plan::show),
        get("/run", Look, page::run::show),
        get("/history", Look, page::history::show),
        get("/lock", Look, page::lock::show),
        get("/tenants", Look, page::tenants::show),
        get("/api", Look, requests),
        get("/migration", Look, page::migration::show),
        get("/sign-in", None, page::session::form),
        post("/session", None, page::session::open),
        post("/sign-out", None, page::session::close),
        get("/events", Look, events::changes),
        post("/up", Up, page::acts::up),
        post("/down", Down, page::acts::down),
        post("/dry-run", DryRun, page::acts::dry_run),
        post("/up-all", Up, page::tenants::up_all),
        post("/steer", Steer, page::acts::steer),
        post("/stop", Stop, page::acts::stop),
        post("/mark-applied", Mark, page::acts::mark_applied),
        post("/mark-pending", Mark, page::acts::mark_pending),
        post("/cancel", Mark, page::acts::cancel),
        post("/restart", Mark, page::acts::restart),
        post("/accept", Accept, page::acts::accept),
        post("/prune", Prune, page::acts::prune),
        post("/unlock", Unlock, page::acts::unlock),
        post("/theme", None, page::session::choose_theme),
        get("/app.css", None, page::assets::style),
        get("/app.js", None, page::assets::script),
        get("/icon.svg", None, page::assets::icon),
    ]
}

/// The view of the API shows this table, which names the view.
async fn requests(call: Call) -> Response {
    page::curl::show(&call, &api())
}

async fn document(call: Call) -> Response {
    axum::Json(openapi::document(&api(), call.admin.tenants().is_some())).into_response()
}

/// Builds the router of a face from its rows.
pub(crate) fn router(admin: &Admin, face: Face) -> Router {
    let rows = match face {
        Face::Page => page(),
        Face::Api => api(),
    };
    let mut router = Router::new();
    for Route { path, action, handler, doc, .. } in rows {
        let gate = Gate { admin: admin.clone(), face, action, doc };
        router = router.route(path, handler.layer(from_fn_with_state(gate, guard::pass)));
    }
    router
        .fallback(async move || {
            let help = match face {
                Face::Page => "check the address",
                Face::Api => "check the path; `openapi.json` lists those that there are",
            };
            Problem::not_found("the admin has nothing at this path").help(help)
        })
        .method_not_allowed_fallback(guard::method_not_allowed)
        .layer(from_fn_with_state((admin.clone(), face), guard::dress))
}
