//! Extracts the reason for a failed start from mongod's log, which consists of JSON lines.

use std::fs;
use std::path::Path;

use serde_json::Value;

const LINES: usize = 6;

/// Returns the errors that were logged after the first `skip` bytes, or else the last lines.
pub(super) fn closing_lines(file: &Path, skip: u64) -> String {
    let Ok(bytes) = fs::read(file) else {
        return format!("  (no log at {})", file.display());
    };
    let start = usize::try_from(skip).unwrap_or(0).min(bytes.len());
    let text = String::from_utf8_lossy(&bytes[start..]);
    let lines: Vec<Line> = text.lines().filter(|line| !line.trim().is_empty()).map(Line::read).collect();
    let mut shown: Vec<&Line> = lines.iter().filter(|line| line.alarming).collect();
    if shown.is_empty() {
        shown = lines.iter().collect();
    }
    if shown.is_empty() {
        return "  (its log is empty)".to_owned();
    }
    let from = shown.len().saturating_sub(LINES);
    shown[from..].iter().map(|line| format!("  {}", line.text)).collect::<Vec<_>>().join("\n")
}

/// Returns the last lines of another program's output.
pub(super) fn last_lines(output: &[u8]) -> String {
    let text = String::from_utf8_lossy(output);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let from = lines.len().saturating_sub(LINES);
    lines[from..].iter().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

/// Suggests a remedy for common failures.
pub(super) fn advice(log: &str) -> &'static str {
    if log.contains("error while loading shared libraries") {
        "\nInstall the missing library (Debian and Ubuntu: apt-get install libcurl4 libssl3)"
    } else if log.contains("GLIBC_") {
        "\nThis build needs glibc 2.35 or newer: install MongoDB for this system and set MONGOD to the path of its mongod"
    } else if log.contains("DBPathInUse") {
        "\nAnother server uses this data folder: stop it, or choose another folder"
    } else {
        ""
    }
}

struct Line {
    alarming: bool,
    text: String,
}

impl Line {
    fn read(line: &str) -> Self {
        let Ok(Value::Object(fields)) = serde_json::from_str(line) else {
            // Not in log format: from the dynamic loader, or an error in the command line.
            return Self { alarming: true, text: line.to_owned() };
        };
        let severity = fields.get("s").and_then(Value::as_str).unwrap_or_default();
        let message = fields.get("msg").and_then(Value::as_str).unwrap_or(line);
        let text = match fields.get("attr").and_then(reason) {
            Some(reason) => format!("{message}: {reason}"),
            None => message.to_owned(),
        };
        Self { alarming: matches!(severity, "E" | "F"), text }
    }
}

/// Returns the reason of an entry: `attr.error`, a string or `{code, codeName, errmsg}`, or else `attr.reason` or
/// `attr.msg`.
fn reason(attr: &Value) -> Option<&str> {
    let error = attr.get("error").or_else(|| attr.get("reason")).or_else(|| attr.get("msg"))?;
    error.as_str().or_else(|| error.get("errmsg")?.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_reduced_to_its_reasons() {
        let file = std::env::temp_dir().join(format!("mongrate-log-{}", std::process::id()));
        let log = r#"an earlier start
{"s":"I","c":"CONTROL","id":1,"msg":"MongoDB starting","attr":{"pid":1}}
{"s":"E","c":"CONTROL","id":2,"msg":"DBException in initAndListen, terminating","attr":{"error":"NonExistentPath: no such folder"}}
{"s":"E","c":"CONTROL","id":3,"msg":"Error setting up listener","attr":{"error":{"code":9001,"errmsg":"Address already in use"}}}
{"s":"I","c":"CONTROL","id":4,"msg":"Now exiting"}
"#;
        fs::write(&file, log).unwrap();
        assert_eq!(
            closing_lines(&file, 17),
            "  DBException in initAndListen, terminating: NonExistentPath: no such folder\n  \
             Error setting up listener: Address already in use"
        );
        fs::remove_file(&file).unwrap();
    }

    #[test]
    fn a_missing_library_comes_with_advice() {
        let line = "mongod: error while loading shared libraries: libcurl.so.4: cannot open shared object file";
        assert!(advice(line).contains("apt-get install libcurl4"));
        assert_eq!(advice("anything else"), "");
    }
}
