//! Clusters on disk: a file per cluster below a directory, written whole or not at all, one command at a time; what it was before is kept.

use std::fs;
use std::fs::File;
use std::io::BufWriter;
use std::io::ErrorKind;
use std::io::Write;
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};

use clap::ArgMatches;
use serde_json::Value;

use super::args::{string, strings};
use super::error::Error;
use super::options;
use super::pages;
use super::simulate::nodes;
use super::world::RealWorld;
use crate::cluster;
use crate::cluster::Cluster;
use crate::cluster::server::Write as ApiWrite;
use crate::pipeline;
use crate::simulate::apiserver::Counters;
use crate::simulate::apiserver::Nanos;
use crate::simulate::apiserver::SECOND;
use crate::source::World;
use crate::sprig::Duration;

/// Where clusters are kept when nobody says otherwise.
pub(super) const DIRECTORY: &str = ".kval";
/// The cluster's name when nobody says otherwise.
pub(super) const NAME: &str = "default";
/// The end of a cluster's file.
const END: &str = ".cluster";
/// The end of the file of what a cluster was before the last command that changed it.
const BEFORE: &str = ".cluster.before";
/// How many bytes are written in one go.
const BUFFER: usize = 256 << 10;

/// Where a command's cluster is.
#[derive(Clone, Debug)]
pub(super) struct Place {
    directory: PathBuf,
    name: String,
}

/// A cluster that a command works on, and the lock on it.
#[derive(Debug)]
pub(super) struct Opened {
    /// The cluster; it is not taken down piece by piece when the process ends.
    pub(super) cluster: ManuallyDrop<Cluster>,
    /// How it was when it was opened; nothing for one that is not stored.
    before: Option<(Counters, Nanos)>,
    /// Where it is stored; nothing for one that lives as long as the command.
    place: Option<Place>,
    /// Held until the command ends.
    _lock: Option<File>,
}

fn failed(what: &str, path: &Path, error: &std::io::Error) -> Error {
    Error::unusable(format!("{what} {}: {error}", path.display()))
}

/// A name that is a file's name too.
fn valid_name(name: &str) -> Result<(), Error> {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.starts_with('.') || !name.chars().all(good) {
        return Err(Error::unusable(format!("{name:?} is no name of a cluster: letters, digits, '-', '_' and '.'")));
    }
    Ok(())
}

/// The place that `--state` (or `KVAL_STATE`) and `--context` name.
pub(super) fn place(matches: &ArgMatches) -> Result<Place, Error> {
    let told = std::env::var_os("KVAL_STATE").map(|d| d.to_string_lossy().into_owned()).filter(|d| !d.is_empty());
    let directory = string(matches, "state").or(told).unwrap_or_else(|| DIRECTORY.to_owned());
    let named = ["context", "kube-context"].iter().find_map(|f| strings(matches, f).pop());
    let name = named.unwrap_or_else(|| NAME.to_owned());
    valid_name(&name)?;
    Ok(Place { directory: PathBuf::from(directory), name })
}

impl Place {
    /// Another cluster of the same directory.
    pub(super) fn named(&self, name: &str) -> Result<Self, Error> {
        valid_name(name)?;
        Ok(Self { directory: self.directory.clone(), name: name.to_owned() })
    }

    /// The cluster's name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The directory.
    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    fn file(&self) -> PathBuf {
        self.directory.join(format!("{}{END}", self.name))
    }

    fn file_before(&self) -> PathBuf {
        self.directory.join(format!("{}{BEFORE}", self.name))
    }

    /// Whether there is such a cluster.
    pub(super) fn exists(&self) -> bool {
        self.file().exists() || self.file_before().exists()
    }

