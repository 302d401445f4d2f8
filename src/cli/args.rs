//! The command line as clap sees it: every flag of `helm template`, in Helm's spelling and with Helm's meaning.

use std::ffi::OsString;

use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::lint::PROFILES;
use crate::report::Format;
use crate::report::kubeconform::FORMATS;

/// The flags of `helm template` that speak to a cluster or a repository's transport; rendering needs none of them, so
/// they are accepted and change nothing, that existing command lines go on working.
const CLUSTER_SWITCHES: &[&str] = &[
    "atomic",
    "create-namespace",
    "devel",
    "disable-openapi-validation",
    "force",
    "force-conflicts",
    "force-replace",
    "hide-notes",
    "insecure-skip-tls-verify",
    "kube-insecure-skip-tls-verify",
    "pass-credentials",
    "plain-http",
    "render-subchart-notes",
    "replace",
    "rollback-on-failure",
    "server-side",
    "take-ownership",
    "wait-for-jobs",
    "enable-dns",
    "dependency-update",
];

/// As [`CLUSTER_SWITCHES`], with a value.
const CLUSTER_VALUES: &[&str] = &[
    "burst-limit",
    "ca-file",
    "cert-file",
    "content-cache",
    "description",
    "key-file",
    "keyring",
    "kube-apiserver",
    "kube-as-group",
    "kube-as-user",
    "kube-ca-file",
    "kube-context",
    "kube-tls-server-name",
    "kube-token",
    "kubeconfig",
    "password",
    "qps",
    "registry-config",
    "repository-cache",
    "repository-config",
    "timeout",
    "username",
];

/// Flags of `helm template` that would change what is rendered and that kval does not have: refused, never ignored.
const REFUSED: &[&str] = &["repo", "verify"];

/// A switch as pflag has it: `--name`, `--name=true`, `--name=false`.
pub(super) fn switch(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .help(help)
        .num_args(0..=1)
        .require_equals(true)
        .value_parser(clap::builder::BoolishValueParser::new())
        .default_missing_value("true")
        .default_value("false")
        .hide_default_value(true)
        .hide_possible_values(true)
        .value_name("bool")
        .overrides_with(name)
        .action(ArgAction::Set)
}

pub(super) fn value(name: &'static str, value_name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value_name).help(help).allow_hyphen_values(true).overrides_with(name).action(ArgAction::Set)
}

pub(super) fn list(name: &'static str, value_name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value_name).help(help).allow_hyphen_values(true).action(ArgAction::Append)
}

fn paths(help: &'static str) -> Arg {
    Arg::new("paths").value_name("PATH").num_args(0..).help(help)
}

