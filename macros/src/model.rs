//! A validated migration, as far as a single expansion can check it.

mod functions;

use std::path::PathBuf;

use proc_macro2::{Span, TokenStream};
use syn::{Attribute, LitStr, Path, Type};

use self::functions::Functions;
pub(crate) use self::functions::Named;
use crate::args::{Args, Dep};
use crate::checksum::{Checksum, checksum};
use crate::errors::Errors;
use crate::id::{self, QualifiedId, Source};
use crate::item::{Function, Item};
use crate::lock::{self, Lock};
use crate::manifest::{self, Manifest};

const VERIFY_OF_PLUGIN: &str = "a plugin's migration has no `verify`: such a function takes `&Database`, which reaches the collections \
     of the whole application; check at the end of the migration itself, and return an error";

/// A validated migration.
pub(crate) struct Model {
    pub(crate) identity: Identity,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) description: String,
    pub(crate) checksum: String,
    /// Files that the expansion depends on: editing one of them must rebuild the crate.
    pub(crate) tracked: Vec<String>,
    pub(crate) up: Function,
    /// More than one only if each has a `#[cfg]`.
    pub(crate) down: Vec<Named>,
    pub(crate) verify: Vec<Named>,
    pub(crate) irreversible: Option<LitStr>,
    pub(crate) manual: bool,
    /// In seconds, and where it is written.
    pub(crate) timeout: Option<(u64, Span)>,
    pub(crate) relies_on: Vec<Path>,
    pub(crate) needs: Vec<Type>,
    pub(crate) only_in: Vec<LitStr>,
    pub(crate) when: Option<Path>,
}

/// The part of a migration that dependents look up. Registered even if the rest is invalid, so that dependents do not fail,
/// too.
pub(crate) struct Identity {
    pub(crate) source: Source,
    pub(crate) id: QualifiedId,
    /// The span of the literal.
    pub(crate) span: Span,
    /// The path of `mongrate`, if it is not `::mongrate`.
    pub(crate) krate: Option<Path>,
    /// The `#[cfg]`s of a function. Code in a module needs none.
    pub(crate) conditions: Vec<Attribute>,
    pub(crate) in_module: bool,
}

/// One entry of `deps`.
pub(crate) struct Dependency {
    pub(crate) id: QualifiedId,
    pub(crate) external: bool,
    pub(crate) span: Span,
}

/// The errors, and the identity that can be registered in spite of them.
pub(crate) struct Invalid {
    pub(crate) error: syn::Error,
    pub(crate) identity: Option<Identity>,
}

impl Model {
    /// Validates everything and collects all errors.
    pub(crate) fn new(
        args: TokenStream,
        item: TokenStream,
        manifest: impl FnOnce() -> Manifest,
        lock: &Lock,
        folder: &std::path::Path,
        file: impl FnOnce() -> Option<PathBuf>,
    ) -> Result<Self, Box<Invalid>> {
        let mut errors = Errors::default();
        let args = Args::parse(args, &mut errors);
        let item = errors.note(Item::parse(item));

        let manifest = args.source.is_none().then(manifest);
        // Some builds have no manifest. A manifest without a source is tracked, because a source may be added.
        let reads_manifest = manifest.as_ref().filter(|manifest| !manifest.is_missing()).map(|_| manifest::NAME);
        let reads_lock = (!lock.is_missing()).then_some(lock::NAME);
        let read = reads_manifest.into_iter().chain(reads_lock);
        let mut tracked: Vec<_> = read.map(|name| folder.join(name).display().to_string()).collect();
        let id = args.id.as_ref().and_then(|id| {
            let checked = id::check(&id.value()).map_err(|message| at(id, message));
            errors.note(checked).map(|()| id)
        });
        let source = errors.note(source(args.source.as_ref(), manifest.as_ref()));
        let in_module = item.as_ref().is_some_and(Item::is_module);
        let conditions = item.iter().filter(|_| !in_module).flat_map(Item::conditions).cloned().collect::<Vec<_>>();
        let identity = source.zip(id).map(|(source, id)| Identity {
            id: QualifiedId::new(&source, &id.value()),
            source,
            span: id.span(),
            krate: args.krate.clone(),
            conditions,
            in_module,
        });

        let own = identity.as_ref().map(|identity| &identity.id);
        let dependencies = dependencies(&args.deps, own, &mut errors);
        let timeout = args.timeout.as_ref().and_then(|timeout| Some((errors.note(seconds(timeout))?, timeout.span())));
        let has_room = !item.as_ref().is_some_and(Item::is_method);
        let (description, checksum, functions) = match item {
            Some(item) => (
                args.description.as_ref().map_or_else(|| item.documentation(), LitStr::value),
                checksum(item.tokens, file),
                Functions::new(item.form, &args, &mut errors),
            ),
            None => (String::new(), Checksum { text: String::new(), files: Vec::new() }, None),
        };

        tracked.extend(checksum.files);
        if let (Some(identity), Some(verify)) = (&identity, functions.as_ref().and_then(|there| there.verify.first()))
            && identity.source.is_plugin()
        {
            errors.push(syn::Error::new_spanned(&verify.path, VERIFY_OF_PLUGIN));
        }
        // A function of the wrong shape is not reported as an edit as well.
        if let (Some(id), Some(functions)) = (own, &functions) {
            let admitted = lock.admits(id.as_str(), &checksum.text);
            errors.note(admitted.map_err(|message| syn::Error::new(functions.up.name.span(), message)));
        }

        match (errors.into_inner(), identity, functions) {
            (None, Some(identity), Some(Functions { up, down, verify })) => Ok(Self {
                identity,
                dependencies,
                description,
                checksum: checksum.text,
                tracked,
                up,
                down,
                verify,
                irreversible: args.irreversible,
                manual: args.manual,
                timeout,
                relies_on: args.relies_on,
                needs: args.needs,
                only_in: args.only_in,
                when: args.when,
            }),
            (error, identity, _) => Err(Box::new(Invalid {
                error: error.unwrap_or_else(|| syn::Error::new(Span::call_site(), "this is not a migration")),
                identity: identity.filter(|_| has_room),
            })),
        }
    }
}

