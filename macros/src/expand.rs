//! Expands a validated migration. Infallible.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{LitStr, Path, Type};

use crate::id::{QualifiedId, Source};
use crate::item::{self, Function};
use crate::model::{Dependency, Identity, Invalid, Model, Named};
use crate::tokens::Tokens;

/// A pointer to this migration.
const OWN_NODE: &str = "__mongrate :: NodeRef :: new ( & __MONGRATE_NODE )";

/// Returns the unchanged item and its registration.
pub(crate) fn expand(item: &TokenStream, model: &Model) -> TokenStream {
    placed(item, &model.identity, |tokens| {
        for path in &model.relies_on {
            tokens.append(covered(path));
        }
        register(tokens, &model.identity, Some(model));
    })
}

/// Returns the unchanged item and the errors. Keeps the id registered so that dependents do not fail, too. No files are
/// tracked: Cargo retries a failed build in any case.
pub(crate) fn fallback(item: &TokenStream, invalid: &Invalid) -> TokenStream {
    let errors = invalid.error.to_compile_error();
    let item = match &invalid.identity {
        Some(known) => placed(item, known, |tokens| register(tokens, known, None)),
        None => item.clone(),
    };
    quote!(#item #errors)
}

/// Places generated code after a function, or inside a module, where the module's imports and private functions are in
/// scope.
fn placed(item: &TokenStream, identity: &Identity, generate: impl FnOnce(&mut Tokens)) -> TokenStream {
    let here = Span::call_site();
    let mut block = Tokens::default();
    for condition in &identity.conditions {
        block.append(condition.to_token_stream());
    }
    block.code("const _ : ( ) = { use", here);
    match &identity.krate {
        Some(krate) => block.append(krate.to_token_stream()),
        None => block.code(":: mongrate", here),
    };
    // One short name: every token costs compile time.
    block.code(":: __private as __mongrate ;", here);
    generate(&mut block);
    block.code("} ;", here);
    let block = block.into_stream();
    if identity.in_module {
        return item::with_more(item, block);
    }
    let mut expanded = item.clone();
    expanded.extend(block);
    expanded
}

/// Generates the static, the impl by which dependents find it, and its entry in the list of linked-in migrations. Without a
/// model, only the id is registered.
///
/// rustc checks each constant, static and function separately, and this is most of the compile time. So there is one static,
/// and the check for a unique id is part of the entry.
fn register(tokens: &mut Tokens, identity: &Identity, model: Option<&Model>) {
    // rustc shows the span of each impl that it lists.
    let span = identity.span;
    let id = &identity.id;
    let owner = owner(id.as_str());
    let dependencies = model.map_or_else(Default::default, |model| model.dependencies.as_slice());
    let visible = || dependencies.iter().filter(|dependency| !dependency.external);

    // Public, so that other modules can infer it. Hygienic, so that no lint for public types applies.
    let hygienic = Span::mixed_site().located_at(span);
    tokens.code("pub enum", hygienic).code(&owner, hygienic).code("{ }", hygienic);

    tokens.code("static __MONGRATE_NODE : __mongrate :: Registration = {", span);
    if let Some(model) = model {
        statements(tokens, model);
    }
    tokens.code("__mongrate :: Registration { key :", span).literal(key(id), span);
    tokens.code(", id :", span).string(id.as_str(), span).code(", visible : & [", span);
    for dependency in visible() {
        node(tokens, dependency);
        tokens.code(",", span);
    }
    tokens.code("] ,", span);
    if let Some(model) = model {
        fields(tokens, model);
    }
    tokens.code(".. __mongrate :: Registration :: DEFAULT } } ;", span);

    tokens.code("# [ automatically_derived ] # [ diagnostic :: do_not_recommend ]", span);
    tokens.code("impl __mongrate :: RegisteredOnce <", span).code(&owner, span).code("> for", span);
    keyed(tokens, id, span);
    tokens.code("{ const NODE : __mongrate :: NodeRef =", span);
    tokens.code(OWN_NODE, span).code("; }", span);

    // Every cycle has a smallest id, and this one depends on a larger one.
    for dependency in visible().filter(|dependency| dependency.id > *id) {
        walk(tokens, dependency);
    }
    tokens.code("__mongrate :: inventory :: submit ! (", span);
    tokens.code("__mongrate :: only_one_migration_has_this_id :: <", span);
    keyed(tokens, id, span);
    tokens.code(", _ > ( ) ) ;", span);
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
    tokens.code("const _ : ( ) = __mongrate :: assert_acyclic (", span).code(OWN_NODE, span).code(",", span);
    node(tokens, dependency);
    tokens.code(") ;", span);
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
fn statements(tokens: &mut Tokens, model: &Model) {
    let here = Span::call_site();
    for file in &model.tracked {
        tokens.code("let _ = :: core :: include_bytes ! (", here).string(file, here).code(") ;", here);
    }
    tokens.code("let _ =", here).ident(&model.up.name).code(";", here);
}

/// The fields of the static, without those that have their default value: every token costs compile time.
fn fields(tokens: &mut Tokens, model: &Model) {
    let here = Span::call_site();
    tokens.code("checksum :", here).string(&model.checksum, here).code(",", here);
    up(tokens, model);
    tokens.code("file : :: core :: file ! ( ) , line :", here);
    tokens.code(":: core :: line ! ( )", model.up.name.span()).code(",", here);
    match &model.identity.source {
        Source::System => {}
        Source::Module(name) => {
            tokens.code("source : __mongrate :: Source :: Module (", here).string(name, here).code(") ,", here);
        }
        Source::Plugin(name) => {
            tokens.code("source : __mongrate :: Source :: Plugin (", here).string(name, here).code(") ,", here);
        }
    }
    if !model.dependencies.is_empty() {
        tokens.code("dependencies : & [", here);
        for dependency in &model.dependencies {
            tokens.string(dependency.id.as_str(), here).code(",", here);
        }
        tokens.code("] ,", here);
    }
    if !model.description.is_empty() {
        tokens.code("description :", here).string(&model.description, here).code(",", here);
    }
    let is_plugin = model.identity.source.is_plugin();
    for named in &model.down {
        tokens.append(named_field("down", named, &down(&named.path, is_plugin)));
    }
    for named in &model.verify {
        tokens.append(named_field("verify", named, &verify(&named.path)));
    }
    if let Some(reason) = &model.irreversible {
        tokens.append(field("irreversible", &quote!(#reason)));
    }
    if model.manual {
        tokens.code("manual : true ,", here);
    }
    if let Some((seconds, span)) = model.timeout {
        let (private, argument) = (private(span), &model.up.argument);
        let kind = quote_spanned!(span=> <#argument as #private::Argument<'_>>::KIND);
        tokens.append(field("timeout", &quote_spanned!(span=> #private::timeout(#kind, #seconds))));
    }
    if !model.only_in.is_empty() || model.when.is_some() {
        tokens.append(condition(&model.only_in, model.when.as_ref()));
    }
    if !model.needs.is_empty() {
        needs(tokens, &model.needs);
    }
    if !model.relies_on.is_empty() {
        tokens.code("relies_on : & [", here);
        for path in &model.relies_on {
            tokens.string(&written(path), here).code(",", here);
        }
        tokens.code("] ,", here);
    }
}

/// The condition, with errors about the function at its path.
fn condition(only_in: &[LitStr], when: Option<&Path>) -> TokenStream {
    let private = private(Span::call_site());
    let when = if let Some(path) = when {
        let name = written(path);
        quote_spanned!(path.span()=> ::core::option::Option::Some((#name, #path)))
    } else {
        quote!(::core::option::Option::None)
    };
    field("condition", &quote!(#private::Condition { only_in: &[#(#only_in),*], when: #when }))
}

/// The needed types, with errors about a type at this type.
fn needs(tokens: &mut Tokens, types: &[Type]) {
    let here = Span::call_site();
    tokens.code("needs : & [", here);
    for needed in types {
        let span = needed.span();
        tokens.code("__mongrate :: Need :: of :: <", span).append(needed.to_token_stream()).code("> ( ) ,", span);
    }
    tokens.code("] ,", here);
}

/// The function, with errors about its argument and return type at these types.
fn up(tokens: &mut Tokens, model: &Model) {
    let Function { name, argument, output } = &model.up;
    let (at_name, at_argument, at_output) = (name.span(), argument.span(), output.span());
    let takes = if model.identity.source.is_plugin() {
        "as __mongrate :: PluginArgument < '_ >> :: CONFINED"
    } else {
        "as __mongrate :: Argument < '_ >> :: TAKES"
    };
    tokens.code("up : & __mongrate :: Up (", at_name);
    tokens.code("<", at_argument).append(argument.clone()).code(takes, at_argument).code(",", at_name);
    tokens.code("<", at_output).append(output.clone()).code("as __mongrate :: Outcome > :: boxed", at_output);
    tokens.code(",", at_name).ident(name).code(") ,", at_name);
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
