//! `kval config`: which settings are in force for a path; `kval config import`: what kube-linter's configuration says, as
//! a `kval.toml`.

use std::fmt::Write;

use clap::ArgMatches;
use serde_json::Value;

use super::CLEAN;
use super::args::string;
use super::error::Error;
use super::options;
use super::output::Output;
use super::world::RealWorld;
use crate::diagnostic::FailOn;
use crate::lint;
use crate::pipeline::Configs;
use crate::source::Sources;
use crate::source::World;
use crate::yaml;

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn list(items: &[String]) -> String {
    let items: Vec<String> = items.iter().map(|i| quoted(i)).collect();
    format!("[{}]", items.join(", "))
}

/// `kval config`.
pub(super) fn show(matches: &ArgMatches, output: &mut Output) -> Result<u8, Error> {
    let world = RealWorld::new(None, None);
    let path = string(matches, "path").unwrap_or_else(|| ".".to_owned());
    world.kind(&path)?;
    let configs = Configs::read(&world, &options::config(matches), [path.as_str()])?;
    let settings = configs.settings(&path);
    let mut text = String::new();
    if settings.files.is_empty() {
        text.push_str("# no configuration file counts here: these are the defaults\n");
    }
    for file in &settings.files {
        let _ = writeln!(text, "# from {file}");
    }
    let _ = writeln!(text, "profile = {}", quoted(settings.profile.as_deref().unwrap_or("default")));
    if !settings.select.is_empty() {
        let _ = writeln!(text, "select = {}", list(&settings.select));
    }
    let profile = lint::profile(settings.profile.as_deref().unwrap_or("default")).unwrap_or_default();
    let enabled: Vec<String> = settings.rules.enable.iter().filter(|id| !profile.enable.contains(id)).cloned().collect();
    if !enabled.is_empty() {
        let _ = writeln!(text, "enable = {}", list(&enabled));
    }
    if !settings.rules.disable.is_empty() {
        let _ = writeln!(text, "ignore = {}", list(&settings.rules.disable));
    }
    if let Some(version) = &settings.kube_version {
        let _ = writeln!(text, "kube-version = {}", quoted(version));
    }
    let fail_on = settings.fail_on.map_or("error", FailOn::name);
    let _ = writeln!(text, "fail-on = {}", quoted(fail_on));
    if let Some(baseline) = &settings.baseline {
        let _ = writeln!(text, "baseline = {}", quoted(baseline));
    }
    if let Some(cluster) = &settings.cluster {
        let _ = writeln!(text, "cluster = {}", quoted(cluster));
    }
    if !settings.rules.assume.is_empty() {
        let assumed: Vec<String> = settings.rules.assume.iter().map(ToString::to_string).collect();
        let _ = writeln!(text, "assume = {}", list(&assumed));
    }
    if settings.excluded {
        text.push_str("# this path is excluded\n");
    }
    for variant in &settings.variants {
        let name = quoted(&variant.name);
        let _ = writeln!(text, "\n[[variants]]\nname = {name}\nvalues = {}\nset = {}", list(&variant.values), list(&variant.set));
    }
    let said: Vec<_> = settings.rules.severities.iter().filter(|s| !profile.severities.contains(s)).collect();
    if !said.is_empty() || !settings.rules.params.is_empty() {
        text.push_str("\n[rules]\n");
    }
    for (id, severity) in said {
        let _ = writeln!(text, "{id}.severity = {}", quoted(severity.name()));
    }
    for (key, value) in &settings.rules.params {
        let _ = writeln!(text, "{key} = {}", list(value));
    }
    output.stdout.extend_from_slice(text.as_bytes());
    Ok(CLEAN)
}

fn strings(value: &Value) -> Vec<String> {
    value.as_array().map(|a| a.iter().filter_map(|v| v.as_str().map(str::to_owned)).collect()).unwrap_or_default()
}

