//! The registry is complete.

use std::collections::BTreeSet;
use std::path::Path;

fn names(folder: &str, extension: &str) -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = std::fs::read_dir(folder).expect("the folder exists");
    entries
        .map(|e| e.expect("it is readable").file_name().to_string_lossy().into_owned())
        .filter_map(|n| n.strip_suffix(extension).map(|s| s.replace('_', "-")))
        .collect()
}

#[test]
fn pages_files_and_registry_agree() {
    let listed: BTreeSet<String> = super::rules().iter().map(|r| r.id.to_owned()).collect();
    assert_eq!(listed.len(), super::rules().len(), "an id is listed twice");
    let pages = listed.iter().cloned().chain(super::verdicts().map(str::to_owned)).collect();
    assert_eq!(names("rules", ".md"), pages);
    assert_eq!(names("src/lint/rules", ".rs"), listed);
}
