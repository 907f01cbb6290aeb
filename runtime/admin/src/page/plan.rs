//! A plan: its steps in order, what is not part of it, and the form that runs it after a person has confirmed it.

use std::sync::Arc;

use axum::response::Response;
use maud::{Markup, html};
use mongrate::display::plural;
use mongrate::lock::LockStatus;
use mongrate::migration::{Direction, State};
use mongrate::plan::{Blocked, Step};
use mongrate::report::Execution;
use mongrate::status::{Standing, Status};
use mongrate::{Error, Kind, Plan, Report};

use super::layout::{Layout, crumb};
use super::view::View;
use super::words::{self, visible};
use super::{forms, found, takeover};
use crate::access::Action;
use crate::call::{Call, Query};
use crate::etag::ETag;
use crate::filter::waits_for_a_run;
use crate::problem::Problem;
use crate::selection::Selection;

/// A plan as it is shown before somebody confirms it.
struct Preview<'a> {
    call: &'a Call,
    selection: &'a Selection,
    plan: Plan,
    status: Status,
    lock: LockStatus,
    /// The report of the newest dry run of the same selection, for whoever may make one.
    simulated: Option<Arc<Report>>,
}

pub(crate) async fn show(call: Call, Query(selection): Query<Selection>) -> Result<Response, Problem> {
    let migrator = call.migrator();
    // The lock is read first, so that the tag is stale if a run comes between.
    let lock = migrator.lock_status().await?;
    let plan = selection.plan(migrator).await.map_err(|error| refused(&call, &selection, &error))?;
    let status = migrator.status().await?;
    let simulated = call.allowed.may(Action::DryRun).then(|| call.site.runs().simulated(&selection)).flatten();
    let preview = Preview { call: &call, selection: &selection, plan, status, lock, simulated };
    let title = preview.title();
    let body = html! {
        (crumb(&call, "Plan"))
        section.head {
            div {
                h1 { (title) }
                p.muted { (preview.subtitle()) }
            }
            (preview.dry_run())
        }
        (preview.choices())
        (preview.simulation())
        (preview.steps())
        (preview.left_out())
        @if !preview.plan.is_empty() { (preview.form()) }
    };
    Ok(Layout::of(&call, &title, None).answer(&body))
}

/// A plan that cannot be made. What is in the way of a `down` can be reverted with it.
fn refused(call: &Call, selection: &Selection, error: &Error) -> Problem {
    let problem = Problem::from(error);
    if !matches!(error, Error::DependentsApplied { .. }) || selection.with_dependents {
        return problem;
    }
    let wider = Selection { with_dependents: true, ..selection.clone() };
    problem.link(address(call, &wider), "Revert its dependents, too…")
}

/// The address of a plan.
pub(super) fn address(call: &Call, selection: &Selection) -> String {
    let fields = selection.fields();
    let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    View::Plan.url(&call.site, &fields)
}

