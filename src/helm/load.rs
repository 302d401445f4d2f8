//! From a folder, an archive or files in memory to a [`Chart`].

use std::collections::BTreeMap;
use std::fmt;
use std::io::ErrorKind;
use std::io::Read;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use rayon::prelude::{IntoParallelIterator, ParallelIterator};

use super::chart::{Chart, Decoder, File, Reader, decode_lock};
use super::gunzip::{self, Unzipped};
use super::ignore::Rules;
use super::strvals::quote;
use super::values::{Logs, ValuesReader};
use crate::source::{FileId, FileKind, Opened, World, WorldError, all_cores};
use crate::yaml;

/// The most bytes a chart may hold once unpacked.
const MAX_SIZE: u64 = 100 * 1024 * 1024;
/// The most files a chart may hold; Helm has no limit, memory has.
const MAX_FILES: usize = 100_000;
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
    let files = read_files(world, path, None, values, logs)?;
    load_read(files, path, values, logs)
}

/// An archive in memory.
pub struct Archive {
    unzipped: Unzipped,
    /// The names in the chart, and where their bytes are.
    files: Vec<(String, Held)>,
}

/// The bytes of a file in an archive.
enum Held {
    At(Range<usize>),
    /// Put together from pieces.
    Own(Vec<u8>),
}

impl Archive {
    /// What a file holds.
    fn bytes<'a>(&'a self, held: &'a Held) -> &'a [u8] {
        without_bom(match held {
            Held::At(at) => self.unzipped.data().get(at.clone()).unwrap_or_default(),
            Held::Own(bytes) => bytes,
        })
    }

    /// What the first file of a name in the chart holds.
    fn file(&self, name: &str) -> Option<&[u8]> {
        self.files.iter().find(|file| file.0 == name).map(|file| self.bytes(&file.1))
    }

    /// What is made of each file.
    fn made<T: Send>(self, make: Make<'_, T>) -> Vec<T> {
        let archive = Arc::new(self);
        let one = |i: usize| {
            let (name, held) = archive.files.get(i)?;
            Some(match make.later.filter(|_| may_wait(name)) {
                Some(later) => {
                    let archive = Arc::clone(&archive);
                    let read = move || Ok(archive.files.get(i).map(|(_, held)| archive.bytes(held).to_vec()).unwrap_or_default());
                    later(name.clone(), Box::new(read))
                }
                None => (make.now)(name, archive.bytes(held)),
            })
        };
        let all = 0..archive.files.len();
        if all.len() <= FEW {
            return all.filter_map(one).collect();
        }
        all_cores();
        all.into_par_iter().filter_map(one).collect()
    }
}

/// The files that [`load_with`] loads a chart from; those of an archive that is `unpacked` already are not read again. While
/// others are read, its values are decoded.
pub(super) fn read_files(
    world: &dyn World,
    path: &str,
    unpacked: Option<Archive>,
    values: &mut ValuesReader<'_>,
    logs: &mut Logs,
) -> Result<Vec<File>, LoadError> {
    if let Some(archive) = unpacked {
        return Ok(archive.made(AS_FILES));
    }
    let path_of_values = within(path.trim_end_matches('/'), VALUES);
    let mut early = |file: &File| values.read_early(&path_of_values, file.data());
    read_as(world, path, logs, AS_FILES, Some((VALUES, &mut early)))
}

/// Where a file of the chart at `shown` is, for display.
fn within(shown: &str, name: &str) -> String {
    if shown.is_empty() { name.to_owned() } else { format!("{shown}/{name}") }
}

/// The default values of a chart.
const VALUES: &str = "values.yaml";

/// The chart of the files of `path`.
pub(super) fn load_read(files: Vec<File>, path: &str, values: &mut ValuesReader<'_>, logs: &mut Logs) -> Result<Chart, LoadError> {
    load_named(files, path.trim_end_matches('/'), values, logs, 0)
}

