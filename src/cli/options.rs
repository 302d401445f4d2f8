//! From flags to what the phases take: rendering options, the world, which rules run.

use clap::ArgMatches;
use clap::parser::ValueSource;

use super::args::{on, refused, slices, string, strings};
use super::error::Error;
use super::output::Output;
use super::world::RealWorld;
use crate::diagnostic::FailOn;
use crate::diagnostic::Severity;
use crate::helm::Compat;
use crate::helm::TemplateOptions;
use crate::kube::schema;
use crate::lint;
use crate::pipeline;
use crate::pipeline::Choice;
use crate::pipeline::Configs;

/// Whether a flag stands on the command line; never for one that the command does not have.
pub(super) fn given(matches: &ArgMatches, name: &str) -> bool {
    matches.try_contains_id(name).is_ok() && matches.value_source(name) == Some(ValueSource::CommandLine)
}

/// Says of each deprecated flag that is given what Helm says, in the order of the command line.
pub(super) fn note_deprecated(matches: &ArgMatches, flags: &[(&str, &str)], output: &mut Output) {
    let mut found: Vec<_> = flags.iter().filter(|f| given(matches, f.0)).map(|f| (matches.index_of(f.0), f)).collect();
    found.sort();
    for (_, (flag, instead)) in found {
        output.note(&format!("Flag --{flag} has been deprecated, {instead}"));
    }
}

/// The options of `helm template`, without release name and chart.
pub(super) fn template(matches: &ArgMatches) -> Result<TemplateOptions, Error> {
    if let Some(flag) = refused(matches) {
        return Err(Error::unusable(format!("kval does not support --{flag}")));
    }
    let compat = if string(matches, "helm-compat").as_deref() == Some("3") { Compat::V3 } else { Compat::V4 };
    if let Some(name) = strings(matches, "post-renderer").into_iter().find(|n| !n.is_empty()) {
        // Helm 4 knows post-renderers as plugins, of which kval has none; Helm 3 as programs, which kval does not run.
        return Err(match compat {
            Compat::V3 => Error::unusable("kval does not run post-renderers"),
            Compat::V4 => {
                let why = format!("plugin: {{Name:{name} Type:postrenderer/v1}} not found");
                Error::helm(format!("invalid argument {name:?} for \"--post-renderer\" flag: {why}"))
            }
        });
    }
    Ok(TemplateOptions {
        namespace: string(matches, "namespace").unwrap_or_default(),
        value_files: slices(matches, "values"),
        set: strings(matches, "set"),
        set_string: strings(matches, "set-string"),
        set_json: strings(matches, "set-json"),
        set_file: strings(matches, "set-file"),
        set_literal: strings(matches, "set-literal"),
        api_versions: slices(matches, "api-versions"),
        // Of a range, the newest is rendered for.
        kube_version: string(matches, "kube-version").map(|v| v.rsplit("..").next().unwrap_or_default().to_owned()),
        show_only: strings(matches, "show-only"),
        include_crds: on(matches, "include-crds"),
        skip_tests: on(matches, "skip-tests"),
        no_hooks: on(matches, "no-hooks"),
        is_upgrade: on(matches, "is-upgrade"),
        generate_name: on(matches, "generate-name"),
        name_template: string(matches, "name-template"),
        output_dir: string(matches, "output-dir"),
        release_name: on(matches, "release-name"),
        skip_schema_validation: on(matches, "skip-schema-validation"),
        debug: on(matches, "debug"),
        enable_dns: on(matches, "enable-dns"),
        dry_run: string(matches, "dry-run"),
        cluster_state: string(matches, "cluster-state"),
        validate: on(matches, "validate"),
        compat,
        ..TemplateOptions::default()
    })
}

/// As [`template`], with `[NAME] CHART` from the arguments, refused in Helm's words.
pub(super) fn named_template(matches: &ArgMatches) -> Result<TemplateOptions, Error> {
    let mut options = template(matches)?;
    let args = strings(matches, "args");
    match args.as_slice() {
        [] => return Err(Error::helm("\"helm template\" requires at least 1 argument\n\nUsage:  helm template [NAME] [CHART] [flags]")),
        [chart] => options.chart.clone_from(chart),
        [_, _] if options.generate_name => return Err(Error::helm("cannot set --generate-name and also specify a name")),
        [_, _] if options.name_template.as_deref().is_some_and(|t| !t.is_empty()) => {
            return Err(Error::helm("cannot set --name-template and also specify a name"));
        }
        [name, chart] => {
            options.name = Some(name.clone());
            options.chart.clone_from(chart);
        }
        [_, _, rest @ ..] => return Err(Error::helm(format!("expected at most two arguments, unexpected arguments: {}", rest.join(", ")))),
    }
    Ok(options)
}

/// The real world with `--now` and `--seed`.
pub(super) fn world(matches: &ArgMatches) -> Result<RealWorld, Error> {
    let now = string(matches, "now").map(|text| instant(&text)).transpose()?;
    Ok(RealWorld::new(now, matches.try_get_one::<u64>("seed").ok().flatten().copied()))
}

/// Nanoseconds since 1970 of an RFC 3339 time or of seconds since 1970.
fn instant(text: &str) -> Result<i128, Error> {
    if let Ok(seconds) = text.parse::<i64>() {
        return Ok(i128::from(seconds) * 1_000_000_000);
    }
    let time: Result<jiff::Timestamp, _> = text.parse();
    time.map(jiff::Timestamp::as_nanosecond)
        .map_err(|_| Error::unusable(format!("--now: {text:?} is neither an RFC 3339 time nor seconds since 1970")))
}

