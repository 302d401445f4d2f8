//! Clusters that are known: what `--cluster` and the configuration name, read from files, directories and short words.

use rayon::iter::{IntoParallelIterator, ParallelIterator};
use serde_json::Value;

use crate::simulate::captured;
use crate::simulate::cluster;
use crate::source::FileId;
use crate::source::FileKind;
use crate::source::World;
use crate::source::WorldError;
use crate::yaml;

/// Why a cluster is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClusterError {
    /// A file cannot be read.
    World(WorldError),
    /// What is in it is no cluster.
    Wrong(String),
}

impl From<WorldError> for ClusterError {
    fn from(error: WorldError) -> Self {
        Self::World(error)
    }
}

/// The documents of a file, the items of a list each by itself.
///
/// # Errors
/// When it cannot be read, or is neither YAML nor JSON.
pub fn documents(world: &dyn World, name: &str) -> Result<Vec<Value>, ClusterError> {
    let bytes = world.read(name)?;
    // JSON is YAML too: what is wrong with it is told below.
    if bytes.trim_ascii_start().starts_with(b"{")
        && let Ok(objects) = captured::from_json(&bytes)
    {
        return Ok(objects);
    }
    let text = String::from_utf8_lossy(&bytes);
    if let Some(objects) = captured::items(&text).and_then(|items| items.into_par_iter().map(item).collect()) {
        return Ok(objects);
    }
    let documents = yaml::parse(&text, FileId::default());
    if let Some(error) = documents.iter().find_map(|d| d.error.as_ref()) {
        return Err(ClusterError::Wrong(format!("{name}: {error}")));
    }
    Ok(documents.iter().filter_map(|d| d.root.as_ref()).map(|r| r.to_json()).collect())
}

/// One item of a list; `None` when it is not one whole object.
fn item(text: &str) -> Option<Value> {
    // The dash is where the item's first key is indented as the others are.
    let text = format!(" {}", text.strip_prefix('-')?);
    let documents = yaml::parse(&text, FileId::default());
    let [document] = documents.as_slice() else { return None };
    let mut value = document.root.as_ref().filter(|_| document.error.is_none())?.to_json();
    captured::trim(&mut value);
    value.is_object().then_some(value)
}

/// The nodes (and what runs there) of `--cluster`: files or directories of manifests or short forms, or `3x4cpu,16Gi`.
/// Without any, three plain nodes.
///
/// # Errors
/// When a file cannot be read, or holds no node.
pub fn cluster(world: &dyn World, clusters: &[String]) -> Result<Vec<Value>, ClusterError> {
    if clusters.is_empty() {
        let mut out = cluster::default_nodes();
        out.push(cluster::default_storage());
        return Ok(out);
    }
    let mut out = Vec::new();
    let mut only_sizes = true;
    for name in clusters {
        let files = match world.kind(name) {
            Ok(FileKind::Directory) => {
                let mut files: Vec<String> = world.read_dir(name)?.into_iter().map(|entry| format!("{name}/{}", entry.name)).collect();
                files.retain(|f| [".yaml", ".yml", ".json"].iter().any(|end| f.ends_with(end)));
                files.sort();
                files
            }
            Ok(_) => vec![name.clone()],
            Err(missing) => match cluster::parse_argument(name) {
                Ok(nodes) => {
                    out.extend(nodes);
                    continue;
                }
                // What looks like sizes is told what is wrong with them.
                Err(wrong) if name.contains("cpu") && !name.contains('/') => {
                    return Err(ClusterError::Wrong(format!("--cluster: {wrong}")));
                }
                Err(_) => return Err(missing.into()),
            },
        };
        for file in files {
            let values = documents(world, &file)?;
            only_sizes &= values.iter().all(|v| v.get("nodes").is_some());
            out.extend(cluster::from_documents(&values).map_err(|e| ClusterError::Wrong(format!("{file}: {e}")))?);
        }
    }
    if !out.iter().any(|o| o["kind"] == "Node") {
        return Err(ClusterError::Wrong(format!("--cluster: there is no node in {}", clusters.join(", "))));
    }
    if only_sizes {
        out.push(cluster::default_storage());
    }
    Ok(out)
}
