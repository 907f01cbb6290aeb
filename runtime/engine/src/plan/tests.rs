mod down;
mod large;
mod mark;

use super::*;
use crate::error::Error;
use crate::plan::Registry;
use crate::plan::fixtures::{Drawn, draw, ids};
use crate::plan::graph::Graph;

fn up(registry: &Registry, only: Option<&[&str]>, completed: &[&str]) -> Result<Plan, Error> {
    let named = |ids: &[&str]| Reach::Only(ids.iter().map(|id| (*id).to_owned()).collect());
    reach(registry, &only.map_or(Reach::All, named), completed)
}

fn to(registry: &Registry, id: &str, completed: &[&str]) -> Result<Plan, Error> {
    reach(registry, &Reach::To(id.to_owned()), completed)
}

fn reach(registry: &Registry, reach: &Reach, completed: &[&str]) -> Result<Plan, Error> {
    Plan::up(&Graph::new(registry)?, reach, |id| if completed.contains(&id) { State::Completed } else { State::New })
}

fn steps(plan: &Plan) -> String {
    ids(plan.iter().map(Step::migration))
}

fn refusal(registry: &Registry, only: Option<&[&str]>, completed: &[&str]) -> String {
    up(registry, only, completed).expect_err("it is refused").to_string()
}

#[test]
fn completed_migrations_are_skipped() -> Result<(), Error> {
    let registry = draw("001_a <- 002_b <- 003_c");
    assert_eq!(steps(&up(&registry, None, &[])?), "001_a 002_b 003_c");
    assert_eq!(steps(&up(&registry, None, &["001_a"])?), "002_b 003_c");
    assert!(up(&registry, None, &["001_a", "002_b", "003_c"])?.is_empty());
    Ok(())
}

/// Earlier migrations in plan order are included, whether they are dependencies or not.
#[test]
fn to_includes_everything_earlier_in_plan_order() -> Result<(), Error> {
    let registry = draw("001_a <- 003_c\n002_b\n004_d\n005_e");
    assert_eq!(steps(&to(&registry, "003_c", &["001_a"])?), "002_b 003_c");
    assert_eq!(steps(&to(&registry, "003_c", &["001_a", "003_c"])?), "002_b");
    assert_eq!(steps(&to(&registry, "005_e", &[])?), "001_a 002_b 003_c 004_d 005_e");
    assert!(to(&registry, "003_d", &[]).expect_err("no such migration").to_string().contains("Did you mean"));
    Ok(())
}

fn limited(registry: &Registry, only: Option<&[&str]>, limit: &[&str], completed: &[&str]) -> Result<Plan, Error> {
    let limit = limit.iter().map(|id| (*id).to_owned()).collect();
    let reach = only.map_or(Reach::All, |ids| Reach::Only(ids.iter().map(|id| (*id).to_owned()).collect()));
    Plan::up_limited(&Graph::new(registry)?, &reach, Some(&limit), |id| {
        if completed.contains(&id) { State::Completed } else { State::New }
    })
}

#[test]
fn a_limit_keeps_later_migrations_out() -> Result<(), Error> {
    let registry = draw("001_a <- 002_b <- 003_c\n004_d\n005_manual");
    assert_eq!(steps(&limited(&registry, None, &["001_a", "004_d"], &[])?), "001_a 004_d");
    assert_eq!(steps(&limited(&registry, None, &["001_a", "004_d"], &["001_a"])?), "004_d");
    assert!(limited(&registry, None, &[], &[])?.is_empty());
    // A limit names nothing: what was not selected does not run.
    assert_eq!(steps(&limited(&registry, Some(&["004_d"]), &["001_a", "004_d"], &[])?), "004_d");
    Ok(())
}

/// Directly, or through a completed migration.
#[test]
fn i3_a_limit_does_not_separate_a_migration_from_its_dependencies() {
    let registry = draw("001_a <- 002_b <- 003_c");
    for completed in [&[][..], &["002_b"]] {
        let error = limited(&registry, None, &["003_c"], completed).expect_err("001_a is pending");
        assert!(matches!(error, Error::PlanChanged { migration: "003_c", .. }), "{error}");
    }
}

