//! `config`, and what cannot be simulated. upstream: kubectl/pkg/cmd/config

use serde_json::json;

use super::super::flags::Flags;
use super::super::output::Format;
use super::super::session::{Fault, Session};
use super::super::tabwriter;
use super::Ended;

pub(super) fn run(session: &mut Session<'_>, flags: &Flags) -> Ended {
    let name = session.context.clone();
    match flags.args.first().map(String::as_str) {
        Some("current-context") => session.say(&name),
        Some("view") => {
            let format = match session.format(flags, false)? {
                Format::Table(_) => Format::Yaml,
                other => other,
            };
            let value = json!({
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": name,
                "preferences": {},
                "clusters": [{"name": name, "cluster": {"server": session.server}}],
                "contexts": [{"name": name, "context": {"cluster": name, "namespace": session.context_namespace, "user": name}}],
                "users": [{"name": name, "user": {}}],
            });
            session.print_value(&format, &value, flags)?;
        }
        Some("get-contexts") => {
            let row = format!("*\t{name}\t{name}\t{name}\t{}\n", session.context_namespace);
            let lines = format!("CURRENT\tNAME\tCLUSTER\tAUTHINFO\tNAMESPACE\n{row}");
            session.out.push_str(&tabwriter::align(&lines, 6, 3));
        }
        Some("get-clusters") => session.say(&format!("NAME\n{name}")),
        Some(other) if !CHANGES.contains(&other) => return Err(super::no_such_command("config", &flags.args).into()),
        Some(other) => {
            return Err(Fault::error(format!(
                "kval does not change kubeconfig files: config {other}; name the cluster with --state instead"
            ))
            .into());
        }
        None => return Err(Fault::error("config what? There is: current-context, get-clusters, get-contexts, view").into()),
    }
    Ok(())
}

/// Its commands that change files.
const CHANGES: [&str; 13] = [
    "delete-cluster",
    "delete-context",
    "delete-user",
    "get-users",
    "rename-context",
    "set",
    "set-cluster",
    "set-context",
    "set-credentials",
    "unset",
    "use",
    "use-context",
    "kubeconfig",
];

/// The verbs that need a running program or an editor.
pub(super) const CANNOT: [&str; 12] =
    ["attach", "completion", "cp", "edit", "exec", "help", "kustomize", "logs", "options", "plugin", "port-forward", "proxy"];

/// Why a verb cannot be played.
pub(super) fn not_simulated(verb: &str) -> String {
    let why = match verb {
        "exec" | "attach" | "cp" => "no container runs in a simulated cluster, so there is nothing to enter",
        "logs" => {
            "no container runs in a simulated cluster, so there is no log; `kubectl describe` and `kubectl events` tell what happened"
        }
        "port-forward" | "proxy" => "no container listens in a simulated cluster, so there is no port to forward",
        "edit" => "there is no editor: change the file and `kubectl apply -f` it, or use `kubectl patch` or `kubectl set`",
        "kustomize" => "kval does not run kustomize",
        "plugin" | "completion" | "options" | "help" => "kval has no plugins, completions or help texts of kubectl",
        _ => "kval does not know how to play this",
    };
    format!("kubectl {verb} cannot be simulated: {why}")
}
