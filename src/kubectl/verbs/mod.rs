//! kubectl's verbs, one file each, and which of them a command line calls. upstream: kubectl/pkg/cmd

mod access;
mod apply;
mod autoscale;
mod change;
mod config;
mod create;
mod create_access;
mod create_data;
mod create_ingress;
mod debug;
mod debug_profile;
mod delete;
mod describe;
mod discovery;
mod drain;
mod events;
mod explain;
mod explain_choices;
mod expose;
mod get;
mod help;
mod inside;
mod labels;
mod patch;
mod rollout;
mod run;
mod scale;
mod set;
mod taint;
mod wait;

use super::api::Api;
use super::flags::Flags;
use super::session::{Fault, Outcome, Session};
use crate::source::World;

/// Where and as whom a command line runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    /// The namespace that is meant when none is named.
    pub namespace: String,
    /// The name of the context.
    pub name: String,
}

impl Default for Context {
    fn default() -> Self {
        Self { namespace: "default".to_owned(), name: "kval".to_owned() }
    }
}

const VERBS: &[&str] = &[
    "annotate",
    "api-resources",
    "api-versions",
    "apply",
    "attach",
    "auth",
    "autoscale",
    "certificate",
    "cluster-info",
    "completion",
    "config",
    "cordon",
    "cp",
    "create",
    "debug",
    "delete",
    "describe",
    "diff",
    "drain",
    "edit",
    "events",
    "exec",
    "explain",
    "expose",
    "get",
    "help",
    "kustomize",
    "label",
    "logs",
    "options",
    "patch",
    "plugin",
    "port-forward",
    "proxy",
    "replace",
    "rollout",
    "run",
    "scale",
    "set",
    "taint",
    "top",
    "uncordon",
    "version",
    "wait",
];

/// The verbs in the order kubectl knows them, group by group; the others follow.
const IN_GROUPS: [&str; 34] = [
    "create",
    "expose",
    "run",
    "set",
    "explain",
    "get",
    "edit",
    "delete",
    "rollout",
    "scale",
    "autoscale",
    "certificate",
    "cluster-info",
    "top",
    "cordon",
    "uncordon",
    "drain",
    "taint",
    "describe",
    "logs",
    "attach",
    "exec",
    "port-forward",
    "proxy",
    "cp",
    "auth",
    "debug",
    "events",
    "diff",
    "apply",
    "patch",
    "replace",
    "wait",
    "kustomize",
];

/// Runs a command line; `words` are what follows `kubectl`.
pub fn run(api: &mut dyn Api, world: &dyn World, context: &Context, words: &[String]) -> Outcome {
    let mut session = Session::new(api, world, &context.namespace, &context.name);
    let ended = dispatch(&mut session, words);
    session.hear();
    let exit = match ended {
        Ok(()) => 0,
        Err(faults) => {
            let mut told = false;
            for line in faults.iter().flat_map(|f| &f.lines) {
                told = true;
                session.warn(line);
            }
            // With 1 a diff says that there are differences. upstream: CheckDiffErr
            if told && split_verb(words).is_some_and(|(_, verb)| verb == "diff") { 2 } else { 1 }
        }
    };
    Outcome { stdout: session.out, stderr: session.err, exit }
}

/// What a verb comes to: every fault is told, in order.
pub(super) type Ended = Result<(), Vec<Fault>>;

impl From<Fault> for Vec<Fault> {
    fn from(fault: Fault) -> Self {
        vec![fault]
    }
}

