//! What kubectl prints of commands that only hold others, in its own words: `help.txt` has a part for each.

use super::super::session::{Fault, Session};
use super::Ended;

const TEXTS: &str = include_str!("help.txt");

/// The text of a command; empty words mean kubectl itself.
fn of(command: &str) -> Option<&'static str> {
    let head = format!("=== {command}\n");
    let start = if TEXTS.starts_with(&head) { 0 } else { TEXTS.find(&format!("\n{head}"))? + 1 } + head.len();
    let rest = TEXTS.get(start..)?;
    Some(rest.find("\n=== ").and_then(|end| rest.get(..=end)).unwrap_or(rest))
}

/// Asked for, the text is an answer.
pub(super) fn asked(session: &mut Session<'_>, command: &str) -> Ended {
    match of(command) {
        Some(text) => session.out.push_str(text),
        None => return Err(Fault::error(format!("kval has no help text of kubectl {command}")).into()),
    }
    Ok(())
}

/// What a command says that was given nothing to do. upstream: cmdutil.DefaultSubCommandRun
pub(super) fn bare(session: &mut Session<'_>, command: &str) -> Fault {
    let text = of(command).unwrap_or_default();
    if command == "rollout" {
        session.out.push_str(text);
    } else {
        session.err.push_str(text);
    }
    Fault::silent()
}
