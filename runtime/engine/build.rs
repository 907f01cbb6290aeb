//! Does nothing. Cargo wants a build script beside `links`, by which it refuses two versions of this crate in one program:
//! each would find only the migrations that were registered with it.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
}
