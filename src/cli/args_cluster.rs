//! The command lines that work on a stored cluster: `kval cluster …`, Helm's verbs, repositories.

use clap::{Arg, Command};

use super::args::{list, rendering, switch, value};

/// Where the cluster is, on every command that works on one.
pub(super) fn stored(command: Command) -> Command {
    command.next_help_heading("Cluster").arg(value("state", "DIR", "Where simulated clusters are kept [default: .kval]")).arg(list(
        "context",
        "NAME",
        "The cluster's name [default: default]",
    ))
}

/// A new cluster's nodes and clock, for commands that may make one.
pub(super) fn made(command: Command) -> Command {
    command.arg(list("nodes", "NODES", "Nodes of a new cluster: such as 3x4cpu,16Gi, or a file [default: 3x4cpu,16Gi]"))
}

fn args(name: &'static str) -> Arg {
    Arg::new("args").value_name(name).num_args(0..)
}

fn format() -> Arg {
    list("output", "FORMAT", "table, json or yaml").short('o')
}

/// The flags of install and upgrade that `kval template` accepts and hides.
const SHOWN: &[(&str, &str)] = &[
    ("create-namespace", "Create the release's namespace"),
    ("force-conflicts", "Take over fields that others own"),
    ("hide-notes", "Do not print the notes"),
    ("render-subchart-notes", "Print the notes of subcharts too"),
    ("replace", "Reuse the name of an uninstalled or failed release"),
    ("rollback-on-failure", "Undo what failed"),
    ("take-ownership", "Take over objects that are there"),
    ("wait-for-jobs", "With --wait: until Jobs are complete too"),
];

/// What install and upgrade share.
fn releasing(command: Command) -> Command {
    let command = made(stored(rendering(command)));
    let command = SHOWN.iter().fold(command, |c, (name, help)| c.mut_arg(*name, |a| a.hide(false).help(*help)));
    command
        .mut_arg("wait", |a| a.hide(false).help("Wait until all objects are ready: watcher or hookOnly").default_missing_value("watcher"))
        .mut_arg("timeout", |a| a.hide(false).help("How long to wait for each operation [default: 5m0s]"))
        .mut_arg("description", |a| a.hide(false).help("What the release's record says"))
        .mut_arg("labels", |a| a.hide(false).help("Labels of the release's record (a=1,b=2)"))
        .mut_arg("dry-run", |a| a.help("Do nothing, print what would be: client or server"))
        .arg(format())
        .arg(value("version", "VERSION", "The chart's version, from a repository"))
}

/// What the other verbs share.
fn verb(name: &'static str, about: &'static str, what: &'static str) -> Command {
    let command = Command::new(name).about(about).arg(args(what));
    made(stored(command))
        .arg(value("namespace", "NAME", "Namespace of the release").short('n'))
        .arg(list("kube-context", "NAME", "").hide(true))
        .arg(switch("debug", "Print more"))
        .arg(value("seed", "NUMBER", "").value_parser(clap::value_parser!(u64)).hide(true))
}

/// The flags of verbs that wait.
fn waiting(command: Command) -> Command {
    command
        .arg(list("wait", "VALUE", "Wait: watcher or hookOnly").num_args(0..=1).require_equals(true).default_missing_value("watcher"))
        .arg(list("timeout", "TIME", "How long to wait for each operation [default: 5m0s]"))
}

fn acting(command: Command) -> Command {
    waiting(command)
        .arg(switch("no-hooks", "Do not run hooks"))
        .arg(list("description", "TEXT", "What the release's record says"))
        .arg(value("dry-run", "MODE", "Do nothing").num_args(0..=1).require_equals(true).default_missing_value("client"))
}

/// Helm's verbs.
pub(super) fn verbs() -> Vec<Command> {
    let install =
        releasing(Command::new("install").about("Install a chart on a simulated cluster, as `helm install`").arg(args("[NAME] CHART")));
    let upgrade =
        releasing(Command::new("upgrade").about("Upgrade a release on a simulated cluster, as `helm upgrade`").arg(args("RELEASE CHART")))
            .arg(switch("install", "Install when there is no such release").short('i'))
            .arg(switch("reset-values", "Use the chart's values only"))
            .arg(switch("reuse-values", "Keep the values of the release and of its chart below the new ones"))
            .arg(switch("reset-then-reuse-values", "Keep the values of the release below the new ones"))
            .arg(switch("cleanup-on-fail", "Delete what a failed upgrade created"))
            .arg(value("history-max", "N", "How many revisions are kept [default: 10]"));
    let rollback = acting(verb("rollback", "Roll a release back to a revision, as `helm rollback`", "RELEASE [REVISION]"))
        .arg(switch("wait-for-jobs", "With --wait: until Jobs are complete too"))
        .arg(switch("force-conflicts", "Take over fields that others own"))
        .arg(switch("cleanup-on-fail", "Delete what a failed rollback created"))
        .arg(value("history-max", "N", "How many revisions are kept [default: 10]"));
    let uninstall = acting(verb("uninstall", "Uninstall releases, as `helm uninstall`", "RELEASE"))
        .visible_aliases(["un", "delete", "del"])
        .arg(switch("keep-history", "Keep the release's records"))
        .arg(switch("ignore-not-found", "A release that is not there is no failure"))
        .arg(value("cascade", "HOW", "background, foreground or orphan"));
    let states = ["deployed", "failed", "pending", "superseded", "uninstalled", "uninstalling"];
    let list_of = states
        .iter()
        .fold(verb("list", "List releases, as `helm list`", "").visible_alias("ls"), |c, s| c.arg(switch(s, "Releases of this status")));
    let list_of = list_of
        .arg(format())
        .arg(switch("all-namespaces", "Of all namespaces").short('A'))
        .arg(switch("all", "").short('a').hide(true))
        .arg(switch("short", "Names only").short('q'))
        .arg(switch("no-headers", "Without the first line"))
        .arg(switch("date", "By time of deployment").short('d'))
        .arg(switch("reverse", "In reverse order").short('r'))
        .arg(value("filter", "REGEX", "Releases whose names match").short('f'))
        .arg(list("selector", "LABELS", "Releases with these labels").short('l'))
        .arg(value("max", "N", "At most so many [default: 256]").short('m'))
        .arg(value("offset", "N", "From this one on"));
    let status = verb("status", "Show a release, as `helm status`", "RELEASE").arg(format()).arg(value("revision", "N", "The revision"));
    let history = verb("history", "Show the revisions of a release, as `helm history`", "RELEASE")
        .visible_alias("hist")
        .arg(format())
        .arg(value("max", "N", "At most so many [default: 256]"))
        .arg(switch("show-rollback-revision", "Show which revision was rolled back to"));
    let parts = ["all", "hooks", "manifest", "metadata", "notes", "values"];
    let get = Command::new("get").about("Show a part of a release, as `helm get`").subcommand_required(true).arg_required_else_help(true);
    let get = parts.iter().fold(get, |c, part| {
        let command = verb(part, "As `helm get`", "RELEASE").arg(format()).arg(value("revision", "N", "The revision"));
        c.subcommand(if *part == "values" { command.arg(switch("all", "All values").short('a')) } else { command })
    });
    let test = waiting(verb("test", "Run the tests of a release, as `helm test`", "RELEASE"))
        .arg(list("filter", "NAME", "Only tests name=…, or without !name=…"))
        .arg(switch("logs", "").hide(true));
    vec![install, upgrade, rollback, uninstall, list_of, status, history, get, test, repositories(), search()]
}