/// The flags with which a chart is rendered, by name. Each is made when it is wanted.
const RENDERING: &[(&str, fn(&'static str) -> Arg)] = &[
    ("values", |name| list(name, "FILE", "Values from a YAML file").short('f')),
    ("set", |name| list(name, "KEY=VALUE", "Set values (a=1,b=2)")),
    ("set-string", |name| list(name, "KEY=VALUE", "Set string values")),
    ("set-file", |name| list(name, "KEY=FILE", "Set values from files")),
    ("set-json", |name| list(name, "KEY=JSON", "Set JSON values")),
    ("set-literal", |name| list(name, "KEY=VALUE", "Set a literal string value")),
    ("api-versions", |name| list(name, "VERSIONS", "API versions for .Capabilities.APIVersions").short('a')),
    ("kube-version", |name| value(name, "VERSION", "Kubernetes version for .Capabilities.KubeVersion").alias("kubernetes-version")),
    ("namespace", |name| value(name, "NAME", "Namespace of the release").short('n')),
    ("show-only", |name| list(name, "TEMPLATE", "Show only what these templates rendered").short('s')),
    ("include-crds", |name| switch(name, "Include the chart's CRDs")),
    ("skip-crds", |name| switch(name, "Leave out CRDs")),
    ("skip-tests", |name| switch(name, "Leave out test hooks")),
    ("no-hooks", |name| switch(name, "Leave out hooks")),
    ("is-upgrade", |name| switch(name, "Set .Release.IsUpgrade instead of .Release.IsInstall")),
    ("name-template", |name| value(name, "TEMPLATE", "Template for the release name")),
    ("generate-name", |name| switch(name, "Generate the release name").short('g')),
    ("skip-schema-validation", |name| switch(name, "Do not check values against values.schema.json")),
    ("dry-run", |name| {
        let arg = value(name, "MODE", "Accepted as Helm does: none, client or server");
        arg.num_args(0..=1).require_equals(true).default_missing_value("unset")
    }),
    ("cluster-state", |name| value(name, "PATH", "Manifests, or a directory of them, that the template function lookup finds")),
    ("validate", |name| switch(name, "").hide(true)),
    ("post-renderer", |name| list(name, "NAME", "").hide(true)),
    ("post-renderer-args", |name| list(name, "VALUE", "").hide(true)),
    ("debug", |name| switch(name, "Print more on failures")),
    ("helm-compat", |name| value(name, "3|4", "The Helm whose bytes to print").value_parser(["3", "4"]).default_value("4")),
    ("seed", |name| value(name, "NUMBER", "Seed of random functions, so that a run repeats").value_parser(clap::value_parser!(u64))),
    ("now", |name| value(name, "TIME", "The time templates see: RFC 3339 or seconds since 1970")),
];

/// The flags with which a chart is rendered, wherever one is.
pub(super) fn rendering(command: Command) -> Command {
    rendering_with(command, |_| true)
}

/// Those of them that are wanted.
fn rendering_with(command: Command, wanted: impl Fn(&str) -> bool) -> Command {
    let among = |names: &'static [&'static str]| names.iter().copied().filter(|name| wanted(name));
    command
        .next_help_heading("Rendering (as helm template)")
        .args(RENDERING.iter().filter(|(name, _)| wanted(name)).map(|(name, make)| make(name)))
        .args(among(CLUSTER_SWITCHES).map(|name| switch(name, "").hide(true)))
        .args(among(CLUSTER_VALUES).map(|name| list(name, "VALUE", "").hide(true)))
        .args(wanted("labels").then(|| list("labels", "VALUE", "").short('l').hide(true)))
        .args(wanted("wait").then(|| list("wait", "VALUE", "").num_args(0..=1).require_equals(true).hide(true)))
        .args(among(REFUSED).map(|name| list(name, "VALUE", "").num_args(0..=1).hide(true)))
}

/// The flags with which findings are printed.
fn reporting(command: Command) -> Command {
    command
        .next_help_heading("Report")
        .arg(
            list(
                "format",
                "FORMAT",
                "How findings are printed [default: text]; `helm` is as helm lint; repeatable, each with its --output",
            )
            .value_parser(clap::builder::PossibleValuesParser::new(
                Format::NAMES.iter().map(|(name, _)| *name).chain(["helm"]).chain(FORMATS.iter().copied()),
            )),
        )
        .arg(list("output", "FILE", "Where the report of the --format before it goes; - is standard output").short('o'))
        .arg(
            value("fail-on", "SEVERITY", "Exit 1 from this severity on: info, warning, error or never [default: error]")
                .value_parser(["info", "warning", "error", "never"])
                .hide_possible_values(true),
        )
        .arg(
            value("profile", "NAME", "Which rules run [default: default]").value_parser(clap::builder::PossibleValuesParser::new(PROFILES)),
        )
        .arg(list("select", "RULES", "Only these rules (comma-separated; a prefix with * matches several)"))
        .arg(list("ignore", "RULES", "Without these rules (comma-separated; a prefix with * matches several)"))
        .arg(switch("strict", "Fail on warnings too"))
        .arg(value("baseline", "FILE", "Leave out the findings this file accepts"))
        .arg(value("write-baseline", "FILE", "Accept all findings of this run: write them to FILE and succeed"))
        .args(configuration())
}

/// The flags that narrow the input.
fn scope() -> [Arg; 2] {
    let changed = "Only charts that changed since a Git revision, and those that depend on them; manifests when one of them changed \
                   [without REF: HEAD, what is not committed]";
    [
        value("changed", "REF", changed).allow_hyphen_values(false).num_args(0..=1).default_missing_value(""),
        value("shard", "I/N", "Only a part of the charts, the same on each machine: 2/5, or auto in a CI service's parallel jobs"),
    ]
}

/// The flags that choose configuration files.
fn configuration() -> [Arg; 2] {
    [
        value("config", "FILE", "This configuration file and no other [default: every kval.toml above the input]"),
        switch("isolated", "Without any configuration file").conflicts_with("config"),
    ]
}

fn template() -> Command {
    template_with(|_| true)
}

fn template_with(wanted: impl Fn(&str) -> bool) -> Command {
    const MORE: &[(&str, fn(&'static str) -> Arg)] = &[
        ("output-dir", |name| value(name, "DIR", "Write the rendered templates to files below DIR")),
        ("release-name", |name| switch(name, "Use the release name in the --output-dir path")),
        ("keep-going", |name| switch(name, "Print what can be rendered where a template fails; each failure with its place")),
        ("version", |name| value(name, "VERSION", "").hide(true)),
    ];
    let command = Command::new("template")
        .about("Render a chart: the flags of `helm template`, the same bytes")
        .arg(Arg::new("args").value_name("[NAME] CHART").num_args(0..));
    rendering_with(command, &wanted).args(MORE.iter().filter(|(name, _)| wanted(name)).map(|(name, make)| make(name)))
}

/// Flags with a letter, in `template`.
const LETTERS: &[&str] = &["values", "api-versions", "namespace", "show-only", "generate-name", "labels"];

/// A command that knows no more flags than stand on the command line, for a command that is often run on something small. What it
/// does not understand is to be asked of [`command_for`]: it may be an alias, a wish for help, or wrong.
pub(super) fn narrow(args: &[OsString]) -> Option<Command> {
    let (first, rest) = args.get(1..)?.split_first()?;
    if first != "template" {
        return None;
    }
    let rest: Vec<&str> = rest.iter().map(|arg| arg.to_str()).collect::<Option<_>>()?;
    let letters = rest.iter().any(|arg| arg.starts_with('-') && !arg.starts_with("--"));
    let named = |name: &str| rest.iter().any(|arg| arg.strip_prefix("--").is_some_and(|arg| arg.split('=').next() == Some(name)));
    Some(root().subcommand(template_with(|name| named(name) || (letters && LETTERS.contains(&name)))))
}

/// What a check of objects is told of what is around them.
fn surrounded(command: Command) -> Command {
    command
        .arg(list("crds", "PATH", "Files, directories and charts with CustomResourceDefinitions to check custom resources with"))
        .arg(list("schema-location", "PLACE", "Where JSON schemas of other kinds lie: a directory, or a path as kubeconform spells it"))
        .arg(value("pod-security", "LEVEL", "The Pod Security level of namespaces whose labels state none").value_parser([
            "privileged",
            "baseline",
            "restricted",
        ]))
        .arg(switch("fail-on-unchecked", "A kind without any schema is an error"))
}

/// What is there now, and how its charts are rendered.
fn against() -> [Arg; 3] {
    let now = "Charts, manifests, directories or a Git revision with what is there now: changes that an update may not make";
    [
        list("against", "PATH", now),
        list("against-values", "FILE", "Values files that charts of --against are rendered with"),
        list("against-set", "KEY=VALUE", "Values that charts of --against are rendered with"),
    ]
}

fn lint() -> Command {
    reporting(rendering(surrounded(
        Command::new("lint")
            .about("Render, validate and judge charts and manifests")
            .arg(paths("Charts, manifests and directories of them; - reads standard input [default: .]")),
    )))
    .args(against())
    .arg(list(
        "cluster",
        "FILE",
        "The cluster that all is meant for (see `kval cluster capture`), or nodes such as 3x4cpu,16Gi: what its scheduler and \
         controllers would not do is told",
    ))
    .arg(switch("values-matrix", "Check charts with each ci/*values.yaml and each [[variants]] of kval.toml too"))
    .arg(switch("fix", "Mend what can be mended safely, in manifests, templates and values; proved by running again before it is written"))
    .arg(switch("unsafe", "With --fix or --diff: also what may change how workloads behave"))
    .arg(switch("diff", "Show what --fix would write, and write nothing"))
    .args(scope())
    .arg(switch("watch", "Check again whenever a file changes, until Ctrl-C").conflicts_with_all(["fix", "diff", "write-baseline"]))
    .arg(switch("with-subcharts", "With --format helm: the charts below too"))
    .arg(switch("quiet", "With --format helm: only warnings and errors"))
}

fn validate() -> Command {
    reporting(surrounded(
        Command::new("validate")
            .about("Say what a kube-apiserver would say about manifests")
            .arg(paths("Manifests and directories of them; - reads standard input"))
            .args(against())
            .args(scope())
            .arg(value("kube-version", "VERSION", "The API server's version, or a range: 1.30..1.36").alias("kubernetes-version"))
            .arg(switch("show-defaults", "Print the objects as the server would store them; what it adds is marked"))
            .next_help_heading("As kubeconform")
            .arg(list("skip", "KINDS", "Kinds or VERSION/KINDs that are not checked (comma-separated)"))
            .arg(list("reject", "KINDS", "Kinds or VERSION/KINDs that are errors (comma-separated)"))
            .arg(switch("ignore-missing-schemas", "Kinds without any schema are no errors in kubeconform's reports"))
            .arg(list("ignore-filename-pattern", "REGEX", "Leave out files whose path matches"))
            .arg(switch("summary", "Tell how many objects are valid and invalid"))
            .arg(switch("verbose", "Valid objects too in kubeconform's reports"))
            .arg(switch("exit-on-error", "Tell nothing behind the first object that is refused"))
            .arg(
                Arg::new("n")
                    .short('n')
                    .value_name("NUMBER")
                    .hide(true)
                    .allow_hyphen_values(true)
                    .action(ArgAction::Append)
                    .value_parser(clap::value_parser!(u32)),
            )
            .arg(list("cache", "DIR", "").hide(true)),
    ))
}

fn why() -> Command {
    rendering(
        Command::new("why")
            .about("Show which template line and which value wrote a rendered field or line")
            .arg(
                Arg::new("target")
                    .value_name("TARGET")
                    .required(true)
                    .help("KIND/NAME:.field.path or TEMPLATE:LINE (line of the rendered text)"),
            )
            .arg(Arg::new("args").value_name("[NAME] CHART").num_args(1..).required(true)),
    )
}

fn reports() -> Command {
    let merge = Command::new("merge")
        .about("Join JSON reports, such as those of --shard, into one")
        .arg(Arg::new("paths").value_name("FILE").num_args(1..).required(true).help("Reports of --format json; - is standard input"))
        .arg(
            list("format", "FORMAT", "How the findings of all are printed [default: text]; repeatable, each with its --output")
                .value_parser(clap::builder::PossibleValuesParser::new(Format::NAMES.iter().map(|(name, _)| *name))),
        )
        .arg(list("output", "FILE", "Where the report of the --format before it goes; - is standard output").short('o'))
        .arg(
            value("fail-on", "SEVERITY", "Exit 1 from this severity on: info, warning, error or never [default: error]")
                .value_parser(["info", "warning", "error", "never"])
                .hide_possible_values(true),
        );
    Command::new("report").about("Work with reports").subcommand_required(true).arg_required_else_help(true).subcommand(merge)
}

fn version() -> Command {
    Command::new("version").about("Print the version")
}

fn root() -> Command {
    Command::new("kval")
        .about(env!("CARGO_PKG_DESCRIPTION"))
        .version(env!("CARGO_PKG_VERSION"))
        .subcommand_required(true)
        .arg_required_else_help(true)
        .after_help("Exit codes: 0 clean, 1 findings or a chart that does not render, 2 could not run or nothing to do, 3 a bug in kval.")
        .arg(
            value("color", "WHEN", "auto, always or never")
                .value_parser(["auto", "always", "never"])
                .default_value("auto")
                .alias("colour")
                .global(true),
        )
}

/// What is needed to read a command line: the whole command takes longer to make than a small chart to render.
pub(super) fn command_for(args: &[OsString]) -> Command {
    let one = match args.get(1).and_then(|first| first.to_str()) {
        Some("template") => template(),
        Some("lint") => lint(),
        Some("validate") => validate(),
        Some("why") => why(),
        Some("version") => version(),
        Some("report") => reports(),
        Some("kubectl") => super::kubectl::command(),
        Some("diff") => super::args_cluster::diff(),
        Some(first) => {
            let named = |c: &Command| c.get_name() == first || c.get_all_aliases().any(|a| a == first);
            match super::args_cluster::verbs().into_iter().find(named) {
                Some(verb) => verb,
                None => return command(),
            }
        }
        None => return command(),
    };
    root().subcommand(one)
}

/// The whole command line.
pub(super) fn command() -> Command {
    let cluster = |command: Command| {
        command
            .next_help_heading("Cluster")
            .arg(
                list(
                    "cluster",
                    "FILE",
                    "A file or directory of nodes and of what runs on them (see `kval cluster capture`; - reads standard input), or nodes such as \
                     3x4cpu,16Gi \
                     [default: 3x4cpu,16Gi]",
                )
                .alias("nodes"),
            )
            .arg(value("scheduler-config", "FILE", "A KubeSchedulerConfiguration; several profiles are compared"))
            .next_help_heading("What if")
            .arg(list("cordon", "NODE", "The node takes no new pods"))
            .arg(list("remove-node", "NODE", "The node is gone"))
            .arg(list("lose-zone", "ZONE", "All nodes of the zone are gone"))
            .arg(list("add-nodes", "NODES", "There are more nodes, such as 2x8cpu,32Gi"))
            .arg(list("taint", "NODE=TAINT", "The node has a taint such as node-1=key=value:NoExecute; pods leave as they must"))
            .arg(list("scale", "WORKLOAD=N", "The workload has N replicas, such as deploy/web=20"))
    };
    let simulated = |name: &'static str, about: &'static str, first: Option<Arg>| {
        let command = Command::new(name).about(about).args(first);
        let command = rendering(command.arg(paths("Charts, manifests and directories of them; - reads standard input")));
        let command = reporting(command).mut_arg("format", |format| {
            format
                .help("How the answer is printed: text, json, markdown, html (with a picture), svg or concise; repeatable, each with its --output")
                .value_parser(["text", "concise", "json", "markdown", "html", "svg"])
        });
        cluster(command)
    };
    let simulate = Command::new("simulate")
        .about("Predict what a cluster would do")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            simulated("placement", "Where the scheduler puts each pod, and why not elsewhere", None)
                .next_help_heading("Questions")
                .arg(value(
                    "explain",
                    "POD",
                    "Every plugin's verdict and score on every node for a pod (name, namespace/name or kind/workload)",
                ))
                .arg(value("how-many-more-nodes", "NODE", "How many nodes such as 4cpu,16Gi have to be added until nothing is pending")),
        )
        .subcommand(
            simulated(
                "drain",
                "Where the pods of a node go when it is drained, and what keeps them",
                Some(Arg::new("node").value_name("NODE").required(true).help("The node; several are separated by commas")),
            )
            .next_help_heading("Drain (as kubectl drain)")
            .arg(switch("ignore-daemonsets", "Leave pods of DaemonSets alone"))
            .arg(switch("delete-emptydir-data", "Take pods with emptyDir volumes too"))
            .mut_arg("force", |force| force.hide(false).help("Take pods without a controller too; they are gone")),
        )
        .subcommand(
            simulated("capacity", "How many more replicas of each workload fit", None)
                .next_help_heading("Questions")
                .arg(value("most", "N", "Do not look for more than N").value_parser(clap::value_parser!(usize))),
        )
        .subcommand(
            simulated("rollout", "What applying charts and manifests does step by step, how long it takes, and whether it completes", None)
                .mut_arg("fail-on", |a| {
                    a.value_parser(["info", "warning", "error", "never", "stuck", "degraded"])
                        .help("Exit 1 from this severity or verdict on: info, warning (degraded), error (stuck) or never")
                })
                .next_help_heading("Rollout")
                .arg(list("from", "PATH", "What runs before: charts and manifests; without it, the new objects are installed"))
                .arg(list("at", "TIME", "Show the pods at this time after the change, such as 35s; repeatable"))
                .arg(list("assert", "CONDITION", "Fail unless it holds for every workload, such as 'available >= 3' or 'duration <= 2m'"))
                .arg(value(
                    "scenario",
                    "FILE",
                    "What containers and nodes do: containers: {web/app: 'starts in 20s'}, before: …, load: {web: '100m until 60s, 900m'}, \
                     nodes: {node-2: 'lost at 60s, back at 10m'}",
                ))
                .arg(switch("watch", "Print every change of a pod as kubectl get pods --watch does"))
                .arg(switch("events", "Print the events of all objects as kubectl describe does"))
                .arg(value("within", "TIME", "How long to look [default: 30m]")),
        );
    let create = Command::new("create")
        .about("Make a chart to begin with, as `helm create`")
        .arg(Arg::new("name").value_name("NAME").required(true).help("The chart's folder; its last part is the name"));
    let package = Command::new("package")
        .about("Pack charts into archives")
        .arg(paths("Chart directories"))
        .arg(value("version", "VERSION", "The version to pack it as"))
        .arg(value("app-version", "VERSION", "The appVersion to pack it as"))
        .arg(value("destination", "DIR", "Where the archive goes").short('d').default_value("."))
        .arg(switch("dependency-update", "Refused where there are dependencies: kval does not fetch them").short('u'))
        .arg(value("now", "TIME", "The time of the files in the archive: RFC 3339 or seconds since 1970"));
    let show = ["all", "chart", "crds", "readme", "values"]
        .iter()
        .fold(Command::new("show").about("Print parts of a chart").subcommand_required(true).arg_required_else_help(true), |c, part| {
            c.subcommand(Command::new(*part).arg(Arg::new("chart").value_name("CHART").required(true)))
        });
    let dependency =
        Command::new("dependency").about("Show a chart's dependencies").subcommand_required(true).arg_required_else_help(true).subcommand(
            Command::new("list")
                .visible_alias("ls")
                .about("The dependencies and whether they are there")
                .arg(Arg::new("chart").value_name("CHART").default_value(".")),
        );
    let explain = Command::new("explain")
        .about("Print the page of a rule, or what a field is, such as Deployment.spec.strategy; without either, list all rules")
        .arg(
            Arg::new("rule")
                .value_name("RULE|FIELD")
                .help("An id, one of your own rules, or another tool's id such as kube-linter/latest-tag"),
        )
        .args(configuration());
    let rules = Command::new("rules")
        .about("Test and start rules of your own: pages with an expression in CEL")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            Command::new("test")
                .about("Run the examples of the pages")
                .arg(paths("Folders of pages [default: custom-rules of kval.toml]"))
                .args(configuration()),
        )
        .subcommand(
            Command::new("new")
                .about("Write a page to start from")
                .arg(Arg::new("name").value_name("NAME").required(true))
                .arg(Arg::new("folder").value_name("FOLDER").default_value("rules")),
        );
    let config = Command::new("config")
        .about("Show which settings are in force for a path, and where from")
        .args_conflicts_with_subcommands(true)
        .arg(Arg::new("path").value_name("PATH").default_value("."))
        .args(configuration())
        .subcommand(
            Command::new("import")
                .about("Print a kval.toml that says what the configuration of kube-linter says")
                .arg(Arg::new("file").value_name("FILE").default_value(".kube-linter.yaml")),
        );
    let completion = Command::new("completion")
        .about("Print a script that completes kval's command lines")
        .arg(Arg::new("shell").value_name("SHELL").required(true).value_parser(["bash", "zsh", "fish", "powershell"]).help("The shell"));
    let man = Command::new("man")
        .about("Print the manual page of kval, or of one of its commands: kval man lint | man -l -")
        .arg(Arg::new("command").value_name("COMMAND").num_args(0..).help("The command, such as lint or simulate rollout"));
    root()
        .subcommands([
            template(),
            lint(),
            validate(),
            why(),
            simulate,
            super::args_cluster::cluster(),
            create,
            package,
            show,
            dependency,
            explain,
            rules,
            config,
            reports(),
            completion,
            man,
        ])
        .subcommand(super::args_cluster::diff())
        .subcommands(super::args_cluster::verbs())
        .subcommand(super::kubectl::command())
        .subcommand(version())
}

/// The values of a repeatable flag, in order.
pub(super) fn strings(matches: &ArgMatches, name: &str) -> Vec<String> {
    matches.try_get_many::<String>(name).ok().flatten().into_iter().flatten().cloned().collect()
}

/// As [`strings`], each split at commas as pflag's string slices are.
pub(super) fn slices(matches: &ArgMatches, name: &str) -> Vec<String> {
    strings(matches, name).iter().flat_map(|s| s.split(',').map(str::to_owned).collect::<Vec<_>>()).filter(|s| !s.is_empty()).collect()
}

/// The value of a flag.
pub(super) fn string(matches: &ArgMatches, name: &str) -> Option<String> {
    matches.try_get_one::<String>(name).ok().flatten().cloned()
}

/// Whether a switch is on.
pub(super) fn on(matches: &ArgMatches, name: &str) -> bool {
    matches.try_get_one::<bool>(name).ok().flatten().copied().unwrap_or(false)
}

/// Whether the command has this switch, on or off. clap itself tells flags that a command does not have only in builds with
/// debug assertions; a switch that it has always has a value.
pub(super) fn has_switch(matches: &ArgMatches, name: &str) -> bool {
    matches.try_get_one::<bool>(name).ok().flatten().is_some()
}

/// The first flag given, with a value that is not empty, that kval knows of and does not have.
pub(super) fn refused(matches: &ArgMatches) -> Option<&'static str> {
    REFUSED.iter().copied().find(|name| matches.try_contains_id(name).unwrap_or(false) && strings(matches, name) != [""])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::options;

    #[test]
    fn what_a_narrow_command_understands_the_whole_one_understands_so_too() {
        let lines = [
            "r c",
            "c --set a=b,c=d --set --x -f v.yaml -fw.yaml --values=x,y",
            "r c -n space -gs templates/a.yaml",
            "r c --set=a --skip-tests --no-hooks=false --include-crds=true --dry-run --kube-version 1.30 --helm-compat 3",
            "r c --namespace --set --debug -a v1,v2",
            "c --color never --seed 7 --now 0 --keep-going --output-dir d --release-name --labels a=b -l c --wait --timeout 5s",
            "r -- --set",
            "r c --values",
            "r c --sett a",
            "r c -x",
            "r c --kubernetes-version 1.30",
            "r c --seed x",
            "--help",
            "r c --no-hooks=perhaps",
            "",
        ];
        let read = |command: Command, args: &[OsString]| {
            let matches = command.try_get_matches_from(args).ok()?;
            let (_, matches) = matches.subcommand()?;
            let color = string(matches, "color");
            Some(format!(
                "{color:?} {:?} {:?}",
                options::named_template(matches).map_err(|e| e.to_string()),
                matches.try_get_one::<u64>("seed").ok().flatten()
            ))
        };
        let mut understood = 0;
        for line in lines {
            let args: Vec<OsString> = ["kval", "template"].into_iter().chain(line.split_whitespace()).map(OsString::from).collect();
            let narrow = read(narrow(&args).unwrap(), &args);
            understood += usize::from(narrow.is_some());
            assert!(narrow.is_none() || narrow == read(command_for(&args), &args), "{line}");
        }
        assert_eq!(understood, 8, "most command lines need no more");
        assert!(narrow(&["kval".into(), "lint".into()]).is_none());
    }
}
