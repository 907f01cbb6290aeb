//! The command line of the test driver.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The help text.
pub const HELP: &str = "\
Migrates with several processes under faults, and counts the effects.

    chaos [--seed N] [--minutes M | --rounds N | --round R] [--topology single|three]

    --seed N       determines all random choices; the default is taken from the clock and printed
    --minutes M    start rounds for M minutes (default: 1)
    --rounds N     run N rounds
    --round R      run round R only, as printed with a failure
    --topology T   `single`: a replica set with one member (default); `three`: with three
    --help         print this text

The exit code is 0 if nothing was found. The seed determines the faults and their order. What they hit depends on
timing, so repeat a round a few times.
";

/// The server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topology {
    /// A replica set with one member.
    Single,
    /// A replica set with three members.
    Three,
}

/// The rounds to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Starts rounds for this time.
    Time(Duration),
    /// Runs this number of rounds, from 0.
    Rounds(u64),
    /// Runs this round only.
    One(u64),
}

/// The arguments of the test driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arguments {
    /// Determines all random choices.
    pub seed: u64,
    /// The rounds to run.
    pub extent: Extent,
    /// The server.
    pub topology: Topology,
}

impl Arguments {
    /// Parses a command line. Returns `None` for `--help`.
    pub fn parse(words: &[String]) -> Result<Option<Self>, String> {
        let mut arguments = Self {
            seed: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
            extent: Extent::Time(Duration::from_secs(60)),
            topology: Topology::Single,
        };
        let mut words = words.iter();
        while let Some(name) = words.next() {
            if name == "--help" || name == "-h" {
                return Ok(None);
            }
            let value = words.next().ok_or_else(|| format!("`{name}` needs a value; see --help"))?;
            match name.as_str() {
                "--seed" => arguments.seed = number(name, value)?,
                "--minutes" => {
                    let minutes: f64 = number(name, value)?;
                    let time = Duration::try_from_secs_f64(minutes * 60.0);
                    arguments.extent = Extent::Time(time.map_err(|error| format!("`{name} {value}`: {error}"))?);
                }
                "--rounds" => arguments.extent = Extent::Rounds(number(name, value)?),
                "--round" => arguments.extent = Extent::One(number(name, value)?),
                "--topology" => {
                    arguments.topology = match value.as_str() {
                        "single" => Topology::Single,
                        "three" => Topology::Three,
                        _ => return Err(format!("`{name}` must be `single` or `three`, not `{value}`")),
                    }
                }
                _ => return Err(format!("unknown option `{name}`; see --help")),
            }
        }
        Ok(Some(arguments))
    }
}

fn number<N: FromStr>(name: &str, value: &str) -> Result<N, String> {
    value.parse().map_err(|_| format!("`{name}` takes a number, not `{value}`"))
}

impl fmt::Display for Topology {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Single => "single",
            Self::Three => "three",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Option<Arguments>, String> {
        Arguments::parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn a_whole_line() {
        let arguments = parse("--seed 7 --minutes 0.5 --topology three").unwrap().unwrap();
        let expected = Arguments { seed: 7, extent: Extent::Time(Duration::from_secs(30)), topology: Topology::Three };
        assert_eq!(arguments, expected);
        assert_eq!(parse("--seed 7 --round 3").unwrap().unwrap().extent, Extent::One(3));
    }

    #[test]
    fn mistakes_are_reported() {
        assert_eq!(parse("--help"), Ok(None));
        assert_eq!(parse("--seed"), Err("`--seed` needs a value; see --help".to_owned()));
        assert_eq!(parse("--seed x"), Err("`--seed` takes a number, not `x`".to_owned()));
        assert_eq!(parse("--topology two"), Err("`--topology` must be `single` or `three`, not `two`".to_owned()));
        assert!(parse("--minutes -1").is_err());
        assert!(parse("--sed 1").is_err());
    }
}
