//! What a command line tells of a program: how long it sleeps, which files it makes and removes, when and how it ends.

use serde_json::Value;

use super::behaviour::Behaviour;
use super::prober::Nanos;
use super::prober::SECOND;
use crate::simulate::scheduler::json::words;

/// Programs that are done at once.
const QUICK: [&str; 26] = [
    "echo", "printf", "date", "true", ":", "false", "cat", "ls", "touch", "rm", "mkdir", "cp", "mv", "ln", "chmod", "chown", "export",
    "set", "cd", "env", "hostname", "id", "whoami", "uname", "test", "[",
];
/// Words that begin what is more than one command after another.
const CONTROL: [&str; 11] = ["for", "if", "case", "until", "while", "do", "done", "then", "fi", "trap", "{"];
/// How long a program runs that does nothing.
const MOMENT: Nanos = SECOND;

/// A duration as `sleep` takes it.
fn seconds(text: &str) -> Option<Nanos> {
    let digits = text.trim_end_matches(['s', 'm', 'h', 'd']);
    let unit = match &text[digits.len()..] {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return None,
    };
    let amount = digits.parse::<f64>().ok().filter(|n| (0.0..1e6).contains(n))?;
    Some((amount * f64::from(unit) * 1e9) as Nanos)
}

/// The commands of a shell's text, one after another, each as its words; quotes keep words together.
fn commands(script: &str) -> Vec<Vec<String>> {
    let mut out: Vec<Vec<String>> = Vec::new();
    let mut command: Vec<String> = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = script.chars().peekable();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(q), _) if c == q => quote = None,
            (Some('"') | None, '\\') => {
                let next = chars.next().unwrap_or('\\');
                if next != '\n' {
                    word.get_or_insert_default().push(next);
                }
            }
            (Some(_), _) => word.get_or_insert_default().push(c),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, '#') if word.is_none() => while chars.next_if(|n| *n != '\n').is_some() {},
            (None, '>') => {
                // A number before it names a stream.
                word = word.take().filter(|w| !w.bytes().all(|b| b.is_ascii_digit()));
                command.extend(word.take());
                chars.next_if_eq(&'>');
                command.push(">".to_owned());
            }
            (None, ';' | '\n' | '&' | '|') => {
                // Streams are joined by `2>&1`.
                if c == '&' && command.last().is_some_and(|w| w == ">") && word.is_none() {
                    continue;
                }
                chars.next_if_eq(&c);
                command.extend(word.take());
                if !command.is_empty() {
                    out.push(std::mem::take(&mut command));
                }
            }
            (None, _) if c.is_whitespace() => command.extend(word.take()),
            (None, _) => word.get_or_insert_default().push(c),
        }
    }
    command.extend(word);
    if !command.is_empty() {
        out.push(command);
    }
    out
}

/// Follows commands until one that goes on for ever.
fn follow(commands: &[Vec<String>], told: &mut Behaviour) {
    let mut now: Nanos = 0;
    for command in commands {
        let words: Vec<&str> = command.iter().map(String::as_str).skip_while(|w| *w == "exec" || *w == "sudo").collect();
        let Some((first, rest)) = words.split_first() else { continue };
        for (i, word) in words.iter().enumerate().filter(|(_, w)| **w == ">") {
            if let Some(file) = words.get(i + 1).filter(|f| *word == ">" && f.starts_with('/') && !f.starts_with("/dev/")) {
                told.make(file, now);
            }
        }
        let name = first.rsplit('/').next().unwrap_or(first);
        match name {
            "sleep" => match rest.first().and_then(|t| seconds(t)) {
                Some(time) => now += time,
                None if rest.first() == Some(&"infinity") => {
                    told.up_after = now;
                    return;
                }
                None => {}
            },
            "exit" => {
                told.exit = Some((now.max(MOMENT), rest.first().and_then(|c| c.parse().ok()).unwrap_or(0)));
                return;
            }
            "touch" | "mkdir" => rest.iter().filter(|w| w.starts_with('/')).for_each(|file| told.make(file, now)),
            "rm" => rest.iter().filter(|w| w.starts_with('/')).for_each(|file| told.remove(file, now)),
            _ if CONTROL.contains(&name) => {
                told.up_after = now;
                return;
            }
            _ if QUICK.contains(&name) => {}
            // Anything else serves from now on.
            _ => {
                told.up_after = now;
                return;
            }
        }
    }
    let failed = commands.last().and_then(|c| c.first()).is_some_and(|c| c.rsplit('/').next() == Some("false"));
    told.exit = Some((now.max(MOMENT), i64::from(failed)));
}