/// Fails when there is any fault.
pub(super) fn ended(faults: Vec<Fault>) -> Ended {
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

/// Global flags may stand before the verb.
fn split_verb(words: &[String]) -> Option<(usize, &String)> {
    let mut i = 0;
    while let Some(word) = words.get(i) {
        if !word.starts_with('-') {
            return Some((i, word));
        }
        let takes_value =
            !word.contains('=') && matches!(word.as_str(), "-n" | "--namespace" | "--context" | "--as" | "--kubeconfig" | "-s");
        i += if takes_value { 2 } else { 1 };
    }
    None
}

fn dispatch(session: &mut Session<'_>, words: &[String]) -> Ended {
    let Some((at, verb)) = split_verb(words) else {
        return help::asked(session, "");
    };
    let mut rest: Vec<String> = words.to_vec();
    rest.remove(at);
    if !VERBS.contains(&verb.as_str()) {
        let mut near: Vec<&&str> = VERBS.iter().filter(|v| distance(v, verb) <= 2 || v.starts_with(verb.to_lowercase().as_str())).collect();
        near.sort_by_key(|v| IN_GROUPS.iter().position(|g| g == *v).unwrap_or(IN_GROUPS.len()));
        let mut text = format!("error: unknown command \"{verb}\" for \"kubectl\"");
        if !near.is_empty() {
            text.push_str("\n\nDid you mean this?\n");
            text.push_str(&near.iter().map(|v| format!("\t{v}")).collect::<Vec<_>>().join("\n"));
        }
        return Err(Fault::plain(text).into());
    }
    if verb == "help" {
        return help::asked(session, &rest.join(" "));
    }
    if verb == "certificate" && rest.is_empty() {
        return help::asked(session, verb);
    }
    if config::CANNOT.contains(&verb.as_str()) {
        return Err(Fault::error(config::not_simulated(verb)).into());
    }
    let read = |generator: Option<&str>, words: &[String]| {
        Flags::read(verb, generator, words).map_err(|e| {
            let below = || split_verb(words).filter(|_| matches!(verb.as_str(), "auth" | "config" | "rollout" | "set" | "top"));
            let path = match (generator, below()) {
                (Some(word), _) => format!("{verb} {word}"),
                (None, Some((_, word))) => format!("{verb} {word}"),
                (None, None) => verb.clone(),
            };
            vec![Fault::plain(format!("error: {e}\nSee 'kubectl {path} --help' for usage."))]
        })
    };
    let generator = match verb.as_str() {
        "create" => create::generator(&rest),
        _ => None,
    };
    let flags = read(generator.as_ref().map(|(_, name)| *name), &rest)?;
    if flags.on("help") {
        let path: Vec<&str> = std::iter::once(verb.as_str()).chain(flags.args.iter().map(String::as_str)).collect();
        return help::asked(session, &path.join(" "));
    }
    session.user = flags.text("as").to_owned();
    session.groups = flags.all("as-group").to_vec();
    // The other verbs read objects without knowing their types.
    session.typed = matches!(verb.as_str(), "autoscale" | "config" | "debug" | "events" | "expose" | "rollout" | "run" | "set" | "taint")
        || generator.is_some();
    match verb.as_str() {
        "get" => get::run(session, &flags),
        "describe" => describe::run(session, &flags),
        "events" => events::run(session, &flags),
        "explain" => explain::run(session, &flags),
        "api-resources" => discovery::resources(session, &flags),
        "api-versions" => discovery::versions(session, &flags),
        "cluster-info" => discovery::cluster_info(session),
        "version" => discovery::version(session, &flags),
        "apply" => apply::apply(session, &flags),
        "diff" => apply::diff(session, &flags),
        "create" => create::run(session, &flags, generator.map(|(_, name)| name)),
        "debug" => debug::run(session, &flags),
        "replace" => apply::replace(session, &flags),
        "delete" => delete::run(session, &flags),
        "scale" => scale::run(session, &flags),
        "autoscale" => autoscale::run(session, &flags),
        "expose" => expose::run(session, &flags),
        "run" => run::run(session, &flags),
        "label" | "annotate" => labels::run(session, &flags, verb == "label"),
        "taint" => taint::run(session, &flags),
        "cordon" | "uncordon" => drain::cordon(session, &flags, verb == "cordon"),
        "drain" => drain::drain(session, &flags),
        "patch" => patch::run(session, &flags),
        "rollout" => rollout::run(session, &flags),
        "set" => set::run(session, &flags),
        "wait" => wait::run(session, &flags),
        "auth" => access::run(session, &flags),
        "top" => access::top(session, &flags),
        "config" => config::run(session, &flags),
        "logs" | "exec" | "attach" | "cp" | "port-forward" => inside::run(session, &flags, verb),
        other => Err(Fault::error(config::not_simulated(other)).into()),
    }
}

/// What a command with commands of its own says of words that are none of them.
pub(super) fn no_such_command(command: &str, words: &[String]) -> Fault {
    Fault::usage(command, format!("unknown command {}", crate::value::quote(words.join(" ").as_bytes())))
}

/// Levenshtein's distance, as the command line library suggests by.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.to_lowercase().chars().collect(), b.to_lowercase().chars().collect());
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut previous = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let above = row[j + 1];
            row[j + 1] = (above + 1).min(row[j] + 1).min(previous + usize::from(x != y));
            previous = above;
        }
    }
    row[b.len()]
}

/// The suffix of lines about what was only tried.
pub(super) fn dry(flags: &Flags) -> Result<DryRun, Fault> {
    match flags.text("dry-run") {
        "" | "none" | "false" => Ok(DryRun::No),
        "client" | "unchanged" | "true" => Ok(DryRun::Client),
        "server" => Ok(DryRun::Server),
        other => Err(Fault::error(format!("Invalid dry-run value ({other}). Must be \"none\", \"server\", or \"client\"."))),
    }
}

/// How much of a change is real.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DryRun {
    No,
    Client,
    Server,
}

impl DryRun {
    /// What follows the verb in a line.
    pub(super) fn suffix(self) -> &'static str {
        match self {
            Self::No => "",
            Self::Client => " (dry run)",
            Self::Server => " (server dry run)",
        }
    }
}
