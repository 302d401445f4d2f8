//! Command lines of containers and hooks, as far as rules read them.

use super::field::Field;

/// The words of `command` and `args`, with their places.
pub(super) fn words<'a>(container: &Field<'a>) -> Vec<Field<'a>> {
    let mut words = container.items("command");
    words.extend(container.items("args"));
    words
}

/// Whether a program is a shell that interprets `-c`.
pub(super) fn is_shell(program: &str) -> bool {
    let name = program.rsplit(['/', '\\']).next().unwrap_or(program);
    let name = name.strip_suffix(".exe").unwrap_or(name);
    matches!(name, "sh" | "bash" | "ash" | "dash" | "zsh" | "ksh" | "busybox" | "cmd" | "powershell" | "pwsh" | "fish")
}

/// The whole command line as one text, for simple searches.
pub(super) fn line(words: &[Field]) -> String {
    words.iter().filter_map(Field::str).collect::<Vec<_>>().join(" ")
}
