//! `graph`

#[cfg(test)]
mod tests;
mod text;

use clap::Args;
use console::Term;
use mongrate::Error;
use mongrate::display::graph::{Dot, Drawing, Mermaid, Svg};
use mongrate::plan::{NOTHING_LINKED, Registry};

use super::exit::Exit;
use super::failure::Failure;
use super::format::Format;
use super::session::Session;

const READING: &str = "\
Lines and arrows lead from a dependency to its dependents, which is the order of execution. A dependency that follows from \
others has no line of its own; JSON contains every dependency.

In text output, every corner belongs to the migration in its row: lines from above come from its dependencies, and lines below \
lead to its dependents. ● has dependencies, ○ has none. A dependency that is far up is named instead: ← 001_create_users.";

#[derive(Clone, Debug, Args)]
#[command(after_long_help = READING)]
pub(super) struct Graph {
    /// Draw only these migrations (qualified ids), their dependencies and their dependents
    #[arg(value_name = "ID")]
    pub(super) ids: Vec<String>,

    /// Draw only the migrations of one source and their direct dependencies: system, module:<name> or plugin:<name>
    #[arg(long)]
    pub(super) source: Option<String>,

    /// Draw the linked-in migrations without their status, which needs no database
    #[arg(long)]
    pub(super) offline: bool,

    /// Output format: terminal text, Graphviz, Mermaid, an SVG image or JSON
    #[arg(long, default_value = "text", value_parser = Format::among(&["text", "dot", "mermaid", "svg", "json"]))]
    format: Format,
}

impl Graph {
    pub(super) async fn run(self, session: &Session) -> Result<Exit, Failure> {
        let drawing = if self.offline {
            let registry = Registry::linked();
            registry.verify()?;
            self.part_of(Drawing::new(&registry), &registry)?
        } else {
            let migrator = session.migrator().await?;
            self.part_of(Drawing::new(migrator.status().await?.iter()), migrator.registry())?
        };
        let output = &session.output;
        if drawing.nodes.is_empty() {
            output.warning(NOTHING_LINKED);
        }
        match self.format {
            Format::Json => output.json(&mongrate::json::graph::Graph::of(&drawing))?,
            Format::Dot => output.print(Dot(&drawing.reduced()))?,
            Format::Mermaid => mermaid(session, &drawing.reduced())?,
            Format::Svg => output.print(Svg::new(&drawing.reduced()))?,
            Format::Text | Format::Table => text(session, &drawing.reduced())?,
        }
        Ok(Exit::Done)
    }

    /// The selected part of the graph.
    fn part_of(&self, mut drawing: Drawing, registry: &Registry) -> Result<Drawing, Error> {
        Error::gather(self.ids.iter().filter_map(|id| registry.find(id).err()).collect())?;
        if !self.ids.is_empty() {
            drawing = drawing.around(usize::MAX, |id| self.ids.iter().any(|named| named == id));
        }
        if let Some(source) = &self.source {
            registry.source(source).verify()?;
            drawing = drawing.of_source(source);
        }
        Ok(drawing)
    }
}

fn text(session: &Session, drawing: &Drawing) -> Result<(), Failure> {
    let terminal = Term::stdout();
    let width = terminal.is_term().then(|| usize::from(terminal.size().1));
    session.output.print(text::text(drawing, width))
}

fn mermaid(session: &Session, drawing: &Drawing) -> Result<(), Failure> {
    let text = Mermaid(drawing).to_string();
    if drawing.edges.len() > Mermaid::MAX_EDGES || text.chars().count() > Mermaid::MAX_TEXT {
        session.output.warning("this graph exceeds Mermaid's default limits; raise its `maxEdges` and `maxTextSize`");
    }
    session.output.print(text)
}
