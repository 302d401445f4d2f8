//! Tells the linker what Cargo's profiles cannot: see [`main`].

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the program needs of the C library, by the names it asks the linker for.
const LIBRARIES: [(&str, &str); 3] = [("libc.so", "libc.a"), ("libm.so", "libm.a"), ("libgcc_s.so", "libgcc_eh.a")];

/// Links the program for a fixed address, and as a whole, where that is known to work: on a small chart either is a third of a
/// run. A program that can be moved has over 30,000 pointers mended at every start, which copies some 150 pages; three libraries
/// are found, mapped and bound at every start. Go links so as well.
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let target = |key: &str| env::var(format!("CARGO_CFG_TARGET_{key}")).unwrap_or_default();
    if target("OS") != "linux" || target("ENV") != "gnu" {
        return;
    }
    println!("cargo::rustc-link-arg-bins=-no-pie");
    // For another system, or where the user has a word in how things are linked, what this system can do says nothing.
    let told = env::var("CARGO_ENCODED_RUSTFLAGS").is_ok_and(|flags| flags.contains("link")) || target("FEATURE").contains("crt-static");
    let own = env::var("HOST") == env::var("TARGET") && env::var_os("RUSTC_LINKER").is_none() && !told;
    if let Some(libraries) = env::var_os("OUT_DIR").map(PathBuf::from).filter(|_| own).and_then(|out| whole(&out.join("whole"))) {
        println!("cargo::rustc-link-arg-bins=-static");
        println!("cargo::rustc-link-arg-bins=-L{}", libraries.display());
    }
    if own
        && env::var("PROFILE").is_ok_and(|profile| profile == "release")
        && let Some(order) = order()
    {
        println!("cargo::rustc-link-arg-bins=-Wl,-T,{}", order.display());
    }
    if let Some(first) = env::var_os("OUT_DIR").map(PathBuf::from).filter(|_| own).and_then(|out| first(&out)) {
        println!("cargo::rustc-link-arg-bins={}", first.display());
    }
}

/// What the program does before anything in it asks for memory: it asks for small pages, as `src/cli/pages.rs` does again for
/// programs that are linked without it. By the time Rust's `main` runs the first page is there, and a large one takes a tenth of
/// a millisecond to be cleared, or four where a virtual machine has given its memory back. And the C library, which asks for
/// memory of its own only to make threads, is told not to prepare some for each of them.
fn first(folder: &Path) -> Option<PathBuf> {
    const TEXT: &str = "#include <malloc.h>\n#include <sys/prctl.h>\n\
        __attribute__((constructor)) static void first(void) {\n\
        prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);\n\
        mallopt(M_ARENA_MAX, 1); }\n";
    let (source, object) = (folder.join("first.c"), folder.join("first.o"));
    fs::write(&source, TEXT).ok()?;
    let built = Command::new("cc").args(["-O2", "-c", "-o"]).arg(&object).arg(&source).output();
    built.is_ok_and(|built| built.status.success()).then_some(object)
}

/// The list of functions that belong beside each other (see `tools/order/make.py`), where the linker takes it: `lld` does, in two
/// seconds. A small chart is rendered in a fifth less time so: a sixteenth of the program has to be read, and not a half.
fn order() -> Option<PathBuf> {
    let order = Path::new(&env::var_os("CARGO_MANIFEST_DIR")?).join("tools/order/first.ld");
    println!("cargo::rerun-if-changed={}", order.display());
    let folder = PathBuf::from(env::var_os("OUT_DIR")?);
    let (source, program) = (folder.join("try.rs"), folder.join("try-order"));
    fs::write(&source, "fn main() {}\n").ok()?;
    // The second argument is one that only this linker knows.
    let args = ["-C", &format!("link-arg=-Wl,-T,{}", order.display()), "-C", "link-arg=-Wl,--no-warn-symbol-ordering", "-o"];
    let built = Command::new(env::var_os("RUSTC")?).args(args).arg(&program).arg(&source).output();
    let runs = built.is_ok_and(|built| built.status.success()) && Command::new(&program).status().is_ok_and(|status| status.success());
    runs.then_some(order)
}

/// A folder where the linker finds, in place of the shared libraries that Rust's own library asks for by name, those to link
/// into the program; none where they are not installed, or do not make a program that runs.
fn whole(folder: &Path) -> Option<PathBuf> {
    fs::create_dir_all(folder).ok()?;
    for (asked, archive) in LIBRARIES {
        let found = Command::new("cc").arg(format!("-print-file-name={archive}")).output().ok()?;
        let path = PathBuf::from(String::from_utf8(found.stdout).ok()?.trim());
        // What is not found is printed as it was asked for.
        if !path.is_absolute() {
            return None;
        }
        fs::write(folder.join(asked), format!("GROUP(\"{}\")\n", path.display())).ok()?;
    }
    let (source, program) = (folder.join("try.c"), folder.join("try"));
    fs::write(&source, "#include <math.h>\nint main(int n, char **a) { (void)a; return floor(pow(n, 0.5)) == 1 ? 0 : 1; }\n").ok()?;
    let search = format!("-L{}", folder.display());
    let args = ["-static", "-no-pie", "-o"];
    let built =
        Command::new("cc").args(args).arg(&program).arg(&source).arg(search).args(["-Wl,-Bdynamic", "-lgcc_s", "-lm", "-lc"]).output();
    let runs = built.is_ok_and(|built| built.status.success()) && Command::new(&program).status().is_ok_and(|status| status.success());
    runs.then(|| folder.to_path_buf())
}
