//! `pre-stop-exceeds-grace-period`: reports a preStop hook that sleeps as long as the grace period or longer.

use crate::lint::context::Context;
use crate::lint::field::Field;

pub(super) fn check(cx: &Context) {
    for (pod, container) in cx.containers() {
        let grace = pod.spec.int("terminationGracePeriodSeconds").unwrap_or(30);
        let Some(hook) = container.field.get("lifecycle.preStop") else { continue };
        let words = hook.items("exec.command");
        let slept = match hook.get("sleep.seconds") {
            Some(seconds) => seconds.value.as_i64().map(|n| (n, seconds)),
            None => exec(&words),
        };
        if let Some((seconds, place)) = slept {
            if seconds >= grace {
                cx.report(
                    place,
                    format!("preStop sleeps {seconds} s, but the grace period is {grace} s"),
                    "raise terminationGracePeriodSeconds above the sleep plus the time to shut down",
                );
            }
        }
    }
}

/// The seconds an exec hook sleeps, and the word that says so.
fn exec<'a>(words: &[Field<'a>]) -> Option<(i64, Field<'a>)> {
    let first = words.first()?.str()?;
    if first.rsplit('/').next() == Some("sleep") {
        let place = words.get(1)?;
        return Some((seconds(place.str()?)?, *place));
    }
    words.iter().find_map(|word| {
        let mut parts = word.str()?.split(|c: char| c.is_whitespace() || c == ';' || c == '&').filter(|p| !p.is_empty());
        parts.find(|p| p.rsplit('/').next() == Some("sleep"))?;
        Some((seconds(parts.next()?)?, *word))
    })
}

fn seconds(text: &str) -> Option<i64> {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number: i64 = text[..split].parse().ok()?;
    match &text[split..] {
        "" | "s" => Some(number),
        "m" => number.checked_mul(60),
        "h" => number.checked_mul(3600),
        _ => None,
    }
}
