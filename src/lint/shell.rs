//! Command lines of containers and hooks, as far as rules read them.

use super::field::Field;

/// The words of `command` and `args`, with their places.
pub(super) fn words<'a>(container: &Field<'a>) -> Vec<Field<'a>> {
    let mut words = container.items("command");
    words.extend(container.items("args"));
    words
}

/// Whether a word names a shell.
pub(super) fn is_shell(word: &str) -> bool {
    let name = word.rsplit(['/', '\\']).next().unwrap_or(word);
    matches!(
        name,
        "sh" | "bash" | "ash" | "dash" | "zsh" | "ksh" | "busybox" | "pwsh" | "powershell" | "powershell.exe" | "cmd" | "cmd.exe"
    )
}

/// The names that a text refers to as `$(NAME)`; `$$(NAME)` is literal. upstream: third_party/forked/golang/expansion
pub(super) fn references(text: &str) -> Vec<&str> {
    let bytes = text.as_bytes();
    let mut out = Vec::new();
    let mut i = 0;
    while i + 1 < bytes.len() {
        if bytes[i] != b'$' {
            i += 1;
        } else if bytes[i + 1] == b'$' {
            i += 2;
        } else if bytes[i + 1] == b'(' {
            let Some(end) = text[i + 2..].find(')') else { break };
            let name = &text[i + 2..i + 2 + end];
            if !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.')) {
                out.push(name);
            }
            i += end + 3;
        } else {
            i += 1;
        }
    }
    out
}

/// The program that a script without loops, background jobs and functions runs last.
pub(super) fn last_command(script: &str) -> Option<String> {
    let words: Vec<&str> = script.split_whitespace().collect();
    let busy = ["while", "until", "for", "exec", "wait", "function", "trap", "if", "case"];
    if words.iter().any(|w| busy.contains(w) || *w == "&" || w.ends_with('&') && !w.ends_with("&&"))
        || script.contains("$(")
        || script.contains('`')
    {
        return None;
    }
    let last = script
        .split(['\n', ';'])
        .flat_map(|l| l.split("&&"))
        .flat_map(|l| l.split("||"))
        .map(str::trim)
        .filter(|l| !l.is_empty() && !l.starts_with('#'))
        .last()?;
    let first = last.split('|').next_back()?.split_whitespace().find(|w| !w.contains('='))?;
    Some(first.rsplit('/').next().unwrap_or(first).to_owned())
}
