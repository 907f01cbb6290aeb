//! Expands a validated migration. Infallible.

use proc_macro2::{Literal, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Ident, Path};

use crate::id::{QualifiedId, Source};
use crate::item::{self, Function};
use crate::model::{Dependency, Identity, Invalid, Model, Named};

/// Returns the unchanged item and its registration.
pub(crate) fn expand(item: &TokenStream, model: &Model) -> TokenStream {
    let covered = model.relies_on.iter().map(covered);
    let registered = registered(&model.identity, &model.dependencies, &tracked(model), &fields(model));
    placed(item, &model.identity, &quote!(#(#covered)* #registered))
}

/// Returns the unchanged item and the errors. Keeps the id registered so that dependents do not fail, too. No files are
/// tracked: Cargo retries a failed build in any case.
pub(crate) fn fallback(item: &TokenStream, invalid: &Invalid) -> TokenStream {
    let errors = invalid.error.to_compile_error();
    let nothing = TokenStream::new();
    let item = match &invalid.identity {
        Some(known) => placed(item, known, &registered(known, &[], &nothing, &nothing)),
        None => item.clone(),
    };
    quote!(#item #errors)
}

/// Places the generated code after a function, or inside a module, where the module's imports and private functions are
/// in scope.
fn placed(item: &TokenStream, identity: &Identity, generated: &TokenStream) -> TokenStream {
    let import = import(identity);
    let conditions = &identity.conditions;
    let block = quote! {
        #(#conditions)*
        const _: () = {
            #import
            #generated
        };
    };
    if identity.in_module { item::with_more(item, block) } else { quote!(#item #block) }
}

/// Generates the static, the impl by which dependents find it, and its entry in the list of linked-in migrations.
///
/// rustc checks each constant, static and function separately, and this is most of the compile time. So there is one static,
/// and the check for a unique id is part of the entry.
fn registered(
    identity: &Identity,
    dependencies: &[Dependency],
    tracked: &TokenStream,
    fields: &TokenStream,
) -> TokenStream {
    let private = private(identity.span);
    let id = identity.id.as_str();
    let key = &key(&identity.id, identity.span);
    let owner = owner(id);
    let visible = || dependencies.iter().filter(|dependency| !dependency.external);
    let nodes = visible().map(node);
    // Every cycle has a smallest id, and this one depends on a larger one.
    let walks = visible().filter(|dependency| dependency.id > identity.id).map(walk);
    let node = node_ref(identity.span);
    // Public, so that other modules can infer it. Hygienic, so that no lint for public types applies.
    let owner_type = quote_spanned!(Span::mixed_site().located_at(identity.span)=> pub enum #owner {});
    // Has the span of the id, because rustc shows the span of each impl that it lists.
    quote_spanned! {identity.span=>
        #owner_type
        static __MONGRATE_NODE: #private::Registration = {
            #tracked
            #private::Registration {
                key: #key,
                id: #id,
                visible: &[#(#nodes),*],
                #fields
                ..#private::Registration::DEFAULT
            }
        };
        #[automatically_derived]
        #[diagnostic::do_not_recommend]
        impl #private::RegisteredOnce<#owner> for #private::Id<#key> {
            const NODE: #private::NodeRef = #node;
        }
        #(#walks)*
        #private::inventory::submit!(#private::only_one_migration_has_this_id::<#private::Id<#key>, _>());
    }
}

/// Makes Cargo track the files that the expansion depends on.
fn tracked(model: &Model) -> TokenStream {
    let files = &model.tracked;
    quote!(#(let _ = ::core::include_bytes!(#files);)*)
}

/// Looks up a dependency.
fn node(dependency: &Dependency) -> TokenStream {
    let span = dependency.span;
    let private = private(span);
    let key = key(&dependency.id, span);
    quote_spanned!(span=> <#private::Id<#key> as #private::RegisteredOnce<_>>::NODE)
}

/// Fails the build if this dependency closes a cycle.
fn walk(dependency: &Dependency) -> TokenStream {
    let span = dependency.span;
    let private = private(span);
    let larger = node(dependency);
    let node = node_ref(span);
    quote_spanned! {span=>
        const _: () = #private::assert_acyclic(#node, #larger);
    }
}

/// A pointer to this migration.
fn node_ref(span: Span) -> TokenStream {
    let private = private(span);
    quote_spanned!(span=> #private::NodeRef::new(&__MONGRATE_NODE))
}

fn key(id: &QualifiedId, span: Span) -> Literal {
    let mut key = Literal::u128_suffixed(id.key());
    key.set_span(span);
    key
}

/// The fields of the static, without those that have their default value: every token costs compile time.
fn fields(model: &Model) -> TokenStream {
    let private = private(Span::call_site());
    let source = match &model.identity.source {
        Source::System => None,
        Source::Module(name) => Some(quote!(source: #private::Source::Module(#name),)),
        Source::Plugin(name) => Some(quote!(source: #private::Source::Plugin(#name),)),
    };
    let dependencies = (!model.dependencies.is_empty()).then(|| {
        let ids = model.dependencies.iter().map(|d| d.id.as_str());
        quote!(dependencies: &[#(#ids),*],)
    });
    let description = Some(&model.description).filter(|text| !text.is_empty()).map(|text| quote!(description: #text,));
    let checksum = &model.checksum;
    let up = up(model);
    let is_plugin = model.identity.source.is_plugin();
    let down = model.down.iter().map(|named| named_field("down", named, &down(&named.path, is_plugin)));
    let verify = model.verify.iter().map(|named| named_field("verify", named, &verify(&named.path)));
    let irreversible = model.irreversible.as_ref().map(|reason| field("irreversible", &quote!(#reason)));
    let manual = model.manual.then(|| quote!(manual: true,));
    let timeout = model.timeout.map(|seconds| field("timeout", &quote!(::core::time::Duration::from_secs(#seconds))));
    let relies_on = (!model.relies_on.is_empty()).then(|| {
        let paths = model.relies_on.iter().map(written);
        quote!(relies_on: &[#(#paths),*],)
    });
    let line = quote_spanned!(model.up.name.span()=> ::core::line!());
    quote! {
        checksum: #checksum,
        up: #up,
        file: ::core::file!(),
        line: #line,
        #source #dependencies #description #(#down)* #(#verify)* #irreversible #manual #timeout #relies_on
    }
}

/// The function, with errors about its argument and return type at these types.
fn up(model: &Model) -> TokenStream {
    let Function { name, argument, output } = &model.up;
    let private = private(name.span());
    let takes = {
        let span = argument.span();
        let private = self::private(span);
        if model.identity.source.is_plugin() {
            quote_spanned!(span=> <#argument as #private::PluginArgument<'_>>::CONFINED)
        } else {
            quote_spanned!(span=> <#argument as #private::Argument<'_>>::TAKES)
        }
    };
    let boxed = {
        let span = output.span();
        let private = self::private(span);
        quote_spanned!(span=> <#output as #private::Outcome>::boxed)
    };
    let named = mentioned(name);
    quote_spanned!(name.span()=> { #named &#private::Up(#takes, #boxed, #name) })
}

/// Mentions a function without calling it. Clippy then accepts that it is `async` without an `await`, and that it is called
/// only once.
fn mentioned(function: &impl quote::ToTokens) -> TokenStream {
    quote!(let _ = #function;)
}

/// All errors are at the path, and an error in the path itself is reported once.
fn down(path: &Path, is_plugin: bool) -> TokenStream {
    let context = context();
    let span = path.span();
    let private = private(span);
    let named = mentioned(path);
    let kind_of = if is_plugin { quote_spanned!(span=> plugin_kind_of) } else { quote_spanned!(span=> kind_of) };
    quote_spanned! {span=>
        #private::Down {
            kind: #private::#kind_of(&#private::reversal(#path)),
            body: {
                #named
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
    let named = mentioned(path);
    quote_spanned!(span=> { #named |#database| #private::verify(#private::look(#path, #database)) })
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
fn owner(id: &str) -> Ident {
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
    format_ident!("{name}")
}

/// Imports the crate under one short name: every token costs compile time.
fn import(identity: &Identity) -> TokenStream {
    let private = private(Span::call_site());
    let krate = identity.krate.as_ref().map_or_else(|| quote!(::mongrate), |krate| quote!(#krate));
    quote!(use #krate::__private as #private;)
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