/// What Helm 4 looks at before it loads a chart to render: whether it knows charts of that version.
///
/// What an archive was unpacked to is returned, to be loaded.
///
/// upstream: pkg/chart/loader/load.go
pub fn detect(world: &dyn World, path: &str) -> Result<Option<Archive>, LoadError> {
    let mut unpacked = None;
    let data = if world.kind(path).map_err(|e| LoadError(e.message))? == FileKind::Directory {
        let name = absolute(world, &format!("{path}/Chart.yaml"));
        world.read(&name).map_err(|e| LoadError(format!("unable to detect chart at {name}: {}", e.message)))?
    } else {
        let bytes = world.read(path).map_err(|e| LoadError(e.message))?;
        let name = absolute(world, path);
        ensure_archive(&name, &bytes)?;
        let archive = open(&bytes).map_err(|e| match e.0.as_str() {
            "gzip: invalid header" => LoadError(format!("file '{name}' does not appear to be a valid chart file (details: {})", e.0)),
            _ => NO_ARCHIVE.into(),
        })?;
        let chart = archive.file("Chart.yaml").map(<[u8]>::to_vec);
        unpacked = Some(archive);
        chart.ok_or("unable to detect chart version, no Chart.yaml found")?
    };
    let Some(node) = tree(&data, "Chart.yaml")? else { return Ok(unpacked) };
    let mut version = String::new();
    let mut d = Decoder::default();
    d.object(&node, "chartBase", "loader.chartBase", |d, key, node| {
        if key == "apiversion" {
            d.string(node, &mut version);
        }
    });
    d.finish().map_err(|e| LoadError(format!("cannot load Chart.yaml: {e}")))?;
    match version.as_str() {
        "" | "v1" | "v2" | "v3" => Ok(unpacked),
        _ => Err("unsupported chart version".into()),
    }
}

/// The files of a chart as they would be loaded: ignored ones left out, archives unpacked.
pub fn read(world: &dyn World, path: &str, logs: &mut Logs) -> Result<Vec<(String, Vec<u8>)>, LoadError> {
    read_as(world, path, logs, COPIED, None)
}

/// What is made of a file's name and bytes.
#[derive(Clone, Copy)]
struct Make<'a, T> {
    now: &'a (dyn Fn(&str, &[u8]) -> T + Sync),
    /// For files that may never be looked at.
    later: Option<&'a (dyn Fn(String, Reader) -> T + Sync)>,
}

/// Files of a chart.
const AS_FILES: Make<'static, File> = Make { now: &|name, data| File::of(name, data), later: Some(&File::later) };

/// Names and copies of what files hold.
const COPIED: Make<'static, (String, Vec<u8>)> = Make { now: &|name, data| (name.to_owned(), data.to_vec()), later: None };

