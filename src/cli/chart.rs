//! `kval package`, `kval show` and `kval dependency list`: charts as files.

use clap::ArgMatches;

use super::args::{string, strings};
use super::error::Error;
use super::output::Output;
use super::world::{RealWorld, create_directories, write_atomically};
use super::{CLEAN, options};
use crate::helm;
use crate::helm::Chart;
use crate::helm::dependency;
use crate::helm::load;
use crate::helm::package;
use crate::helm::show;
use crate::helm::values::{Logs, ValuesReader};
use crate::source::FileKind;
use crate::source::World;

fn open(world: &RealWorld, path: &str) -> Result<Chart, Error> {
    load::load(world, path).map_err(|e| Error::helm(e.0))
}

/// A chart's folder as `helm package` loads it: no archive, and no chart of the third version.
fn open_folder(world: &RealWorld, path: &str, output: &mut Output) -> Result<Chart, Error> {
    let kind = world.kind(path).map_err(|e| Error::helm(e.message))?;
    if kind != FileKind::Directory {
        let name = load::absolute(world, &format!("{path}/Chart.yaml"));
        return Err(Error::helm(format!("unable to detect chart at {name}: open {name}: not a directory")));
    }
    let mut logs = Logs::default();
    let loaded = load::load_known(world, path, &mut ValuesReader::default(), &mut logs);
    logs.lines().iter().for_each(|line| output.note(line));
    let chart = loaded.map_err(|e| Error::helm(e.0))?;
    if chart.metadata.api_version == "v3" {
        return Err(Error::helm("invalid chart apiVersion"));
    }
    Ok(chart)
}

/// `kval package`.
pub(super) fn package(matches: &ArgMatches, output: &mut Output) -> Result<u8, Error> {
    let world = options::world(matches)?;
    let charts = strings(matches, "paths");
    if charts.is_empty() {
        return Err(Error::unusable("need at least one argument, the path to the chart"));
    }
    let update = super::args::on(matches, "dependency-update");
    let directory = string(matches, "destination").unwrap_or_else(|| ".".to_owned());
    for path in charts {
        let mut chart = open_folder(&world, &path, output)?;
        if update && chart.metadata.dependencies().next().is_some() {
            return Err(Error::unusable(format!("-u: kval does not fetch dependencies; put those of {path} into its charts/ folder")));
        }
        if let Some(version) = string(matches, "version").filter(|v| !v.is_empty()) {
            chart.metadata.version = version;
        }
        if !dependency::valid_version(&chart.metadata.version) {
            return Err(Error::helm("invalid semantic version"));
        }
        if let Some(version) = string(matches, "app-version") {
            chart.metadata.app_version = version;
        }
        let missing = dependency::missing(&chart);
        if !missing.is_empty() {
            let list = missing.join(", ");
            return Err(Error::helm(format!("found in Chart.yaml, but missing in charts/ directory: {list}")));
        }
        let seconds = archive_time(matches, &world)?;
        let (name, bytes) = package::package(&chart, seconds).map_err(|e| Error::helm(format!("failed to save: {e}")))?;
        if world.kind(&directory).is_ok_and(|kind| kind != FileKind::Directory) {
            return Err(Error::helm(format!("failed to save: is not a directory: {directory}")));
        }
        create_directories(&directory)?;
        let target = if directory == "." {
            format!("{}/{name}", world.current_dir())
        } else {
            format!("{}/{name}", directory.trim_end_matches('/'))
        };
        write_atomically(&target, &bytes)?;
        output.line(&format!("Successfully packaged chart and saved it to: {target}"));
    }
    Ok(CLEAN)
}

/// The time of an archive's files in seconds since 1970: `--now`, else `SOURCE_DATE_EPOCH`, else 0, never the clock, so
/// that the same chart gives the same archive.
fn archive_time(matches: &ArgMatches, world: &RealWorld) -> Result<u64, Error> {
    if string(matches, "now").is_some() {
        return Ok(u64::try_from(world.now() / 1_000_000_000).unwrap_or_default());
    }
    let Some(epoch) = std::env::var_os("SOURCE_DATE_EPOCH") else { return Ok(0) };
    let seconds = epoch.to_str().and_then(|text| text.parse().ok());
    seconds.ok_or_else(|| Error::unusable(format!("SOURCE_DATE_EPOCH is not a number of seconds: {}", epoch.display())))
}

/// `kval show`.
pub(super) fn show(part: &str, matches: &ArgMatches, output: &mut Output) -> Result<u8, Error> {
    let world = RealWorld::new(None, None);
    let path = helm::release::locate(&world, &string(matches, "chart").unwrap_or_default()).map_err(Error::helm)?;
    let chart = open(&world, &path)?;
    output.stdout.extend(show::show(&chart, part).map_err(|e| Error::helm(e.0))?);
    Ok(CLEAN)
}

/// `kval dependency list`.
pub(super) fn dependencies(matches: &ArgMatches, output: &mut Output) -> Result<u8, Error> {
    let world = RealWorld::new(None, None);
    let text = show::dependencies(&world, &string(matches, "chart").unwrap_or_default()).map_err(|e| Error::helm(e.0))?;
    output.stdout.extend_from_slice(text.as_bytes());
    Ok(CLEAN)
}
