//! Chart repositories as local folders: `kval repo add|list|remove|update`, `kval search repo`, and references such as
//! `bitnami/nginx`.

use std::collections::BTreeMap;

use clap::ArgMatches;

use super::CLEAN;
use super::args::{on, strings};
use super::error::Error;
use super::output::Output;
use super::state;
use super::world::{RealWorld, create_directories, write_atomically};
use crate::cluster::helm::print;
use crate::helm;
use crate::helm::Chart;
use crate::helm::load;
use crate::source::FileKind;
use crate::source::World;

/// The file that remembers repositories: name and folder.
fn file(matches: &ArgMatches) -> Result<String, Error> {
    Ok(format!("{}/repositories.json", state::place(matches)?.directory().display()))
}

fn known(matches: &ArgMatches, world: &dyn World) -> Result<BTreeMap<String, String>, Error> {
    let path = file(matches)?;
    match world.read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|e| Error::unusable(format!("{path}: {e}"))),
        Err(e) if e.not_found => Ok(BTreeMap::new()),
        Err(e) => Err(e.into()),
    }
}

fn store(matches: &ArgMatches, all: &BTreeMap<String, String>) -> Result<(), Error> {
    create_directories(&state::place(matches)?.directory().display().to_string())?;
    let text = serde_json::to_string_pretty(all).unwrap_or_default();
    Ok(write_atomically(&file(matches)?, text.as_bytes())?)
}

/// The charts of a folder: directories and archives, also one level down.
fn charts(world: &dyn World, folder: &str) -> Vec<(String, Chart)> {
    let mut out = Vec::new();
    for entry in world.read_dir(folder).unwrap_or_default() {
        let path = format!("{}/{}", folder.trim_end_matches('/'), entry.name);
        let chart =
            entry.name.ends_with(".tgz") || (entry.kind == FileKind::Directory && world.kind(&format!("{path}/Chart.yaml")).is_ok());
        if let (true, Ok(chart)) = (chart, load::load(world, &path)) {
            out.push((path, chart));
        }
    }
    // The newest version of a chart first.
    out.sort_by(|a, b| a.1.name().cmp(b.1.name()).then_with(|| newer(&b.1.metadata.version, &a.1.metadata.version)));
    out
}

fn newer(a: &str, b: &str) -> std::cmp::Ordering {
    let key = |v: &str| -> Vec<u64> {
        v.split(['-', '+']).next().unwrap_or("").split('.').map(|n| n.trim_start_matches('v').parse().unwrap_or(0)).collect()
    };
    // Of the same number, the one without a suffix is the release.
    key(a).cmp(&key(b)).then_with(|| b.contains('-').cmp(&a.contains('-')))
}

/// The path of the chart that an argument of install or upgrade names.
pub(super) fn locate(matches: &ArgMatches, world: &dyn World, reference: &str) -> Result<String, String> {
    match helm::release::locate(world, reference) {
        Ok(path) => Ok(path),
        Err(why) => {
            let Some((repository, name)) = reference.trim().split_once('/') else { return Err(why) };
            let all = known(matches, world).map_err(|e| e.message)?;
            let Some(folder) = all.get(repository) else { return Err(why) };
            let version = strings(matches, "version").pop();
            let fits = |c: &Chart| c.name() == name && version.as_deref().is_none_or(|v| v.is_empty() || v == c.metadata.version);
            let found = charts(world, folder).into_iter().find(|(_, c)| fits(c));
            found.map(|f| f.0).ok_or_else(|| {
                format!(
                    "chart {name:?} matching {} not found in {repository} index. (try 'helm repo update'): no chart name found",
                    version.unwrap_or_default()
                )
            })
        }
    }
}

/// `kval repo`
pub(super) fn run(matches: &ArgMatches, output: &mut Output) -> Result<u8, Error> {
    let world = RealWorld::new(None, None);
    match matches.subcommand() {
        Some(("add", matches)) => {
            let args = strings(matches, "args");
            let [name, folder] = args.as_slice() else {
                return Err(Error::helm("\"helm repo add\" requires 2 arguments\n\nUsage:  helm repo add [NAME] [URL] [flags]"));
            };
            if name.contains('/') {
                return Err(Error::helm(format!("repository name ({name}) contains '/', please specify a different name without '/'")));
            }
            if folder.contains("://") {
                let why = "kval does not use the network; give a folder that holds charts";
                return Err(Error::unusable(format!("{folder:?} cannot be fetched: {why}")));
            }
            if charts(&world, folder).is_empty() {
                return Err(Error::unusable(format!("there is no chart in {folder:?}")));
            }
            let mut all = known(matches, &world)?;
            if all.get(name).is_some_and(|f| f != folder) && !on(matches, "force-update") {
                return Err(Error::helm(format!("repository name ({name}) already exists, please specify a different name")));
            }
            if all.insert(name.clone(), folder.clone()).is_some() {
                output.line(&format!("{name:?} already exists with the same configuration, skipping"));
                return Ok(CLEAN);
            }
            store(matches, &all)?;
            output.line(&format!("{name:?} has been added to your repositories"));
        }
        Some(("list", matches)) => {
            let all = known(matches, &world)?;
            if all.is_empty() {
                return Err(Error::helm("no repositories to show"));
            }
            let mut rows = vec![vec!["NAME".to_owned(), "URL".to_owned()]];
            rows.extend(all.into_iter().map(|(name, folder)| vec![name, folder]));
            output.stdout.extend_from_slice(print::table(&rows, 0).as_bytes());
        }
        Some(("remove", matches)) => {
            let mut all = known(matches, &world)?;
            for name in strings(matches, "args") {
                if all.remove(&name).is_none() {
                    return Err(Error::helm(format!("no repo named {name:?} found")));
                }
                output.line(&format!("{name:?} has been removed from your repositories"));
            }
            store(matches, &all)?;
        }
        _ => {
            if known(matches, &world)?.is_empty() {
                return Err(Error::helm("no repositories found. You must add one before updating"));
            }
            output.line("Hang tight while we grab the latest from your chart repositories...");
            for name in known(matches, &world)?.keys() {
                output.line(&format!("...Successfully got an update from the {name:?} chart repository"));
            }
            output.line("Update Complete. ⎈Happy Helming!⎈");
        }
    }
    Ok(CLEAN)
}

/// `kval search repo`
pub(super) fn search(matches: &ArgMatches, output: &mut Output) -> Result<u8, Error> {
    let world = RealWorld::new(None, None);
    let all = known(matches, &world)?;
    if all.is_empty() {
        return Err(Error::helm("no repositories configured"));
    }
    let words: Vec<String> = strings(matches, "args").join(" ").to_lowercase().split_whitespace().map(str::to_owned).collect();
    let mut rows = vec![["NAME", "CHART VERSION", "APP VERSION", "DESCRIPTION"].map(str::to_owned).to_vec()];
    for (repository, folder) in &all {
        let mut seen = String::new();
        for (_, chart) in charts(&world, folder) {
            let name = format!("{repository}/{}", chart.name());
            let about = &chart.metadata;
            let keywords = about.keywords.clone().unwrap_or_default().join(" ");
            let text = format!("{name} {} {keywords}", about.description).to_lowercase();
            if !words.iter().all(|w| text.contains(w)) || (name == seen && !on(matches, "versions")) {
                continue;
            }
            seen.clone_from(&name);
            rows.push(vec![name, about.version.clone(), about.app_version.clone(), about.description.clone()]);
        }
    }
    if rows.len() == 1 {
        output.line("No results found");
    } else {
        output.stdout.extend_from_slice(print::table(&rows, 50).as_bytes());
    }
    Ok(CLEAN)
}
