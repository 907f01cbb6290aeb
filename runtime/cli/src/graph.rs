//! `graph`

mod dot;
mod drawing;
mod json;
mod mermaid;
mod paint;
mod part;
mod rails;
mod svg;
#[cfg(test)]
mod tests;
mod text;

use clap::Args;
use console::Term;

use self::dot::Dot;
use self::drawing::Drawing;
use self::mermaid::Mermaid;
use self::svg::Svg;
use super::exit::Exit;
use super::failure::Failure;
use super::format::Format;
use super::session::Session;
use mongrate::Error;
use mongrate::plan::{NOTHING_LINKED, Registry};

const READING: &str = "\
Lines and arrows lead from a dependency to what depends on it, which is the order of running. What follows from other lines \
has no line of its own; in JSON all dependencies are there.

In the text, every corner belongs to the migration in its row: it hangs on what comes from above, and what leads down from it \
waits for it. ● has something above it, ○ has not. A dependency that is far up is named instead: ← 001_create_users.";

#[derive(Clone, Debug, Args)]
#[command(after_long_help = READING)]
pub(super) struct Graph {
    /// Only these (qualified ids), what they depend on and what depends on them
    #[arg(value_name = "ID")]
    pub(super) ids: Vec<String>,

    /// Only the migrations of one source and what they depend on directly: system, module:<name> or plugin:<name>
    #[arg(long)]
    pub(super) source: Option<String>,

    /// Only what is linked in, without a database: not where it stands
    #[arg(long)]
    pub(super) offline: bool,

    /// How the graph is drawn: for a terminal, for Graphviz, for Mermaid, as a picture, or for a program
    #[arg(long, default_value = "text", value_parser = Format::among(&["text", "dot", "mermaid", "svg", "json"]))]
    format: Format,
}

impl Graph {
    pub(super) async fn run(self, session: &Session) -> Result<Exit, Failure> {
        let drawing = if self.offline {
            let registry = Registry::linked();
            registry.verify()?;
            self.part_of(Drawing::offline(&registry), &registry)?
        } else {
            let migrator = session.migrator().await?;
            self.part_of(Drawing::of(&migrator.status().await?), migrator.registry())?
        };
        let output = &session.output;
        if drawing.nodes.is_empty() {
            output.warning(NOTHING_LINKED);
        }
        match self.format {
            Format::Json => output.json(&mongrate::json::graph::Graph::from(&drawing))?,
            Format::Dot => output.print(Dot(&drawing.reduced()))?,
            Format::Mermaid => mermaid(session, &drawing.reduced())?,
            Format::Svg => output.print(Svg::new(&drawing.reduced()))?,
            Format::Text | Format::Table => text(session, &drawing.reduced())?,
        }
        Ok(Exit::Done)
    }

    /// What was asked for.
    fn part_of(&self, mut drawing: Drawing, registry: &Registry) -> Result<Drawing, Error> {
        Error::gather(self.ids.iter().filter_map(|id| registry.find(id).err()).collect())?;
        if !self.ids.is_empty() {
            drawing = drawing.around(|id| self.ids.iter().any(|named| named == id));
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
    if drawing.edges.len() > mermaid::EDGES || text.chars().count() > mermaid::TEXT {
        session.output.warning("this is more than Mermaid draws, unless its `maxEdges` and `maxTextSize` are raised");
    }
    session.output.print(text)
}
