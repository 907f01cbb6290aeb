mod rustfmt;

use super::checksum;

const CODE: &str = "async fn up(tx: &mut Tx) -> Result<Vec<Vec<u8>>, Error> {\n    \
                    let a = &&1; if x < -1 && y << 2 == z || !w { f(\"é\\n\", 'c', 1_u8, r#\"x\"#) }\n    Ok(vec![])\n}\n";

fn of(code: &str) -> String {
    checksum(code.parse().unwrap_or_else(|error| panic!("{error}: {code}")), || None).text
}

#[test]
fn the_algorithm_t2_never_changes() {
    assert_eq!(of(CODE), "t2:81f5019f95fd645e812aaee1b51dcaf6f635ba4955412c5d7865f3806d6bbdaa");
}

#[test]
fn comments_and_white_space_do_not_count() {
    for same in [
        CODE.replace('\n', "\r\n"),
        CODE.replace("    ", "\t"),
        CODE.replace('{', "{ // why\n /* and /* how */ */"),
        CODE.replace("let a", "/// What it is.\n#[doc(hidden)] let a"),
        CODE.replace("Error> {", "Error> {//! What it does.\r\n"),
        CODE.replace(">>,", "> > ,"),
        CODE.replace("< -1", "<-1"),
        CODE.replace("= &&1", "=& &1"),
        CODE.replace("|| !w", "||!w"),
        CODE.replace("f(", "f ( "),
    ] {
        assert_eq!(of(&same), of(CODE), "{same}");
    }
    assert_eq!(of("{ \"a\r\nb\" }"), of("{ \"a\nb\" }"));
    for same in ["\"a\\\n  b\"", "\"a\\\r\n\tb\"", "\"a\\\n\n\\\nb\""] {
        assert_eq!(of(same), of("\"ab\""), "{same}");
    }
    assert_ne!(of("\"a\n  b\""), of("\"a\nb\""));
    assert_ne!(of("\"a\\\\\n  b\""), of("\"a\\\\\nb\""));
    assert_ne!(of("r\"a\\\n  b\""), of("r\"a\\\nb\""));
}

#[test]
fn code_counts() {
    for other in [
        CODE.replace("up", "down"),
        CODE.replace("&mut Tx", "&Tx"),
        CODE.replace("&& y", "& &y"),
        CODE.replace("1_u8", "1u8"),
        CODE.replace("'c'", "\"c\""),
        CODE.replace("\\n", ""),
        CODE.replace("let a", "#[allow(unused)] let a"),
        CODE.replace("Ok(vec![])", "Ok(vec![1])"),
        CODE.replace("Ok(vec![])", "Ok(veq!())"),
        CODE.replace("r#\"x\"#", "\"x\""),
    ] {
        assert_ne!(of(&other), of(CODE), "{other}");
    }
}

#[test]
fn the_borders_of_tokens_count() {
    assert_ne!(of("ab c"), of("a bc"));
    assert_ne!(of("(a) b"), of("(a b)"));
    assert_ne!(of("a \"b\""), of("a b"));
}

