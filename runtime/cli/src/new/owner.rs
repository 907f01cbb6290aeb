//! Whose a new migration is.

use crate::failure::Failure;
use mongrate::migration::Source;

/// Checks a source by the rules of the attribute.
pub(super) fn check(text: &str) -> Result<Source<'_>, Failure> {
    let source = Source::parse(text).ok_or_else(|| invalid(text, "it is `system`, `module:NAME` or `plugin:NAME`"))?;
    let name = match source {
        Source::System => return Ok(source),
        Source::Module(name) | Source::Plugin(name) => name,
    };
    if !name.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9' | '_' | '-')) {
        return Err(invalid(text, "its name is made of `a-z`, `0-9`, `_` and `-`, like `module:menu`"));
    }
    if matches!(source, Source::Plugin(_)) && name.contains('_') {
        let meant = name.replace('_', "-");
        // As in `plugin_<name>_<collection>`.
        let why = format!("a `_` ends its name in those of its collections; `plugin:{meant}` would do");
        return Err(invalid(text, &why));
    }
    Ok(source)
}

fn invalid(text: &str, why: &str) -> Failure {
    Failure::usage(format!("'{text}' is not a source")).help(why)
}

#[cfg(test)]
mod tests {
    use super::check;
    use mongrate::migration::Source;

    #[test]
    fn a_source_is_checked_as_the_attribute_does() {
        assert_eq!(check("system").unwrap(), Source::System);
        assert_eq!(check("module:menu_2").unwrap(), Source::Module("menu_2"));
        assert_eq!(check("plugin:whale-alerts").unwrap(), Source::Plugin("whale-alerts"));
        for wrong in ["", "menu", "module:", "plugin:", "module:Menu", "module:a:b", "system:a", "plugin:whale_alerts"]
        {
            let failure = check(wrong).unwrap_err();
            assert!(failure.message.contains("is not a source"), "{wrong}");
            assert!(failure.help.is_some(), "{wrong}");
        }
    }
}
