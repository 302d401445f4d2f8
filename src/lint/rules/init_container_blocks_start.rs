//! `init-container-blocks-start`: reports an init container that never ends (`tail -f`, `sleep infinity`, an
//! endless loop) and is no sidecar.

use crate::lint::context::Context;
use crate::lint::context::Role;
use crate::lint::shell;

pub(super) fn check(cx: &Context) {
    for (_, container) in cx.containers().filter(|(_, c)| c.role == Role::Init) {
        let words: Vec<&str> = shell::words(&container.field).iter().filter_map(|w| w.str()).collect();
        if endless(&words) {
            let place = if container.field.has("command") { container.field.place("command") } else { container.field.place("args") };
            cx.report(
                place,
                "the init container never ends, so the containers never start",
                "add restartPolicy: Always to make it a sidecar",
            );
        }
    }
}

/// Whether a command line runs for ever as far as one can see.
fn endless(words: &[&str]) -> bool {
    let text = words.join(" ");
    let parts: Vec<&str> = text.split([';', '\n']).flat_map(|p| p.split("&&")).map(str::trim).collect();
    let last = parts.iter().rfind(|p| !p.is_empty()).copied().unwrap_or("");
    let last: Vec<&str> = last.split_whitespace().collect();
    let follows = |w: &[&str]| {
        w.iter().any(|x| *x == "tail" || x.ends_with("/tail")) && w.iter().any(|x| matches!(*x, "-f" | "-F" | "--follow" | "-fn" | "-n0f"))
    };
    let sleeps = last.windows(2).any(|w| (w[0] == "sleep" || w[0].ends_with("/sleep")) && matches!(w[1], "infinity" | "inf"));
    let loops = ["while true", "while :", "while [ 1 ]", "while [ true ]", "for (( ; ; ))"].iter().any(|l| text.contains(l))
        && !["break", "exit", "return"].iter().any(|w| text.contains(w));
    follows(&last) || sleeps || loops
}
