use super::*;
use crate::fixtures::draw;
use crate::registry::Registry;

fn up(registry: &Registry, only: Option<&[&str]>, completed: &[&str]) -> Result<Plan, Error> {
    let only: Option<Vec<_>> = only.map(|ids| ids.iter().map(|id| (*id).to_owned()).collect());
    let state = |id: &str| {
        if completed.contains(&id) {
            State::Completed
        } else {
            State::New
        }
    };
    Plan::up(&Graph::new(registry)?, only.as_deref(), state)
}

fn steps(plan: &Plan) -> String {
    crate::fixtures::ids(plan.iter().map(Step::migration))
}

#[test]
fn what_is_completed_is_left_out() -> Result<(), Error> {
    let registry = draw("001_a <- 002_b <- 003_c");
    assert_eq!(steps(&up(&registry, None, &[])?), "001_a 002_b 003_c");
    assert_eq!(steps(&up(&registry, None, &["001_a"])?), "002_b 003_c");
    assert!(up(&registry, None, &["001_a", "002_b", "003_c"])?.is_empty());
    Ok(())
}
