//! The edge of the program: all bytes, time and randomness enter here, so that the rest is a function of its input.

use std::collections::BTreeMap;
use std::fmt;

/// What a path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file (links are followed).
    File,
    /// A directory (links are followed).
    Directory,
    /// Anything else: a device, a socket, a broken link.
    Other,
}

/// One name in a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirEntry {
    /// The name without its directory.
    pub name: String,
    /// What it names, links followed.
    pub kind: FileKind,
    /// Whether the name itself is a symbolic link.
    pub link: bool,
}

/// Why the outside could not be read. `message` is as Go's `os` package words it, such as
/// `open x: no such file or directory`, for that is what Helm prints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorldError {
    /// The path asked for.
    pub path: String,
    /// Go's sentence.
    pub message: String,
    /// Whether the path does not exist.
    pub not_found: bool,
}

impl fmt::Display for WorldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for WorldError {}

/// What reads a file when it is needed.
pub type Later = Box<dyn Fn() -> Result<Vec<u8>, WorldError> + Send + Sync>;

/// A file that can be read.
pub enum Opened {
    /// Its bytes.
    Read(Vec<u8>),
    /// How many bytes it has, and what reads them.
    Later(u64, Later),
}

/// Where bytes, time and random seeds come from. The command line has the real one; tests bring their own.
pub trait World: Sync {
    /// The bytes of a file.
    fn read(&self, path: &str) -> Result<Vec<u8>, WorldError>;
    /// A file that may not be needed: what is small is read at once, what is large can be read later.
    ///
    /// # Errors
    /// Those of [`World::read`], as far as they show before the bytes are read.
    fn open(&self, path: &str) -> Result<Opened, WorldError> {
        self.read(path).map(Opened::Read)
    }
    /// As [`World::read`], into a buffer that was emptied: who reads many files needs no memory for each.
    ///
    /// # Errors
    /// When the file cannot be read.
    fn read_into(&self, path: &str, buffer: &mut Vec<u8>) -> Result<(), WorldError> {
        *buffer = self.read(path)?;
        Ok(())
    }
    /// Hands over the bytes of a file part by part, until `take` wants no more.
    fn read_parts(&self, path: &str, take: &mut dyn FnMut(&[u8]) -> bool) -> Result<(), WorldError> {
        take(&self.read(path)?);
        Ok(())
    }
    /// The names in a directory, sorted bytewise.
    fn read_dir(&self, path: &str) -> Result<Vec<DirEntry>, WorldError>;
    /// What a path names, links followed.
    fn kind(&self, path: &str) -> Result<FileKind, WorldError>;
    /// A path with all links followed; the path itself where there is none to follow.
    fn real_path(&self, path: &str) -> String {
        path.to_owned()
    }
    /// All of standard input.
    fn stdin(&self) -> Result<Vec<u8>, WorldError>;
    /// Nanoseconds since 1970-01-01T00:00:00Z; fixed by `--now`.
    fn now(&self) -> i128;
    /// A seed for all random functions of one rendering; fixed by `--seed`.
    fn seed(&self) -> u64;
    /// The name of the local time zone, `UTC` when unknown.
    fn time_zone(&self) -> String {
        "UTC".to_owned()
    }
    /// An environment variable.
    fn env(&self, name: &str) -> Option<String>;
    /// The current directory as an absolute path.
    fn current_dir(&self) -> String;
}

/// A world of given files, at a fixed time: for tests and for charts in memory.
#[derive(Clone, Debug, Default)]
pub struct MemoryWorld {
    /// Content by path; directories follow from the paths.
    pub files: BTreeMap<String, Vec<u8>>,
    /// Standard input.
    pub stdin: Vec<u8>,
    /// Nanoseconds since 1970.
    pub now: i128,
    /// The seed.
    pub seed: u64,
}

fn not_found(verb: &str, path: &str) -> WorldError {
    WorldError { path: path.to_owned(), message: format!("{verb} {path}: no such file or directory"), not_found: true }
}

/// A path as seen from the current directory, which is `/`.
fn relative(path: &str) -> &str {
    path.strip_prefix('/').unwrap_or(path)
}

impl World for MemoryWorld {
    fn read(&self, path: &str) -> Result<Vec<u8>, WorldError> {
        self.files.get(path).or_else(|| self.files.get(relative(path))).cloned().ok_or_else(|| not_found("open", path))
    }

    fn read_dir(&self, path: &str) -> Result<Vec<DirEntry>, WorldError> {
        let prefix = if path.is_empty() || path == "." { String::new() } else { format!("{}/", path.trim_end_matches('/')) };
        let mut names: BTreeMap<&str, FileKind> = BTreeMap::new();
        let below = |p: &'_ String, prefix: &str| p.starts_with(prefix);
        let prefix = if self.files.keys().any(|p| below(p, &prefix)) { prefix.as_str() } else { relative(&prefix) };
        for rest in self.files.keys().filter_map(|p| p.strip_prefix(prefix)) {
            match rest.split_once('/') {
                Some((dir, _)) => names.insert(dir, FileKind::Directory),
                None => names.insert(rest, FileKind::File),
            };
        }
        if names.is_empty() {
            return Err(not_found("open", path));
        }
        Ok(names.into_iter().map(|(name, kind)| DirEntry { name: name.to_owned(), kind, link: false }).collect())
    }

    fn kind(&self, path: &str) -> Result<FileKind, WorldError> {
        if self.files.contains_key(path) || self.files.contains_key(relative(path)) {
            return Ok(FileKind::File);
        }
        self.read_dir(path).map(|_| FileKind::Directory).map_err(|_| not_found("stat", path))
    }

    fn stdin(&self) -> Result<Vec<u8>, WorldError> {
        Ok(self.stdin.clone())
    }

    fn now(&self) -> i128 {
        self.now
    }

    fn seed(&self) -> u64 {
        self.seed
    }

    fn env(&self, _name: &str) -> Option<String> {
        None
    }

    fn current_dir(&self) -> String {
        "/".to_owned()
    }
}
