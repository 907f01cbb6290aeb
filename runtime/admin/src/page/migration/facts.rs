//! What a migration declares, and the checksums of its code.

use maud::{Markup, html};
use mongrate::record::Record;
use mongrate::{Kind, Migration};

use crate::page::words::{elapsed, visible};

pub(super) fn of(migration: Migration, record: Option<&Record>) -> Markup {
    let (file, line) = migration.location();
    html! {
        dl.facts {
            dt { "Source" } dd { (migration.source()) }
            dt { "Takes" } dd { (takes(migration.kind())) }
            dt { "Can be reverted" } dd { (reversible(migration)) }
            @if migration.is_manual() { dt { "Manual" } dd { "It runs only when it is named." } }
            @if let Some(condition) = migration.condition() { dt { "Condition" } dd { "It exists " (visible(&condition.to_string())) "." } }
            @if migration.needs().next().is_some() { dt { "Needs" } dd { @for needed in migration.needs() { code { (visible(needed)) } " " } } }
            @if let Some(timeout) = migration.timeout() { dt { "Timeout" } dd { (elapsed(timeout)) } }
            dt { "Checked afterwards" } dd { @if migration.has_verify() { "yes, by its own check" } @else { "no" } }
            dt { "Code" }
            dd { code #location { (visible(file)) ":" (line) } " " button.copy type="button" hidden data-copy="location" { "Copy" } }
            dt { "Checksum in code" } dd { code { (migration.checksum()) } }
            @if let Some(record) = record {
                dt { "Checksum as applied" }
                dd { @if record.checksum == migration.checksum() { "the same" } @else { code { (visible(&record.checksum)) } } }
            }
        }
        @if migration.description().lines().nth(1).is_some() {
            details { summary { "Description" } pre { (visible(migration.description())) } }
        }
    }
}

fn takes(kind: Kind) -> Markup {
    html! {
        @match kind {
            Kind::Tx => { code { "&mut Tx" } ": one transaction together with its record" },
            Kind::Schema => { code { "&mut Schema" } ": collections and indexes; it resumes after an interruption" },
            Kind::Backfill => { code { "&mut Backfill" } ": a large collection, changed in batches while other migrations run; each document once" },
            _ => { code { "&Database" } ": without a transaction; it runs again after an interruption" },
        }
    }
}

fn reversible(migration: Migration) -> Markup {
    html! {
        @match (migration.is_reversible(), migration.irreversible_reason()) {
            (true, _) => "yes",
            (false, Some(reason)) => { "no: " (visible(reason)) },
            (false, None) => "no",
        }
    }
}
