//! From a folder, an archive or files in memory to a [`Chart`].

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use super::archive::{AS_FILES, COPIED, Make, Packed, ensure_archive, may_wait, without_bom};
use super::chart::{Chart, Decoder, File, decode_lock};
use super::ignore::Rules;
use super::values::{Logs, ValuesReader};
use crate::source::{FileId, FileKind, Opened, World, WorldError, all_cores};
use crate::yaml;

/// The most bytes a chart may hold once unpacked.
pub(super) const MAX_SIZE: u64 = 100 * 1024 * 1024;
/// The most files a chart may hold; Helm has no limit, memory has.
pub(super) const MAX_FILES: usize = 100_000;
/// The deepest nesting of folders and of charts in charts.
const MAX_DEPTH: usize = 64;

/// How many files of a folder are read before their sizes are looked at.
const AT_ONCE: usize = 256;
/// Up to so many files are read by one thread.
const FEW: usize = 24;

/// What Helm 4 says of every archive it cannot unpack.
pub(super) const NO_ARCHIVE: &str = "unable to load chart archive";

/// Why there is no chart; Helm's sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadError(pub String);

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for LoadError {}

impl From<String> for LoadError {
    fn from(s: String) -> Self {
        Self(s)
    }
}
impl From<&str> for LoadError {
    fn from(s: &str) -> Self {
        Self(s.to_owned())
    }
}

/// Loads a folder or an archive; what Helm would log is dropped and values carry no origins.
pub fn load(world: &dyn World, path: &str) -> Result<Chart, LoadError> {
    load_with(world, path, &mut ValuesReader::default(), &mut Logs::default())
}

/// Loads a folder or an archive. `values` turns values files into values, `logs` takes what Helm prints on the way.
pub fn load_with(world: &dyn World, path: &str, values: &mut ValuesReader<'_>, logs: &mut Logs) -> Result<Chart, LoadError> {
    let files = read_files(world, path, values, logs)?;
    load_read(files, path, values, logs)
}

/// The files that [`load_with`] loads a chart from. While others are read, its values are decoded.
pub(super) fn read_files(world: &dyn World, path: &str, values: &mut ValuesReader<'_>, logs: &mut Logs) -> Result<Vec<File>, LoadError> {
    let path_of_values = within(path.trim_end_matches('/'), VALUES);
    let mut early = |file: &File| values.read_early(&path_of_values, file.data());
    read_as(world, path, logs, AS_FILES, Some((VALUES, &mut early)))
}

/// Where a file of the chart at `shown` is, for display.
pub(super) fn within(shown: &str, name: &str) -> String {
    if shown.is_empty() { name.to_owned() } else { format!("{shown}/{name}") }
}

/// The default values of a chart.
pub(super) const VALUES: &str = "values.yaml";

/// The chart of the files of `path`.
pub(super) fn load_read(files: Vec<File>, path: &str, values: &mut ValuesReader<'_>, logs: &mut Logs) -> Result<Chart, LoadError> {
    load_named(files, path.trim_end_matches('/'), values, logs, 0)
}

/// The archive at a path, not unpacked yet; nothing where there is a folder. Files that rendering may do without are passed over
/// from `large` bytes on.
pub(super) fn archive(world: &dyn World, path: &str, large: u64) -> Result<Option<Arc<Packed>>, LoadError> {
    if world.kind(path).map_err(|e| LoadError(e.message))? == FileKind::Directory {
        return Ok(None);
    }
    let bytes = world.read(path).map_err(|e| LoadError(e.message))?;
    ensure_archive(&absolute(world, path), &bytes)?;
    Ok(Some(Packed::new(bytes, large)))
}

/// Why the archive at a path cannot be unpacked, in Helm 4's words.
pub(super) fn no_archive(world: &dyn World, path: &str, why: LoadError) -> LoadError {
    match why.0.as_str() {
        NO_HEADER => not_valid(&absolute(world, path), &why),
        _ => NO_ARCHIVE.into(),
    }
}

/// What Helm says of a file that does not start as an archive does.
const NO_HEADER: &str = "gzip: invalid header";

