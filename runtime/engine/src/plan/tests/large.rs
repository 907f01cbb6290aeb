//! Plans of many migrations: the cost is linear.

use crate::error::Error;
use crate::migration::State;
use crate::plan::down::Target;
use crate::plan::fixtures::Drawn;
use crate::plan::graph::Graph;
use crate::plan::mark::mark_pending;
use crate::plan::{Plan, Registry};
use crate::record::Applied;

const COUNT: usize = 20_000;

fn id(number: usize) -> String {
    format!("{:08}-x_{number}", 20_000_101 + number)
}

/// A chain of dependencies.
fn chain() -> Registry {
    let drawn = |number: usize| Drawn {
        id: id(number),
        dependencies: number.checked_sub(1).map(id).into_iter().collect(),
        ..Drawn::default()
    };
    (0..COUNT).map(|number| drawn(number).leak()).collect()
}

fn refusals(error: Error) -> Vec<Error> {
    match error {
        Error::Several { errors } => errors,
        other => vec![other],
    }
}

#[test]
fn the_last_20_000_are_planned() -> Result<(), Error> {
    let graph = Graph::new(&chain())?;
    let plan =
        Plan::down(&graph, &Target::Last(COUNT), false, |_| Some(Applied::in_batch(1)), |_| State::Completed, &[])?;
    assert_eq!(plan.len(), COUNT);
    Ok(())
}

#[test]
fn of_10_000_blocked_migrations_the_first_are_refused() -> Result<(), Error> {
    let graph = Graph::new(&chain())?;
    let half: Vec<_> = (0..COUNT / 2).map(id).collect();
    let down = Plan::down(
        &graph,
        &Target::Only(half.clone()),
        false,
        |_| Some(Applied::in_batch(1)),
        |_| State::Completed,
        &[],
    );
    let marked = mark_pending(&graph, &half, |_| true, |_| State::Completed);
    for refused in [down.expect_err("half of it stays"), marked.expect_err("half of it stays")] {
        let refused = refusals(refused);
        assert!((1..200).contains(&refused.len()), "{} refusals", refused.len());
        for refusal in refused {
            let Error::DependentsApplied { dependents, .. } = refusal else { panic!("{refusal}") };
            assert_eq!(dependents.len(), COUNT / 2);
        }
    }
    Ok(())
}

#[test]
fn only_a_few_unknown_names_are_compared_with_all_ids() {
    let graph = Graph::new(&chain()).expect("no mistakes");
    let names: Vec<_> = (0..COUNT).map(|number| format!("{number:06}_unknown")).collect();
    assert_eq!(refusals(graph.named(&names).expect_err("none of them is there")).len(), COUNT);
}
