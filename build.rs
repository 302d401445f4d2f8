//! Tells the linker what Cargo's profiles cannot: see [`main`].

use std::env;

/// Links the program for a fixed address where that is known to work. A program that can be moved has over 30,000 pointers
/// mended at every start, which copies some 150 pages: on a small chart that is a third of the whole run. Go links so as well.
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let target = |key: &str| env::var(format!("CARGO_CFG_TARGET_{key}")).unwrap_or_default();
    if target("OS") == "linux" && target("ENV") == "gnu" {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
}