/// ```text
/// 001_a <- 000_new <- 002_b        002_b was completed before 000_new was written
/// ```
#[test]
fn a_pending_dependency_of_a_completed_migration_runs() -> Result<(), Error> {
    let registry = draw("001_a <- 000_new <- 002_b <- 003_c");
    assert_eq!(steps(&up(&registry, None, &["001_a", "002_b"])?), "000_new 003_c");
    assert_eq!(steps(&up(&registry, Some(&["003_c"]), &["001_a", "002_b"])?), "000_new 003_c");
    Ok(())
}

/// ```text
/// 001_a <- 002_b <- 004_d
///          003_c
/// ```
#[test]
fn named_migrations_run_with_their_pending_dependencies() -> Result<(), Error> {
    let registry = draw("001_a <- 002_b <- 004_d \n 003_c");
    assert_eq!(steps(&up(&registry, Some(&["002_b"]), &[])?), "001_a 002_b");
    assert_eq!(steps(&up(&registry, Some(&["004_d", "003_c"]), &["001_a"])?), "002_b 003_c 004_d");
    assert_eq!(steps(&up(&registry, Some(&["001_a", "001_a"]), &[])?), "001_a");
    assert!(up(&registry, Some(&[]), &[])?.is_empty());
    Ok(())
}

#[test]
fn naming_a_completed_migration_plans_nothing() -> Result<(), Error> {
    let registry = draw("001_a <- 002_b");
    assert!(up(&registry, Some(&["002_b"]), &["001_a", "002_b"])?.is_empty());
    assert!(up(&registry, Some(&["002_b"]), &["002_b"])?.is_empty(), "nor for what was inserted below it");
    Ok(())
}

#[test]
fn an_unknown_name_is_refused() {
    let registry = draw("001_create_users \n module:menu:002_add_namespace");
    assert_eq!(
        refusal(&registry, Some(&["001_create_user"]), &[]),
        "no migration '001_create_user' is linked into this program. Did you mean '001_create_users'?"
    );
    assert!(refusal(&registry, Some(&["002_add_namespace"]), &[]).ends_with("'module:menu:002_add_namespace'?"));
    assert!(refusal(&registry, Some(&["far", "off"]), &[]).starts_with("2 problems:"));
    assert_eq!(
        refusal(&registry.source("module:menu"), Some(&["001_create_users"]), &[]),
        "'001_create_users' belongs to a source that is not selected. Select its source, or leave out the migration"
    );
}

/// ```text
/// 001_a <- !002_manual <- 003_c <- 004_d
///                         005_e
/// ```
#[test]
fn dependents_of_a_manual_migration_are_blocked() -> Result<(), Error> {
    let registry = draw("001_a <- !002_manual <- 003_c <- 004_d \n 005_e");
    let plan = up(&registry, None, &[])?;
    assert_eq!(steps(&plan), "001_a 005_e");
    let blocked = plan.blocked().iter();
    let blocked: Vec<_> = blocked.map(|b| (b.migration().id(), b.waits_for().id())).collect();
    assert_eq!(blocked, [("003_c", "002_manual"), ("004_d", "002_manual")]);

    let plan = up(&registry, None, &["002_manual"])?;
    assert_eq!(steps(&plan), "001_a 003_c 004_d 005_e");
    assert!(plan.blocked().is_empty());
    Ok(())
}

#[test]
fn a_manual_migration_runs_when_it_is_named() -> Result<(), Error> {
    let registry = draw("001_a <- !002_manual <- 003_c");
    assert_eq!(steps(&up(&registry, Some(&["002_manual"]), &[])?), "001_a 002_manual");
    assert_eq!(steps(&up(&registry, Some(&["003_c", "002_manual"]), &[])?), "001_a 002_manual 003_c");
    assert_eq!(
        refusal(&registry, Some(&["003_c"]), &[]),
        "'003_c' depends on '002_manual', which is not completed and runs only when it is named. Name '002_manual' as well to run it first"
    );
    assert!(up(&registry, None, &["001_a", "003_c"])?.is_empty(), "a manual one alone is nothing to do");
    Ok(())
}

