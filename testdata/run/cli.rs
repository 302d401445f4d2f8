//! Cases of the command line in `testdata/cli`: a file holds the arguments (`$ kval …`), the exit code (`exit N`), and
//! after a line `---` what standard output holds. `UPDATE=1` writes the answers anew.

use std::fs;
use std::path::Path;
use std::process::Command;

fn check(case: &Path) -> Result<(), String> {
    let text = fs::read_to_string(case).expect("the case is readable");
    let (head, want) = text.split_once("\n---\n").ok_or("no --- line")?;
    let line = head.lines().find_map(|l| l.strip_prefix("$ kval ")).ok_or("no `$ kval` line")?;
    let code: i32 = head.lines().find_map(|l| l.strip_prefix("exit ")).and_then(|c| c.parse().ok()).ok_or("no exit line")?;
    let run = Command::new(env!("CARGO_BIN_EXE_kval"))
        .args(line.split_whitespace())
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("NO_COLOR", "1")
        .output()
        .map_err(|e| e.to_string())?;
    let got = String::from_utf8_lossy(&run.stdout);
    if std::env::var_os("UPDATE").is_some() {
        let exit = run.status.code().unwrap_or(-1);
        let head: Vec<String> = head.lines().map(|l| if l.starts_with("exit ") { format!("exit {exit}") } else { l.to_owned() }).collect();
        fs::write(case, format!("{}\n---\n{got}", head.join("\n"))).map_err(|e| e.to_string())?;
        return Ok(());
    }
    if run.status.code() != Some(code) {
        return Err(format!("exit: want {code} got {:?}: {}", run.status.code(), String::from_utf8_lossy(&run.stderr)));
    }
    if got != want {
        return Err(format!("stdout: want\n{want}\ngot\n{got}"));
    }
    Ok(())
}

#[test]
fn command_lines_answer_as_recorded() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/cli");
    let mut cases: Vec<_> = fs::read_dir(folder).expect("testdata/cli").map(|e| e.expect("entry").path()).collect();
    cases.sort();
    assert!(!cases.is_empty(), "no cases");
    let wrong: Vec<String> = cases.iter().filter_map(|c| check(c).err().map(|e| format!("{}: {e}", c.display()))).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
