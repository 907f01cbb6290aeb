//! Where a new migration goes, and which file declares it.

use std::path::{Path, PathBuf};
use std::{fs, io};

use super::module_list::ModuleList;
use super::package::Package;
use crate::source_tree::shown;

/// The module for migrations that have no folder of their own yet.
pub(super) const MIGRATIONS: &str = "migrations";

#[derive(Debug)]
pub(super) struct Place {
    pub(super) folder: PathBuf,
    /// The file that is to declare the module.
    pub(super) list: PathBuf,
    /// The module beside which it is declared.
    pub(super) beside: Option<String>,
    /// The file of [`MIGRATIONS`], if it is to be created: `list` declares it, and it declares the migration.
    pub(super) created: Option<PathBuf>,
    /// The declaration, with `NAME` for the name.
    pub(super) lines: String,
    /// Why it is left to the user.
    pub(super) doubt: Option<String>,
}

impl Place {
    /// For a migration that follows the one in this file: beside a file that is one of many, and otherwise below it.
    pub(super) fn after(file: &Path, package: &Package) -> io::Result<Self> {
        let (folder, stem) = parts(file);
        let roots = package.roots();
        // Cargo takes each file in `src/bin` or `tests` for a root.
        let is_among_roots = roots.iter().any(|root| root.parent() == Some(&folder) && !is_main(root));
        let one_of_many = (is_numbered(&stem) || folder.ends_with(MIGRATIONS)) && stem != "mod" && !is_among_roots;
        let place = match one_of_many {
            _ if roots.contains(&file) => Self::below_root(file, package)?,
            true => Self::beside(file, package),
            false => Self::below(file, package)?,
        };
        // The new migration depends on this one, which may not be in every build.
        let text = fs::read_to_string(file)?.replace("cfg(test)", "");
        let has_cfg = ["cfg(", "cfg_attr("].iter().any(|cfg| text.contains(cfg));
        let doubt = has_cfg.then(|| format!("{} is not the same in every build, because of a `cfg`", shown(file)));
        Ok(Self { doubt: place.doubt.or(doubt), ..place })
    }

    /// In the module `migrations` of a library or program.
    pub(super) fn below_root(root: &Path, package: &Package) -> io::Result<Self> {
        let folder = root.with_file_name(MIGRATIONS);
        let files = [folder.with_extension("rs"), folder.join("mod.rs")];
        let is_code = |line: &str| !line.trim_start().starts_with("//");
        let is_used = fs::read_to_string(root)?.lines().any(|line| is_code(line) && line.contains(MIGRATIONS));
        match files.iter().find(|file| file.is_file()) {
            Some(file) if declarations(file, package).iter().any(|it| it.list == root) => Self::below(file, package),
            None if !is_used => {
                let [beside, inside] = files;
                // Cargo takes `src/bin/migrations.rs` for a program.
                let created = Some(if is_main(root) { beside } else { inside });
                Ok(Self { created, ..Self::in_folder(folder, root) })
            }
            _ => Ok(Self::unclear(root, &format!("{} uses the name `{MIGRATIONS}` otherwise", shown(root)))),
        }
    }

    fn beside(file: &Path, package: &Package) -> Self {
        let (folder, stem) = parts(file);
        match &declarations(file, package)[..] {
            [found] => Self {
                lines: found.text.replace(&stem, "NAME"),
                doubt: found.attribute.as_ref().map(|name| format!("`mod {stem};` has a `{name}` attribute")),
                beside: Some(stem),
                ..Self::in_folder(folder, &found.list)
            },
            _ => Self::unclear(file, &format!("it is not clear which file declares `mod {stem};`")),
        }
    }

    fn below(file: &Path, package: &Package) -> io::Result<Self> {
        let (folder, stem) = parts(file);
        if stem == "mod" {
            return Ok(Self::in_folder(folder, file));
        }
        // A file that a `path` attribute or `include!` loads has its modules beside it.
        let is_declared = |found: &Declaration| found.attribute.as_deref().is_none_or(|name| name == "cfg");
        if !declarations(file, package).iter().any(is_declared) || package.names(&format!("{stem}.rs"))? {
            return Ok(Self::unclear(file, "it is not clear whether `#[path]` or `include!` loads this file"));
        }
        Ok(Self::in_folder(folder.join(stem), file))
    }

    /// Below a file, with a declaration that is right however rustc comes to that file.
    fn unclear(file: &Path, reason: &str) -> Self {
        let (folder, stem) = parts(file);
        let lines = format!("#[path = \"{stem}/NAME.rs\"]\nmod NAME;");
        Self { lines, doubt: Some(reason.to_owned()), ..Self::in_folder(folder.join(stem), file) }
    }

    fn in_folder(folder: PathBuf, list: &Path) -> Self {
        let (list, lines) = (list.to_owned(), "mod NAME;".to_owned());
        Self { folder, list, beside: None, created: None, lines, doubt: None }
    }
}

/// Where a file declares a module.
struct Declaration {
    list: PathBuf,
    text: String,
    /// `cfg`, `cfg_attr` or `path`.
    attribute: Option<String>,
}

/// The declarations by which rustc finds this file without a `path` attribute.
fn declarations(file: &Path, package: &Package) -> Vec<Declaration> {
    let (folder, stem) = parts(file);
    let (outer, name) = parts(&folder);
    // From here, the name would mean a file beside it, if it were loaded by a `path` attribute itself.
    let above = Some(outer.join(format!("{name}.rs"))).filter(|_| !outer.join(format!("{stem}.rs")).exists());
    let roots = package.roots().into_iter().filter(|root| root.parent() == Some(&folder)).map(Path::to_owned);
    let mut found = Vec::new();
    for list in above.into_iter().chain([folder.join("mod.rs")]).chain(roots) {
        if let Some((text, attribute)) = ModuleList::read(&list).and_then(|code| code.declaration(&stem)) {
            found.push(Declaration { list, text, attribute });
        }
    }
    found
}

/// The folder and the name without `.rs`.
fn parts(file: &Path) -> (PathBuf, String) {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    (file.parent().unwrap_or(file).to_owned(), name.strip_suffix(".rs").unwrap_or(&name).to_owned())
}

fn is_main(root: &Path) -> bool {
    root.ends_with("main.rs") || root.ends_with("lib.rs")
}

/// `m013_add_roles`, `v1`, `_2026_init`: the name of a file that holds one migration.
fn is_numbered(stem: &str) -> bool {
    let number = stem.strip_prefix(|c: char| c == '_' || c.is_ascii_alphabetic());
    number.is_some_and(|number| number.starts_with(|c: char| c.is_ascii_digit()))
}