/// ```text
/// 001_a <- 002_b <- plugin:alerts:001_x
/// ```
#[test]
fn an_unselected_dependency_must_be_completed() -> Result<(), Error> {
    let registry = draw("001_a <- 002_b <- plugin:alerts:001_x <- plugin:alerts:002_y");
    let alerts = registry.source("plugin:alerts");
    assert_eq!(steps(&up(&alerts, None, &["001_a", "002_b"])?), "plugin:alerts:001_x plugin:alerts:002_y");
    assert_eq!(
        refusal(&alerts, None, &["001_a"]),
        "'plugin:alerts:001_x' depends on '002_b', which is not completed and belongs to a source that is not selected. Apply '002_b' first, or do not restrict the registry to one source"
    );
    assert!(refusal(&alerts, Some(&["plugin:alerts:002_y"]), &[]).contains("'plugin:alerts:001_x' depends on '002_b'"));
    let completed = &["plugin:alerts:001_x", "plugin:alerts:002_y"];
    assert!(up(&alerts, None, completed)?.is_empty(), "nothing is pending that could depend on it");
    assert_eq!(steps(&up(&registry.source("system"), None, completed)?), "001_a 002_b");
    Ok(())
}

/// ```text
/// !002_manual <-------+
///                      \
/// module:menu:001_x <-- 003_c
/// ```
#[test]
fn an_unselected_dependency_takes_precedence_over_a_manual_one() {
    let registry = draw("!002_manual, module:menu:001_x <- 003_c").source("system");
    assert!(refusal(&registry, None, &[]).contains("'003_c' depends on 'module:menu:001_x'"));
}

#[test]
fn an_invalid_graph_has_no_plan() {
    assert!(refusal(&draw("?999_x <- 001_a"), None, &[]).contains("is not linked into this program"));
}

#[test]
fn a_canceled_backfill_runs_when_it_is_named() -> Result<(), Error> {
    let registry = draw("001_a <- 002_canceled <- 003_c \n 004_d");
    let graph = Graph::new(&registry)?;
    let state = |id: &str| match id {
        "001_a" => State::Completed,
        "002_canceled" => State::Canceled,
        _ => State::New,
    };
    for (reach, expected) in [
        (Reach::All, "004_d"),
        (Reach::Only(vec!["002_canceled".to_owned()]), "002_canceled"),
        (Reach::Only(vec!["003_c".to_owned(), "002_canceled".to_owned()]), "002_canceled 003_c"),
        (Reach::To("002_canceled".to_owned()), "002_canceled"),
        (Reach::To("004_d".to_owned()), "004_d"),
    ] {
        assert_eq!(steps(&Plan::up(&graph, &reach, state)?), expected, "{reach:?}");
    }
    let dependent = Plan::up(&graph, &Reach::Only(vec!["003_c".to_owned()]), state).unwrap_err();
    assert!(matches!(dependent, Error::ManualDependency { dependency: "002_canceled", .. }), "{dependent}");
    let plan = Plan::up(&graph, &Reach::All, state)?.to_string();
    assert!(plan.contains("'002_canceled', which was canceled: run '002_canceled' by name first."), "{plan}");
    Ok(())
}

#[test]
fn display_is_a_list() -> Result<(), Error> {
    let described =
        Drawn { id: "001_a".to_owned(), description: " E-mail addresses\n are unique.\n\n More.", ..Drawn::default() };
    let drawn = crate::plan::fixtures::migrations("002_b \n 003_c \n 004_d \n !005_manual <- 006_f");
    let registry: Registry = drawn.into_iter().chain([described.leak()]).collect();
    let plan = Plan::up(&Graph::new(&registry)?, &Reach::All, |id| match id {
        "002_b" => State::Failed,
        "003_c" => State::RolledBack,
        "004_d" => State::Interrupted,
        _ => State::New,
    })?;
    let text = "\
4 migrations to apply:
  1. 001_a: E-mail addresses are unique.
  2. 002_b (failed before)
  3. 003_c (rolled back before)
  4. 004_d (interrupted before)
'006_f' waits for '005_manual', which is manual: run '005_manual' by name first.";
    assert_eq!(plan.to_string(), text);
    assert_eq!(Plan::default().to_string(), "Nothing to apply.");
    let first = plan.iter().next().map(|step| (step.direction(), step.state()));
    assert_eq!(first, Some((Direction::Up, State::New)));
    assert_eq!(Direction::Up.to_string(), "up");
    assert_eq!(plan.len(), plan.clone().into_iter().count());
    Ok(())
}
