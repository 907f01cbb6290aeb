//! The migrations that a run is to apply or revert, as query and form fields name them.

use mongrate::migration::Direction;
use mongrate::migrator::{Down, Up};
use mongrate::{Error, Migrator, Plan};
use serde::{Deserialize, Deserializer};

/// The selection of a plan. Without fields, everything pending is selected; for a `down`, the migration applied last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Selection {
    pub(crate) verb: Direction,
    /// Qualified ids, separated by commas.
    #[serde(deserialize_with = "ids")]
    pub(crate) only: Vec<String>,
    #[serde(deserialize_with = "text")]
    pub(crate) to: Option<String>,
    pub(crate) steps: Option<usize>,
    pub(crate) batch: bool,
    pub(crate) with_dependents: bool,
}

impl Selection {
    pub(crate) fn up(&self, migrator: &Migrator) -> Up {
        let up = self.only.iter().fold(migrator.up(), Up::only);
        self.to.iter().fold(up, Up::to)
    }

    pub(crate) fn down(&self, migrator: &Migrator) -> Down {
        let down = self.steps.into_iter().fold(migrator.down(), Down::steps);
        let down = if self.batch { down.batch() } else { down };
        let down = self.only.iter().fold(down, Down::only);
        self.to.iter().fold(down, Down::to).with_dependents(self.with_dependents)
    }

    pub(crate) async fn plan(&self, migrator: &Migrator) -> Result<Plan, Error> {
        match self.verb {
            Direction::Up => self.up(migrator).plan().await,
            Direction::Down => self.down(migrator).plan().await,
        }
    }

    /// The names and values of the fields that select the same.
    pub(crate) fn fields(&self) -> Vec<(&'static str, String)> {
        let only = (!self.only.is_empty()).then(|| ("only", self.only.join(",")));
        let to = self.to.as_ref().map(|to| ("to", to.clone()));
        let steps = self.steps.map(|steps| ("steps", steps.to_string()));
        let batch = self.batch.then(|| ("batch", "true".to_owned()));
        let with_dependents = self.with_dependents.then(|| ("withDependents", "true".to_owned()));
        let verb = [("verb", self.verb.to_string())];
        verb.into_iter().chain([only, to, steps, batch, with_dependents].into_iter().flatten()).collect()
    }
}

/// Reads ids that are separated by commas, which no id contains.
pub(crate) fn ids<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let text = String::deserialize(deserializer)?;
    Ok(text.split(',').map(str::trim).filter(|id| !id.is_empty()).map(str::to_owned).collect())
}

/// Reads a text. An empty one, as forms send it, is none.
pub(crate) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Some(String::deserialize(deserializer)?.trim().to_owned()).filter(|text| !text.is_empty()))
}

#[cfg(test)]
mod tests {
    use axum::extract::Query;
    use axum::http::Uri;

    use super::*;

    fn parse(query: &str) -> Result<Selection, String> {
        let uri = format!("/plan?{query}").parse::<Uri>().unwrap();
        Query::try_from_uri(&uri).map(|Query(selection)| selection).map_err(|error| error.body_text())
    }

    #[test]
    fn a_query_and_its_fields_select_the_same() {
        let selection = parse("verb=down&only=plugin%3Awhale-alerts%3A001_init,002_roles&withDependents=true").unwrap();
        assert_eq!(selection.verb, Direction::Down);
        assert_eq!(selection.only, ["plugin:whale-alerts:001_init", "002_roles"]);
        let fields = selection.fields();
        let query = fields.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&");
        assert_eq!(parse(&query).unwrap(), selection);
        assert_eq!(parse("only=&to=").unwrap(), Selection::default());
    }

    #[test]
    fn an_unknown_field_or_a_malformed_value_is_refused() {
        assert!(parse("onyl=002_roles").unwrap_err().contains("onyl"));
        assert!(parse("verb=sideways").unwrap_err().contains("sideways"));
        assert!(parse("steps=-1").is_err());
    }
}
