//! The migration that a new one follows.

use mongrate::migration::{Migration, Source};

#[derive(Debug)]
pub(super) struct Predecessor {
    /// The last one of its source in plan order that runs by itself. If none does, the last one.
    pub(super) migration: Option<Migration>,
    /// Those of the whole source, without the source.
    pub(super) ids: Vec<&'static str>,
}

impl Predecessor {
    /// Of a source, among all migrations in plan order.
    pub(super) fn among(all: &[Migration], source: Source<'_>) -> Self {
        let of_source: Vec<Migration> = all.iter().copied().filter(|migration| migration.source() == source).collect();
        let runs_by_itself = of_source.iter().rfind(|migration| !migration.is_manual());
        Self {
            migration: runs_by_itself.or(of_source.last()).copied(),
            ids: of_source.iter().map(|migration| plain(migration.id())).collect(),
        }
    }

    /// Its id, without its source.
    pub(super) fn id(&self) -> Option<&'static str> {
        self.migration.map(|migration| plain(migration.id()))
    }

    /// What the new one is to depend on. Not on a manual one: it would wait until somebody runs that.
    pub(super) fn dependency(&self) -> Option<&'static str> {
        self.migration.filter(|migration| !migration.is_manual()).map(|migration| migration.id())
    }
}

fn plain(id: &'static str) -> &'static str {
    id.rsplit_once(':').map_or(id, |(_, id)| id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::drawings::draw;

    fn before(drawing: &str, source: Source<'_>) -> (Option<&'static str>, Option<&'static str>, usize) {
        let all: Vec<_> = draw(drawing).iter().collect();
        let found = Predecessor::among(&all, source);
        (found.id(), found.dependency(), found.ids.len())
    }

    #[test]
    fn it_is_the_last_one_of_its_source_in_plan_order() {
        let system = |drawing| before(drawing, Source::System);
        assert_eq!(system(""), (None, None, 0));
        assert_eq!(system("module:menu:001_a"), (None, None, 0));
        assert_eq!(system("001_a <- 002_b\nmodule:menu:005_a"), (Some("002_b"), Some("002_b"), 2));
        assert_eq!(system("002_b <- 001_a"), (Some("001_a"), Some("001_a"), 2));
        let menu = before("001_a <- module:menu:001_x <- module:menu:002_y <- 002_b", Source::Module("menu"));
        assert_eq!(menu, (Some("002_y"), Some("module:menu:002_y"), 2));
    }

    #[test]
    fn nothing_waits_for_a_manual_one() {
        assert_eq!(before("001_a <- !002_b", Source::System), (Some("001_a"), Some("001_a"), 2));
        assert_eq!(before("!001_a", Source::System), (Some("001_a"), None, 1));
    }
}
