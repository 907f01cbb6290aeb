//! Prompts.

use std::io::{self, ErrorKind, IsTerminal};

use console::{Emoji, Term};
use dialoguer::theme::ColorfulTheme;

use super::failure::Failure;
use crate::signals;

/// Whether stdin and stderr are terminals.
pub(super) fn is_possible() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Shows a prompt and waits for the answer. Restores the terminal in any case.
pub(super) async fn ask<T: Send + 'static>(
    prompt: impl FnOnce() -> dialoguer::Result<T> + Send + 'static,
) -> Result<T, Failure> {
    let answer = signals::interruptible(prompt).await.and_then(|answer| answer.map_err(io::Error::from));
    answer.map_err(|error| {
        restore();
        match error.kind() {
            ErrorKind::Interrupted => Failure::interrupted(),
            _ => Failure::io("read from the terminal", &error),
        }
    })
}

/// The theme of menus and text prompts.
pub(super) fn theme() -> ColorfulTheme {
    let mark = |sign: Emoji<'_, '_>| console::style(sign.to_string()).for_stderr();
    ColorfulTheme {
        active_item_prefix: mark(Emoji("❯", ">")).green(),
        success_prefix: mark(Emoji("✔", "*")).green(),
        prompt_suffix: mark(Emoji("›", "")).black().bright(),
        success_suffix: mark(Emoji("·", "")).black().bright(),
        ..ColorfulTheme::default()
    }
}

/// An interrupted prompt leaves the terminal in the middle of a line and without its cursor. If the terminal cannot be restored, it
/// is gone.
fn restore() {
    let terminal = Term::stderr();
    drop(terminal.show_cursor().and_then(|()| terminal.write_line("")));
}
