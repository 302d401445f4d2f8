//! `kval create`: a first chart, with the files that `helm create` makes.

use std::path::Path;

use clap::ArgMatches;

use super::CLEAN;
use super::args::string;
use super::error::Error;
use super::output::Output;
use super::world::{create_directories, write_atomically};

/// Where each file goes, and what it holds; `<NAME>` is the chart's name.
const FILES: [(&str, &str); 11] = [
    ("Chart.yaml", include_str!("scaffold/Chart.yaml")),
    ("values.yaml", include_str!("scaffold/values.yaml")),
    (".helmignore", include_str!("scaffold/helmignore")),
    ("templates/_helpers.tpl", include_str!("scaffold/helpers.tpl")),
    ("templates/deployment.yaml", include_str!("scaffold/deployment.yaml")),
    ("templates/hpa.yaml", include_str!("scaffold/hpa.yaml")),
    ("templates/ingress.yaml", include_str!("scaffold/ingress.yaml")),
    ("templates/NOTES.txt", include_str!("scaffold/NOTES.txt")),
    ("templates/service.yaml", include_str!("scaffold/service.yaml")),
    ("templates/serviceaccount.yaml", include_str!("scaffold/serviceaccount.yaml")),
    ("templates/tests/test-connection.yaml", include_str!("scaffold/test-connection.yaml")),
];

/// The longest name of a chart. upstream: pkg/chart/v2/util/create.go
const LONGEST: usize = 250;

/// `kval create NAME`. upstream: pkg/cmd/create.go
pub(super) fn run(matches: &ArgMatches, output: &mut Output) -> Result<u8, Error> {
    let given = string(matches, "name").unwrap_or_default();
    let root = given.trim_end_matches('/');
    let name = root.rsplit('/').next().unwrap_or_default();
    if name.is_empty() || name.len() > LONGEST {
        return Err(Error::helm(format!("chart name must be between 1 and {LONGEST} characters")));
    }
    if !name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')) {
        return Err(Error::helm("chart name must match the regular expression \"^[a-zA-Z0-9._-]+$\""));
    }
    output.line(&format!("Creating {given}"));
    if Path::new(root).exists() && !Path::new(root).is_dir() {
        return Err(Error::helm(format!("file {root} already exists and is not a directory")));
    }
    for directory in ["charts", "templates/tests"] {
        create_directories(&format!("{root}/{directory}"))?;
    }
    for (path, content) in FILES {
        let target = format!("{root}/{path}");
        if Path::new(&target).exists() {
            output.note(&format!("WARNING: File {target:?} already exists. Overwriting."));
        }
        write_atomically(&target, content.replace("<NAME>", name).as_bytes())?;
    }
    Ok(CLEAN)
}