fn not_valid(path: &str, why: &LoadError) -> LoadError {
    LoadError(format!("file '{path}' does not appear to be a valid chart file (details: {why})"))
}

/// What Helm 4 looks at before it loads a chart to render: whether it knows charts of that version. `unpacked` has the files
/// where the chart is an archive.
///
/// upstream: pkg/chart/loader/load.go
pub(super) fn known_version(world: &dyn World, path: &str, unpacked: Option<&[File]>) -> Result<(), LoadError> {
    let chart = "Chart.yaml";
    let data = match unpacked {
        Some(files) => {
            let file = files.iter().find(|file| file.name == chart).ok_or("unable to detect chart version, no Chart.yaml found")?;
            file.data().to_vec()
        }
        None => {
            let name = absolute(world, &format!("{path}/{chart}"));
            world.read(&name).map_err(|e| LoadError(format!("unable to detect chart at {name}: {}", e.message)))?
        }
    };
    let Some(node) = tree(&data, chart)? else { return Ok(()) };
    let mut version = String::new();
    let mut d = Decoder::default();
    d.object(&node, "chartBase", "loader.chartBase", |d, key, node| {
        if key == "apiversion" {
            d.string(node, &mut version);
        }
    });
    d.finish().map_err(|e| LoadError(format!("cannot load Chart.yaml: {e}")))?;
    match version.as_str() {
        "" | "v1" | "v2" | "v3" => Ok(()),
        _ => Err("unsupported chart version".into()),
    }
}

/// Loads a folder or an archive as Helm 4 does to render it: when it knows charts of that version.
pub fn load_known(world: &dyn World, path: &str, values: &mut ValuesReader<'_>, logs: &mut Logs) -> Result<Chart, LoadError> {
    let unpacked = archive(world, path, u64::MAX)?.map(|packed| packed.files(AS_FILES)).transpose();
    let unpacked = unpacked.map_err(|e| no_archive(world, path, e))?;
    known_version(world, path, unpacked.as_deref())?;
    let files = unpacked.map_or_else(|| read_files(world, path, values, logs), Ok)?;
    load_read(files, path, values, logs)
}

/// The files of a chart as they would be loaded: ignored ones left out, archives unpacked.
pub fn read(world: &dyn World, path: &str, logs: &mut Logs) -> Result<Vec<(String, Vec<u8>)>, LoadError> {
    read_as(world, path, logs, COPIED, None)
}

/// A file and what to do with it while others are read.
type Early<'a, T> = Option<(&'static str, &'a mut dyn FnMut(&T))>;

fn read_as<T: Send + Sync>(
    world: &dyn World,
    path: &str,
    logs: &mut Logs,
    make: Make<'_, T>,
    early: Early<'_, T>,
) -> Result<Vec<T>, LoadError> {
    match archive(world, path, u64::MAX)? {
        None => read_folder(world, path, logs, make, early),
        Some(packed) => packed.files(make).map_err(|e| if e.0 == NO_HEADER { not_valid(&absolute(world, path), &e) } else { e }),
    }
}

/// Loads from files in memory.
pub fn load_files(files: Vec<(String, Vec<u8>)>) -> Result<Chart, LoadError> {
    load_files_with(files, &mut ValuesReader::default(), &mut Logs::default())
}

/// Loads from files in memory; see [`load_with`].
pub fn load_files_with(files: Vec<(String, Vec<u8>)>, values: &mut ValuesReader<'_>, logs: &mut Logs) -> Result<Chart, LoadError> {
    load_named(files.into_iter().map(|(name, data)| File::new(name, data)).collect(), "", values, logs, 0)
}

/// The absolute, clean form of a path.
pub(crate) fn absolute(world: &dyn World, path: &str) -> String {
    let joined = if path.starts_with('/') { path.to_owned() } else { format!("{}/{path}", world.current_dir()) };
    super::release::clean_path(&joined)
}

