//! `kval completion` and `kval man`: what shells and readers are told about the command line, made from its definition.

use std::fmt::Write;

use clap::{Arg, ArgMatches, Command};

use super::CLEAN;
use super::args;
use super::args::{string, strings};
use super::error::Error;
use super::output::Output;

/// A command with the words that lead to it.
struct Place {
    words: Vec<String>,
    command: Command,
}

/// All commands, the whole one first.
fn places() -> Vec<Place> {
    let mut root = args::command();
    root.build();
    let mut out = vec![Place { words: Vec::new(), command: root }];
    let mut next = 0;
    while next < out.len() {
        let below: Vec<Place> = out[next]
            .command
            .get_subcommands()
            .filter(|c| !c.is_hide_set() && c.get_name() != "help")
            .map(|c| Place { words: [&out[next].words[..], &[c.get_name().to_owned()]].concat(), command: c.clone() })
            .collect();
        out.extend(below);
        next += 1;
    }
    out
}

fn shown(command: &Command) -> impl Iterator<Item = &Arg> {
    command.get_arguments().filter(|a| !a.is_hide_set())
}

/// The first sentence of a help text on one line.
fn brief(text: Option<&clap::builder::StyledStr>) -> String {
    let text = text.map(ToString::to_string).unwrap_or_default();
    text.lines().next().unwrap_or("").to_owned()
}

/// Flags (`--name`, `-n`) and subcommands of a place with what they do.
fn words(command: &Command) -> Vec<(String, String)> {
    let mut out = Vec::new();
    for sub in command.get_subcommands().filter(|c| !c.is_hide_set()) {
        out.push((sub.get_name().to_owned(), brief(sub.get_about())));
    }
    for arg in shown(command) {
        out.extend(arg.get_long().map(|long| (format!("--{long}"), brief(arg.get_help()))));
        out.extend(arg.get_short().map(|short| (format!("-{short}"), brief(arg.get_help()))));
    }
    out
}

/// The values a flag may have, where they are known.
fn values(arg: &Arg) -> Vec<String> {
    if !arg.get_action().takes_values() || arg.get_id() == "help" {
        return Vec::new();
    }
    let known: Vec<String> = arg.get_possible_values().iter().map(|v| v.get_name().to_owned()).collect();
    if known.iter().all(|v| v == "true" || v == "false") { Vec::new() } else { known }
}

/// `kval completion SHELL`.
pub(super) fn completion(matches: &ArgMatches, output: &mut Output) -> Result<u8, Error> {
    let places = places();
    let text = match string(matches, "shell").as_deref() {
        Some("bash") => bash(&places),
        Some("zsh") => zsh(&places),
        Some("fish") => fish(&places),
        _ => powershell(&places),
    };
    output.stdout.extend_from_slice(text.as_bytes());
    Ok(CLEAN)
}

/// The part that finds which command a line is about, the same for bash and zsh: words that are no flags and lead on.
fn cases(places: &[Place]) -> String {
    let mut out = String::new();
    for place in places {
        let words: Vec<String> = words(&place.command).into_iter().map(|(word, _)| word).collect();
        let _ = writeln!(out, "    '{}') candidates='{}' ;;", place.words.join(" "), words.join(" "));
    }
    out
}

fn flag_values(places: &[Place]) -> String {
    let mut out = String::new();
    for place in places {
        for arg in shown(&place.command) {
            let values = values(arg);
            if let (Some(long), false) = (arg.get_long(), values.is_empty()) {
                let _ = writeln!(out, "    '{} --{long}') candidates='{}' ;;", place.words.join(" "), values.join(" "));
            }
        }
    }
    out
}

fn bash(places: &[Place]) -> String {
    format!(
        r#"# bash completion of kval: source it, or put it into /etc/bash_completion.d
_kval() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} so_far='' word='' candidates='' i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${{COMP_WORDS[i]}}
    case "${{so_far:+$so_far }}$word" in
{known}) so_far="${{so_far:+$so_far }}$word" ;;
    esac
  done
  case "$so_far ${{COMP_WORDS[COMP_CWORD-1]}}" in
{values}    *) ;;
  esac
  COMPREPLY=()
  if [[ -z $candidates ]]; then
    case "$so_far" in
{cases}    esac
    [[ $current != -* && -n $so_far ]] && COMPREPLY=($(compgen -f -- "$current"))
  fi
  COMPREPLY+=($(compgen -W "$candidates" -- "$current"))
}}
complete -o filenames -F _kval kval
"#,
        known = known(places),
        values = flag_values(places),
        cases = cases(places),
    )
}

/// A pattern of all paths of words that lead to a command.
fn known(places: &[Place]) -> String {
    let paths: Vec<String> = places.iter().skip(1).map(|p| format!("'{}'", p.words.join(" "))).collect();
    format!("      {}", paths.join("|"))
}

fn zsh(places: &[Place]) -> String {
    format!(
        r#"#compdef kval
# zsh completion of kval: put it into a folder of $fpath as _kval, or source it after compinit
_kval() {{
  local so_far='' word='' candidates='' i
  for ((i = 2; i < CURRENT; i++)); do
    word=$words[i]
    case "${{so_far:+$so_far }}$word" in
{known}) so_far="${{so_far:+$so_far }}$word" ;;
    esac
  done
  case "$so_far $words[CURRENT-1]" in
{values}    *) ;;
  esac
  if [[ -z $candidates ]]; then
    case "$so_far" in
{cases}    esac
    [[ -n $so_far ]] && _files
  fi
  compadd -- ${{(s: :)candidates}}
}}
if [[ $funcstack[1] == _kval ]]; then _kval "$@"; else compdef _kval kval; fi
"#,
        known = known(places),
        values = flag_values(places),
        cases = cases(places),
    )
}

