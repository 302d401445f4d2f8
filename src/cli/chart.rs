//! `kval package`, `kval show` and `kval dependency list`: charts as files.

use clap::ArgMatches;

use super::args::{string, strings};
use super::error::Error;
use super::output::Output;
use super::world::{RealWorld, create_directories, write_atomically};
use super::{CLEAN, options};
use crate::helm::Chart;
use crate::helm::dependency;
use crate::helm::load;
use crate::helm::package;
use crate::source::FileKind;
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
    let chart = open(&world, &string(matches, "chart").unwrap_or_default())?;
    let raw = |names: &[&str]| chart.raw.iter().find(|f| names.iter().any(|n| f.name.eq_ignore_ascii_case(n))).map(|f| f.data.clone());
    let text = |data: Option<Vec<u8>>| data.map(|d| String::from_utf8_lossy(&d).trim_end().to_owned());
    let mut parts: Vec<String> = Vec::new();
    let all = part == "all";
    if all || part == "chart" {
        parts.extend(text(raw(&["Chart.yaml"])));
    }
    if all || part == "values" {
        parts.extend(text(raw(&["values.yaml"])));
    }
    if all || part == "readme" {
        parts.extend(text(raw(&["readme.md", "readme.txt", "readme"])));
    }
    if all || part == "crds" {
        parts.extend(chart.crds().iter().filter_map(|(_, f)| text(Some(f.data.clone()))));
    }
    if !parts.is_empty() {
        output.line(&parts.join("\n---\n"));
    }
    Ok(CLEAN)
}

/// `kval dependency list`.
pub(super) fn dependencies(matches: &ArgMatches, output: &mut Output) -> Result<u8, Error> {
    let world = RealWorld::new(None, None);
    let path = string(matches, "chart").unwrap_or_default();
    let chart = open(&world, &path)?;
    let mut rows = vec![["NAME", "VERSION", "REPOSITORY", "STATUS"].map(str::to_owned)];
    for wanted in chart.metadata.dependencies() {
        let found = chart.dependencies.iter().find(|c| c.name() == wanted.name);
        let unpacked =
            world.kind(&format!("{}/charts/{}", path.trim_end_matches('/'), wanted.name)).is_ok_and(|k| k == FileKind::Directory);
        let status = match found {
            None => "missing",
            Some(c) if !dependency::compatible(&wanted.version, &c.metadata.version) => "wrong version",
            Some(_) if unpacked => "unpacked",
            Some(_) => "ok",
        };
        rows.push([wanted.name.clone(), wanted.version.clone(), wanted.repository.clone(), status.to_owned()]);
    }
    if rows.len() == 1 {
        output.note(&format!("WARNING: no dependencies at {path}/charts"));
        return Ok(CLEAN);
    }
    let width = |column: usize| rows.iter().map(|r| r[column].chars().count()).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2)];
    for row in &rows {
        let [name, version, repository, status] = row;
        let [a, b, c] = widths;
        output.line(&format!("{name:a$}\t{version:b$}\t{repository:c$}\t{status}"));
    }
    Ok(CLEAN)
}