    /// The names of all clusters of the directory.
    pub(super) fn all(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.directory).into_iter().flatten().flatten();
        let name = |file: &str| file.strip_suffix(END).or_else(|| file.strip_suffix(BEFORE)).map(str::to_owned);
        let mut names: Vec<String> = entries.filter_map(|e| name(&e.file_name().to_string_lossy())).collect();
        names.sort();
        names.dedup();
        names
    }

    /// Waits until no other command works on the cluster.
    pub(super) fn lock(&self) -> Result<File, Error> {
        fs::create_dir_all(&self.directory).map_err(|e| failed("cannot make", &self.directory, &e))?;
        let path = self.directory.join(format!("{}.lock", self.name));
        let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(|e| failed("cannot open", &path, &e))?;
        file.lock().map_err(|e| failed("cannot lock", &path, &e))?;
        Ok(file)
    }

    fn read(&self) -> Result<Option<Cluster>, Error> {
        let mut path = self.file();
        pages::fit(fs::metadata(&path).map_or(0, |file| file.len()));
        let mut read = fs::read(&path);
        if read.as_ref().is_err_and(|e| e.kind() == ErrorKind::NotFound) {
            // Somebody was killed between the two steps of writing.
            path = self.file_before();
            read = fs::read(&path);
        }
        let bytes = match read {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(failed("cannot read", &path, &e)),
        };
        let decoded = cluster::state::decode(bytes);
        decoded.map(Some).map_err(|e| {
            let before = self.file_before();
            let kept = if before != path && before.exists() {
                format!("{} is what it was before the last change, ", before.display())
            } else {
                String::new()
            };
            Error::unusable(format!("{}: {e}; {kept}`kval cluster reset` begins anew", path.display()))
        })
    }

    /// Writes the cluster, and keeps what it was before: one of the two is there whenever this process is killed. A file that
    /// takes another's name is written to the disk first; here none does, so that nothing has to wait for that.
    pub(super) fn write(&self, cluster: &mut Cluster) -> Result<(), Error> {
        let (path, before) = (self.file(), self.file_before());
        let temporary = self.directory.join(format!("{}{END}.tmp", self.name));
        let encoded = cluster::state::encode(cluster);
        let gone = |done: std::io::Result<()>| match done {
            Err(e) if e.kind() != ErrorKind::NotFound => Err(e),
            _ => Ok(()),
        };
        let write = || {
            let there = path.exists();
            if there {
                // What is kept of the time before the last change gives its room: to take room and give it back takes longer.
                gone(fs::rename(&before, &temporary))?;
            }
            let file = File::options().create(true).write(true).truncate(false).open(&temporary)?;
            let mut file = BufWriter::with_capacity(BUFFER, file);
            let mut length = 0;
            for part in encoded.parts() {
                file.write_all(part)?;
                length += part.len() as u64;
            }
            file.into_inner()?.set_len(length)?;
            if there {
                fs::rename(&path, &before)?;
            }
            fs::rename(&temporary, &path)
        };
        write().map_err(|e| failed("cannot write", &path, &e))
    }

    /// Takes the cluster away.
    pub(super) fn remove(&self) -> Result<(), Error> {
        for file in [self.file_before(), self.file()] {
            match fs::remove_file(&file) {
                Err(e) if e.kind() != ErrorKind::NotFound => return Err(failed("cannot remove", &file, &e)),
                _ => {}
            }
        }
        Ok(())
    }
}

/// A time such as `45s`.
pub(super) fn duration(text: &str) -> Result<Nanos, Error> {
    let whole = text.parse::<i64>().ok().map(|s| s * SECOND);
    let time = whole.or_else(|| Duration::parse(text).ok().map(|d| d.0));
    time.filter(|t| *t >= 0).ok_or_else(|| Error::unusable(format!("{text:?} is no time such as 35s or 5m")))
}

/// A new cluster as the flags describe it.
pub(super) fn fresh(matches: &ArgMatches, world: &RealWorld) -> Result<(Cluster, Vec<String>), Error> {
    let described = nodes(world, &strings(matches, "nodes"))?;
    let now =
        if string(matches, "now").is_some() { i64::try_from(world.now()).unwrap_or(cluster::boot::EPOCH) } else { cluster::boot::EPOCH };
    let seed = matches.try_get_one::<u64>("seed").ok().flatten().copied().unwrap_or_default();
    let (mut cluster, refused) = cluster::boot::boot(&described, now, seed);
    cluster.set_kubelet(match string(matches, "kubelet").as_deref() {
        Some("instant") => cluster::Kubelet::Instant,
        Some("absent") => cluster::Kubelet::Absent,
        _ => cluster::Kubelet::Timed,
    });
    Ok((cluster, refused))
}