fn repositories() -> Command {
    let one = |name: &'static str, about: &'static str, what: &'static str| stored(Command::new(name).about(about).arg(args(what)));
    Command::new("repo")
        .about("Name folders of charts, as `helm repo`")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(one("add", "Name a folder of charts", "NAME FOLDER").arg(switch("force-update", "Replace the one of this name")))
        .subcommand(one("list", "List them", "").visible_alias("ls"))
        .subcommand(one("remove", "Forget them", "NAME").visible_alias("rm"))
        .subcommand(one("update", "Read them again", "NAME"))
}

fn search() -> Command {
    let repo = stored(Command::new("repo").about("Find charts in the named folders, as `helm search repo`").arg(args("KEYWORD")));
    Command::new("search")
        .about("Find charts")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(repo.arg(switch("versions", "All versions").short('l')))
}

/// `kval diff`
pub(super) fn diff() -> Command {
    let command =
        Command::new("diff").about("Say what an upgrade from OLD to NEW does to each object and its pods, and how the rollout goes").arg(
            Arg::new("sides")
                .value_names(["OLD", "NEW"])
                .num_args(2)
                .required(true)
                .help("Charts, manifests, directories of them, release:NAME[@REVISION], a Git revision (REVISION or REVISION:PATH), or cluster (a stored one, see --state)"),
        );
    made(stored(rendering(command)))
        .next_help_heading("Difference")
        .arg(list("old-values", "FILE", "Values files of OLD, instead of those of -f"))
        .arg(list("old-set", "KEY=VALUE", "Values of OLD, instead of those of --set"))
        .arg(value("release-name", "NAME", "The release's name for both sides"))
        .arg(switch("all", "Show unchanged objects too"))
        .arg(value("format", "FORMAT", "text or json").value_parser(["text", "json"]))
        .arg(
            value("fail-on", "WHAT", "Exit 1 on: change, restart, failure (refused changes, stuck rollouts) or never [default: failure]")
                .value_parser(["change", "restart", "failure", "never"]),
        )
}

/// `kval cluster`
pub(super) fn cluster() -> Command {
    let name = || Arg::new("name").value_name("NAME").help("The cluster's name [default: default]");
    let new = |command: Command| {
        made(stored(command))
            .arg(name())
            .arg(
                value("kubelet", "HOW", "timed: images and probes take time; instant: pods are ready at once; absent: nothing runs them")
                    .value_parser(["timed", "instant", "absent"]),
            )
            .arg(value("seed", "NUMBER", "Decides names, addresses and ports").value_parser(clap::value_parser!(u64)))
            .arg(value("now", "TIME", "When its clock starts [default: 2026-01-01T00:00:00Z]"))
    };
    let one = |name: &'static str, about: &'static str| made(stored(Command::new(name).about(about)));
    Command::new("cluster")
        .about("Make, describe and run simulated clusters")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(new(Command::new("create").about("Make a cluster")))
        .subcommand(new(Command::new("reset").about("Begin a cluster anew")))
        .subcommand(stored(Command::new("delete").about("Take a cluster away")).arg(name()))
        .subcommand(stored(Command::new("list").about("List the clusters")))
        .subcommand(one("info", "Say what a cluster holds"))
        .subcommand(one("events", "Tell what happened in a cluster"))
        .subcommand(
            one("advance", "Let time pass: `advance 30s`, `advance until stable`")
                .arg(Arg::new("time").value_name("TIME").num_args(1..).required(true))
                .arg(value("timeout", "TIME", "With `until stable`: how long at most [default: 24h]")),
        )
        .subcommand(
            Command::new("capture").about("Print the kubectl line whose output describes a running cluster for --cluster and --nodes"),
        )
}