fn source(written: Option<&LitStr>, manifest: Option<&Manifest>) -> syn::Result<Source> {
    const TABLE: &str = "[package.metadata.mongrate]` in Cargo.toml";
    if let Some(literal) = written {
        return Source::parse(&literal.value()).map_err(|message| at(literal, message));
    }
    let problem = match manifest {
        None | Some(Manifest::Missing | Manifest::Silent) => return Ok(Source::System),
        Some(Manifest::Source(text)) => match Source::parse(text) {
            Ok(source) => return Ok(source),
            Err(message) => format!("`{TABLE}: {message}"),
        },
        Some(Manifest::Malformed) => format!(
            "`{TABLE} is not understood: it is a table of its own with the one line `source = \"plugin:whale-alerts\"`"
        ),
    };
    Err(syn::Error::new(Span::call_site(), problem))
}

fn dependencies(written: &[Dep], own: Option<&QualifiedId>, errors: &mut Errors) -> Vec<Dependency> {
    let mut dependencies: Vec<Dependency> = Vec::new();
    for Dep { external, id } in written {
        let parsed = QualifiedId::parse(&id.value()).map_err(|message| at(id, message));
        let Some(parsed) = errors.note(parsed) else {
            continue;
        };
        if own == Some(&parsed) {
            let message = format!("`{}` depends on itself: remove it from `deps`", parsed.as_str());
            errors.push(at(id, message));
            continue;
        }
        if let Some(first) = dependencies.iter().find(|first| first.id == parsed) {
            let message = format!("`{}` is listed twice: keep one of the two", parsed.as_str());
            errors.push(at(id, message));
            let message = format!("`{}` is listed here first", parsed.as_str());
            errors.push(syn::Error::new(first.span, message));
            continue;
        }
        dependencies.push(Dependency { id: parsed, external: *external, span: id.span() });
    }
    dependencies
}

fn seconds(literal: &LitStr) -> syn::Result<u64> {
    let text = literal.value();
    let number = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = match &text[number.len()..] {
        "s" => Some(1),
        "m" => Some(60),
        "h" => Some(60 * 60),
        _ => None,
    };
    number
        .parse::<u64>()
        .ok()
        .filter(|number| *number > 0)
        .zip(unit)
        .and_then(|(number, unit)| number.checked_mul(unit))
        .ok_or_else(|| {
            let message = format!(
                "`{text}` is not a duration: write a positive whole number followed by `s`, `m` or `h`, like `90s`, `10m` or `2h`"
            );
            at(literal, message)
        })
}

fn at(literal: &LitStr, message: impl std::fmt::Display) -> syn::Error {
    syn::Error::new(literal.span(), message)
}