/// Whether rendering may do without a file: all but templates, values and what describes a chart.
fn may_wait(name: &str) -> bool {
    let mut rest = name;
    while let Some(below) = rest.strip_prefix("charts/") {
        match below.split_once('/') {
            Some((_, inner)) => rest = inner,
            // An archive, or a single file.
            None => return false,
        }
    }
    let needed = ["Chart.yaml", "Chart.lock", "requirements.yaml", "requirements.lock", VALUES, "values.schema.json"];
    !rest.starts_with("templates/") && !needed.contains(&rest)
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
    match world.kind(path).map_err(|e| LoadError(e.message))? {
        FileKind::Directory => read_folder(world, path, logs, make, early),
        _ => {
            let bytes = world.read(path).map_err(|e| LoadError(e.message))?;
            let path = absolute(world, path);
            ensure_archive(&path, &bytes)?;
            let archive = open(&bytes).map_err(|e| match e.0.as_str() {
                "gzip: invalid header" => LoadError(format!("file '{path}' does not appear to be a valid chart file (details: {})", e.0)),
                _ => e,
            })?;
            Ok(archive.made(make))
        }
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
    let now = |data: Vec<u8>, name: &String| (data.len() as u64, (make.now)(name, without_bom(&data)));
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
                            Box::new(move || read().map(|data| without_bom(&data).to_vec()).map_err(|e| failed(&shown, &full, e))),
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

fn without_bom(data: &[u8]) -> &[u8] {
    data.strip_prefix(b"\xef\xbb\xbf").unwrap_or(data)
}

fn ensure_archive(path: &str, bytes: &[u8]) -> Result<(), LoadError> {
    if bytes.starts_with(b"\x1f\x8b\x08") {
        return Ok(());
    }
    if [".yml", ".yaml"].iter().any(|e| path.ends_with(e)) {
        return Err(LoadError(format!("file '{path}' seems to be a YAML file, but expected a gzipped archive")));
    }
    let kind = content_type(&bytes[..bytes.len().min(512)]);
    Err(LoadError(format!("file '{path}' does not appear to be a gzipped archive; got '{kind}'")))
}

/// What Go's `http.DetectContentType` says of the files people mistake for charts. Go looks at a buffer of 512 bytes, so
/// a shorter file ends in zeros.
fn content_type(head: &[u8]) -> &'static str {
    let binary = |b: &u8| matches!(b, 0..=8 | 0x0b | 0x0e..=0x1a | 0x1c..=0x1f);
    match head {
        h if h.starts_with(b"PK\x03\x04") => "application/zip",
        h if h.starts_with(b"%PDF-") => "application/pdf",
        h if h.len() < 512 || h.iter().any(binary) => "application/octet-stream",
        _ => "text/plain; charset=utf-8",
    }
}

/// Unpacks an archive: the first folder of each name is dropped.
pub fn unpack(bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>, LoadError> {
    open(bytes).map(|archive| archive.made(COPIED))
}

/// Opens an archive; see [`unpack`].
fn open(bytes: &[u8]) -> Result<Archive, LoadError> {
    if bytes.len() < 10 {
        return Err(if bytes.is_empty() { "EOF".into() } else { "unexpected EOF".into() });
    }
    if !bytes.starts_with(b"\x1f\x8b\x08") {
        return Err("gzip: invalid header".into());
    }
    // The limit is on what is unpacked, headers and padding included.
    let unzipped = gunzip::gunzip(bytes, (MAX_SIZE + MAX_SIZE / 4) as usize);
    let mut tar = tar::Archive::new(unzipped.reader());
    let files = files_of(&mut tar, &unzipped).map_err(|e| match e {
        Broken::Chart(e) => e,
        Broken::Archive(e) if e.kind() == ErrorKind::UnexpectedEof => LoadError(unzipped.end().to_string()),
        Broken::Archive(_) if unzipped.ends_within_block(&tar.into_inner()) => "unexpected EOF".into(),
        Broken::Archive(_) => "archive/tar: invalid tar header".into(),
    })?;
    if files.is_empty() {
        return Err("no files in chart archive".into());
    }
    Ok(Archive { unzipped, files })
}

/// What ends the reading of an archive.
enum Broken {
    Chart(LoadError),
    Archive(std::io::Error),
}

impl From<LoadError> for Broken {
    fn from(e: LoadError) -> Self {
        Self::Chart(e)
    }
}

impl From<std::io::Error> for Broken {
    fn from(e: std::io::Error) -> Self {
        Self::Archive(e)
    }
}

fn files_of(archive: &mut tar::Archive<gunzip::Reader<'_>>, unzipped: &Unzipped) -> Result<Vec<(String, Held)>, Broken> {
    let too_large = || LoadError(format!("decompressed chart is larger than the maximum size {MAX_SIZE}"));
    let mut left = MAX_SIZE;
    let mut files = Vec::new();
    for entry in archive.entries_with_seek()? {
        let mut entry = entry?;
        let kind = entry.header().entry_type();
        let raw = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if kind.is_dir() || raw.ends_with('/') || kind.is_pax_global_extensions() || kind.is_pax_local_extensions() {
            continue;
        }
        let name = entry_name(&raw)?;
        if entry.size() > left {
            return Err(too_large().into());
        }
        let (at, size) = (entry.raw_file_position(), entry.size());
        let data = if kind.is_file() || kind.is_contiguous() {
            Held::At(unzipped.part(at, size)?)
        } else {
            let mut data = Vec::new();
            if kind.is_gnu_sparse() {
                (&mut entry).take(left).read_to_end(&mut data)?;
            }
            Held::Own(data)
        };
        left -= match &data {
            Held::At(at) => at.len(),
            Held::Own(bytes) => bytes.len(),
        } as u64;
        if left == 0 {
            return Err(too_large().into());
        }
        if files.len() >= MAX_FILES {
            return Err(LoadError(format!("chart holds more than {MAX_FILES} files")).into());
        }
        files.push((name, data));
        // Without the zeros that fill its last block a file is whole all the same.
        if kind.is_file() && unzipped.ends_at(at, size) {
            break;
        }
    }
    Ok(files)
}

/// The name inside the chart, when it is one that stays inside.
fn entry_name(raw: &str) -> Result<String, LoadError> {
    let delimiter = if raw.contains('\\') { '\\' } else { '/' };
    let (top, rest) = raw.split_once(delimiter).unwrap_or((raw, ""));
    let name = rest.replace(delimiter, "/");
    if name.starts_with('/') {
        return Err("chart illegally contains absolute paths".into());
    }
    let name = super::release::clean_path(&name);
    if name == "." {
        return Err(LoadError(format!("chart illegally contains content outside the base directory: {}", quote(raw))));
    }
    if name.starts_with("..") {
        return Err("chart illegally references parent directory".into());
    }
    let bytes = name.as_bytes();
    if bytes.len() > 2 && bytes[0].is_ascii_alphabetic() && bytes[1..].starts_with(b":/") {
        return Err("chart contains illegally named files".into());
    }
    if top == "Chart.yaml" {
        return Err("chart yaml not in base directory".into());
    }
    Ok(name)
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
                Some(file) if file.name == name => open(file.data()).and_then(|archive| {
                    let files = archive.made(AS_FILES);
                    load_named(files, &path, values, logs, depth + 1)
                }),
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

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn zipped(bytes: &[u8]) -> Vec<u8> {
        let mut zip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        zip.write_all(bytes).unwrap();
        zip.finish().unwrap()
    }

    /// A header with these flags and fields, then what is packed as `bytes` are.
    fn with_header(flags: u8, fields: &[u8], bytes: &[u8]) -> Vec<u8> {
        [b"\x1f\x8b\x08".as_slice(), &[flags], &[0, 0, 0, 0, 0, 0xff], fields, &zipped(bytes)[10..]].concat()
    }

    fn flipped(mut bytes: Vec<u8>, from_end: usize) -> Vec<u8> {
        let at = bytes.len() - from_end;
        bytes[at] ^= 1;
        bytes
    }

    /// As Helm v3.22.0 answers archives of these kinds.
    #[test]
    fn archives_end_as_they_do_in_helm() {
        let mut tar = tar::Builder::new(Vec::new());
        for (name, data) in [("a/Chart.yaml", "name: a\n"), ("a/values.yaml", "a: 1\n")] {
            let mut header = tar::Header::new_ustar();
            header.set_size(data.len() as u64);
            tar.append_data(&mut header, name, data.as_bytes()).unwrap();
        }
        let raw = tar.into_inner().unwrap();
        let (half, rest) = raw.split_at(1030);
        let whole = zipped(&raw);
        let cut = |n: usize| whole[..whole.len() - n].to_vec();
        let join = |a: &[u8], b: &[u8]| [a, b].concat();
        let mut flush = flate2::Compress::new(flate2::Compression::default(), false);
        let mut open = Vec::with_capacity(4096);
        flush.compress_vec(half, &mut open, flate2::FlushCompress::Full).unwrap();
        let corrupt = format!("flate: corrupt input before offset {}", open.len() + 1);
        let bad_block = [b"\x1f\x8b\x08\0\0\0\0\0\0\xff".as_slice(), &open, &[0xff; 50]].concat();
        let sum = crc32fast::hash(b"\x1f\x8b\x08\x02\0\0\0\0\0\xff").to_le_bytes();
        let fine = "";
        for (name, bytes, expected) in [
            ("whole", whole.clone(), fine),
            ("nothing", Vec::new(), "EOF"),
            ("cut in the header", whole[..9].to_vec(), "unexpected EOF"),
            ("cut in the checksum", cut(6), fine),
            ("cut in the data", whole[..whole.len() / 2].to_vec(), "unexpected EOF"),
            ("wrong checksum at the end", flipped(whole.clone(), 8), fine),
            ("wrong checksum before the end", join(&flipped(zipped(half), 8), &zipped(rest)), "gzip: invalid checksum"),
            ("wrong size before the end", join(&flipped(zipped(half), 4), &zipped(rest)), "gzip: invalid checksum"),
            ("text behind", join(&whole, b"hello world, this is it"), fine),
            ("two members", join(&zipped(half), &zipped(rest)), fine),
            ("text for a member", join(&zipped(half), b"garbage garbage garbage"), "gzip: invalid header"),
            ("a block of no kind", bad_block, &corrupt),
            ("tar cut in a file", zipped(half), "unexpected EOF"),
            ("tar cut in a header", zipped(&raw[..1100]), "unexpected EOF"),
            ("tar without padding", zipped(&raw[..1541]), fine),
            ("tar without an end", zipped(&raw[..2048]), fine),
            ("no tar", zipped(&b"hello".repeat(400)), "archive/tar: invalid tar header"),
            ("a short text", zipped(b"hello"), "unexpected EOF"),
            ("an empty tar", zipped(&[0; 1024]), "no files in chart archive"),
            ("an empty text", zipped(b""), "no files in chart archive"),
            ("a name", with_header(8, b"chart.tar\0", &raw), fine),
            ("a long name", with_header(8, &join(&[b'x'; 600], b"\0"), &raw), "gzip: invalid header"),
            ("a name without end", b"\x1f\x8b\x08\x08\0\0\0\0\0\xffabc".to_vec(), "unexpected EOF"),
            ("further fields", with_header(4, b"\x04\0abcd", &raw), fine),
            ("a comment", with_header(16, b"hi\0", &raw), fine),
            ("a checksum of the header", with_header(2, &sum[..2], &raw), fine),
            ("a wrong checksum of the header", with_header(2, b"\x01\x02", &raw), "gzip: invalid header"),
            ("unknown flags", with_header(0xe0, b"", &raw), fine),
        ] {
            let got = unpack(&bytes).err().map_or(String::new(), |e| e.0);
            assert_eq!(got, expected, "{name}");
        }
    }
}
