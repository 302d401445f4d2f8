//! Cases of the command line in `testdata/cli`: a file holds the line (`$ kval …`), the exit code (`exit N`), after a line
//! `---` what standard output holds and after a line `--- stderr` what standard error holds. `UPDATE=1` writes the
//! answers anew. Cases that end in `-slow` run in release builds only. The README's examples are cases too.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// What separates the two streams of an answer.
const STDERR: &str = "--- stderr\n";

/// The words of a command line, with single quotes as a shell reads them.
fn words(line: &str) -> Vec<String> {
    let mut out = vec![String::new()];
    let mut quoted = false;
    for c in line.trim().chars() {
        match c {
            '\'' => quoted = !quoted,
            ' ' if !quoted => out.push(String::new()),
            c => out.last_mut().expect("never empty").push(c),
        }
    }
    out
}

fn kval(line: &str) -> Result<Output, String> {
    Command::new(env!("CARGO_BIN_EXE_kval"))
        .args(words(line))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("NO_COLOR", "1")
        .env_remove("SOURCE_DATE_EPOCH")
        .stdin(std::process::Stdio::null())
        .output()
        .map_err(|e| e.to_string())
}

fn check(case: &Path) -> Result<(), String> {
    let text = fs::read_to_string(case).expect("the case is readable");
    let (head, want) = text.split_once("---\n").ok_or("no --- line")?;
    let line = head.lines().find_map(|l| l.strip_prefix("$ kval ")).ok_or("no `$ kval` line")?;
    let code: i32 = head.lines().find_map(|l| l.strip_prefix("exit ")).and_then(|c| c.parse().ok()).ok_or("no exit line")?;
    let run = kval(line)?;
    let got = format!("{}{STDERR}{}", String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    if std::env::var_os("UPDATE").is_some() {
        let exit = run.status.code().unwrap_or(-1);
        return fs::write(case, format!("$ kval {line}\nexit {exit}\n---\n{got}")).map_err(|e| e.to_string());
    }
    if run.status.code() != Some(code) {
        return Err(format!("exit: want {code} got {:?}: {}", run.status.code(), String::from_utf8_lossy(&run.stderr)));
    }
    if got == want { Ok(()) } else { Err(format!("want\n{want}\ngot\n{got}")) }
}

#[test]
fn command_lines_answer_as_recorded() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/cli");
    let mut cases: Vec<_> = fs::read_dir(folder).expect("testdata/cli").map(|e| e.expect("entry").path()).collect();
    // What a limit ends after millions of steps takes too long without optimisation.
    let slow = |case: &Path| case.to_string_lossy().ends_with("-slow.txt");
    cases.retain(|case| !cfg!(debug_assertions) || !slow(case));
    cases.sort();
    assert!(!cases.is_empty(), "no cases");
    let wrong: Vec<String> = cases.iter().filter_map(|c| check(c).err().map(|e| format!("{}: {e}", c.display()))).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn the_readme_is_true() {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).expect("README.md");
    let blocks: Vec<&str> = text.split("```console\n").skip(1).filter_map(|b| b.split("```").next()).collect();
    assert!(!blocks.is_empty(), "no examples");
    for block in blocks {
        let (line, want) = block.split_once('\n').expect("a line and its answer");
        let run = kval(line.strip_prefix("$ kval ").expect("a line of kval")).expect("kval runs");
        let got = String::from_utf8_lossy(&run.stdout);
        assert!(got.starts_with(want), "{line}: want\n{want}\ngot\n{got}");
    }
}
