//! Paths with slashes: Go's `path`, and `filepath` as it is on Unix.

use crate::gotmpl::Function;

use super::args::BOOL;
use super::args::STR;
use super::args::bytes;
use super::args::fixed;
use super::args::string;

pub(super) const FUNCTIONS: &[Function] = &[
    fixed("base", &[STR], STR, |_, a| string(base(bytes(a, 0)))),
    fixed("osBase", &[STR], STR, |_, a| string(base(bytes(a, 0)))),
    fixed("dir", &[STR], STR, |_, a| string(dir(bytes(a, 0)))),
    fixed("osDir", &[STR], STR, |_, a| string(dir(bytes(a, 0)))),
    fixed("clean", &[STR], STR, |_, a| string(clean(bytes(a, 0)))),
    fixed("osClean", &[STR], STR, |_, a| string(clean(bytes(a, 0)))),
    fixed("ext", &[STR], STR, |_, a| string(ext(bytes(a, 0)))),
    fixed("osExt", &[STR], STR, |_, a| string(ext(bytes(a, 0)))),
    fixed("isAbs", &[STR], BOOL, |_, a| Ok(bytes(a, 0).starts_with(b"/").into())),
    fixed("osIsAbs", &[STR], BOOL, |_, a| Ok(bytes(a, 0).starts_with(b"/").into())),
];

fn base(path: &[u8]) -> &[u8] {
    if path.is_empty() {
        return b".";
    }
    let Some(end) = path.iter().rposition(|&b| b != b'/') else { return b"/" };
    let start = path[..end].iter().rposition(|&b| b == b'/').map_or(0, |i| i + 1);
    &path[start..=end]
}

fn dir(path: &[u8]) -> Vec<u8> {
    clean(&path[..path.iter().rposition(|&b| b == b'/').map_or(0, |i| i + 1)])
}

fn ext(path: &[u8]) -> &[u8] {
    let name = &path[path.iter().rposition(|&b| b == b'/').map_or(0, |i| i + 1)..];
    name.iter().rposition(|&b| b == b'.').map_or(b"", |i| &name[i..])
}

/// The shortest path that means the same.
fn clean(path: &[u8]) -> Vec<u8> {
    let rooted = path.starts_with(b"/");
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in path.split(|&b| b == b'/') {
        match part {
            b"" | b"." => {}
            b".." if parts.last().is_some_and(|p| *p != b"..") => {
                parts.pop();
            }
            b".." if rooted => {}
            part => parts.push(part),
        }
    }
    let joined = parts.join(&b'/');
    match (rooted, joined.is_empty()) {
        (true, _) => [b"/".as_slice(), &joined].concat(),
        (false, true) => b".".to_vec(),
        (false, false) => joined,
    }
}
