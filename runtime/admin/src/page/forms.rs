//! What the forms of the views have in common.

use maud::{Markup, html};

use super::words::{self, visible};
use crate::access::Action;
use crate::call::Call;
use crate::site::Site;

/// The database's name has to be typed in this environment before anything is changed.
const GUARDED: &str = "production";

/// The address of a form's handler, for this database.
pub(crate) fn address(site: &Site, name: &str) -> String {
    let Some(database) = site.tenant() else { return name.to_owned() };
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("database", database).finish();
    format!("{name}?{query}")
}

/// The field for the reason.
pub(crate) fn because(is_required: bool) -> Markup {
    let how = if is_required { "required, kept in the history" } else { "optional, kept in the history" };
    html! {
        label.field {
            span { "Why " em { (how) } }
            input type="text" name="because" maxlength="500" required[is_required];
        }
    }
}

/// The field for the name of the database, in production.
pub(crate) fn typed_name(call: &Call) -> Markup {
    let migrator = call.migrator();
    let name = migrator.database().name();
    html! {
        @if migrator.environment() == Some(GUARDED) {
            label.field {
                span { "Type " b { (visible(name)) } " to go on " em { (GUARDED) } }
                input type="text" name="confirm" autocomplete="off" autocapitalize="off" spellcheck="false" required;
            }
        }
    }
}

/// A filter with the values and words to choose from, and a word for all of them.
pub(crate) fn choice<'a>(
    name: &str,
    all: &str,
    choices: impl IntoIterator<Item = (&'a str, &'a str)>,
    chosen: Option<&str>,
) -> Markup {
    html! {
        select name=(name) aria-label=(words::capitalized(name)) {
            option value="" { (all) }
            @for (value, word) in choices { option value=(value) selected[chosen == Some(value)] { (word) } }
        }
    }
}

/// Says why there is no form.
pub(crate) fn needs(call: &Call, action: Action) -> Markup {
    html! {
        @if call.admin.is_read_only() {
            "This process is read-only."
        } @else if call.allowed.level >= action.level() {
            "Your access does not include this."
        } @else {
            "This needs the level " b { (action.level()) } "; yours is " b { (call.allowed.level) } "."
        }
    }
}
