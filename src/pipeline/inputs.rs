//! What the user named: charts, manifest files, or directories of both.

use crate::source::FileKind;
use crate::source::World;
use crate::source::WorldError;

/// Standard input as a path.
pub const STDIN: &str = "-";

/// Directories deeper than this are not searched: a tree of that depth is a loop of links.
const MAX_DEPTH: usize = 64;

/// The charts and manifests behind the paths that were named, in order, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inputs {
    /// Chart directories and archives.
    pub charts: Vec<String>,
    /// Manifest files that were named themselves; `-` is standard input.
    pub named: Vec<String>,
    /// Manifest files found in directories: those without any Kubernetes object are passed over.
    pub found: Vec<String>,
}

impl Inputs {
    /// Whether there is nothing to look at.
    pub fn is_empty(&self) -> bool {
        self.charts.is_empty() && self.named.is_empty() && self.found.is_empty()
    }
}

/// Finds the charts and manifests behind `paths`. A directory is searched for charts (directories with a `Chart.yaml`)
/// and for `.yaml`, `.yml` and `.json` files; hidden names are passed over.
pub fn discover(world: &dyn World, paths: &[String]) -> Result<Inputs, WorldError> {
    let mut inputs = Inputs::default();
    for path in paths {
        if path == STDIN {
            push(&mut inputs.named, STDIN.to_owned());
        } else if world.kind(path)? == FileKind::Directory {
            search(world, path, 0, &mut inputs)?;
        } else if is_archive(path) {
            push(&mut inputs.charts, path.clone());
        } else {
            push(&mut inputs.named, path.clone());
        }
    }
    inputs.found.retain(|f| !inputs.named.contains(f));
    Ok(inputs)
}

fn push(list: &mut Vec<String>, path: String) {
    if !list.contains(&path) {
        list.push(path);
    }
}

fn is_archive(path: &str) -> bool {
    path.ends_with(".tgz") || path.ends_with(".tar.gz")
}

fn is_manifest(name: &str) -> bool {
    [".yaml", ".yml", ".json"].iter().any(|end| name.ends_with(end))
}

fn join(directory: &str, name: &str) -> String {
    if directory == "." { name.to_owned() } else { format!("{}/{name}", directory.trim_end_matches('/')) }
}

fn search(world: &dyn World, directory: &str, depth: usize, inputs: &mut Inputs) -> Result<(), WorldError> {
    if world.kind(&join(directory, "Chart.yaml")).is_ok_and(|k| k == FileKind::File) {
        push(&mut inputs.charts, directory.to_owned());
        return Ok(());
    }
    if depth > MAX_DEPTH {
        return Ok(());
    }
    for entry in world.read_dir(directory)? {
        if entry.name.starts_with('.') {
            continue;
        }
        let path = join(directory, &entry.name);
        match entry.kind {
            FileKind::Directory if !entry.link => search(world, &path, depth + 1, inputs)?,
            FileKind::File if is_manifest(&entry.name) => push(&mut inputs.found, path),
            FileKind::File if is_archive(&entry.name) && depth == 0 => push(&mut inputs.charts, path),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::MemoryWorld;

    fn world(files: &[&str]) -> MemoryWorld {
        MemoryWorld { files: files.iter().map(|f| ((*f).to_owned(), Vec::new())).collect(), ..MemoryWorld::default() }
    }

    #[test]
    fn charts_are_not_searched_for_manifests() {
        let world = world(&["a/app/Chart.yaml", "a/app/templates/x.yaml", "a/b.yaml", "a/.git/c.yaml", "a/README.md"]);
        let inputs = discover(&world, &["a".to_owned()]).expect("the paths exist");
        assert_eq!(inputs.charts, ["a/app"]);
        assert_eq!(inputs.found, ["a/b.yaml"]);
        assert!(inputs.named.is_empty());
    }

    #[test]
    fn a_missing_path_is_an_error_in_gos_words() {
        let error = discover(&world(&["a"]), &["b".to_owned()]).expect_err("b does not exist");
        assert_eq!(error.message, "stat b: no such file or directory");
    }
}
