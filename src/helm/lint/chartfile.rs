//! The rules about `Chart.yaml`.

use super::super::chart::{Decoder, Dependency, Maintainer, Metadata};
use super::super::load;
use super::super::load::LoadError;
use super::super::strvals::quote;
use super::addresses;
use super::{Level, Linter};
use crate::source::FileKind;
use crate::sprig::semver;
use crate::value::Value;
use crate::yaml;
use crate::yaml::{Node, NodeKind};

const NAME: &str = "Chart.yaml";

/// Judges `Chart.yaml`.
pub(super) fn check(linter: &mut Linter<'_>) {
    let path = linter.file(NAME);
    if linter.world.kind(&path).is_ok_and(|k| k == FileKind::Directory) {
        linter.rule("yaml-syntax", Level::Error, NAME, Err("should be a file, not a directory".to_owned()));
    }
    let read = linter.world.read(&path).map_err(|e| e.message).and_then(|data| {
        let mut metadata = Metadata::default();
        let node = load::node(&data).map_err(|LoadError(e)| e)?;
        node.map_or(Ok(()), |node| metadata.decode(&node)).map_err(|LoadError(e)| e)?;
        Ok((data, metadata))
    });
    let (data, metadata) = match read {
        Ok(read) => read,
        Err(e) => {
            linter.rule("yaml-syntax", Level::Error, NAME, Err(format!("unable to parse YAML\n\t{e}")));
            return;
        }
    };
    let strict = strict(&data).map_err(|e| format!("failed to strictly parse chart metadata file\n\t{e}"));
    linter.rule("chart-unknown-field", Level::Warning, NAME, strict);
    let types = yaml::decode(&data).unwrap_or_default();
    let m = &metadata;
    linter.rule("chart-name-invalid", Level::Error, NAME, name(m));
    linter.rule("chart-api-version", Level::Error, NAME, api_version(m));
    linter.rule("chart-app-version-not-string", Level::Error, NAME, is_string(&types, "version"));
    linter.rule("chart-version-invalid", Level::Error, NAME, version(m));
    linter.rule("chart-app-version-not-string", Level::Error, NAME, is_string(&types, "appVersion"));
    linter.rule("chart-maintainer-invalid", Level::Error, NAME, maintainers(m));
    let invalid = m.sources.iter().flatten().find(|s| !addresses::is_request_url(s));
    linter.rule("chart-source-invalid", Level::Error, NAME, invalid.map_or(Ok(()), |s| Err(format!("invalid source URL '{s}'"))));
    let icon = if m.icon.is_empty() { Err("icon is recommended".to_owned()) } else { Ok(()) };
    linter.rule("chart-missing-icon", Level::Info, NAME, icon);
    let good_icon = m.icon.is_empty() || addresses::is_request_url(&m.icon);
    linter.rule("chart-icon-invalid", Level::Error, NAME, if good_icon { Ok(()) } else { Err(format!("invalid icon URL '{}'", m.icon)) });
    let first = m.api_version != "v2";
    let kind = if first && !m.chart_type.is_empty() {
        Err(format!("chart type is not valid in apiVersion '{}'. It is valid in apiVersion 'v2'", m.api_version))
    } else {
        Ok(())
    };
    linter.rule("chart-dependencies-in-v1", Level::Error, NAME, kind);
    let dependencies = if first && m.dependencies.as_ref().is_some_and(|d| !d.is_empty()) {
        Err(format!("dependencies are not valid in the Chart file with apiVersion '{}'. They are valid in apiVersion 'v2'", m.api_version))
    } else {
        Ok(())
    };
    linter.rule("chart-dependencies-in-v1", Level::Error, NAME, dependencies);
    let exact = semver::Version::parse_strict(&m.version).map(|_| ());
    let exact = exact.map_err(|_| format!("version '{}' is not a valid SemVerV2", m.version));
    linter.rule("chart-version-invalid", Level::Warning, NAME, exact);
}

fn name(m: &Metadata) -> Result<(), String> {
    if m.name.is_empty() {
        return Err("name is required".to_owned());
    }
    // What `filepath.Base` would change has a slash.
    if m.name.contains('/') && m.name != "/" {
        return Err(format!("chart name {} is invalid", quote(&m.name)));
    }
    Ok(())
}

fn api_version(m: &Metadata) -> Result<(), String> {
    match m.api_version.as_str() {
        "v1" | "v2" => Ok(()),
        "" => Err("apiVersion is required. The value must be either \"v1\" or \"v2\"".to_owned()),
        other => Err(format!("apiVersion '{other}' is not valid. The value must be either \"v1\" or \"v2\"")),
    }
}

fn is_string(values: &Value, key: &str) -> Result<(), String> {
    let Some(value) = values.as_map().and_then(|m| m.get(key)) else { return Ok(()) };
    match value.go_type_name() {
        Some(name) if name == "string" => Ok(()),
        name => Err(format!("{key} should be of type string but it's of type {}", name.as_deref().unwrap_or("<nil>"))),
    }
}

fn version(m: &Metadata) -> Result<(), String> {
    if m.version.is_empty() {
        return Err("version is required".to_owned());
    }
    let version = semver::Version::parse(&m.version).map_err(|_| format!("version '{}' is not a valid SemVer", m.version))?;
    let above_zero = semver::Constraints::parse(">0.0.0-0")?;
    above_zero.validate(&version).map_err(|reasons| format!("version {}", reasons.first().map_or("", String::as_str)))
}

fn maintainers(m: &Metadata) -> Result<(), String> {
    for maintainer in m.maintainers.iter().flatten() {
        let Some(person) = maintainer else { return Err("a maintainer entry is empty".to_owned()) };
        if person.name.is_empty() {
            return Err("each maintainer requires a name".to_owned());
        }
        if !person.email.is_empty() && !addresses::is_email(&person.email) {
            return Err(format!("invalid email '{}' for maintainer '{}'", person.email, person.name));
        }
        if !person.url.is_empty() && !addresses::is_url(&person.url) {
            return Err(format!("invalid url '{}' for maintainer '{}'", person.url, person.name));
        }
    }
    Ok(())
}

/// Whether `Chart.yaml` has no key twice and none that Helm does not know.
fn strict(data: &[u8]) -> Result<(), String> {
    let value = yaml::decode_strict(data).map_err(|e| format!("error converting YAML to JSON: {}", e.message))?;
    let node = super::super::hooks::tree_of(&value, 8, &|_, _| true);
    fn unknown(node: &Node, known: &[&str]) -> Option<String> {
        let NodeKind::Mapping(entries) = &node.kind else { return None };
        entries.iter().find_map(|e| {
            let key = e.key.to_lowercase();
            if !known.iter().any(|k| k.to_lowercase() == key) {
                return Some(e.key.clone());
            }
            let below = match key.as_str() {
                "maintainers" => &Maintainer::FIELDS[..],
                "dependencies" => &Dependency::FIELDS[..],
                _ => return None,
            };
            match &e.value.kind {
                NodeKind::Sequence(items) => items.iter().find_map(|item| unknown(item, below)),
                _ => None,
            }
        })
    }
    match unknown(&node, &Metadata::FIELDS) {
        Some(key) => {
            let mut decoder = Decoder::default();
            decoder.refuse(format!("json: unknown field {}", quote(&key)));
            decoder.finish().map_err(|LoadError(e)| e)
        }
        None => Ok(()),
    }
}
