//! Configuration files (`kval.toml` or `.kval.toml`): which of them count for a path, and what they say together.
//!
//! All files from a path's directory upwards count, up to one that says `root = true` or stands beside a `.git`. The outer
//! ones speak first, the nearer ones add to what they said and win where they differ; the command line wins over all.

mod read;
mod settings;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::lint::CustomRule;
use crate::source::World;

pub use settings::{Settings, Variant};

use read::Layer;

/// The names of a configuration file.
const NAMES: [&str; 2] = ["kval.toml", ".kval.toml"];

/// What is wrong with a configuration file, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The file as shown to users.
    pub path: String,
    /// From 1; 0 when the whole file cannot be read.
    pub line: u32,
    /// From 1.
    pub column: u32,
    /// The line's text.
    pub excerpt: String,
    /// How many characters are wrong.
    pub width: usize,
    /// The sentence.
    pub message: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line == 0 {
            return write!(f, "{}: {}", self.path, self.message);
        }
        let margin = " ".repeat(self.line.to_string().len());
        let indent = " ".repeat(self.column.saturating_sub(1) as usize);
        writeln!(f, "{}:{}:{}: {}", self.path, self.line, self.column, self.message)?;
        writeln!(f, "  {} | {}", self.line, self.excerpt)?;
        write!(f, "  {margin} | {indent}{}", "^".repeat(self.width.max(1)))
    }
}

impl std::error::Error for ConfigError {}

/// Which configuration files are read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// Those found upwards from each path.
    #[default]
    Found,
    /// This one for all paths.
    File(String),
    /// None.
    Isolated,
}

/// The rules in folders of pages (`*.md`), in order.
///
/// # Errors
/// The first page that is wrong, with the place.
pub fn custom_rules(world: &dyn World, folders: &[String]) -> Result<Vec<CustomRule>, ConfigError> {
    let whole =
        |path: &str, message: String| ConfigError { path: path.to_owned(), line: 0, column: 0, excerpt: String::new(), width: 0, message };
    let mut out = Vec::new();
    for folder in folders {
        for entry in world.read_dir(folder).map_err(|e| whole(folder, e.message))? {
            let Some(id) = entry.name.strip_suffix(".md").filter(|id| *id != "README") else { continue };
            let path = join(folder, &entry.name);
            let text = String::from_utf8_lossy(&world.read(&path).map_err(|e| whole(&path, e.message))?).into_owned();
            out.push(CustomRule::parse(id, &text).map_err(|(line, message)| {
                let excerpt = text.lines().nth(line).unwrap_or("").to_owned();
                let width = excerpt.chars().count();
                ConfigError { path: path.clone(), line: line as u32 + 1, column: 1, excerpt, width, message }
            })?);
        }
    }
    Ok(out)
}

/// The configuration files of all inputs.
#[derive(Clone, Debug, Default)]
pub struct Configs {
    /// The files that count, outermost first, by absolute directory.
    layers: BTreeMap<String, Vec<Arc<Layer>>>,
    current: String,
}

/// An absolute path without `.` and `..`.
pub(super) fn absolute(current: &str, path: &str) -> String {
    let whole = if path.starts_with('/') { path.to_owned() } else { format!("{current}/{path}") };
    let mut parts: Vec<&str> = Vec::new();
    for part in whole.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

fn parent(directory: &str) -> Option<&str> {
    let (above, _) = directory.rsplit_once('/')?;
    if above.is_empty() { (directory.len() > 1).then_some("/") } else { Some(above) }
}

fn join(directory: &str, name: &str) -> String {
    format!("{}/{name}", directory.trim_end_matches('/'))
}

impl Configs {
    /// Reads the files that count for `paths` and for the current directory.
    ///
    /// # Errors
    /// The first file that is wrong, with the place.
    pub fn read<'p>(world: &dyn World, choice: &Choice, paths: impl IntoIterator<Item = &'p str>) -> Result<Self, ConfigError> {
        let mut configs = Self { layers: BTreeMap::new(), current: world.current_dir() };
        match choice {
            Choice::Isolated => {}
            Choice::File(path) => {
                let layer = Layer::read(world, path, &configs.current)?;
                configs.layers.insert("/".to_owned(), vec![Arc::new(layer)]);
            }
            Choice::Found => {
                let current = configs.current.clone();
                configs.find(world, &absolute(&current, "."))?;
                for path in paths.into_iter().filter(|p| *p != super::STDIN) {
                    let path = absolute(&current, path);
                    let directory = if world.read_dir(&path).is_ok() { Some(path.as_str()) } else { parent(&path) };
                    configs.find(world, directory.unwrap_or("/"))?;
                }
            }
        }
        Ok(configs)
    }

    /// Reads the files from a directory upwards.
    fn find(&mut self, world: &dyn World, directory: &str) -> Result<Vec<Arc<Layer>>, ConfigError> {
        let mut above = Vec::new();
        let mut next = Some(directory);
        while let Some(at) = next {
            if let Some(known) = self.layers.get(at) {
                above.push((at.to_owned(), known.clone(), true));
                break;
            }
            let mut own = Vec::new();
            for name in NAMES {
                let path = join(at, name);
                if world.kind(&path).is_ok() {
                    own.push(Arc::new(Layer::read(world, &path, &self.current)?));
                    break;
                }
            }
            let last = own.iter().any(|l: &Arc<Layer>| l.root) || world.kind(&join(at, ".git")).is_ok();
            above.push((at.to_owned(), own, false));
            if last {
                break;
            }
            next = parent(at);
        }
        let mut sum: Vec<Arc<Layer>> = Vec::new();
        for (at, own, known) in above.into_iter().rev() {
            if known {
                sum = own;
            } else {
                sum.extend(own);
                self.layers.insert(at, sum.clone());
            }
        }
        Ok(sum)
    }

    /// The files that count for a path, outermost first.
    fn layers(&self, path: &str) -> &[Arc<Layer>] {
        let path = absolute(&self.current, path);
        let mut next = Some(path.as_str());
        while let Some(at) = next {
            if let Some(layers) = self.layers.get(at) {
                return layers;
            }
            next = parent(at);
        }
        &[]
    }

    /// Whether any file says anything.
    pub fn is_empty(&self) -> bool {
        self.layers.values().all(Vec::is_empty)
    }

    /// What the files say about a path (of a chart, a manifest or a template).
    pub fn settings(&self, path: &str) -> Settings {
        settings::of(self.layers(path), &absolute(&self.current, path))
    }
}
