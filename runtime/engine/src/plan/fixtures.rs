//! Migrations for tests, described by drawings.

// Relative to this file, in whichever crate it is included.
#[path = "fixtures/random.rs"]
pub(crate) mod random;
#[path = "fixtures/story.rs"]
pub(crate) mod story;

use mongrate::__private::{Down, Registration};
use mongrate::plan::Registry;
use mongrate::{Kind, Migration, Source};

/// Parses a drawing, one chain or node per line: `001_a, 002_b <- 003_c <- module:menu:001_x` says that `003_c` depends on
/// `001_a` and `002_b`, and `module:menu:001_x` on `003_c`. `!004_d` is manual; `?999_x` is not linked in.
pub(crate) fn draw(drawing: &str) -> Registry {
    migrations(drawing).into_iter().collect()
}

/// Like [`draw`], but returns a list.
pub(crate) fn migrations(drawing: &str) -> Vec<Migration> {
    let mut nodes: Vec<Drawn> = Vec::new();
    for line in drawing.lines().filter(|line| !line.trim().is_empty()) {
        let mut before: Vec<String> = Vec::new();
        for group in line.split("<-") {
            let mut ids = Vec::new();
            for word in group.split(',').map(str::trim) {
                let id = word.trim_start_matches(['!', '?']);
                ids.push(id.to_owned());
                if word.starts_with('?') {
                    continue;
                }
                let place = nodes.iter().position(|node| node.id == id).unwrap_or_else(|| {
                    nodes.push(Drawn { id: id.to_owned(), ..Drawn::default() });
                    nodes.len() - 1
                });
                nodes[place].manual |= word.starts_with('!');
                nodes[place].dependencies.extend(before.iter().cloned());
            }
            before = ids;
        }
    }
    nodes.into_iter().map(Drawn::leak).collect()
}

/// A builder of a migration.
#[derive(Clone, Debug, Default)]
pub(crate) struct Drawn {
    pub(crate) id: String,
    pub(crate) dependencies: Vec<String>,
    pub(crate) manual: bool,
    pub(crate) irreversible: bool,
    /// The reason for being irreversible.
    pub(crate) reason: Option<&'static str>,
    pub(crate) description: &'static str,
    pub(crate) line: u32,
}

impl Drawn {
    /// Makes it a static, as the macro does.
    pub(crate) fn leak(self) -> Migration {
        let id: &'static str = self.id.leak();
        let source =
            id.rsplit_once(':').map_or(Source::System, |(source, _)| Source::parse(source).expect("a qualified id"));
        let dependencies: Vec<&'static str> = self.dependencies.into_iter().map(|id| &*id.leak()).collect();
        Migration::new(Box::leak(Box::new(Registration {
            id,
            source,
            dependencies: dependencies.leak(),
            description: self.description,
            checksum: "t1:0",
            down: (!self.irreversible).then_some(Down { kind: Kind::Tx, body: |_| Box::pin(async { Ok(()) }) }),
            irreversible: self.reason,
            manual: self.manual,
            file: "src/migrations.rs",
            line: self.line,
            ..Registration::DEFAULT
        })))
    }
}

/// The ids in order, separated by spaces.
pub(crate) fn ids(migrations: impl IntoIterator<Item = Migration>) -> String {
    let ids: Vec<_> = migrations.into_iter().map(|migration| migration.id()).collect();
    ids.join(" ")
}
