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
            if flags.args.len() > 1 {
                let extra = flags.args.get(1..).unwrap_or_default().join(" ");
                return Err(Fault::usage("config view", format!("unexpected arguments: [{extra}]")).into());
            }
            let format = match session.format(flags, false)? {
                Format::Table(_) => Format::Yaml,
                other => other,
            };
            let (server, home) = (session.server.clone(), session.context_namespace.clone());
            let value = json!({
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": name,
                "clusters": [{"name": name, "cluster": {"server": session.server}}],
                "contexts": [{"name": name, "context": {"cluster": name, "namespace": session.context_namespace, "user": name}}],
                "users": [{"name": name, "user": {}}],
            });
            if format == Format::Json {
                session.say(&view(&name, &server, &home));
            } else {
                session.print_value(&format, &value, flags)?;
            }
        }
        Some("get-contexts") => {
            let asked = flags.args.get(1..).unwrap_or_default();
            let missing: Vec<Fault> =
                asked.iter().filter(|a| **a != name).map(|a| Fault::error(format!("context {a} not found"))).collect();
            match flags.text("output") {
                "name" => session.say(&name),
                "" => {
                    let row = format!("*\t{name}\t{name}\t{name}\t{}\n", session.context_namespace);
                    let head = if flags.on("no-headers") { "" } else { "CURRENT\tNAME\tCLUSTER\tAUTHINFO\tNAMESPACE\n" };
                    let row = if asked.is_empty() || missing.len() < asked.len() { row } else { String::new() };
                    session.out.push_str(&tabwriter::align(&format!("{head}{row}"), 6, 3));
                }
                other => {
                    let why = "is not available in kubectl config get-contexts; resetting to default output format";
                    return Err(Fault::error(format!("--output {other} {why}")).into());
                }
            }
            return super::ended(missing);
        }
        Some("use-context" | "use") if flags.args.len() == 2 => {
            let wanted = flags.args.get(1).map_or("", String::as_str);
            if wanted != name {
                return Err(Fault::error(format!("no context exists with the name: {}", crate::value::quote(wanted.as_bytes()))).into());
            }
            session.say(&format!("Switched to context {}.", crate::value::quote(name.as_bytes())));
        }
        Some("set-context") if flags.args.len() == 1 && !flags.on("current") => {
            return Err(Fault::error("you must specify a non-empty context name or --current").into());
        }
        Some("get-users") => session.say(&format!("NAME\n{name}")),
        Some("get-clusters") => session.say(&format!("NAME\n{name}")),
        Some(other) if !CHANGES.contains(&other) => return Err(super::no_such_command("config", &flags.args).into()),
        Some(other) => {
            return Err(Fault::error(format!(
                "kval does not change kubeconfig files: config {other}; name the cluster with --state instead"
            ))
            .into());
        }
        None => return Err(super::help::bare(session, "config").into()),
    }
    Ok(())
}

/// The configuration as JSON, its fields in the order of Go's structs.
fn view(name: &str, server: &str, namespace: &str) -> String {
    let quoted = |text: &str| json!(text).to_string();
    let (name, server, namespace) = (quoted(name), quoted(server), quoted(namespace));
    let list = |field: &str, inner: &str| {
        format!("    \"{field}\": [\n        {{\n            \"name\": {name},\n            {inner}\n        }}\n    ],\n")
    };
    let of = |field: &str, entries: &[(&str, &String)]| {
        let lines: Vec<String> = entries.iter().map(|(key, value)| format!("                \"{key}\": {value}")).collect();
        format!("\"{field}\": {{\n{}\n            }}", lines.join(",\n"))
    };
    let clusters = list("clusters", &of("cluster", &[("server", &server)]));
    let users = list("users", "\"user\": {}");
    let contexts = list("contexts", &of("context", &[("cluster", &name), ("user", &name), ("namespace", &namespace)]));
    format!("{{\n    \"kind\": \"Config\",\n    \"apiVersion\": \"v1\",\n{clusters}{users}{contexts}    \"current-context\": {name}\n}}")
}

/// Its commands that change files.
const CHANGES: [&str; 12] = [
    "delete-cluster",
    "delete-context",
    "delete-user",
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
pub(super) const CANNOT: [&str; 6] = ["completion", "edit", "kustomize", "options", "plugin", "proxy"];

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
