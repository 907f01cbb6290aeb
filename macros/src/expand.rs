//! What a migration becomes. Nothing here can fail.

use proc_macro2::{Literal, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Ident, Path};

use crate::id::{QualifiedId, Source};
use crate::item::{self, Function};
use crate::model::{Dependency, Identity, Invalid, Model};

/// The item as it was, its identity, and its registration.
pub(crate) fn expand(item: &TokenStream, model: &Model) -> TokenStream {
    let registered = identity(&model.identity, &model.dependencies, &model.heeded);
    let registration = registration(model);
    let covered = model.covers.iter().map(covered);
    let item = placed(item, &model.identity, &quote!(#(#covered)* #registered #registration));
    // A body may have nothing to wait for, but `async` is not for its author to choose.
    quote! {
        #[allow(clippy::unused_async)]
        #item
    }
}

/// The item as it was and the errors, which Cargo tries again without being told that a file has changed. The id stays known, lest every dependant complains as well.
pub(crate) fn fallback(item: &TokenStream, invalid: &Invalid) -> TokenStream {
    let errors = invalid.error.to_compile_error();
    let item = match &invalid.identity {
        Some(known) => placed(item, known, &identity(known, &[], &[])),
        None => item.clone(),
    };
    quote!(#item #errors)
}

/// Puts what is generated beside a function, or into a module, where its imports are in scope and its functions are seen.
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

/// The impl that others find by the id, and the look-ups of the ids that this migration names.
///
/// One static holds all of it: every constant of its own would cost each build some 0.1 ms.
fn identity(identity: &Identity, dependencies: &[Dependency], heeded: &[&str]) -> TokenStream {
    let private = private(identity.span);
    let id = identity.id.as_str();
    let key = &key(&identity.id, identity.span);
    let owner = owner(id);
    let visible = || dependencies.iter().filter(|dependency| !dependency.external);
    let nodes = visible().map(node);
    // A cycle has a smallest id, and that one has a dependency with a larger id.
    let walks = visible().filter(|dependency| dependency.id > identity.id).map(walk);
    let heeded = heeded.iter().map(|file| format!("/{file}")).map(|file| {
        quote! {
            let _ = ::core::include_bytes!(::core::concat!(::core::env!("CARGO_MANIFEST_DIR"), #file));
        }
    });
    // All of this has the place of the id, which is what rustc shows of an impl that it lists.
    quote_spanned! {identity.span=>
        #[allow(non_camel_case_types, unreachable_pub)]
        pub enum #owner {}
        static NODE: #private::Node = {
            #(#heeded)*
            #private::only_one_migration_has_this_id::<#private::Id<#key>, _>();
            #private::Node {
                key: #key,
                id: #id,
                dependencies: &[#(#nodes),*],
            }
        };
        #[automatically_derived]
        #[diagnostic::do_not_recommend]
        impl #private::RegisteredOnce<#owner> for #private::Id<#key> {
            const NODE: #private::NodeRef = #private::NodeRef::new(&raw const NODE);
        }
        #(#walks)*
    }
}

/// Looks a dependency up.
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
    quote_spanned! {span=>
        const _: () = #private::assert_acyclic(#private::NodeRef::new(&raw const NODE), #larger);
    }
}

fn key(id: &QualifiedId, span: Span) -> Literal {
    let mut key = Literal::u128_suffixed(id.key());
    key.set_span(span);
    key
}

/// What was not said is left to the default: rustc reads a thousand of these.
fn registration(model: &Model) -> TokenStream {
    let private = private(Span::call_site());
    let id = model.identity.id.as_str();
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
    let kind = kind(model);
    let up = up(model);
    let down = model.down.as_ref().map(|path| field("down", &down(path, model.identity.source.is_plugin())));
    let verify = model.verify.as_ref().map(|path| field("verify", &verify(path)));
    let irreversible = model.irreversible.as_ref().map(|reason| field("irreversible", &quote!(#reason)));
    let manual = model.manual.then(|| quote!(manual: true,));
    let timeout = model.timeout.map(|seconds| field("timeout", &quote!(::core::time::Duration::from_secs(#seconds))));
    let covers = (!model.covers.is_empty()).then(|| {
        let paths = model.covers.iter().map(written);
        quote!(covers: &[#(#paths),*],)
    });
    let line = quote_spanned!(model.up.name.span()=> ::core::line!());
    quote! {
        #private::inventory::submit!(#private::Registration {
            id: #id,
            checksum: #checksum,
            kind: #kind,
            up: #up,
            file: ::core::file!(),
            line: #line,
            #source #dependencies #description #down #verify #irreversible #manual #timeout #covers
            ..#private::Registration::DEFAULT
        });
    }
}

/// How it runs, with the errors about the argument's type at that type.
fn kind(model: &Model) -> TokenStream {
    let argument = &model.up.argument;
    let span = argument.span();
    let private = private(span);
    if model.identity.source.is_plugin() {
        quote_spanned!(span=> #private::plugin_kind::<#argument>())
    } else {
        quote_spanned!(span=> <#argument as #private::Argument<'_>>::KIND)
    }
}

fn up(model: &Model) -> TokenStream {
    let Function { name, argument, output } = &model.up;
    let context = context();
    let span = name.span();
    let here = private(span);
    let there = private(argument.span());
    let argument = quote_spanned! {argument.span()=>
        <#argument as #there::Argument<'_>>::from_context(#context)
    };
    let there = private(output.span());
    let outcome = quote_spanned!(output.span()=> <#output as #there::Outcome>::boxed);
    quote_spanned!(span=> |#context| #here::run(#name(#argument), #outcome))
}

/// All errors are at the path, and what is wrong with the path itself is said once.
fn down(path: &Path, is_plugin: bool) -> TokenStream {
    let context = context();
    let span = path.span();
    let private = private(span);
    let kind_of = if is_plugin { quote_spanned!(span=> plugin_kind_of) } else { quote_spanned!(span=> kind_of) };
    quote_spanned! {span=>
        #private::Down {
            kind: #private::#kind_of(&#private::reversal(#path)),
            body: |#context| {
                #private::revert(#private::reversal(#path).call(#private::Argument::from_context(#context)))
            },
        }
    }
}

/// The same, of a function that only looks.
fn verify(path: &Path) -> TokenStream {
    let span = path.span();
    let database = Ident::new("database", Span::mixed_site().located_at(span));
    let private = private(span);
    quote_spanned!(span=> |#database| #private::verify(#private::look(#path, #database)))
}

/// Fails the build if there is nothing of this name.
fn covered(path: &Path) -> TokenStream {
    quote_spanned! {path.span()=>
        #[allow(unused_imports)]
        use #path as _;
    }
}

fn written(path: &Path) -> String {
    let leading = path.leading_colon.map(|_| String::new());
    let names: Vec<_> =
        leading.into_iter().chain(path.segments.iter().map(|segment| segment.ident.to_string())).collect();
    names.join("::")
}

/// One identifier, whatever macros the tokens around it come from.
fn context() -> Ident {
    Ident::new("context", Span::mixed_site())
}

/// A type that reads like the id: rustc lists these when it cannot choose.
fn owner(id: &str) -> Ident {
    let name = id.replace([':', '-'], "_");
    format_ident!("_{name}")
}

/// The one short name in all that follows: every token costs each build its way out of this macro.
fn import(identity: &Identity) -> TokenStream {
    let private = private(Span::call_site());
    let krate = identity.krate.as_ref().map_or_else(|| quote!(::mongrate), |krate| quote!(#krate));
    quote!(use #krate::__private as #private;)
}

/// What generated code may name, placed where an error about it is to be shown.
fn private(span: Span) -> Ident {
    Ident::new("__mongrate", span)
}

fn field(name: &str, value: &TokenStream) -> TokenStream {
    let name = Ident::new(name, Span::call_site());
    quote!(#name: ::core::option::Option::Some(#value),)
}
