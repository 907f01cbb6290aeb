//! The medians, as a Markdown table.

use crate::column::Column;
use crate::cost::Cost;

pub(crate) fn print(columns: &[Column], costs: &[Vec<Cost>]) {
    println!("| | k docs/s | ratio | mongod CPU µs/doc | ratio | commands per batch | retries |");
    println!("|---|---|---|---|---|---|---|");
    let mut reference: &[Cost] = &[];
    for (column, costs) in columns.iter().zip(costs) {
        if column.reference {
            reference = costs;
        }
        let ratio = |of: fn(&Cost) -> f64| median(costs.iter().zip(reference).map(|(cost, to)| of(cost) / of(to)));
        let middle = |of: fn(&Cost) -> f64| median(costs.iter().map(of));
        println!(
            "| {} | {:.1} | {:.2} | {:.1} | {:.2} | {} | {} |",
            column.name,
            middle(|cost| cost.documents_per_second) / 1_000.0,
            ratio(|cost| cost.documents_per_second),
            middle(|cost| cost.cpu),
            ratio(|cost| cost.cpu),
            per_batch(middle(|cost| cost.commands_per_batch)),
            costs.iter().map(|cost| cost.retries).sum::<u32>(),
        );
    }
}

/// Mongrate does not count its batches.
fn per_batch(commands: f64) -> String {
    if commands.is_finite() { format!("{commands:.1}") } else { "-".to_owned() }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
