//! Holds every `crate::room` in the source against the map in `src/lib.rs`: a room may name only rooms listed above it,
//! so the list itself proves that there is no cycle.

use std::fs;
use std::path::{Path, PathBuf};

fn rust_files(dir: &Path, out: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = fs::read_dir(dir).expect("src is readable").map(|e| e.expect("entry").path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            rust_files(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
}

/// The rooms in the order of the numbered list in `src/lib.rs`.
fn rooms(lib: &str) -> Vec<String> {
    lib.lines()
        .filter_map(|line| {
            let item = line.strip_prefix("//! ")?;
            let (number, rest) = item.split_once(". [`")?;
            number.parse::<u32>().ok()?;
            Some(rest.split_once('`')?.0.to_owned())
        })
        .collect()
}

#[test]
fn a_room_names_only_rooms_above_it() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let lib = fs::read_to_string(src.join("lib.rs")).expect("src/lib.rs");
    let rooms = rooms(&lib);
    let declared: Vec<&str> = lib.lines().filter_map(|l| l.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    assert_eq!(rooms, declared, "the list in src/lib.rs and its modules differ");
    let mut files = Vec::new();
    rust_files(&src, &mut files);
    let mut wrong = Vec::new();
    let mut seen = 0;
    for file in files {
        let relative = file.strip_prefix(&src).expect("below src");
        let Some(room) = relative.iter().next().and_then(|r| r.to_str()) else { continue };
        let Some(floor) = rooms.iter().position(|r| r == room) else { continue };
        let text = fs::read_to_string(&file).expect("source file");
        for (number, line) in text.lines().enumerate() {
            if line.contains("use crate::{") {
                wrong.push(format!("{}:{}: one `use crate::room` a line", relative.display(), number + 1));
            }
            for named in line.split("crate::").skip(1) {
                let name: String = named.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
                let Some(other) = rooms.iter().position(|r| *r == name) else { continue };
                seen += 1;
                if other > floor {
                    wrong.push(format!("{}:{}: {room} names {name}", relative.display(), number + 1));
                }
            }
        }
    }
    assert!(seen > 20, "the test reads nothing");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