fn read_folder<T: Send + Sync>(
    world: &dyn World,
    path: &str,
    logs: &mut Logs,
    make: Make<'_, T>,
    mut early: Early<'_, T>,
) -> Result<Vec<T>, LoadError> {
    let top = path.trim_end_matches('/');
    let top = if top.is_empty() { "/" } else { top };
    let mut rules = match world.read(&format!("{top}/.helmignore")) {
        Ok(bytes) => Rules::parse(&String::from_utf8_lossy(&bytes))?,
        Err(_) => Rules::default(),
    };
    rules.add_defaults();
    let full = absolute(world, top);
    let mut walk = Walk { world, top, full: if full == "/" { "" } else { &full }, rules, found: Vec::new() };
    let walked = walk.folder("", 0, logs);
    // What was found before a failure is read first: its failures come before.
    let mut files = Vec::new();
    let mut left = MAX_SIZE;
    let now = |data: Vec<u8>, name: &String| (data.len() as u64, (make.now)(name, without_bom(data.into())));
    for some in walk.found.chunks(AT_ONCE) {
        let read = |(name, full): &(String, String)| {
            let failed =
                |name: &str, full: &str, e: WorldError| LoadError(format!("error reading {name}: {}", e.message.replace(&e.path, full)));
            let path = format!("{top}/{name}");
            let opened = match make.later.filter(|_| may_wait(name)) {
                Some(later) => world.open(&path).map(|opened| (opened, Some(later))),
                None => world.read(&path).map(|data| (Opened::Read(data), None)),
            };
            Ok::<_, LoadError>(match opened.map_err(|e| failed(name, full, e))? {
                (Opened::Later(length, read), Some(later)) => {
                    let (shown, full) = (name.clone(), full.clone());
                    (
                        length,
                        later(
                            name.clone(),
                            length,
                            Box::new(move || read().map(|data| without_bom(data.into())).map_err(|e| failed(&shown, &full, e))),
                        ),
                    )
                }
                (Opened::Later(_, read), None) => now(read().map_err(|e| failed(name, full, e))?, name),
                (Opened::Read(data), _) => now(data, name),
            })
        };
        let contents: Vec<_> = if some.len() > FEW {
            let first = early.as_ref().and_then(|(name, _)| some.iter().position(|(found, _)| found == name));
            let first = first.and_then(|i| Some((i, early.take()?.1)));
            read_many(some, &read, first)
        } else {
            some.iter().map(read).collect()
        };
        for ((name, _), content) in some.iter().zip(contents) {
            let (length, file) = content?;
            left = left
                .checked_sub(length)
                .ok_or_else(|| LoadError(format!("error reading {name}: chart exceeds maximum decompressed size of {MAX_SIZE} bytes")))?;
            if files.len() >= MAX_FILES {
                return Err(LoadError(format!("chart holds more than {MAX_FILES} files")));
            }
            files.push(file);
        }
    }
    walked?;
    Ok(files)
}

/// Reads files on all cores. This thread reads the one that is `early` first and does with it what is to be done, while others
/// read the rest.
fn read_many<T: Send + Sync>(
    names: &[(String, String)],
    read: &(dyn Fn(&(String, String)) -> Result<(u64, T), LoadError> + Sync),
    early: Option<(usize, &mut dyn FnMut(&T))>,
) -> Vec<Result<(u64, T), LoadError>> {
    let places: Vec<OnceLock<Result<(u64, T), LoadError>>> = names.iter().map(|_| OnceLock::new()).collect();
    let next = AtomicUsize::new(0);
    let skipped = early.as_ref().map(|(i, _)| *i);
    let work = || {
        loop {
            let i = next.fetch_add(1, Ordering::Relaxed);
            let (Some(name), Some(place)) = (names.get(i), places.get(i)) else { return };
            if Some(i) != skipped {
                let _ = place.set(read(name));
            }
        }
    };
    all_cores();
    rayon::in_place_scope(|scope| {
        for _ in 1..rayon::current_num_threads() {
            scope.spawn(|_| work());
        }
        if let Some((i, then)) = early {
            let content = read(&names[i]);
            if let Ok((_, file)) = &content {
                then(file);
            }
            let _ = places[i].set(content);
        }
        work();
    });
    places.into_iter().zip(names).map(|(place, name)| place.into_inner().unwrap_or_else(|| read(name))).collect()
}

