//! How this program was called, to be shown in examples.

use std::env;
use std::ffi::OsString;
use std::path::Path;

/// The subcommand under which a program offers all of this.
pub(crate) const SUBCOMMAND: &str = "migrate";

/// The names of the commands. A test compares them with the parser, which is above everything that shows an example.
pub(crate) const COMMANDS: [&str; 23] = [
    "status",
    "pending",
    "plan",
    "up",
    "down",
    "run",
    "validate",
    "history",
    "show",
    "version",
    "backfill",
    "lock",
    "mark",
    "baseline",
    "accept",
    "prune",
    "deploy",
    "check",
    "graph",
    "new",
    "lock-file",
    "shell",
    "completions",
];

/// The name of a program, without its folder.
pub(crate) fn program(argument: Option<&OsString>) -> String {
    let name = argument.and_then(|path| Path::new(path).file_stem());
    name.map_or_else(|| "my-app".to_owned(), |name| name.to_string_lossy().into_owned())
}

/// How this program was called, up to the command: `my-app migrate`.
pub(crate) fn migrate() -> String {
    let (program, words) = called();
    [vec![program], words].concat().join(" ")
}

/// The name of the program, and the words between it and the first option or command.
pub(crate) fn called() -> (String, Vec<String>) {
    let mut arguments = env::args_os();
    let program = program(arguments.next().as_ref());
    let words = arguments.map(|argument| argument.to_string_lossy().into_owned());
    (program, words.take_while(|word| !word.starts_with('-') && !COMMANDS.contains(&word.as_str())).collect())
}