fn fish(places: &[Place]) -> String {
    let quoted = |text: &str| text.replace('\\', "\\\\").replace('\'', "\\'");
    let mut out = String::from("# fish completion of kval: put it into ~/.config/fish/completions/kval.fish\n");
    for place in places {
        let below: Vec<&str> = place.command.get_subcommands().map(Command::get_name).collect();
        let mut when: Vec<String> = place.words.iter().map(|w| format!("__fish_seen_subcommand_from {w}")).collect();
        if !below.is_empty() {
            let not = format!("not __fish_seen_subcommand_from {}", below.join(" "));
            when.push(not);
        }
        let condition = format!("-n '{}'", when.join("; and "));
        for sub in place.command.get_subcommands().filter(|c| !c.is_hide_set()) {
            let _ = writeln!(out, "complete -c kval {condition} -f -a {} -d '{}'", sub.get_name(), quoted(&brief(sub.get_about())));
        }
        for arg in shown(&place.command) {
            let Some(long) = arg.get_long() else { continue };
            let short = arg.get_short().map(|s| format!(" -s {s}")).unwrap_or_default();
            let values = values(arg);
            let takes = if values.is_empty() { String::new() } else { format!(" -x -a '{}'", values.join(" ")) };
            let _ = writeln!(out, "complete -c kval {condition} -l {long}{short}{takes} -d '{}'", quoted(&brief(arg.get_help())));
        }
    }
    out
}

fn powershell(places: &[Place]) -> String {
    let quoted = |text: &str| text.replace('\'', "''");
    let mut table = String::new();
    for place in places {
        let words: Vec<String> = words(&place.command).into_iter().map(|(word, _)| format!("'{}'", quoted(&word))).collect();
        let _ = writeln!(table, "        '{}' = @({})", place.words.join(" "), words.join(", "));
    }
    format!(
        r#"# PowerShell completion of kval: add it to $PROFILE
Register-ArgumentCompleter -Native -CommandName kval -ScriptBlock {{
    param($wordToComplete, $commandAst, $cursorPosition)
    $words = @{{
{table}    }}
    $path = ''
    foreach ($element in $commandAst.CommandElements | Select-Object -Skip 1) {{
        $next = "$path $element".Trim()
        if ($words.ContainsKey($next)) {{ $path = $next }}
    }}
    $words[$path] | Where-Object {{ $_ -like "$wordToComplete*" }} | ForEach-Object {{ [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_) }}
}}
"#
    )
}

/// A text as troff takes it.
fn roff(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('-', "\\-");
    text.lines().map(|l| if l.starts_with(['.', '\'']) { format!("\\&{l}\n") } else { format!("{l}\n") }).collect()
}

/// `kval man [COMMAND…]`: the page of a command.
pub(super) fn man(matches: &ArgMatches, output: &mut Output) -> Result<u8, Error> {
    let asked = strings(matches, "command");
    let places = places();
    let Some(place) = places.iter().find(|p| p.words == asked) else {
        return Err(Error::unusable(format!("there is no command `kval {}`", asked.join(" "))));
    };
    output.stdout.extend_from_slice(page(place).as_bytes());
    Ok(CLEAN)
}

fn page(place: &Place) -> String {
    let dashed = ["kval"].into_iter().chain(place.words.iter().map(String::as_str)).collect::<Vec<_>>().join("-");
    let mut out = format!(".TH {} 1 \"\" \"kval {}\" \"kval\"\n", dashed.to_uppercase(), env!("CARGO_PKG_VERSION"));
    let about = place.command.get_about().map(ToString::to_string).unwrap_or_default();
    let _ = write!(out, ".SH NAME\n{} \\- {}", roff(&dashed).trim_end(), roff(&about));
    let usage = place.command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").to_owned();
    let whole = if usage.starts_with("kval") { usage } else { format!("kval {usage}") };
    let _ = write!(out, ".SH SYNOPSIS\n.nf\n{}.fi\n", roff(&whole));
    let subs: Vec<&Command> = place.command.get_subcommands().filter(|c| !c.is_hide_set()).collect();
    if !subs.is_empty() {
        out.push_str(".SH COMMANDS\n");
        for sub in subs {
            let _ = write!(out, ".TP\n.B {}\n{}", roff(sub.get_name()).trim_end(), roff(&brief(sub.get_about())));
        }
    }
    out.push_str(".SH OPTIONS\n");
    for arg in shown(&place.command) {
        let short = arg.get_short().map(|s| format!("-{s}"));
        let long = arg.get_long().map(|l| format!("--{l}"));
        let names: Vec<String> = short.into_iter().chain(long).collect();
        let value = arg.get_value_names().map(|n| n.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")).unwrap_or_default();
        let takes = arg.get_action().takes_values() && value != "bool";
        let name = if names.is_empty() { value.clone() } else { names.join(", ") };
        let value = if takes && !names.is_empty() { format!(" \\fI{}\\fR", roff(&value).trim_end()) } else { String::new() };
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        let _ = write!(out, ".TP\n\\fB{}\\fR{value}\n{}", roff(&name).trim_end(), roff(&help));
    }
    if place.words.is_empty() {
        let codes = "0 clean, 1 findings or a chart that does not render, 2 could not run or nothing to do, 3 a bug in kval.";
        let _ = write!(out, ".SH EXIT STATUS\n{}", roff(codes));
        let _ = write!(
            out,
            ".SH ENVIRONMENT\n.TP\n.B KVAL_CONFIG\nThe configuration file to use.\n.TP\n.B KVAL_STATE\nThe folder of the simulated cluster.\n.TP\n.B NO_COLOR\nNo colours.\n"
        );
    }
    out
}