struct Walk<'a> {
    world: &'a dyn World,
    top: &'a str,
    /// `top` in full.
    full: &'a str,
    rules: Rules,
    /// The files in their order, by their path in the chart and in full.
    found: Vec<(String, String)>,
}

impl Walk<'_> {
    fn folder(&mut self, below: &str, depth: usize, logs: &mut Logs) -> Result<(), LoadError> {
        if depth > MAX_DEPTH {
            return Err(LoadError(format!("folder {below} is nested deeper than {MAX_DEPTH}")));
        }
        let path = if below.is_empty() { self.top.to_owned() } else { format!("{}/{below}", self.top) };
        for entry in self.world.read_dir(&path).map_err(|e| LoadError(e.message))? {
            let name = if below.is_empty() { entry.name.clone() } else { format!("{below}/{}", entry.name) };
            let full = format!("{}/{name}", self.full);
            if entry.link {
                let resolved = self.world.real_path(&full);
                logs.push_with(
                    "INFO",
                    "found symbolic link in path. Contents of linked file included and used",
                    &[("path", &full), ("resolved", &resolved)],
                );
            }
            let directory = entry.kind == FileKind::Directory;
            if self.rules.ignored(&name, directory) {
                continue;
            }
            match entry.kind {
                FileKind::Directory => self.folder(&name, depth + 1, logs)?,
                FileKind::File => self.found.push((name, full)),
                FileKind::Other => {
                    return Err(LoadError(format!("cannot load irregular file {full} as it has file mode type bits set")));
                }
            }
        }
        Ok(())
    }
}

/// The tree of the first document, with the errors of sigs.k8s.io/yaml.
pub(crate) fn node(data: &[u8]) -> Result<Option<yaml::Node>, LoadError> {
    let value = yaml::decode(data).map_err(|e| LoadError(e.message))?;
    if value.is_nil() {
        return Ok(None);
    }
    let mut node = super::hooks::tree_of(&value, 8, &|_, _| true);
    if has_integers(&node) {
        let text = String::from_utf8_lossy(data);
        if let Some(parsed) = yaml::parse(&text, FileId::default()).first().and_then(|d| d.root.as_ref()) {
            restore_floats(&mut node, parsed);
        }
    }
    Ok(Some(node))
}

fn has_integers(node: &yaml::Node) -> bool {
    match &node.kind {
        yaml::NodeKind::Int(_) => true,
        yaml::NodeKind::Sequence(items) => items.iter().any(|i| has_integers(i)),
        yaml::NodeKind::Mapping(entries) => entries.iter().any(|e| has_integers(&e.value)),
        _ => false,
    }
}

/// Gives whole numbers that were spelled as floats back their kind: where a string is wanted, they print in another way.
fn restore_floats(node: &mut yaml::Node, parsed: &yaml::Node) {
    match (&mut node.kind, &parsed.kind) {
        (yaml::NodeKind::Int(_), yaml::NodeKind::Float(f)) => node.kind = yaml::NodeKind::Float(*f),
        (yaml::NodeKind::Sequence(items), yaml::NodeKind::Sequence(others)) => {
            for (item, other) in items.iter_mut().zip(others) {
                restore_floats(Arc::make_mut(item), other);
            }
        }
        (yaml::NodeKind::Mapping(entries), yaml::NodeKind::Mapping(_)) => {
            for entry in entries {
                if let Some(other) = parsed.get(&entry.key) {
                    restore_floats(Arc::make_mut(&mut entry.value), &other.value);
                }
            }
        }
        _ => {}
    }
}

fn tree(data: &[u8], what: &str) -> Result<Option<yaml::Node>, LoadError> {
    node(data).map_err(|e| LoadError(format!("cannot load {what}: {}", e.0)))
}