/// The objects of charts and manifests, in the order in which they are created.
pub(super) fn objects(matches: &ArgMatches, world: &RealWorld, paths: &[String]) -> Result<Vec<Value>, Error> {
    let template = options::template(matches)?;
    let inputs = pipeline::discover(world, paths)?;
    let outcome = pipeline::run(world, &inputs, &template, &options::checks(matches, false)?)?;
    if let Some(unit) = outcome.units.iter().find(|u| u.objects.is_empty() && !u.findings.is_empty()) {
        let why = unit.findings.first().map(|f| f.message.clone()).unwrap_or_default();
        return Err(Error::helm(why));
    }
    let mut all: Vec<Value> = outcome.units.iter().flat_map(|u| u.objects.iter().map(|o| o.value.clone())).collect();
    let rank = |o: &Value| crate::helm::order::INSTALL.iter().position(|k| o["kind"] == *k).unwrap_or(usize::MAX);
    all.sort_by_key(|o| rank(o));
    Ok(all)
}

/// The cluster of a command: the stored one, a new one where there is none, or with `--from` one that holds charts and
/// manifests and is looked at `--at` a time.
pub(super) fn open(matches: &ArgMatches) -> Result<Opened, Error> {
    let world = options::world(matches)?;
    let from = strings(matches, "from");
    if !from.is_empty() {
        return from_files(matches, &world, &from);
    }
    let place = place(matches)?;
    let lock = place.lock()?;
    let cluster = match place.read()? {
        Some(cluster) => cluster,
        None if place.name == NAME => fresh(matches, &world)?.0,
        None => {
            return Err(Error::unusable(format!("there is no cluster {:?}; `kval cluster create {}` makes it", place.name, place.name)));
        }
    };
    let before = Some((cluster.api().counters(), cluster.now()));
    Ok(Opened { cluster: ManuallyDrop::new(cluster), before, place: Some(place), _lock: Some(lock) })
}

fn from_files(matches: &ArgMatches, world: &RealWorld, from: &[String]) -> Result<Opened, Error> {
    let (mut cluster, _) = fresh(matches, world)?;
    let namespace = string(matches, "namespace").unwrap_or_else(|| "default".to_owned());
    if cluster.get("Namespace", "", &namespace).is_none() {
        let _ = cluster.create(&cluster::boot::namespace(&namespace), &ApiWrite::by("kval"));
    }
    for mut object in objects(matches, world, from)? {
        let (api_version, kind) = (object["apiVersion"].as_str().unwrap_or(""), object["kind"].as_str().unwrap_or(""));
        let namespaced = cluster.is_namespaced(api_version, kind) == Some(true);
        if namespaced && object["metadata"]["namespace"].as_str().unwrap_or("").is_empty() {
            object["metadata"]["namespace"] = namespace.as_str().into();
        }
        let home = object["metadata"]["namespace"].as_str().unwrap_or("").to_owned();
        if namespaced && cluster.get("Namespace", "", &home).is_none() {
            // A directory of manifests seldom holds the namespace it is meant for.
            let _ = cluster.create(&cluster::boot::namespace(&home), &ApiWrite::by("kval"));
        }
        let named = object["metadata"]["name"].as_str().is_some_and(|n| !n.is_empty());
        let write = ApiWrite::by("kval");
        let answer = if named { cluster.apply(&object, &write).map(drop) } else { cluster.create(&object, &write).map(drop) };
        answer.map_err(|e| Error::helm(e.message))?;
    }
    match string(matches, "at") {
        Some(at) => cluster.advance_to(cluster.now() + duration(&at)?),
        None => drop(cluster.advance_until_stable(cluster.now() + 1800 * SECOND)),
    }
    Ok(Opened { cluster: ManuallyDrop::new(cluster), before: None, place: None, _lock: None })
}

impl Opened {
    /// Stores the cluster as it is now.
    pub(super) fn save(&mut self) -> Result<(), Error> {
        // Every change counts a version or takes time.
        let now = (self.cluster.api().counters(), self.cluster.now());
        match &self.place {
            Some(place) if self.before != Some(now) => place.write(&mut self.cluster),
            _ => Ok(()),
        }
    }
}
