//! Helm's verbs on a simulated cluster: `kval install`, `upgrade`, `rollback`, `uninstall`, `list`, `status`, `history`,
//! `get` and `test`, with Helm's flags and output.

use std::collections::BTreeMap;

use clap::ArgMatches;

use super::args::{on, string, strings};
use super::error::Error;
use super::output::Output;
use super::repo;
use super::state;
use super::world::RealWorld;
use super::{CLEAN, FINDINGS, options};
use crate::cluster::helm::Flags;
use crate::cluster::helm::Release;
use crate::cluster::helm::Reuse;
use crate::cluster::helm::Session;
use crate::cluster::helm::Wait;
use crate::cluster::helm::chart;
use crate::cluster::helm::print;
use crate::cluster::helm::print::Format;
use crate::cluster::helm::print::Show;
use crate::helm::TemplateOptions;
use crate::helm::values::Logs;
use crate::simulate::apiserver::SECOND;
use crate::source::World;

fn format(matches: &ArgMatches) -> Result<Format, Error> {
    match strings(matches, "output").last().map_or("table", String::as_str) {
        "table" => Ok(Format::Table),
        "json" => Ok(Format::Json),
        "yaml" => Ok(Format::Yaml),
        other => Err(Error::helm(format!("invalid argument {other:?} for \"-o, --output\" flag: invalid format type"))),
    }
}

fn last(matches: &ArgMatches, name: &str) -> String {
    strings(matches, name).pop().unwrap_or_default()
}

/// `a=b,c=d`
fn labels(matches: &ArgMatches) -> Result<BTreeMap<String, String>, Error> {
    let all = strings(matches, "labels");
    let pairs = all.iter().flat_map(|s| s.split(',')).filter(|s| !s.is_empty());
    pairs
        .map(|p| {
            let (key, value) = p.split_once('=').ok_or_else(|| {
                Error::helm(format!("invalid argument {p:?} for \"-l, --labels\" flag: {p} must be formatted as key=value"))
            })?;
            Ok((key.to_owned(), value.to_owned()))
        })
        .collect()
}

fn flags(matches: &ArgMatches, output: &mut Output) -> Result<Flags, Error> {
    let wait = match strings(matches, "wait").last().map(String::as_str) {
        None | Some("false" | "hookOnly") => Wait::HookOnly,
        Some("" | "true" | "watcher" | "legacy" | "unset") => Wait::Watcher,
        Some(other) => {
            let why = format!("invalid wait input {other:?}. Valid inputs are true, watcher, hookOnly, and legacy");
            return Err(Error::helm(format!("invalid argument {other:?} for \"--wait\" flag: {why}")));
        }
    };
    let dry_run = match string(matches, "dry-run").as_deref() {
        None | Some("none" | "false") => false,
        Some("unset") => {
            output.note("level=WARN msg=\"--dry-run is deprecated and should be replaced with '--dry-run=client'\"");
            true
        }
        Some("client" | "server" | "true") => true,
        Some(other) => return Err(Error::helm(format!("invalid dry-run value ({other:?}). Must be \"none\", \"server\", or \"client\""))),
    };
    let deprecated = [("atomic", "use --rollback-on-failure instead"), ("force", "use --force-replace instead")];
    options::note_deprecated(matches, &deprecated, output);
    let timeout = strings(matches, "timeout").pop().map_or(Ok(300 * SECOND), |t| timeout_of(&t))?;
    let history_max = string(matches, "history-max").map_or(Ok(10), |n| {
        n.parse::<usize>().map_err(|_| {
            Error::helm(format!("invalid argument {n:?} for \"--history-max\" flag: strconv.ParseInt: parsing {n:?}: invalid syntax"))
        })
    })?;
    let reuse = if on(matches, "reset-values") {
        Reuse::Reset
    } else if on(matches, "reuse-values") {
        Reuse::Reuse
    } else if on(matches, "reset-then-reuse-values") {
        Reuse::ResetThenReuse
    } else {
        Reuse::WhenNoneGiven
    };
    Ok(Flags {
        wait,
        wait_for_jobs: on(matches, "wait-for-jobs"),
        timeout,
        no_hooks: on(matches, "no-hooks"),
        rollback_on_failure: on(matches, "rollback-on-failure") || on(matches, "atomic"),
        cleanup_on_fail: on(matches, "cleanup-on-fail"),
        dry_run,
        description: last(matches, "description"),
        labels: labels(matches)?,
        force_conflicts: on(matches, "force-conflicts"),
        take_ownership: on(matches, "take-ownership"),
        create_namespace: on(matches, "create-namespace"),
        replace: on(matches, "replace"),
        skip_crds: on(matches, "skip-crds"),
        skip_schema_validation: on(matches, "skip-schema-validation"),
        subchart_notes: on(matches, "render-subchart-notes"),
        keep_history: on(matches, "keep-history"),
        ignore_not_found: on(matches, "ignore-not-found"),
        cascade: string(matches, "cascade").unwrap_or_else(|| "background".to_owned()),
        history_max,
        reuse,
    })
}

