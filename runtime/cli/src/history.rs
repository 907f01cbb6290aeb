//! `history`

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, value_parser};
use mongrate::display::{Count, Elapsed};
use mongrate::history::Cursor;
use mongrate::json;
use mongrate::record::{Act, HistoryEntry, RecordStatus};

use super::exit::Exit;
use super::failure::{Failure, or_on_record};
use super::ink::{GREEN, RED, YELLOW};
use super::invocation::migrate;
use super::session::Session;
use super::{style, table};

#[derive(Clone, Debug, Args)]
pub(super) struct History {
    /// Number of entries to show, newest first
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(super) limit: u32,

    /// Number of newest entries to skip
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = value_parser!(u64).range(..=i64::MAX.unsigned_abs()))]
    skip: u64,

    /// Show older entries, from the position that `next` of an earlier JSON document names; new entries do not shift it
    #[arg(long, value_name = "CURSOR", conflicts_with = "skip")]
    after: Option<Cursor>,

    /// Show only entries with this status
    #[arg(long, value_parser = PossibleValuesParser::new(STATUSES.map(RecordStatus::as_str)).map(status))]
    status: Option<RecordStatus>,

    /// Show only the migrations of one source: system, module:<name> or plugin:<name>
    #[arg(long)]
    pub(super) source: Option<String>,

    /// Show only this migration (qualified id)
    #[arg(long, value_name = "ID")]
    pub(super) migration: Option<String>,
}

const STATUSES: [RecordStatus; 4] =
    [RecordStatus::Completed, RecordStatus::Failed, RecordStatus::RolledBack, RecordStatus::Running];

#[expect(clippy::needless_pass_by_value, reason = "clap passes a String")]
fn status(name: String) -> RecordStatus {
    STATUSES.into_iter().find(|status| status.as_str() == name).unwrap_or(RecordStatus::Completed)
}

impl History {
    pub(super) async fn run(self, session: &Session) -> Result<Exit, Failure> {
        let mut history = session.migrator().await?.history().limit(self.limit).skip(self.skip);
        if let Some(after) = &self.after {
            history = history.after(after);
        }
        let mut filters = Vec::new();
        if let Some(status) = self.status {
            filters.extend(["--status".to_owned(), status.as_str().to_owned()]);
            history = history.status(status);
        }
        if let Some(source) = self.source {
            filters.extend(["--source".to_owned(), source.clone()]);
            history = history.source(source);
        }
        if let Some(id) = self.migration {
            filters.extend(["--migration".to_owned(), id.clone()]);
            history = history.migration(id);
        }
        let page = history.await.map_err(or_on_record)?;
        let output = &session.output;
        if output.is_json() {
            output.json(&json::History::of(&page))?;
            return Ok(Exit::Done);
        }
        let shown = self.skip + page.entries.len() as u64;
        match (page.entries.len(), page.total) {
            (0, 0) if filters.is_empty() => output.print("The history is empty.")?,
            (0, 0) => output.print("No entries match.")?,
            (0, _) if self.after.is_some() => output.print("There are no older entries.")?,
            (0, total) => output.print(format_args!("There are only {}.", counted_entries(total)))?,
            (_, total) => {
                output.print(entries(&page.entries))?;
                let (m, limit) = (migrate(), self.limit);
                let filters: String = filters.iter().flat_map(|word| [" ", word]).collect();
                match page.next {
                    Some(next) if self.after.is_some() => output
                        .remark(format_args!("\nContinue with `{m} history --limit {limit} --after {next}{filters}`.")),
                    Some(_) => output.remark(format_args!(
                        "\n{shown} of {}; continue with `{m} history --limit {limit} --skip {shown}{filters}`.",
                        counted_entries(total)
                    )),
                    None => {}
                }
            }
        }
        Ok(Exit::Done)
    }
}

fn counted_entries(count: u64) -> String {
    if count == 1 { "1 entry".to_owned() } else { format!("{} entries", Count(count)) }
}

/// Formats entries as a table.
pub(super) fn entries(entries: &[HistoryEntry]) -> String {
    let mut rows = table::with(&["when (UTC)", "what", "migration", "ended", "took", "by", "remarks"]);
    for entry in entries {
        let ended = match entry.status {
            None => String::new(),
            Some(RecordStatus::Completed) => GREEN.paint("completed").to_string(),
            Some(RecordStatus::Failed) => RED.paint("failed").to_string(),
            Some(other) => YELLOW.paint(other.as_str().replace('-', " ")).to_string(),
        };
        let ran = matches!(entry.act, Act::Up | Act::Down | Act::Verify);
        let mut remarks: Vec<_> =
            [&entry.steered, &entry.because, &entry.error].into_iter().flatten().cloned().collect();
        remarks.extend(entry.holder.as_deref().map(|holder| format!("from process {} on {}", holder.pid, holder.host)));
        rows.add_row([
            style::moment(entry.executed_at),
            entry.act.to_string(),
            entry.migration_id.clone().unwrap_or_default(),
            ended,
            if ran { Elapsed(entry.duration()).to_string() } else { String::new() },
            entry.by.clone().unwrap_or_default(),
            remarks.join("; "),
        ]);
    }
    table::text(rows, &["took", "by"])
}
