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
use crate::source::World;

fn open(world: &RealWorld, path: &str) -> Result<Chart, Error> {
    load::load(world, path).map_err(|e| Error::helm(e.0))
}

/// `kval package`.
pub(super) fn package(matches: &ArgMatches, output: &mut Output) -> Result<u8, Error> {
    let world = options::world(matches)?;
    let charts = strings(matches, "paths");
    if charts.is_empty() {
        return Err(Error::unusable("need at least one argument, the path to the chart"));
    }
    let directory = string(matches, "destination").unwrap_or_else(|| ".".to_owned());
    for path in charts {
        let mut chart = open(&world, &path)?;
        if let Some(version) = string(matches, "version") {
            if !dependency::valid_version(&version) {
                return Err(Error::helm(format!("version {version:?} is not a semantic version")));
            }
            chart.metadata.version = version;
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
        let (name, bytes) = package::package(&chart, seconds).map_err(|e| Error::helm(e.0))?;
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
