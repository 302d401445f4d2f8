//! The `kval` command: everything happens in [`kval::cli::run`].

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    kval::cli::run(std::env::args_os(), &mut std::io::stdout(), &mut std::io::stderr())
}
