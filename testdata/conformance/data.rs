//! Finding and reading the recorded answers.

use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

fn own() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata")
}

fn roots() -> Vec<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let mut roots: Vec<PathBuf> = std::env::var_os("KVAL_SHARED").map(PathBuf::from).into_iter().collect();
    roots.extend([beside, own()]);
    roots
}

/// The first place that has `path`, or `path` with `.gz`.
pub(crate) fn find(path: &str) -> Option<PathBuf> {
    roots().into_iter().flat_map(|r| [r.join(path), r.join(format!("{path}.gz"))]).find(|p| p.exists())
}

/// The bytes of `path`, unpacked when it ends in `.gz`.
pub(crate) fn read(path: &Path) -> Vec<u8> {
    let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    if path.extension().is_some_and(|e| e == "gz") {
        let mut out = Vec::new();
        flate2::read::MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut out).expect("gzip");
        return out;
    }
    bytes
}

/// The records of a JSON-lines file; `None` when there is none.
pub(crate) fn lines(path: &str) -> Option<Vec<Json>> {
    let bytes = read(&find(path)?);
    let text = String::from_utf8(bytes).expect("UTF-8");
    Some(text.lines().filter(|l| !l.is_empty()).map(|l| serde_json::from_str(l).expect("JSON")).collect())
}

/// A string field, also in its `_b64` form.
pub(crate) fn bytes(record: &Json, field: &str) -> Option<Vec<u8>> {
    if let Some(v) = record.get(field) {
        return value_bytes(v);
    }
    let coded = record.get(format!("{field}_b64"))?.as_str()?;
    Some(data_encoding::BASE64.decode(coded.as_bytes()).expect("base64"))
}

/// A string value, also as `{"b64": …}`.
pub(crate) fn value_bytes(v: &Json) -> Option<Vec<u8>> {
    match v {
        Json::String(s) => Some(s.clone().into_bytes()),
        Json::Object(o) if o.len() == 1 => Some(data_encoding::BASE64.decode(o.get("b64")?.as_str()?.as_bytes()).expect("base64")),
        _ => None,
    }
}