/// The ids that the list of a flag names; `prefix*` names several. A name that matches nothing is refused.
fn ids(matches: &ArgMatches, flag: &str) -> Result<Vec<String>, Error> {
    let mut out = Vec::new();
    for pattern in &slices(matches, flag) {
        match lint::named(pattern) {
            Ok(known) => out.extend(known),
            Err(why) => {
                let named = |id: &str| pattern.strip_suffix('*').map_or(id == pattern, |prefix| id.starts_with(prefix));
                let own: Vec<String> = custom(matches)?.iter().filter(|rule| named(rule.id)).map(|rule| rule.id.to_owned()).collect();
                if own.is_empty() {
                    return Err(Error::unusable(format!("--{flag}: {why}")));
                }
                out.extend(own);
            }
        }
    }
    Ok(out)
}

/// A team's own rules, as the configuration names them.
pub(super) fn custom(matches: &ArgMatches) -> Result<Vec<lint::CustomRule>, Error> {
    let world = RealWorld::new(None, None);
    Ok(Configs::read(&world, &config(matches), [])?.settings(".").rules.custom)
}

/// Which configuration files count.
pub(super) fn config(matches: &ArgMatches) -> Choice {
    if on(matches, "isolated") {
        return Choice::Isolated;
    }
    let named = string(matches, "config").or_else(|| std::env::var("KVAL_CONFIG").ok());
    named.filter(|n| !n.is_empty()).map_or(Choice::Found, Choice::File)
}

/// What the phases after rendering do.
pub(super) fn checks(matches: &ArgMatches, judge: bool) -> Result<pipeline::Checks, Error> {
    let kube_versions = string(matches, "kube-version").map(|v| known_versions(&v)).transpose()?.unwrap_or_default();
    Ok(pipeline::Checks {
        kube_version: kube_versions.last().cloned(),
        kube_versions,
        against: strings(matches, "against"),
        judge,
        matrix: on(matches, "values-matrix"),
        select: ids(matches, "select")?,
        ignore: ids(matches, "ignore")?,
        profile: string(matches, "profile").and_then(|name| lint::profile(&name)),
        crds: strings(matches, "crds"),
        schema_locations: local(strings(matches, "schema-location"))?,
        pod_security: string(matches, "pod-security"),
        fail_on_unchecked: on(matches, "fail-on-unchecked"),
        against_values: strings(matches, "against-values"),
        against_set: strings(matches, "against-set"),
        skip: slices(matches, "skip"),
        reject: slices(matches, "reject"),
        lenient: !judge && given(matches, "strict") && !on(matches, "strict"),
        ..pipeline::Checks::default()
    })
}

/// Places of schemas, none of which is on the network.
fn local(places: Vec<String>) -> Result<Vec<String>, Error> {
    match places.iter().find(|place| place.contains("://")) {
        Some(place) => Err(Error::unusable(format!("--schema-location: kval asks no network: download {place} and name the files"))),
        None => Ok(places),
    }
}

/// The versions of the API server to check against, oldest first: one, or a range such as `1.30..1.36`.
fn known_versions(asked: &str) -> Result<Vec<String>, Error> {
    let Some((first, last)) = asked.split_once("..") else { return Ok(vec![known_version(asked)?]) };
    let (first, last) = (known_version(first)?, known_version(last)?);
    let (from, to) = (schema::minor(&first), schema::minor(&last));
    let inside = |v: &&str| (from..=to).contains(&schema::minor(v));
    let versions: Vec<String> = schema::versions().into_iter().filter(inside).map(str::to_owned).collect();
    if versions.is_empty() {
        return Err(Error::unusable(format!("--kube-version: {asked:?} is an empty range")));
    }
    Ok(versions)
}

/// The version of the API server to check against, without its `v`; one that kval has schemas of.
fn known_version(version: &str) -> Result<String, Error> {
    let all = schema::versions();
    let minors = || all.iter().filter_map(|v| schema::minor(v));
    if version == "latest" {
        return Ok(all.last().copied().unwrap_or_default().to_owned());
    }
    if schema::minor(version).is_some_and(|asked| minors().any(|m| m == asked)) {
        return Ok(version.trim_start_matches('v').to_owned());
    }
    let text = |m: Option<(u32, u32)>| m.map(|(major, minor)| format!("{major}.{minor}")).unwrap_or_default();
    let (first, last) = (text(minors().min()), text(minors().max()));
    Err(Error::unusable(format!("--kube-version: {version:?} is not known; kval knows Kubernetes {first} to {last}")))
}

/// From which severity on findings fail the run, where the command line says so.
pub(super) fn fail_on(matches: &ArgMatches) -> Option<FailOn> {
    match string(matches, "fail-on").as_deref() {
        Some("never") => Some(FailOn::Never),
        Some("info") => Some(FailOn::From(Severity::Info)),
        Some("warning" | "degraded") => Some(FailOn::From(Severity::Warning)),
        _ if on(matches, "strict") => Some(FailOn::From(Severity::Warning)),
        Some(_) => Some(FailOn::From(Severity::Error)),
        None => None,
    }
}
