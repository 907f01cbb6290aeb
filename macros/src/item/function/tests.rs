use proc_macro2::{TokenStream, TokenTree};
use syn::Signature;
use syn::parse::Parser;

use super::Function;
use crate::errors::Errors;

fn plain(code: &str) -> Option<[String; 3]> {
    let tokens: TokenStream = code.parse().expect("the signature is made of tokens");
    Function::plain(&tokens.into_iter().collect::<Vec<TokenTree>>()).as_ref().map(parts)
}

fn by_syn(code: &str) -> Option<[String; 3]> {
    let parse = |input: syn::parse::ParseStream<'_>| input.parse::<Signature>();
    let signature = parse.parse_str(code).unwrap_or_else(|error| panic!("{error}: {code}"));
    Function::new(signature, &mut Errors::default()).as_ref().map(parts)
}

/// Without spaces, which depend on how a token was made.
fn parts(function: &Function) -> [String; 3] {
    [function.name.to_string(), function.argument.to_string(), function.output.to_string()]
        .map(|code| code.replace(' ', ""))
}

#[test]
fn a_plain_signature_is_what_syn_reads() {
    for code in [
        "async fn up(tx: &mut Tx) -> Result<(), mongrate::Error>",
        "async fn up(_: &mongodb::Database) -> anyhow::Result<()>",
        "async fn r#type(tx: &'_ mut Tx<'_>) -> Result<(), Box<dyn Error + Send + Sync>>",
        "async fn up(x: Tx) -> !",
        "async fn up(x: <A as B>::C) -> <A as B>::C",
    ] {
        let plain = plain(code);
        assert!(plain.is_some(), "{code}");
        assert_eq!(plain, by_syn(code), "{code}");
    }
}

#[test]
fn any_other_signature_is_left_to_syn() {
    for code in [
        "fn up(tx: &mut Tx) -> Result<(), Error>",
        "const async fn up(tx: &mut Tx) -> Result<(), Error>",
        "async unsafe fn up(tx: &mut Tx) -> Result<(), Error>",
        "async fn up<T>(tx: &mut Tx) -> Result<(), Error>",
        "async fn up(tx: &mut Tx) -> Result<(), Error> where Tx: Send",
        "async fn up(tx: &mut Tx)",
        "async fn up() -> Result<(), Error>",
        "async fn up(self) -> Result<(), Error>",
        "async fn up(self: &Self) -> Result<(), Error>",
        "async fn up(&self) -> Result<(), Error>",
        "async fn up(mut tx: &mut Tx) -> Result<(), Error>",
        "async fn up(#[cfg(a)] tx: &mut Tx) -> Result<(), Error>",
        "async fn up(Tx(tx): Tx) -> Result<(), Error>",
        "async fn up(a::Tx(tx): Tx) -> Result<(), Error>",
        "async fn up(tx: &mut Tx, second: u8) -> Result<(), Error>",
        "async fn up(tx: &mut Tx,) -> Result<(), Error>",
        "async fn up(tx: impl Sized) -> Result<(), Error>",
        "async fn up(tx: &mut Tx) -> impl Sized",
    ] {
        assert_eq!(plain(code), None, "{code}");
    }
}
