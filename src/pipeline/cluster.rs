//! Clusters that are known: what `--cluster` and the configuration name, read from files, directories and short words.

use rayon::prelude::*;
use serde_json::Value;

use super::inputs::STDIN;
use crate::simulate::cluster;
use crate::simulate::listing;
use crate::simulate::piece::Piece;
use crate::simulate::piece::Pool;
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

/// The documents of a file.
///
/// # Errors
/// When it cannot be read, or is neither YAML nor JSON.
pub fn documents(world: &dyn World, name: &str) -> Result<Vec<Value>, ClusterError> {
    let bytes = world.read(name)?;
    let documents = yaml::parse(&String::from_utf8_lossy(&bytes), FileId::default());
    if let Some(error) = documents.iter().find_map(|d| d.error.as_ref()) {
        return Err(ClusterError::Wrong(format!("{name}: {error}")));
    }
    Ok(documents.iter().filter_map(|d| d.root.as_ref()).map(|r| r.to_json()).collect())
}

/// What is in a file of a cluster; the second says whether there are but short forms.
fn pieces(world: &dyn World, name: &str, pool: &Pool) -> Result<(Vec<Piece>, bool), ClusterError> {
    // A pipe can be read once only.
    let whole = if name == STDIN {
        Some(world.stdin()?)
    } else if world.kind(name)? == FileKind::File {
        None
    } else {
        Some(world.read(name)?)
    };
    if let Some(found) = listed(world, name, whole.as_deref(), pool)? {
        return Ok((found, false));
    }
    let wrong = |why: String| ClusterError::Wrong(format!("{name}: {why}"));
    let bytes = match whole {
        Some(bytes) => bytes,
        None => world.read(name)?,
    };
    // JSON is YAML too: what is wrong with it is told below.
    if bytes.trim_ascii_start().starts_with(b"{")
        && let Ok(found) = listing::from_json(&bytes, pool)
    {
        let [Piece::Whole(one)] = found.as_slice() else { return Ok((found, false)) };
        let short = one.get("nodes").is_some();
        return Ok((cluster::from_document(one.clone()).map_err(wrong)?.into_iter().map(|o| pool.piece(o)).collect(), short));
    }
    let text = String::from_utf8(bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned());
    let chunk = |chunk: &yaml::Chunk| {
        let mut out = Ok((Vec::new(), true));
        yaml::outline_chunk(&text, chunk, FileId::default(), &mut |parsed| {
            let Ok((found, short)) = &mut out else { return };
            match read(parsed) {
                Ok(document) => {
                    *short &= document.get("nodes").is_some();
                    match cluster::from_document(document) {
                        Ok(objects) => found.extend(objects.into_iter().map(|o| pool.piece(o))),
                        Err(why) => out = Err(why),
                    }
                }
                Err(Some(why)) => out = Err(why),
                Err(None) => {}
            }
        });
        out
    };
    let chunks: Vec<_> = yaml::chunks(&text, CHUNK).par_iter().map(chunk).collect();
    let mut out = (Vec::new(), true);
    for part in chunks {
        let (mut found, short) = part.map_err(wrong)?;
        out.0.append(&mut found);
        out.1 &= short;
    }
    Ok(out)
}

/// How much of a large file one thread takes at a time.
const CHUNK: usize = 256 << 10;

/// The object of a document; the error is `None` for one in which nothing is.
fn read(parsed: yaml::Parsed<'_>) -> Result<Value, Option<String>> {
    if let yaml::Parsed::Document(document) = &parsed {
        if let Some(error) = &document.error {
            return Err(Some(error.to_string()));
        }
        return document.root.as_ref().map(|r| r.to_json()).ok_or(None);
    }
    listing::object(parsed).ok_or(None)
}

/// The items of a list as kubectl prints it, read in parts; `None` for other texts.
fn listed(world: &dyn World, name: &str, whole: Option<&[u8]>, pool: &Pool) -> Result<Option<Vec<Piece>>, WorldError> {
    let mut cutter = Some(listing::Cutter::default());
    let mut out: Option<Vec<Piece>> = Some(Vec::new());
    let mut take = |block: &str| {
        let items = listing::items(block);
        let found: Option<Vec<Piece>> = items.into_par_iter().map(|item| listing::item(item, pool)).collect();
        match (&mut out, found) {
            (Some(out), Some(mut found)) => out.append(&mut found),
            _ => out = None,
        }
        out.is_some()
    };
    let mut push = |part: &[u8]| match cutter.as_mut().map(|c| c.push(part)) {
        Some(Ok(None)) => true,
        Some(Ok(Some(block))) => take(&block),
        Some(Err(_)) | None => {
            cutter = None;
            false
        }
    };
    match whole {
        Some(bytes) => drop(push(bytes)),
        None => world.read_parts(name, &mut push)?,
    }
    match cutter.map(listing::Cutter::end) {
        Some(Ok(block)) if take(&block) => Ok(out),
        _ => Ok(None),
    }
}

/// The nodes (and what runs there) of `--cluster`: files or directories of manifests or short forms, or `3x4cpu,16Gi`.
/// Without any, three plain nodes.
///
/// # Errors
/// When a file cannot be read, or holds no node.
pub fn cluster(world: &dyn World, clusters: &[String]) -> Result<Vec<Piece>, ClusterError> {
    let known = |objects: Vec<Value>| objects.into_iter().map(Piece::from);
    if clusters.is_empty() {
        return Ok(known(cluster::default_nodes()).chain([cluster::default_storage().into()]).collect());
    }
    let pool = Pool::default();
    let mut out = Vec::new();
    let mut only_sizes = true;
    for name in clusters {
        let files = match world.kind(name) {
            _ if name == STDIN => vec![name.clone()],
            Ok(FileKind::Directory) => {
                let mut files: Vec<String> = world.read_dir(name)?.into_iter().map(|entry| format!("{name}/{}", entry.name)).collect();
                files.retain(|f| [".yaml", ".yml", ".json"].iter().any(|end| f.ends_with(end)));
                files.sort();
                files
            }
            Ok(_) => vec![name.clone()],
            Err(missing) => match cluster::parse_argument(name) {
                Ok(nodes) => {
                    out.extend(known(nodes));
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
            let (mut found, short) = pieces(world, &file, &pool)?;
            only_sizes &= short;
            out.append(&mut found);
        }
    }
    if !out.iter().any(|o| o.kind() == "Node") {
        return Err(ClusterError::Wrong(format!("--cluster: there is no node in {}", clusters.join(", "))));
    }
    if only_sizes {
        out.push(cluster::default_storage().into());
    }
    Ok(out)
}