/// What rustfmt makes of the left side, by itself or when told to.
const REWRITTEN: [(&str, &str); 50] = [
    ("f(a, b)", "f(a, b,)"),
    ("f(a)", "f(a,)"),
    ("f::<A>(a)", "f::<A,>(a,)"),
    ("f()(a)", "f()(a,)"),
    ("x.await?.g(a)", "x.await?.g(a,)"),
    ("[a]", "[a,]"),
    ("let x: fn(A) -> B = y;", "let x: fn(A,) -> B = y;"),
    ("let (a, b) = c;", "let (a, b,) = c;"),
    ("return (a, b)", "return (a, b,)"),
    ("S { a, b: 1 }", "S { a, b: 1, }"),
    ("S { a }", "S { a: a }"),
    ("S::<T> { a, b: c, d }", "S::<T> { a: a, b: c, d: d, }"),
    ("fn f<A, B>(a: A) where A: C {}", "fn f<A, B,>(a: A,) where A: C, {}"),
    ("impl<T> A<T> for B<T> where T: C {}", "impl<T,> A<T,> for B<T,> where T: C, {}"),
    ("fn f() {}", "fn f<>() where {}"),
    ("Vec::new()", "Vec::<>::new()"),
    ("match a { B => c, D => e }", "match a { B => { c } D => { e } }"),
    ("match a { B => c, D => e }", "match a { | B => { c }, D => { { e } }, }"),
    ("match a { B | C => {} D => {} }", "match a { | B | C => {}, | D => {}, }"),
    ("match a { B => if c { d } else { e }, F => g }", "match a { B => { if c { d } else { e } } F => g, }"),
    ("match a { B => if c { d } else { e }, F => g }", "match a { B => if c { d } else { e } F => g }"),
    ("match a { B => match c { D => e }.f(), F => g }", "match a { B => { match c { D => e }.f() } F => g }"),
    ("match a { B => |x| x, C => d }", "match a { B => { |x| x } C => { d } }"),
    ("match a { B => return c, D => e }", "match a { B => { return c; } D => e }"),
    ("match a { B => unsafe { c }, D => e }", "match a { B => unsafe { c } D => e, }"),
    ("f(|x| x.y)", "f(|x| { x.y },)"),
    ("f(|x, y| x)", "f(|x, y,| { x })"),
    ("f(|x| a::<B, C>(x))", "f(|x| { a::<B, C,>(x) })"),
    ("f(|x| |y, z| x)", "f(|x| { |y, z,| { x } })"),
    ("a.0.1.b()", "a.0 .1.b()"),
    ("f(!a || b, || c)", "f(!a || b, || { c })"),
    ("f(a, || b, c)", "f(a, | | { b }, c)"),
    ("let f = move |x| async move { x };", "let f = move |x| { async move { x } };"),
    ("let a = ((b));", "let a = (((b)));"),
    ("f((a))", "f((((a))))"),
    ("if let A = b {}", "if let | A = b {}"),
    ("{ a(); return b; }", "{ a();; return b }"),
    ("let Some(a) = b else { return };", "let Some(a) = b else { return; };"),
    ("loop { if a { break } }", "loop { if a { break; } };"),
    ("extern fn f() {}", "extern \"C\" fn f() {}"),
    ("pub(crate) fn f() {}", "pub(in crate) fn f() {}"),
    ("#[derive(A, B)] struct S;", "#[derive(A)] #[derive(B,)] struct S;"),
    ("vec![a, b]", "vec!(a, b,)"),
    ("use a::b; use c::{d, e}; f()", "use c::{e, d}; use a::b; f()"),
    ("use a::b; use c::{d, e}; f()", "use c::{e, d}; use a::{b}; f()"),
    ("use a::{self, b as c}; use d::*;", "use d::{*}; use a::{b as c, self,};"),
    ("pub use a::b; #[cfg(x)] use c;", "#[cfg(x)] use c; pub use a::b;"),
    ("mod b; mod a; fn f() {}", "mod a; mod b; fn f() {}"),
    ("use {a::b, c};", "use a::{b}; use c as c; use d::{};"),
    ("macro_rules! m { ($a:expr) => { [$a] }; }", "macro_rules! m { ($a:expr) => ([$a,]) }"),
];

#[test]
fn what_rustfmt_may_rewrite_does_not_count() {
    for (one, other) in REWRITTEN {
        assert_eq!(of(one), of(other), "{one}\n{other}");
        let (one, other) = (format!("async fn up() {{ {one} }}"), format!("async fn up() {{ {other} }}"));
        assert_eq!(of(&one), of(&other), "{one}\n{other}");
    }
}

