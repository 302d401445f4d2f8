//! What the user named: charts, manifest files, or directories of both.

use ignore::gitignore::GitignoreBuilder;

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
/// and for `.yaml`, `.yml` and `.json` files; hidden names are passed over. A path that does not exist may be a pattern with
/// `*`, `**`, `?` and `[…]`, as where no shell resolves them.
///
/// # Errors
/// When a path does not exist, or nothing is named by a pattern.
pub fn discover(world: &dyn World, paths: &[String]) -> Result<Inputs, WorldError> {
    let mut inputs = Inputs::default();
    for path in paths {
        if path == STDIN {
            push(&mut inputs.named, STDIN.to_owned());
            continue;
        }
        match world.kind(path) {
            Ok(kind) => name(world, path, kind, &mut inputs)?,
            Err(error) if error.not_found && path.contains(PATTERN) => {
                let matched = matching(world, path).filter(|matched| !matched.is_empty()).ok_or(error)?;
                for (path, kind) in matched {
                    name(world, &path, kind, &mut inputs)?;
                }
            }
            Err(error) => return Err(error),
        }
    }
    inputs.found.retain(|f| !inputs.named.contains(f));
    Ok(inputs)
}

/// Takes a path that was named.
fn name(world: &dyn World, path: &str, kind: FileKind, inputs: &mut Inputs) -> Result<(), WorldError> {
    if kind == FileKind::Directory {
        return search(world, path, 0, inputs);
    }
    push(if is_archive(path) { &mut inputs.charts } else { &mut inputs.named }, path.to_owned());
    Ok(())
}

/// What makes a path a pattern.
const PATTERN: [char; 3] = ['*', '?', '['];

/// The paths that a pattern names, sorted; `None` when it is no pattern.
fn matching(world: &dyn World, pattern: &str) -> Option<Vec<(String, FileKind)>> {
    let mut builder = GitignoreBuilder::new("");
    // Anchored: without it a pattern without directories would name files in any.
    builder.add_line(None, &format!("/{}", pattern.trim_start_matches("./").trim_start_matches('/'))).ok()?;
    let pattern_of = builder.build().ok()?;
    let fixed = pattern.split('/').take_while(|part| !part.contains(PATTERN)).collect::<Vec<_>>().join("/");
    let base = match fixed.as_str() {
        "" if pattern.starts_with('/') => "/",
        "" => ".",
        fixed => fixed,
    };
    let most = if pattern.contains("**") { MAX_DEPTH } else { pattern.split('/').count() };
    let mut out = Vec::new();
    let mut folders = vec![(base.to_owned(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        for entry in world.read_dir(&folder).unwrap_or_default() {
            if entry.name.starts_with('.') {
                continue;
            }
            let path = join(&folder, &entry.name);
            let directory = entry.kind == FileKind::Directory;
            let plain = path.trim_start_matches("./").trim_start_matches('/');
            if pattern_of.matched(plain, directory).is_ignore() {
                out.push((path, entry.kind));
            } else if directory && !entry.link && depth < most {
                folders.push((path, depth + 1));
            }
        }
    }
    out.sort_by(|a, b| a.0.cmp(&b.0));
    Some(out)
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
    fn patterns_name_what_a_shell_would() {
        let world = world(&["a/b.yaml", "a/c.json", "a/d/e.yaml", "f.yaml", "a/app/Chart.yaml", "a/app/values.yaml"]);
        let named = |pattern: &str| discover(&world, &[pattern.to_owned()]).map(|inputs| (inputs.named, inputs.charts));
        let some = |named: &[&str], charts: &[&str]| {
            let owned = |all: &[&str]| all.iter().map(|f| (*f).to_owned()).collect::<Vec<String>>();
            Ok((owned(named), owned(charts)))
        };
        assert_eq!(named("*.yaml"), some(&["f.yaml"], &[]));
        assert_eq!(named("a/*.yaml"), some(&["a/b.yaml"], &[]));
        assert_eq!(named("a/**/e.y?ml"), some(&["a/d/e.yaml"], &[]));
        assert_eq!(named("a/[bc].*"), some(&["a/b.yaml", "a/c.json"], &[]));
        assert_eq!(named("a/ap*"), some(&[], &["a/app"]));
        assert_eq!(named("a/*.tgz").map_err(|e| e.message), Err("stat a/*.tgz: no such file or directory".to_owned()));
    }

    #[test]
    fn a_missing_path_is_an_error_in_gos_words() {
        let error = discover(&world(&["a"]), &["b".to_owned()]).expect_err("b does not exist");
        assert_eq!(error.message, "stat b: no such file or directory");
    }
}
