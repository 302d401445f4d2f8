//! `one-shot-command`: reports a container of a Deployment, StatefulSet or DaemonSet whose command ends at once.

use crate::lint::context::Context;
use crate::lint::context::Role;
use crate::lint::shell;

const SHORT: &[&str] = &[
    "echo", "date", "ls", "true", "false", "printf", "env", "printenv", "hostname", "id", "whoami", "pwd", "uname", "mkdir", "cp", "touch",
    "chmod", "chown", "rm", "mv", "cat",
];

pub(super) fn check(cx: &Context) {
    for (pod, container) in cx.containers() {
        if !pod.is(&["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController"]) || container.role != Role::Main {
            continue;
        }
        let Some(command) = container.field.get("command") else { continue };
        let words = shell::words(&container.field);
        let texts: Vec<&str> = words.iter().filter_map(|w| w.str()).collect();
        let Some(first) = texts.first() else { continue };
        let name = first.rsplit('/').next().unwrap_or(first);
        let short = if shell::is_shell(first) {
            let script = texts.iter().skip_while(|t| !(t.starts_with('-') && t.ends_with('c'))).nth(1);
            script.and_then(|s| shell::last_command(s)).filter(|c| SHORT.contains(&c.as_str()))
        } else {
            // A single word is often a program of the image that happens to have this name.
            (SHORT.contains(&name) && !(name == "cat" && texts.len() == 1)).then(|| name.to_owned())
        };
        if let Some(name) = short {
            cx.report(command, format!("`{name}` ends at once, and the container is started again for ever"), "run a server, or use a Job");
        }
    }
}