/// `shown` is where the files come from, for the names of values files in findings.
fn load_named(files: Vec<File>, shown: &str, values: &mut ValuesReader<'_>, logs: &mut Logs, depth: usize) -> Result<Chart, LoadError> {
    if depth > MAX_DEPTH {
        return Err(LoadError(format!("charts are nested deeper than {MAX_DEPTH}")));
    }
    let mut chart = Chart { path: shown.to_owned(), ..Chart::default() };
    let mut found = false;
    for file in files.iter().filter(|f| f.name == "Chart.yaml") {
        found = true;
        if let Some(node) = tree(file.data(), "Chart.yaml")? {
            chart.metadata.decode(&node).map_err(|e| LoadError(format!("cannot load Chart.yaml: {e}")))?;
        }
        if chart.metadata.api_version.is_empty() {
            "v1".clone_into(&mut chart.metadata.api_version);
        }
    }
    let mut below: BTreeMap<String, Vec<File>> = BTreeMap::new();
    let mut own = Vec::new();
    for mut file in files {
        if let Some(inner) = file.name.strip_prefix("charts/").filter(|_| !file.name.ends_with(".prov")) {
            let top = inner.split('/').next().unwrap_or_default().to_owned();
            file.name = inner.to_owned();
            below.entry(top).or_default().push(file);
        } else {
            own.push(file);
        }
    }
    for file in own {
        let name = file.name.clone();
        if !name.contains('/') {
            chart.raw.push(file.clone());
        }
        match name.as_str() {
            "Chart.yaml" => {}
            "Chart.lock" | "requirements.lock" => {
                found |= name == "requirements.lock";
                if let Some(node) = tree(file.data(), &name)? {
                    chart.lock = Some(decode_lock(&node).map_err(|e| LoadError(format!("cannot load {name}: {e}")))?);
                }
                if name == "requirements.lock" {
                    keep_v1(
                        &mut chart,
                        file,
                        logs,
                        "Warning: Dependency locking is handled in Chart.lock since apiVersion \"v2\". We recommend migrating to Chart.lock.",
                    );
                }
            }
            VALUES => {
                let map =
                    values.read(&within(shown, VALUES), file.data()).map_err(|e| LoadError(format!("cannot load values.yaml: {e}")))?;
                chart.values = Some(map);
            }
            "values.schema.json" => chart.schema = Some(Arc::clone(file.data())),
            "requirements.yaml" => {
                found = true;
                if let Some(node) = tree(file.data(), "requirements.yaml")? {
                    chart.metadata.decode(&node).map_err(|e| LoadError(format!("cannot load requirements.yaml: {e}")))?;
                }
                keep_v1(
                    &mut chart,
                    file,
                    logs,
                    "Warning: Dependencies are handled in Chart.yaml since apiVersion \"v2\". We recommend migrating dependencies to Chart.yaml.",
                );
            }
            n if n.starts_with("templates/") => chart.templates.push(file),
            _ => chart.files.push(file),
        }
    }
    if !found {
        return Err("Chart.yaml file is missing".into());
    }
    chart.metadata.validate(super::dependency::valid_version)?;
    for (name, files) in below {
        if name.starts_with(['_', '.']) {
            continue;
        }
        let path = within(shown, &format!("charts/{name}"));
        let child = if name.ends_with(".tgz") {
            match files.first() {
                Some(file) if file.name == name => {
                    let files = Packed::new(file.data().to_vec(), u64::MAX).files(AS_FILES);
                    files.and_then(|files| load_named(files, &path, values, logs, depth + 1))
                }
                first => {
                    let got = first.map_or("", |f| &f.name);
                    return Err(LoadError(format!("error unpacking subchart tar in {}: expected {name}, got {got}", chart.name())));
                }
            }
        } else {
            let inner = |mut file: File| {
                file.name = file.name.split_once('/')?.1.to_owned();
                Some(file)
            };
            let files = files.into_iter().filter_map(inner).collect();
            load_named(files, &path, values, logs, depth + 1)
        };
        let child = child.map_err(|e| LoadError(format!("error unpacking subchart {name} in {}: {e}", chart.name())))?;
        chart.dependencies.push(child);
    }
    Ok(chart)
}

/// Charts of the first version keep these files among their files; others get a warning.
fn keep_v1(chart: &mut Chart, file: File, logs: &mut Logs, warning: &str) {
    if chart.metadata.api_version == "v1" {
        chart.files.push(file);
    } else {
        logs.push("INFO", warning.to_owned());
    }
}