/// What a command does with a session, and whether the cluster is stored afterwards.
fn within(
    matches: &ArgMatches,
    output: &mut Output,
    store: bool,
    act: impl FnOnce(&mut Session<'_>, &mut Output) -> Result<(), Error>,
) -> Result<u8, Error> {
    let world = options::world(matches)?;
    let mut opened = state::open(matches)?;
    let namespace = string(matches, "namespace").filter(|n| !n.is_empty()).unwrap_or_else(|| "default".to_owned());
    // What templates see as the time is the cluster's.
    let seen = RealWorld::new(Some(i128::from(opened.cluster.now())), Some(world.seed()));
    let mut session =
        Session { cluster: &mut opened.cluster, world: &seen, namespace, logs: Logs { debug: on(matches, "debug"), ..Logs::default() } };
    let done = act(&mut session, output);
    let lines = session.logs.lines();
    lines.iter().for_each(|line| output.note(line));
    if store {
        opened.save()?;
    }
    match done {
        Ok(()) => Ok(CLEAN),
        Err(error) if error.code == FINDINGS => {
            output.note(&format!("Error: {}", error.message));
            Ok(FINDINGS)
        }
        Err(error) => Err(error),
    }
}

/// `[NAME] CHART` of install. upstream: Install.NameAndChart
fn name_and_chart(args: &[String], options: &TemplateOptions, now: i64) -> Result<(String, String), String> {
    if args.len() > 2 {
        return Err(format!("expected at most two arguments, unexpected arguments: {}", args[2..].join(", ")));
    }
    let template = options.name_template.as_deref().filter(|t| !t.is_empty());
    if let [name, chart] = args {
        return match (options.generate_name, template) {
            (true, _) => Err("cannot set --generate-name and also specify a name".to_owned()),
            (_, Some(_)) => Err("cannot set --name-template and also specify a name".to_owned()),
            _ => Ok((name.clone(), chart.clone())),
        };
    }
    let chart = args.first().cloned().unwrap_or_default();
    if let Some(template) = template {
        return Ok((template.to_owned(), chart));
    }
    if !options.generate_name {
        return Err("must either provide a name or specify --generate-name".to_owned());
    }
    let base = chart.trim_end_matches('/').rsplit('/').next().unwrap_or("").to_owned();
    let base = if base.is_empty() || base == "." { "chart".to_owned() } else { base };
    let base = base.strip_suffix(".tgz").unwrap_or(&base).split('.').next().unwrap_or_default().to_owned();
    Ok((format!("{base}-{now}"), chart))
}

fn print_release(session: &mut Session<'_>, release: &Release, matches: &ArgMatches, metadata: bool) -> Result<String, Error> {
    let debug = on(matches, "debug");
    let computed = if debug { Some(session.values(release, true).map_err(Error::helm)?) } else { None };
    let show = Show { debug: computed.as_ref(), metadata, hide_notes: on(matches, "hide-notes") };
    Ok(print::status(release, format(matches)?, show))
}

fn put(output: &mut Output, text: &str) {
    output.stdout.extend_from_slice(text.as_bytes());
}

fn too_few(verb: &str, usage: &str) -> Error {
    Error::helm(format!("\"helm {verb}\" requires at least 1 argument\n\nUsage:  helm {usage}"))
}

fn exactly(verb: &str, usage: &str, wanted: usize, args: &[String]) -> Result<(), Error> {
    if args.len() == wanted {
        return Ok(());
    }
    let noun = if wanted == 1 { "argument" } else { "arguments" };
    Err(Error::helm(format!("\"helm {verb}\" requires {wanted} {noun}\n\nUsage:  helm {usage}")))
}

/// `kval install`
pub(super) fn install(matches: &ArgMatches, output: &mut Output) -> Result<u8, Error> {
    let args = strings(matches, "args");
    if args.is_empty() {
        return Err(too_few("install", "install [NAME] [CHART] [flags]"));
    }
    let flags = flags(matches, output)?;
    format(matches)?;
    let template = options::template(matches)?;
    within(matches, output, !flags.dry_run, |session, output| {
        perform_install(session, &args, &template, &flags, matches, output, "INSTALLATION FAILED: ")
    })
}

fn perform_install(
    session: &mut Session<'_>,
    args: &[String],
    template: &TemplateOptions,
    flags: &Flags,
    matches: &ArgMatches,
    output: &mut Output,
    prefix: &str,
) -> Result<(), Error> {
    let fail = |e: String| Error::helm(format!("{prefix}{e}"));
    let (name, reference) = name_and_chart(args, template, session.cluster.now() / SECOND).map_err(fail)?;
    let path = repo::locate(matches, session.world, &reference).map_err(fail)?;
    let wanted = chart::load(session.world, &path, template, true, &mut session.logs).map_err(fail)?;
    let (release, done) = session.install(&name, wanted, flags);
    done.map_err(fail)?;
    if let Some(release) = release {
        put(output, &print_release(session, &release, matches, false)?);
    }
    Ok(())
}

/// `kval upgrade`
pub(super) fn upgrade(matches: &ArgMatches, output: &mut Output) -> Result<u8, Error> {
    let args = strings(matches, "args");
    exactly("upgrade", "upgrade [RELEASE] [CHART] [flags]", 2, &args)?;
    let flags = flags(matches, output)?;
    let format = format(matches)?;
    let template = options::template(matches)?;
    within(matches, output, !flags.dry_run, |session, output| {
        let name = &args[0];
        if on(matches, "install") {
            let last = session.history(name).pop();
            let gone = last.as_ref().is_some_and(|r| r.status == "uninstalled");
            if last.is_none() || gone {
                if format == Format::Table {
                    output.line(&format!("Release {name:?} does not exist. Installing it now."));
                }
                let flags = Flags { replace: gone, ..flags.clone() };
                return perform_install(session, &args, &template, &flags, matches, output, "");
            }
        }
        let path = repo::locate(matches, session.world, &args[1]).map_err(Error::helm)?;
        let wanted = chart::load(session.world, &path, &template, false, &mut session.logs).map_err(Error::helm)?;
        let (release, done) = session.upgrade(name, wanted, &flags);
        done.map_err(|e| Error::helm(format!("UPGRADE FAILED: {e}")))?;
        if format == Format::Table {
            output.line(&format!("Release {name:?} has been upgraded. Happy Helming!"));
        }
        if let Some(release) = release {
            put(output, &print_release(session, &release, matches, false)?);
        }
        Ok(())
    })
}

/// `kval rollback`
pub(super) fn rollback(matches: &ArgMatches, output: &mut Output) -> Result<u8, Error> {
    let args = strings(matches, "args");
    let Some(name) = args.first() else { return Err(too_few("rollback", "rollback <RELEASE> [REVISION] [flags]")) };
    let version = args.get(1).map_or(Ok(0), |v| {
        let why = |_| Error::helm(format!("could not convert revision to a number: strconv.Atoi: parsing {v:?}: invalid syntax"));
        v.parse::<i64>().map_err(why)
    })?;
    let flags = flags(matches, output)?;
    within(matches, output, !flags.dry_run, |session, output| {
        session.rollback(name, version, &flags).map_err(Error::helm)?;
        output.line("Rollback was a success! Happy Helming!");
        Ok(())
    })
}

/// `kval uninstall`
pub(super) fn uninstall(matches: &ArgMatches, output: &mut Output) -> Result<u8, Error> {
    let args = strings(matches, "args");
    if args.is_empty() {
        return Err(too_few("uninstall", "uninstall RELEASE_NAME [...] [flags]"));
    }
    let flags = flags(matches, output)?;
    if !["background", "foreground", "orphan"].contains(&flags.cascade.as_str()) {
        let why = "Must be \"background\", \"foreground\", or \"orphan\"";
        return Err(Error::helm(format!("invalid cascade value ({}). {why}", flags.cascade)));
    }
    within(matches, output, !flags.dry_run, |session, output| {
        for name in &args {
            let told = session.uninstall(name, &flags).map_err(Error::helm)?;
            if !told.is_empty() {
                output.line(&told);
            }
            output.line(&format!("release {name:?} uninstalled"));
        }
        Ok(())
    })
}

/// `kval list`
pub(super) fn list(matches: &ArgMatches, output: &mut Output) -> Result<u8, Error> {
    let format = format(matches)?;
    within(matches, output, false, |session, output| {
        let namespace = if on(matches, "all-namespaces") { String::new() } else { session.namespace.clone() };
        let mut latest: BTreeMap<(String, String), Release> = BTreeMap::new();
        let only_superseded =
            on(matches, "superseded") && !["deployed", "uninstalled", "uninstalling", "pending", "failed"].iter().any(|f| on(matches, f));
        let mut all = Vec::new();
        for release in session.releases(&namespace) {
            if only_superseded {
                all.push(release);
                continue;
            }
            let key = (release.namespace.clone(), release.name.clone());
            if latest.get(&key).is_none_or(|known| known.version <= release.version) {
                latest.insert(key, release);
            }
        }
        all.extend(latest.into_values());
        let states = ["deployed", "uninstalled", "uninstalling", "superseded", "failed"];
        let mut wanted: Vec<&str> = states.into_iter().filter(|s| on(matches, s)).collect();
        if on(matches, "pending") {
            wanted.extend(["pending-install", "pending-upgrade", "pending-rollback"]);
        }
        if !wanted.is_empty() {
            all.retain(|r| wanted.contains(&r.status.as_str()));
        }
        if let Some(filter) = string(matches, "filter") {
            let pattern = crate::value::go_regex::compile(&filter).map_err(Error::helm)?;
            all.retain(|r| pattern.is_match(&r.name));
        }
        for pair in last(matches, "selector").split(',').filter(|p| !p.is_empty()) {
            let (key, value, same) = match pair.split_once("!=") {
                Some((key, value)) => (key, value, false),
                None => pair.split_once('=').map_or((pair, "", true), |(k, v)| (k, v.trim_start_matches('='), true)),
            };
            all.retain(|r| (r.labels.get(key).map_or("", String::as_str) == value) == same);
        }
        all.sort_by(|a, b| a.name.cmp(&b.name));
        if on(matches, "date") {
            all.sort_by_key(|r| std::cmp::Reverse(r.last_deployed));
        }
        if on(matches, "reverse") {
            all.reverse();
        }
        let number = |flag: &str, default: usize| string(matches, flag).and_then(|n| n.parse().ok()).unwrap_or(default);
        let (offset, most) = (number("offset", 0), number("max", 256));
        let all: Vec<Release> = all.into_iter().skip(offset).take(if most == 0 { usize::MAX } else { most }).collect();
        if on(matches, "short") {
            let names: Vec<&str> = all.iter().map(|r| r.name.as_str()).collect();
            match format {
                Format::Table => names.iter().for_each(|n| output.line(n)),
                Format::Json => put(output, &print::json_line(&serde_json::json!(names))),
                Format::Yaml => put(output, &print::yaml(&serde_json::json!(names))),
            }
            return Ok(());
        }
        put(output, &print::list_of(&all, format, !on(matches, "no-headers")));
        Ok(())
    })
}

fn revision(matches: &ArgMatches) -> i64 {
    string(matches, "revision").and_then(|r| r.parse().ok()).unwrap_or(0)
}

/// `kval status`
pub(super) fn status(matches: &ArgMatches, output: &mut Output) -> Result<u8, Error> {
    let args = strings(matches, "args");
    exactly("status", "status RELEASE_NAME [flags]", 1, &args)?;
    within(matches, output, false, |session, output| {
        let release = session.revision(&args[0], revision(matches)).map_err(Error::helm)?;
        put(output, &print_release(session, &release, matches, false)?);
        Ok(())
    })
}

/// `kval history`
pub(super) fn history(matches: &ArgMatches, output: &mut Output) -> Result<u8, Error> {
    let args = strings(matches, "args");
    exactly("history", "history RELEASE_NAME [flags]", 1, &args)?;
    let format = format(matches)?;
    within(matches, output, false, |session, output| {
        let all = session.history(&args[0]);
        if all.is_empty() {
            return Err(Error::helm("release: not found"));
        }
        let most = string(matches, "max").and_then(|m| m.parse().ok()).unwrap_or(256usize);
        let all = &all[all.len().saturating_sub(most)..];
        put(output, &print::history(all, format, on(matches, "show-rollback-revision")));
        Ok(())
    })
}

/// `kval get …`
pub(super) fn get(part: &str, matches: &ArgMatches, output: &mut Output) -> Result<u8, Error> {
    let args = strings(matches, "args");
    exactly(&format!("get {part}"), &format!("get {part} RELEASE_NAME [flags]"), 1, &args)?;
    let format = format(matches)?;
    within(matches, output, false, |session, output| {
        let release = session.revision(&args[0], revision(matches)).map_err(Error::helm)?;
        match part {
            "manifest" => output.line(&release.manifest),
            "hooks" => put(output, &print::hooks(&release)),
            "notes" => {
                if !release.notes.is_empty() {
                    output.line(&format!("NOTES:\n{}", release.notes));
                }
            }
            "metadata" => put(output, &print::metadata(&release, format)),
            "values" => {
                let all = on(matches, "all");
                let values = session.values(&release, all).map_err(Error::helm)?;
                let empty = values.as_object().is_none_or(serde_json::Map::is_empty);
                let shown = if empty && !all { serde_json::Value::Null } else { values };
                match format {
                    Format::Json => put(output, &print::json_line(&shown)),
                    Format::Yaml => put(output, &print::yaml(&shown)),
                    Format::Table => {
                        output.line(if all { "COMPUTED VALUES:" } else { "USER-SUPPLIED VALUES:" });
                        put(output, &print::yaml(&shown));
                    }
                }
            }
            _ => {
                let computed = session.values(&release, true).map_err(Error::helm)?;
                let show = Show { debug: Some(&computed), metadata: true, hide_notes: false };
                put(output, &print::status(&release, Format::Table, show));
            }
        }
        Ok(())
    })
}

/// `kval test`
pub(super) fn test(matches: &ArgMatches, output: &mut Output) -> Result<u8, Error> {
    let args = strings(matches, "args");
    exactly("test", "test [RELEASE] [flags]", 1, &args)?;
    let flags = flags(matches, output)?;
    let filters: Vec<String> =
        strings(matches, "filter").iter().flat_map(|f| f.split(',').map(str::to_owned).collect::<Vec<_>>()).collect();
    within(matches, output, true, |session, output| {
        let (release, done) = session.test(&args[0], &filters, &flags);
        if let Some(release) = &release {
            put(output, &print::status(release, Format::Table, Show { hide_notes: true, ..Show::default() }));
        }
        done.map_err(Error::helm)
    })
}

/// The time of `--timeout`, which Helm's flags want with its unit. upstream: time.ParseDuration
fn timeout_of(text: &str) -> Result<i64, Error> {
    let time = crate::kubectl::times::parse_duration(text);
    let why = crate::kubectl::times::no_duration(text);
    time.ok_or_else(|| Error::helm(format!("invalid argument {text:?} for \"--timeout\" flag: {why}")))
}