impl Preview<'_> {
    fn verb(&self) -> Direction {
        self.selection.verb
    }

    fn title(&self) -> String {
        let database = self.call.migrator().database().name();
        let count = plural(self.plan.len() as u64, "migration");
        match (self.verb(), self.plan.len()) {
            (Direction::Up, 0) => "Nothing to run".to_owned(),
            (Direction::Down, 0) => "Nothing to revert".to_owned(),
            (Direction::Up, _) => format!("Run {count} on {database}?"),
            (Direction::Down, _) => format!("Revert {count} on {database}?"),
        }
    }

    /// The usual selections of a `down`.
    fn choices(&self) -> Markup {
        let site = &self.call.site;
        let is_named = !self.selection.only.is_empty() || self.selection.to.is_some();
        html! {
            @if self.verb() == Direction::Down && !is_named {
                nav.actions aria-label="What to revert" {
                    a.button href=(View::Plan.url(site, &[("verb", "down")])) aria-current=[(!self.selection.batch).then_some("true")] {
                        "The last migration"
                    }
                    a.button href=(View::Plan.url(site, &[("verb", "down"), ("batch", "true")])) aria-current=[self.selection.batch.then_some("true")] {
                        "All of the last run"
                    }
                }
            }
        }
    }

    fn subtitle(&self) -> &'static str {
        match (self.verb(), self.plan.is_empty(), self.plan.blocked().is_empty()) {
            (_, false, _) => "In this order. Nothing has been changed yet.",
            (Direction::Up, true, _) if self.status.iter().any(|standing| standing.state == State::Underway) => {
                "Everything else that was selected waits for a backfill that is underway, or is already applied."
            }
            (Direction::Up, true, true) => "What was selected is already applied.",
            (Direction::Up, true, false) => {
                "Everything that is pending waits for a migration that runs only when it is named."
            }
            (Direction::Down, true, _) => "What was selected is not applied.",
        }
    }

    fn steps(&self) -> Markup {
        html! {
            @if !self.plan.is_empty() {
                ol.steps {
                    @for (index, step) in self.plan.iter().enumerate() { (self.step(index + 1, step)) }
                }
            }
        }
    }

    fn step(&self, number: usize, step: &Step) -> Markup {
        let migration = step.migration();
        let (standing, execution) = (self.status.get(migration.id()), self.execution(migration.id()));
        html! {
            li {
                span.no { (number) }
                div.what {
                    (words::id(&self.call.site, migration.id())) " "
                    @if let Some(standing) = standing { (words::standing_badge(&standing)) }
                    @if let Some(execution) = execution { " " (found::outcome(&execution.outcome)) }
                    p { (visible(&migration.summary())) " " span.muted { (how(migration.kind())) } }
                    @if let Some(execution) = execution { (found::found(&format!("found-{number}"), execution)) }
                }
            }
        }
    }

    fn execution(&self, id: &str) -> Option<&Execution> {
        self.simulated.as_ref()?.executions().find(|execution| execution.id == id)
    }

    /// What the newest dry run of this plan came to.
    fn simulation(&self) -> Markup {
        html! {
            @if let Some(report) = &self.simulated {
                p.alert { (visible(&report.summary().to_string())) " It was made on the database as it was then." }
            }
        }
    }

    /// What a person might expect in this run and does not find.
    fn left_out(&self) -> Markup {
        let site = &self.call.site;
        let chip = |id| words::chip(site, &self.status, id);
        let named = self.named_only();
        html! {
            @for blocked in self.plan.blocked() {
                @let (id, waits_for) = ids(blocked);
                p.muted {
                    "Not part of this run: " (chip(id)) " waits for " (chip(waits_for))
                    @if self.is_underway(waits_for) {
                        ", a backfill that is underway."
                    } @else {
                        ", which runs only when it is named. " a href=(View::Plan.url(site, &[("only", waits_for)])) { "Run " (visible(waits_for)) "…" }
                    }
                }
            }
            @for id in &named {
                p.muted {
                    "Not part of this run: " (chip(id)) " runs only when it is named. "
                    a href=(View::Plan.url(site, &[("only", id)])) { "Run it…" }
                }
            }
            @if let Some(others) = self.others() {
                p.muted { "Not part of this run: " (others) ". " a href=(View::Plan.url(site, &[])) { "Plan everything" } }
            }
        }
    }

    /// The migrations that a run of everything leaves out, except those that [`Blocked`] names.
    fn named_only(&self) -> Vec<&'static str> {
        if self.verb() == Direction::Down || self.is_narrow() {
            return Vec::new();
        }
        let by_name = self.status.iter().filter(Standing::runs_only_by_name).map(|standing| standing.migration.id());
        by_name.filter(|id| self.plan.blocked().iter().all(|blocked| blocked.waits_for().id() != *id)).collect()
    }

    fn is_underway(&self, id: &str) -> bool {
        self.status.state(id) == Some(State::Underway)
    }

    /// How many pending migrations a narrow selection leaves out.
    fn others(&self) -> Option<String> {
        let planned = |id| self.plan.iter().any(|step| step.migration().id() == id);
        let others = self.status.iter().filter(|standing| {
            waits_for_a_run(standing) && !standing.runs_only_by_name() && !planned(standing.migration.id())
        });
        let others = others.count() as u64;
        let shows = self.verb() == Direction::Up && self.is_narrow() && others > 0;
        shows.then(|| plural(others, "more pending migration"))
    }

    fn is_narrow(&self) -> bool {
        !self.selection.only.is_empty() || self.selection.to.is_some()
    }

    fn action(&self) -> Action {
        match self.verb() {
            Direction::Up => Action::Up,
            Direction::Down => Action::Down,
        }
    }

    fn dry_run(&self) -> Markup {
        html! {
            @if !self.plan.is_empty() && self.call.allowed.may(Action::DryRun) {
                form.actions method="post" action=(forms::address(&self.call.site, "dry-run")) {
                    (self.selected())
                    button title="Runs every body and takes everything back. Nothing is changed." { "Dry run" }
                }
            }
        }
    }

    /// The hidden fields that select the same plan again.
    fn selected(&self) -> Markup {
        html! { @for (name, value) in self.selection.fields() { input type="hidden" name=(name) value=(value); } }
    }

    fn form(&self) -> Markup {
        let action = self.action();
        if !self.call.allowed.may(action) {
            return html! { p.muted { (forms::needs(self.call, action)) } };
        }
        let (verb, button, class) = match self.verb() {
            Direction::Up => ("up", "Run", "primary"),
            Direction::Down => ("down", "Revert", "danger"),
        };
        let tag = ETag::of_plan(self.verb(), &self.plan, self.lock.token);
        html! {
            form.panel method="post" action=(forms::address(&self.call.site, verb)) {
                (self.selected())
                input type="hidden" name="plan" value=(tag);
                (self.lock())
                (forms::because(self.verb() == Direction::Down))
                (forms::typed_name(self.call))
                (self.orphans())
                @if self.verb() == Direction::Up {
                    label.check {
                        input type="checkbox" name="continueOnError" value="true";
                        " Continue after a failure with what does not depend on it"
                    }
                }
                div.actions.end {
                    a.button data-close href=(View::Overview.url(&self.call.site, &[])) { "Cancel" }
                    button class=(class) { (button) " " (these(self.plan.len())) }
                }
            }
        }
    }

    /// What the lock means for a run that starts now.
    fn lock(&self) -> Markup {
        let Some(holder) = &self.lock.holder else { return html! {} };
        let run = self.lock.token.to_string();
        let link = View::Run.url(&self.call.site, &[("id", &run)]);
        if !holder.expired {
            return html! {
                p.alert.run { strong { "Busy." } " " (visible(&holder.host)) "/" (holder.pid) " is migrating; this run would be refused. "
                    a href=(link) { "See run " (run) } }
            };
        }
        let wait = takeover::wait(self.call.migrator());
        html! {
            input type="hidden" name="lockWaitMs" value=(wait.as_millis());
            p.alert.run { strong { "Left behind." } " " (visible(&holder.host)) "/" (holder.pid) " has not given its lock back. \
                This run waits up to " (words::whole(wait)) " to make sure that it is gone, and takes over. "
                a href=(link) { "See run " (run) } }
        }
    }

    /// A process that is older than the database does not know what it may break.
    fn orphans(&self) -> Markup {
        let orphans = self.status.orphans();
        html! {
            @if !orphans.is_empty() {
                label.check {
                    input type="checkbox" name="acknowledgeOrphans" value="true" required;
                    span {
                        " Go on although this process does not know "
                        @for (index, orphan) in orphans.iter().take(5).enumerate() {
                            @if index > 0 { ", " }
                            span.id { (visible(&orphan.id)) }
                        }
                        @if orphans.len() > 5 { " and " (orphans.len() - 5) " more" }
                        ". It is older than the database, or they were removed."
                    }
                }
            }
        }
    }
}

/// How a body runs.
fn how(kind: Kind) -> &'static str {
    match kind {
        Kind::Tx => "One transaction together with its record.",
        Kind::Schema => "Operation by operation; resumes where it stopped.",
        Kind::Backfill => "In batches, each document once; a large collection is changed after this run has ended.",
        _ => "Outside of transactions; runs again after an interruption.",
    }
}

fn these(count: usize) -> String {
    if count == 1 { "this one".to_owned() } else { format!("these {count}") }
}

fn ids(blocked: &Blocked) -> (&'static str, &'static str) {
    (blocked.migration().id(), blocked.waits_for().id())
}
