//! Walks in `testdata/walkthrough`: command lines one after the other on one cluster. A file holds lines `$ kval …`, each
//! followed by what it prints: standard output as it is, standard error behind `2> `, an exit code other than 0 as
//! `[exit N]`; lines `## …` are remarks; `{tmp}` is a folder of the walk's own. `UPDATE=1` writes the answers anew.

use std::fs;
use std::path::Path;
use std::process::Command;

/// The words of a command line, with single and double quotes and backslashes as a shell reads them.
fn words(line: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = line.trim().chars();
    while let Some(c) = chars.next() {
        match (c, quote) {
            ('\'' | '"', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (c, Some(q)) if c == q => quote = None,
            ('\\', None | Some('"')) => word.get_or_insert_default().extend(chars.next()),
            (' ', None) => out.extend(word.take()),
            (c, _) => word.get_or_insert_default().push(c),
        }
    }
    out.extend(word);
    out
}

fn answer(line: &str, state: &Path) -> String {
    let tmp = state.join("tmp").to_string_lossy().into_owned();
    let run = Command::new(env!("CARGO_BIN_EXE_kval"))
        .args(words(&line.replace("{tmp}", &tmp)))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("NO_COLOR", "1")
        .env("KVAL_STATE", state)
        .stdin(std::process::Stdio::null())
        .output()
        .expect("kval runs");
    let mut out = String::from_utf8_lossy(&run.stdout).into_owned();
    if !out.is_empty() && !out.ends_with('\n') {
        out.push('\n');
    }
    for line in String::from_utf8_lossy(&run.stderr).lines() {
        out.push_str(&format!("2> {line}\n"));
    }
    if run.status.code() != Some(0) {
        out.push_str(&format!("[exit {}]\n", run.status.code().unwrap_or(-1)));
    }
    out.replace(&tmp, "{tmp}")
}

fn check(walk: &Path) -> Result<(), String> {
    let text = fs::read_to_string(walk).expect("the walk is readable");
    let name = walk.file_stem().expect("a name").to_string_lossy().into_owned();
    let state = std::env::temp_dir().join(format!("kval-walk-{}-{name}", std::process::id()));
    let _ = fs::remove_dir_all(&state);
    fs::create_dir_all(state.join("tmp")).expect("a folder for the walk");
    let mut got = String::new();
    for line in text.lines() {
        if let Some(line) = line.strip_prefix("$ kval ") {
            got.push_str(&format!("$ kval {line}\n{}", answer(line, &state)));
        } else if line.starts_with("## ") {
            got.push_str(&format!("{line}\n"));
        }
    }
    let _ = fs::remove_dir_all(&state);
    if std::env::var_os("UPDATE").is_some() {
        return fs::write(walk, got).map_err(|e| e.to_string());
    }
    if got == text {
        return Ok(());
    }
    let (at, (want, got)) = text.lines().zip(got.lines()).enumerate().find(|(_, (a, b))| a != b).unwrap_or((0, ("", "more or less lines")));
    Err(format!("{}:{}: want\n{want}\ngot\n{got}", walk.display(), at + 1))
}

#[test]
fn walks_answer_as_recorded() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/walkthrough");
    let mut walks: Vec<_> = fs::read_dir(folder).expect("testdata/walkthrough").map(|e| e.expect("entry").path()).collect();
    walks.retain(|w| w.extension().is_some_and(|e| e == "txt"));
    walks.sort();
    assert!(!walks.is_empty(), "no walks");
    let wrong: Vec<String> = walks.iter().filter_map(|w| check(w).err()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// `lines.tsv` holds every command line of the user's texts: where it stands, the line, ours for it, and the walk it is in.
#[test]
fn every_line_of_the_texts_is_walked() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/walkthrough");
    let lines = fs::read_to_string(folder.join("lines.tsv")).expect("the list of lines");
    let mut missing = Vec::new();
    for line in lines.lines() {
        let [place, _, ours, walk] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("four cells: {line}") };
        let text = fs::read_to_string(folder.join(walk)).unwrap_or_default();
        if !text.lines().any(|l| l.strip_prefix("$ kval ") == Some(ours)) {
            missing.push(format!("{place}: {ours} is not in {walk}"));
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}
