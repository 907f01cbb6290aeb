//! Expands a validated migration. Infallible.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::Path;
use syn::spanned::Spanned;

use crate::id::{QualifiedId, Source};
use crate::item::{self, Function};
use crate::model::{Dependency, Identity, Invalid, Model, Named};
use crate::tokens::Tokens;

/// Returns the unchanged item and its registration.
pub(crate) fn expand(item: &TokenStream, model: &Model) -> TokenStream {
    let mut generated = Tokens::default();
    for path in &model.relies_on {
        generated.append(covered(path));
    }
    register(&mut generated, &model.identity, &model.dependencies, statements(model), fields(model));
    placed(item, &model.identity, generated)
}

/// Returns the unchanged item and the errors. Keeps the id registered so that dependents do not fail, too. No files are
/// tracked: Cargo retries a failed build in any case.
pub(crate) fn fallback(item: &TokenStream, invalid: &Invalid) -> TokenStream {
    let errors = invalid.error.to_compile_error();
    let item = match &invalid.identity {
        Some(known) => {
            let mut generated = Tokens::default();
            register(&mut generated, known, &[], Tokens::default(), Tokens::default());
            placed(item, known, generated)
        }
        None => item.clone(),
    };
    quote!(#item #errors)
}

/// Places the generated code after a function, or inside a module, where the module's imports and private functions are
/// in scope.
fn placed(item: &TokenStream, identity: &Identity, generated: Tokens) -> TokenStream {
    let here = Span::call_site();
    let mut content = import(identity);
    content.append(generated);
    let mut block = Tokens::default();
    for condition in &identity.conditions {
        block.append(condition.to_token_stream());
    }
    block.code("const _ :", here).parentheses(Tokens::default(), here).code("=", here);
    block.braces(content, here).code(";", here);
    if identity.in_module {
        return item::with_more(item, block.into_stream());
    }
    let mut expanded = item.clone();
    expanded.extend(block);
    expanded
}

/// Generates the static, the impl by which dependents find it, and its entry in the list of linked-in migrations.
///
/// rustc checks each constant, static and function separately, and this is most of the compile time. So there is one static,
/// and the check for a unique id is part of the entry.
fn register(
    tokens: &mut Tokens,
    identity: &Identity,
    dependencies: &[Dependency],
    mut statements: Tokens,
    fields: Tokens,
) {
    // Has the span of the id, because rustc shows the span of each impl that it lists.
    let span = identity.span;
    let id = &identity.id;
    let owner = owner(id.as_str());
    // Public, so that other modules can infer it. Hygienic, so that no lint for public types applies.
    let owner_span = Span::mixed_site().located_at(span);
    tokens.code("pub enum", owner_span).code(&owner, owner_span).braces(Tokens::default(), owner_span);

    let visible = || dependencies.iter().filter(|dependency| !dependency.external);
    let mut nodes = Tokens::default();
    for dependency in visible() {
        node(&mut nodes, dependency);
        nodes.code(",", span);
    }
    let mut registration = Tokens::default();
    registration.code("key :", span).literal(key(id), span).code(", id :", span).string(id.as_str(), span);
    registration.code(", visible : &", span).brackets(nodes, span).code(",", span);
    registration.append(fields).code(".. __mongrate :: Registration :: DEFAULT", span);
    statements.code("__mongrate :: Registration", span).braces(registration, span);
    tokens.code("static __MONGRATE_NODE : __mongrate :: Registration =", span).braces(statements, span).code(";", span);

    for attribute in ["automatically_derived", "diagnostic :: do_not_recommend"] {
        let mut content = Tokens::default();
        content.code(attribute, span);
        tokens.code("#", span).brackets(content, span);
    }
    tokens.code("impl __mongrate :: RegisteredOnce <", span).code(&owner, span).code("> for", span);
    keyed(tokens, id, span);
    let mut content = Tokens::default();
    content.code("const NODE : __mongrate :: NodeRef =", span);
    own_node(&mut content, span);
    content.code(";", span);
    tokens.braces(content, span);

    // Every cycle has a smallest id, and this one depends on a larger one.
    for dependency in visible().filter(|dependency| dependency.id > *id) {
        walk(tokens, dependency);
    }
    let mut entry = Tokens::default();
    entry.code("__mongrate :: only_one_migration_has_this_id :: <", span);
    keyed(&mut entry, id, span);
    entry.code(", _ >", span).parentheses(Tokens::default(), span);
    tokens.code("__mongrate :: inventory :: submit !", span).parentheses(entry, span).code(";", span);
}

/// Looks up a dependency.
fn node(tokens: &mut Tokens, dependency: &Dependency) {
    let span = dependency.span;
    tokens.code("<", span);
    keyed(tokens, &dependency.id, span);
    tokens.code("as __mongrate :: RegisteredOnce < _ >> :: NODE", span);
}

/// Fails the build if this dependency closes a cycle.
fn walk(tokens: &mut Tokens, dependency: &Dependency) {
    let span = dependency.span;
    let mut arguments = Tokens::default();
    own_node(&mut arguments, span);
    arguments.code(",", span);
    node(&mut arguments, dependency);
    tokens.code("const _ :", span).parentheses(Tokens::default(), span);
    tokens.code("= __mongrate :: assert_acyclic", span).parentheses(arguments, span).code(";", span);
}

/// A pointer to this migration.
fn own_node(tokens: &mut Tokens, span: Span) {
    let mut argument = Tokens::default();
    argument.code("& __MONGRATE_NODE", span);
    tokens.code("__mongrate :: NodeRef :: new", span).parentheses(argument, span);
}

/// The type that stands for an id.
fn keyed(tokens: &mut Tokens, id: &QualifiedId, span: Span) {
    tokens.code("__mongrate :: Id <", span).literal(key(id), span).code(">", span);
}

fn key(id: &QualifiedId) -> Literal {
    Literal::u128_suffixed(id.key())
}

/// Makes Cargo track the files that the expansion depends on. Mentions the function without calling it: Clippy then accepts
/// that it is `async` without an `await`, and that it is called only once.
fn statements(model: &Model) -> Tokens {
    let here = Span::call_site();
    let mut statements = Tokens::default();
    for file in &model.tracked {
        let mut path = Tokens::default();
        path.string(file, here);
        statements.code("let _ = :: core :: include_bytes !", here).parentheses(path, here).code(";", here);
    }
    statements.code("let _ =", here).append([model.up.name.clone().into()]).code(";", here);
    statements
}

/// The fields of the static, without those that have their default value: every token costs compile time.
fn fields(model: &Model) -> Tokens {
    let here = Span::call_site();
    let mut fields = Tokens::default();
    fields.code("checksum :", here).string(&model.checksum, here).code(",", here);
    up(&mut fields, model);
    let empty = Tokens::default;
    fields.code("file : :: core :: file !", here).parentheses(empty(), here).code(", line :", here);
    let span = model.up.name.span();
    fields.code(":: core :: line !", span).parentheses(empty(), span).code(",", here);
    if let Source::Module(name) | Source::Plugin(name) = &model.identity.source {
        let kind = if model.identity.source.is_plugin() { "Plugin" } else { "Module" };
        let mut argument = Tokens::default();
        argument.string(name, here);
        fields
            .code("source : __mongrate :: Source ::", here)
            .code(kind, here)
            .parentheses(argument, here)
            .code(",", here);
    }
    if !model.dependencies.is_empty() {
        let mut ids = Tokens::default();
        ids.strings(model.dependencies.iter().map(|dependency| dependency.id.as_str()), here);
        fields.code("dependencies : &", here).brackets(ids, here).code(",", here);
    }
    if !model.description.is_empty() {
        fields.code("description :", here).string(&model.description, here).code(",", here);
    }
    let is_plugin = model.identity.source.is_plugin();
    for named in &model.down {
        fields.append(named_field("down", named, &down(&named.path, is_plugin)));
    }
    for named in &model.verify {
        fields.append(named_field("verify", named, &verify(&named.path)));
    }
    if let Some(reason) = &model.irreversible {
        fields.append(field("irreversible", &quote!(#reason)));
    }
    if model.manual {
        fields.code("manual : true ,", here);
    }
    if let Some(seconds) = model.timeout {
        fields.append(field("timeout", &quote!(::core::time::Duration::from_secs(#seconds))));
    }
    if !model.relies_on.is_empty() {
        let paths: Vec<_> = model.relies_on.iter().map(written).collect();
        let mut list = Tokens::default();
        list.strings(paths.iter().map(String::as_str), here);
        fields.code("relies_on : &", here).brackets(list, here).code(",", here);
    }
    fields
}

/// The function, with errors about its argument and return type at these types.
fn up(fields: &mut Tokens, model: &Model) {
    let Function { name, argument, output } = &model.up;
    let mut parts = Tokens::default();
    let span = argument.span();
    let takes = if model.identity.source.is_plugin() {
        "as __mongrate :: PluginArgument < '_ >> :: CONFINED"
    } else {
        "as __mongrate :: Argument < '_ >> :: TAKES"
    };
    parts.code("<", span).append(argument.clone()).code(takes, span).code(",", name.span());
    let span = output.span();
    parts.code("<", span).append(output.clone()).code("as __mongrate :: Outcome > :: boxed", span);
    let span = name.span();
    parts.code(",", span).append([name.clone().into()]);
    fields.code("up : & __mongrate :: Up", span).parentheses(parts, span).code(",", span);
}

/// All errors are at the path, and an error in the path itself is reported once.
fn down(path: &Path, is_plugin: bool) -> TokenStream {
    let context = context();
    let span = path.span();
    let private = private(span);
    let kind_of = if is_plugin { quote_spanned!(span=> plugin_kind_of) } else { quote_spanned!(span=> kind_of) };
    quote_spanned! {span=>
        #private::Down {
            kind: #private::#kind_of(&#private::reversal(#path)),
            body: {
                let _ = #path;
                |#context| {
                    #private::revert(#private::reversal(#path).call(#private::Argument::from_context(#context)))
                }
            },
        }
    }
}

/// The same for a `verify` function.
fn verify(path: &Path) -> TokenStream {
    let span = path.span();
    let database = Ident::new("__database", Span::mixed_site().located_at(span));
    let private = private(span);
    quote_spanned!(span=> { let _ = #path; |#database| #private::verify(#private::look(#path, #database)) })
}

/// Fails the build if the path does not exist.
fn covered(path: &Path) -> TokenStream {
    quote_spanned! {Span::call_site().located_at(path.span())=> use #path as _; }
}

fn written(path: &Path) -> String {
    let leading = path.leading_colon.map(|_| String::new());
    let names: Vec<_> =
        leading.into_iter().chain(path.segments.iter().map(|segment| segment.ident.to_string())).collect();
    names.join("::")
}

/// The same identifier regardless of the macros that the surrounding tokens come from.
fn context() -> Ident {
    Ident::new("__context", Span::mixed_site())
}

/// The id in camel case: `PluginWhaleAlerts001Init`, or `_001Init` for the source `system`. rustc shows these names where an
/// id is not unique.
fn owner(id: &str) -> String {
    let mut name = String::new();
    for word in id.split([':', '-', '_']) {
        let digits_meet =
            name.ends_with(|c: char| c.is_ascii_digit()) && word.starts_with(|c: char| c.is_ascii_digit());
        if name.is_empty() && word.starts_with(|c: char| c.is_ascii_digit()) || digits_meet {
            name.push('_');
        }
        let (first, rest) = word.split_at(word.len().min(1));
        name.push_str(&first.to_ascii_uppercase());
        name.push_str(rest);
    }
    name
}

/// Imports the crate under one short name: every token costs compile time.
fn import(identity: &Identity) -> Tokens {
    let here = Span::call_site();
    let mut import = Tokens::default();
    import.code("use", here);
    match &identity.krate {
        Some(krate) => import.append(krate.to_token_stream()),
        None => import.code(":: mongrate", here),
    };
    import.code(":: __private as __mongrate ;", here);
    import
}

/// The imported name, with the span at which errors about it are reported.
fn private(span: Span) -> Ident {
    Ident::new("__mongrate", span)
}

/// Like [`field`], under the `#[cfg]`s of the function.
fn named_field(name: &str, named: &Named, value: &TokenStream) -> TokenStream {
    let conditions = &named.conditions;
    let field = field(name, value);
    quote!(#(#conditions)* #field)
}

fn field(name: &str, value: &TokenStream) -> TokenStream {
    let name = Ident::new(name, Span::call_site());
    quote!(#name: ::core::option::Option::Some(#value),)
}