/// What the command line of a container, or of a hook, tells.
pub(super) fn guess(container: &Value) -> Behaviour {
    let mut out = Behaviour::default();
    let line: Vec<String> = words(container, &["command"]).into_iter().chain(words(container, &["args"])).collect();
    match line.as_slice() {
        [shell, flag, script, ..] if shell.ends_with("sh") && flag.starts_with('-') && flag.ends_with('c') => {
            follow(&commands(script.trim()), &mut out);
        }
        [first, ..] => {
            let name = first.rsplit('/').next().unwrap_or(first);
            if name == "sleep" || QUICK.contains(&name) {
                follow(std::slice::from_ref(&line), &mut out);
            }
        }
        [] => {}
    }
    out
}

/// The file that a probe's command asks for.
pub(super) fn asked_file(probe: &Value) -> Option<String> {
    let line = words(probe, &["exec", "command"]);
    let inner: Vec<Vec<String>> = match line.as_slice() {
        [shell, flag, script] if shell.ends_with("sh") && flag.starts_with('-') && flag.ends_with('c') => commands(script),
        _ => vec![line],
    };
    let [command] = inner.as_slice() else { return None };
    let (name, rest) = command.split_first()?;
    let asks = matches!(name.rsplit('/').next(), Some("cat" | "ls" | "stat" | "test" | "[" | "head"));
    rest.iter().find(|w| asks && w.starts_with('/')).cloned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shell(script: &str) -> Behaviour {
        guess(&json!({"args": ["/bin/sh", "-c", script]}))
    }

    #[test]
    fn command_lines() {
        assert_eq!(shell("sleep 7;nginx -g \"daemon off;\"").up_after, 7 * SECOND);
        assert_eq!(shell("sleep 30").exit, Some((30 * SECOND, 0)));
        assert_eq!(shell("echo 'a; b' && sleep 2; exit 3").exit, Some((2 * SECOND, 3)));
        assert_eq!(shell("while true; do date; sleep 5; done").exit, None);
        assert_eq!(shell("echo hi > /dev/null 2>&1").exit, Some((SECOND, 0)));
        assert_eq!(guess(&json!({"command": ["sleep", "1d"]})).exit, Some((86_400 * SECOND, 0)));
        assert_eq!(guess(&json!({"command": ["/bin/false"]})).exit, Some((SECOND, 1)));
        assert_eq!(guess(&json!({"command": ["nginx"]})), Behaviour::default());
    }

    #[test]
    fn files() {
        let told = shell("touch /tmp/healthy; sleep 30; rm -f /tmp/healthy; sleep 600");
        assert_eq!(told.files, [("/tmp/healthy".to_owned(), 0, 30 * SECOND)]);
        assert_eq!(told.exit, Some((630 * SECOND, 0)));
        assert_eq!(asked_file(&json!({"exec": {"command": ["cat", "/tmp/healthy"]}})), Some("/tmp/healthy".to_owned()));
        assert_eq!(asked_file(&json!({"exec": {"command": ["sh", "-c", "test -f /x"]}})), Some("/x".to_owned()));
        assert_eq!(asked_file(&json!({"httpGet": {"port": 80}})), None);
    }
}