#[test]
fn what_looks_like_it_counts() {
    for (one, other) in [
        ("let x = (a,);", "let x = (a);"),
        ("let x: (A,) = y;", "let x: (A) = y;"),
        ("let x: (A<B, C>,) = y;", "let x: (A<B, C>) = y;"),
        ("fn f() -> (A,) {}", "fn f() -> (A) {}"),
        ("let x: &'a (A,) = y;", "let x: &'a (A) = y;"),
        ("return (a,)", "return (a)"),
        ("if a {} (a,)", "if a {} (a)"),
        ("match a { B => (c,) }", "match a { B => (c) }"),
        ("f((a,))", "f(a)"),
        ("f((a, b))", "f(a, b)"),
        ("f(((a, b)))", "f(a, b)"),
        ("f(a, |x| b)", "f(a | x | b)"),
        ("f(a, { b })", "f(a { b })"),
        ("m!(a,)", "m!(a)"),
        ("m! { a, }", "m! { a }"),
        ("m! { x => { a } }", "m! { x => a }"),
        ("m! { use a; use b; }", "m! { use b; use a; }"),
        ("m!(x => { a, b })", "m!(x => a, b)"),
        ("macro_rules! m { ($a:expr,) => { a }; }", "macro_rules! m { ($a:expr) => { a }; }"),
        ("macro_rules! m { ($($a:expr),* $(,)?) => { a }; }", "macro_rules! m { ($($a:expr),* $()?) => { a }; }"),
        ("match a { B => { c; } D => e }", "match a { B => c, D => e }"),
        ("match a { B => { c(); d } E => f }", "match a { B => { c(), d } E => f }"),
        ("match a { B | C => d }", "match a { B => d }"),
        ("S { a: b }", "S { a }"),
        ("{ a; }", "{ a }"),
        ("{ return a; b }", "{ return a }"),
        ("let a = { b };", "let a = b;"),
        ("f(|x| -> A { x })", "f(|x| { x })"),
        ("f(|x| { x; })", "f(|x| x)"),
        ("f(|x| { x }.y())", "f(|x| x.y())"),
        ("use a::b; use c;", "use a::b;"),
        ("use a::b as c;", "use a::b;"),
        ("use a::{self};", "use a;"),
        ("use a::b; f(); use c;", "use c; f(); use a::b;"),
        ("pub use a;", "use a;"),
        ("#[cfg(x)] use a; use b;", "use a; #[cfg(x)] use b;"),
        ("#[macro_use] mod b; mod a;", "mod a; #[macro_use] mod b;"),
        ("extern \"system\" fn f() {}", "extern fn f() {}"),
        ("[a; 2]", "[a, 2]"),
        ("a && b", "a & &b"),
        ("#[derive(A, B)] struct S;", "#[derive(B, A)] struct S;"),
        ("vec![a; 2]", "vec![a, 2]"),
        ("a - b", "a - (b)"),
    ] {
        assert_ne!(of(one), of(other), "{one}\n{other}");
    }
}

#[test]
fn a_file_that_is_included_by_a_literal_path_belongs_to_it() {
    let folder = folder_of_this_process();
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).expect("the folder is there");
    let found = |code: &str| {
        let source = folder.join("source.rs");
        checksum(code.parse().expect("it is made of tokens"), || Some(source))
    };
    write("roles.json", "[\"admin\"]\n");
    write("inner.rs", "fn f() { include_str!(\"roles.json\") }");
    let text = "{ include_str!(\"roles.json\") }";
    let bytes = "{ include_bytes!(\"roles.json\",) }";
    let nested = "{ std::include!(\"inner.rs\"); }";
    let [of_text, of_bytes, of_nested] = [text, bytes, nested].map(|code| found(code).text);
    assert_eq!(found(text).files, [folder.join("roles.json").to_str().expect("it is text")]);
    assert_eq!(found(nested).files.len(), 2);

    // Line ends are those of the system; the format of code does not count.
    write("roles.json", "[\"admin\"]\r\n");
    write("inner.rs", "// Why.\nfn f() { return include_str!(\"roles.json\"); }");
    assert_eq!(found(text).text, of_text);
    assert_ne!(found(bytes).text, of_bytes);
    assert_ne!(found(nested).text, of_nested);
    write("inner.rs", "// Why.\nfn f( ) {include_str!(\"roles.json\")}");
    assert_eq!(found(nested).text, of_nested);
    write("roles.json", "[\"guest\"]\n");
    assert_ne!(found(text).text, of_text);
    assert_ne!(found(nested).text, of_nested);

    // What is not there is for rustc to report; what is put together is not covered.
    let others = ["{ include_str!(\"gone.json\") }", "{ include_str!(concat!(\"roles\", \".json\")) }"];
    for other in others {
        assert!(found(other).files.is_empty(), "{other}");
    }
    // A circle is not followed.
    write("inner.rs", "include!(\"inner.rs\");");
    assert_eq!(found(nested).files.len(), 1);
    std::fs::remove_dir_all(&folder).expect("the folder is there");
}

fn folder_of_this_process() -> std::path::PathBuf {
    let folder = std::env::temp_dir().join(format!("mongrate-macros-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("there is a folder for temporary files");
    folder
}
