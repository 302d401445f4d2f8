//! `helm show` and `helm dependency list`: a chart's own texts.
//!
//! upstream: pkg/action/show.go, pkg/action/dependency.go

use super::chart::{Chart, Dependency};
use super::load;
use super::load::LoadError;
use super::package;
use super::release::clean_path;
use super::strvals::quote;
use crate::source::{FileKind, World};
use crate::sprig::semver;
use crate::yaml;

/// What `helm show` prints: `all`, `chart`, `values`, `readme` or `crds`.
pub fn show(chart: &Chart, part: &str) -> Result<Vec<u8>, LoadError> {
    let mut out = Vec::new();
    let all = part == "all";
    let line = |out: &mut Vec<u8>, data: &[u8]| {
        out.extend_from_slice(data);
        out.push(b'\n');
    };
    if all || part == "chart" {
        line(&mut out, &yaml::to_yaml(&package::metadata(chart, true).into()).map_err(LoadError)?);
    }
    if (all || part == "values") && chart.values.is_some() {
        if all {
            line(&mut out, b"---");
        }
        chart.raw.iter().filter(|f| f.name == "values.yaml").for_each(|f| line(&mut out, f.data()));
    }
    if all || part == "readme" {
        let readme = |name: &str| ["readme.md", "readme.txt", "readme"].iter().any(|n| name.eq_ignore_ascii_case(n));
        if let Some(file) = chart.files.iter().find(|f| readme(&f.name)) {
            if all {
                line(&mut out, b"---");
            }
            line(&mut out, file.data());
        }
    }
    if all || part == "crds" {
        for (_, file) in chart.crds() {
            if !file.data().starts_with(b"---") {
                line(&mut out, b"---");
            }
            line(&mut out, file.data());
        }
    }
    chart.all_read()?;
    Ok(out)
}

/// The widest column of the table of dependencies.
const MAX_WIDTH: usize = 80;

/// What `helm dependency list` prints of the chart at `path`.
pub fn dependencies(world: &dyn World, path: &str) -> Result<String, LoadError> {
    let path = &clean_path(path);
    let chart = load::load(world, path)?;
    let folder = clean_path(&format!("{path}/charts"));
    let Some(wanted) = &chart.metadata.dependencies else {
        return Ok(format!("WARNING: no dependencies at {folder}\n"));
    };
    let mut rows = vec![["NAME", "VERSION", "REPOSITORY", "STATUS"].map(str::to_owned)];
    for dependency in wanted.iter().flatten() {
        let status = status(world, &folder, dependency, &chart).to_owned();
        rows.push([dependency.name.clone(), dependency.version.clone(), dependency.repository.clone(), status]);
    }
    let width = |column: usize| rows.iter().map(|r| r[column].chars().count()).max().unwrap_or(0).min(MAX_WIDTH);
    let widths = [0, 1, 2, 3].map(width);
    let mut out = String::new();
    for row in &rows {
        let cells: Vec<String> = row.iter().zip(widths).map(|(text, width)| resized(text, width)).collect();
        out.push_str(&format!("{}\n", cells.join("\t")));
    }
    out.push('\n');
    for entry in world.read_dir(&folder).unwrap_or_default() {
        if entry.kind != FileKind::Directory && !entry.name.ends_with(".tgz") {
            continue;
        }
        let below = format!("{folder}/{}", entry.name);
        match load::load(world, &below) {
            Err(_) => out.push_str(&format!("WARNING: {} is not a chart.\n", quote(&below))),
            Ok(child) if !chart.metadata.dependencies().any(|d| d.name == child.name()) => {
                out.push_str(&format!("WARNING: {} is not in Chart.yaml.\n", quote(&below)));
            }
            Ok(_) => {}
        }
    }
    Ok(out)
}

/// Padded with blanks, or cut with dots.
fn resized(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return format!("{text:width$}");
    }
    let kept: String = text.chars().take(width.saturating_sub(3).max(1)).collect();
    format!("{kept}...")
}

fn version_status(wanted: &Dependency, found: &Chart, good: &'static str) -> &'static str {
    if found.metadata.version == wanted.version {
        return good;
    }
    match (semver::Constraints::parse(&wanted.version), semver::Version::parse(&found.metadata.version)) {
        (Ok(range), Ok(version)) if range.check(&version) => good,
        (Ok(_), Ok(_)) => "wrong version",
        _ => "invalid version",
    }
}

/// Whether a dependency is there, as an archive or unpacked.
fn status(world: &dyn World, folder: &str, wanted: &Dependency, chart: &Chart) -> &'static str {
    let prefix = format!("{}-", wanted.name);
    let named = |name: &str| name.strip_prefix(&prefix).and_then(|rest| rest.strip_suffix(".tgz")).map(str::to_owned);
    let entries = world.read_dir(folder).unwrap_or_default();
    let archives: Vec<(&str, String)> = entries.iter().filter_map(|e| Some((e.name.as_str(), named(&e.name)?))).collect();
    let exact: Vec<&str> = match archives.as_slice() {
        [(only, _)] => vec![*only],
        many => many.iter().filter(|(_, version)| semver::Version::parse_strict(version).is_ok()).map(|(name, _)| *name).collect(),
    };
    match exact.as_slice() {
        [] => {}
        [archive] => {
            return match load::load(world, &format!("{folder}/{archive}")) {
                Err(_) => "corrupt",
                Ok(found) if found.name() != wanted.name => "misnamed",
                Ok(found) => version_status(wanted, &found, "ok"),
            };
        }
        _ => return "too many matches",
    }
    match chart.dependencies.iter().rfind(|c| c.name() == wanted.name) {
        None => "missing",
        Some(found) => version_status(wanted, found, "unpacked"),
    }
}
