//! What a migration becomes. Nothing here can fail.

use proc_macro2::{Literal, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Ident, Path};

use crate::id::{QualifiedId, Source};
use crate::item::{self, Function};
use crate::model::{Dependency, Identity, Invalid, Model, Named};

/// The item as it was, and its registration.
pub(crate) fn expand(item: &TokenStream, model: &Model) -> TokenStream {
    let covered = model.covers.iter().map(covered);
    let registered = registered(&model.identity, &model.dependencies, &tracked(model), &fields(model));
    placed(item, &model.identity, &quote!(#(#covered)* #registered))
}

/// The item as it was and the errors, which Cargo tries again without being told that a file has changed. The id stays known, lest every dependant complains as well.
pub(crate) fn fallback(item: &TokenStream, invalid: &Invalid) -> TokenStream {
    let errors = invalid.error.to_compile_error();
    let nothing = TokenStream::new();
    let item = match &invalid.identity {
        Some(known) => placed(item, known, &registered(known, &[], &nothing, &nothing)),
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

/// The static that is linked in, the impl that others find by the id, and the look-ups of the ids that this migration
/// names.
///
/// Every constant, static and function is a body that each build has to check. The uniqueness of the id has none of its
/// own: it is asked for where the static is listed.
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
    // A cycle has a smallest id, and that one has a dependency with a larger id.
    let walks = visible().filter(|dependency| dependency.id > identity.id).map(walk);
    let node = node_ref(identity.span);
    // Public, or others could not infer it. As the macro's own code, so that no lint for public types sees it.
    let owner_type = quote_spanned!(Span::mixed_site().located_at(identity.span)=> pub enum #owner {});
    // All of this has the place of the id, which is what rustc shows of an impl that it lists.
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

/// Tells Cargo which files had a say.
fn tracked(model: &Model) -> TokenStream {
    let beside = model.heeded.iter().map(|file| {
        let file = format!("/{file}");
        quote!(::core::concat!(::core::env!("CARGO_MANIFEST_DIR"), #file))
    });
    let included = model.included.iter().map(|file| quote!(#file));
    let files = beside.chain(included);
    quote!(#(let _ = ::core::include_bytes!(#files);)*)
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
    let node = node_ref(span);
    quote_spanned! {span=>
        const _: () = #private::assert_acyclic(#node, #larger);
    }
}

/// The pointer to this migration.
fn node_ref(span: Span) -> TokenStream {
    let private = private(span);
    quote_spanned!(span=> #private::NodeRef::new(&__MONGRATE_NODE))
}

fn key(id: &QualifiedId, span: Span) -> Literal {
    let mut key = Literal::u128_suffixed(id.key());
    key.set_span(span);
    key
}

/// What was not said is left to the default: rustc reads a thousand of these.
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
    let covers = (!model.covers.is_empty()).then(|| {
        let paths = model.covers.iter().map(written);
        quote!(covers: &[#(#paths),*],)
    });
    let line = quote_spanned!(model.up.name.span()=> ::core::line!());
    quote! {
        checksum: #checksum,
        up: #up,
        file: ::core::file!(),
        line: #line,
        #source #dependencies #description #(#down)* #(#verify)* #irreversible #manual #timeout #covers
    }
}

/// The function, with the errors about the types of its signature at these types.
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
    quote_spanned!(name.span()=> &#private::Up(#takes, #boxed, #name))
}

/// Says the name of a function. To clippy, one that is not only called has to be `async`, although there may be nothing to
/// wait for in it, and is not "only used once".
fn mentioned(function: &impl quote::ToTokens) -> TokenStream {
    quote!(let _ = #function;)
}

/// All errors are at the path, and what is wrong with the path itself is said once.
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

/// The same, of a function that only looks.
fn verify(path: &Path) -> TokenStream {
    let span = path.span();
    let database = Ident::new("__database", Span::mixed_site().located_at(span));
    let private = private(span);
    let named = mentioned(path);
    quote_spanned!(span=> { #named |#database| #private::verify(#private::look(#path, #database)) })
}

/// Fails the build if there is nothing of this name.
fn covered(path: &Path) -> TokenStream {
    quote_spanned! {Span::call_site().located_at(path.span())=> use #path as _; }
}

fn written(path: &Path) -> String {
    let leading = path.leading_colon.map(|_| String::new());
    let names: Vec<_> =
        leading.into_iter().chain(path.segments.iter().map(|segment| segment.ident.to_string())).collect();
    names.join("::")
}

/// One identifier, whatever macros the tokens around it come from.
fn context() -> Ident {
    Ident::new("__context", Span::mixed_site())
}

/// A type that reads like the id, in the case of a type's name: `PluginWhaleAlerts001Init`, and `_001Init` of the system.
/// rustc lists these when it cannot choose.
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

/// As [`field`], while its function is there.
fn named_field(name: &str, named: &Named, value: &TokenStream) -> TokenStream {
    let conditions = &named.conditions;
    let field = field(name, value);
    quote!(#(#conditions)* #field)
}

fn field(name: &str, value: &TokenStream) -> TokenStream {
    let name = Ident::new(name, Span::call_site());
    quote!(#name: ::core::option::Option::Some(#value),)
}
