//! What a migration becomes. Nothing here can fail.

use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Ident, Path};

use crate::id::Source;
use crate::model::{Dependency, Identity, Invalid, Model};

/// The item as it was, its identity, and its registration.
pub(crate) fn expand(item: &TokenStream, model: &Model) -> TokenStream {
    let registered = identity(&model.identity, &model.dependencies);
    let registration = registration(model);
    let conditions = &model.identity.conditions;
    let manifest = model.reads_manifest.then(|| {
        quote! {
            const _: &[::core::primitive::u8] =
                ::core::include_bytes!(::core::concat!(::core::env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"));
        }
    });
    quote! {
        #item
        #(#conditions)*
        const _: () = {
            #registered
            #registration
            #manifest
        };
    }
}

/// The item as it was and the errors. The id stays known, lest every dependant complains as well.
pub(crate) fn fallback(item: &TokenStream, invalid: &Invalid) -> TokenStream {
    let errors = invalid.error.to_compile_error();
    let registered = invalid.identity.as_ref().map(|known| {
        let registered = identity(known, &[]);
        let conditions = &known.conditions;
        quote!(#(#conditions)* const _: () = { #registered };)
    });
    quote! {
        #item
        #registered
        #errors
    }
}

/// The impl that others find by the id, and the look-ups of the ids that this migration names.
fn identity(identity: &Identity, dependencies: &[Dependency]) -> TokenStream {
    let private = private(identity);
    let id = identity.id.as_str();
    let key = Literal::u128_suffixed(identity.id.key());
    let owner = owner(id);
    let nodes = dependencies
        .iter()
        .filter(|dependency| !dependency.external)
        .map(|dependency| node(&private, dependency.id.key(), dependency.span))
        .collect::<Vec<_>>();
    let own = node(&private, identity.id.key(), identity.span);
    // A cycle has a smallest id, and that one has a dependency with a larger id.
    let walks = dependencies.iter().filter(|dependency| !dependency.external && dependency.id > identity.id).map(
        |dependency| {
            let larger = node(&private, dependency.id.key(), dependency.span);
            quote_spanned!(dependency.span=> const _: () = #private::assert_acyclic(#own, #larger);)
        },
    );
    quote! {
        #[allow(non_camel_case_types, unreachable_pub)]
        pub struct #owner;
        static NODE: #private::Node = #private::Node {
            key: #key,
            id: #id,
            dependencies: &[#(#nodes),*],
        };
        #[automatically_derived]
        impl #private::RegisteredOnce<#owner> for #private::Id<#key> {
            const NODE: #private::NodeRef = #private::NodeRef::new(&raw const NODE);
        }
        const _: #private::NodeRef = #own;
        #(#walks)*
    }
}

fn registration(model: &Model) -> TokenStream {
    let private = private(&model.identity);
    let id = model.identity.id.as_str();
    let source = match &model.identity.source {
        Source::System => quote!(System),
        Source::Module(name) => quote!(Module(#name)),
        Source::Plugin(name) => quote!(Plugin(#name)),
    };
    let dependencies = model.dependencies.iter().map(|d| d.id.as_str());
    let (description, checksum) = (&model.description, &model.checksum);
    let (function, argument, output) = (&model.function, &model.argument, &model.output);
    let rule = match &model.identity.source {
        Source::Plugin(_) => format_ident!("PluginArgument"),
        _ => format_ident!("Argument"),
    };
    let kind = quote_spanned!(argument.span()=> <#argument as #private::#rule<'_>>::KIND);
    let down = option(model.down.as_ref().map(|down| {
        quote_spanned! {down.span()=>
            #private::Down { kind: #private::kind_of(#down), body: |context| #private::run(#down(#private::Argument::from_context(context))) }
        }
    }));
    let irreversible = option(model.irreversible.as_ref().map(|reason| quote!(#reason)));
    let manual = model.manual;
    let timeout = option(model.timeout.map(|seconds| quote!(::core::time::Duration::from_secs(#seconds))));
    let line = quote_spanned!(function.span()=> ::core::line!());
    quote! {
        #private::inventory::submit! {
            #private::Registration {
                id: #id,
                source: #private::Source::#source,
                dependencies: &[#(#dependencies),*],
                description: #description,
                checksum: #checksum,
                kind: #kind,
                up: |context| #private::run::<#output>(#function(#private::Argument::from_context(context))),
                down: #down,
                irreversible: #irreversible,
                manual: #manual,
                timeout: #timeout,
                file: ::core::file!(),
                line: #line,
            }
        }
    }
}

fn node(private: &Path, key: u128, span: proc_macro2::Span) -> TokenStream {
    let key = Literal::u128_suffixed(key);
    quote_spanned!(span=> <#private::Id<#key> as #private::RegisteredOnce<_>>::NODE)
}

/// A type that reads like the id: rustc lists these when it cannot choose.
fn owner(id: &str) -> Ident {
    let name = id.replace([':', '-'], "_");
    format_ident!("_{name}")
}

fn private(identity: &Identity) -> Path {
    let krate = &identity.krate;
    syn::parse_quote!(#krate::__private)
}

fn option(value: Option<TokenStream>) -> TokenStream {
    value.map_or_else(|| quote!(::core::option::Option::None), |value| quote!(::core::option::Option::Some(#value)))
}
