//! The `kval` command.

fn main() {}