/// `kval config import`.
pub(super) fn import(matches: &ArgMatches, output: &mut Output) -> Result<u8, Error> {
    let world = RealWorld::new(None, None);
    let path = string(matches, "file").unwrap_or_default();
    let text = String::from_utf8_lossy(&world.read(&path)?).into_owned();
    let file = Sources::new().add(path.as_str(), text.as_str());
    let document = yaml::parse(&text, file).into_iter().next();
    if let Some(error) = document.as_ref().and_then(|d| d.error.as_ref()) {
        return Err(Error::unusable(format!("{path}: {}", error.message)));
    }
    let value = document.and_then(|d| d.root).map(|r| r.to_json()).unwrap_or_default();
    if !value.is_object() {
        return Err(Error::unusable(format!("{path}: this is no configuration of kube-linter: it is not a mapping")));
    }
    output.stdout.extend_from_slice(imported(&value, &path).as_bytes());
    Ok(CLEAN)
}

/// The checks of kube-linter that kval has, as it names them; the others are told of in a comment.
fn known(checks: &[String], out: &mut String) -> Vec<String> {
    let mut names = Vec::new();
    for check in checks {
        let name = format!("kube-linter/{check}");
        match lint::named(&name) {
            Ok(_) => names.push(name),
            Err(_) => out.push_str(&format!("# kval has no counterpart of the check {check}\n")),
        }
    }
    names
}

/// The settings of a `.kube-linter.yaml`, and those of its `checks`.
const SETTINGS: [&str; 2] = ["checks", "customChecks"];
const SETTINGS_OF_CHECKS: [&str; 5] = ["addAllBuiltIn", "doNotAutoAddDefaults", "exclude", "ignorePaths", "include"];

fn imported(value: &Value, path: &str) -> String {
    let mut out = format!("# from {path}\n");
    let checks = &value["checks"];
    for (settings, names, within) in [(value, &SETTINGS[..], ""), (checks, &SETTINGS_OF_CHECKS[..], "checks.")] {
        for name in settings.as_object().into_iter().flatten().map(|(name, _)| name).filter(|name| !names.contains(&name.as_str())) {
            let _ = writeln!(out, "# not taken over: {within}{name} is no setting of kube-linter");
        }
    }
    let flag = |name: &str| checks[name].as_bool() == Some(true);
    let include = known(&strings(&checks["include"]), &mut out);
    let exclude = known(&strings(&checks["exclude"]), &mut out);
    if flag("addAllBuiltIn") {
        out.push_str("enable = [\"kube-linter/*\"]\n");
    } else if flag("doNotAutoAddDefaults") {
        let _ = writeln!(out, "select = {}", list(&include));
    } else if !include.is_empty() {
        let _ = writeln!(out, "enable = {}", list(&include));
    }
    if !exclude.is_empty() {
        let _ = writeln!(out, "ignore = {}", list(&exclude));
    }
    let paths = strings(&checks["ignorePaths"]);
    if !paths.is_empty() {
        let _ = writeln!(out, "exclude = {}", list(&paths));
    }
    let mut labels = Vec::new();
    let mut annotations = Vec::new();
    let mut rest = String::new();
    for check in value["customChecks"].as_array().map_or(&[][..], Vec::as_slice) {
        let (name, template) = (check["name"].as_str().unwrap_or(""), check["template"].as_str().unwrap_or(""));
        let key = check["params"]["key"].as_str().map(str::to_owned);
        match (template, key) {
            ("required-label", Some(key)) => labels.push(key),
            ("required-annotation", Some(key)) => annotations.push(key),
            _ => {
                let _ =
                    writeln!(rest, "# not taken over: the custom check {name} of the template {template}; write it as a rule of your own");
            }
        }
    }
    if !(labels.is_empty() && annotations.is_empty()) {
        out.push_str("\n[rules]\n");
    }
    if !labels.is_empty() {
        let _ = writeln!(out, "required-label-owner = {{ severity = \"warning\", labels = {} }}", list(&labels));
    }
    if !annotations.is_empty() {
        let _ = writeln!(out, "required-annotation-email = {{ severity = \"warning\", annotations = {} }}", list(&annotations));
    }
    out + &rest
}
