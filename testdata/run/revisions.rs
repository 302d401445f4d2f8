//! `kval diff` with a side that is of a Git revision.

use std::fs;
use std::path::Path;
use std::process::Command;

fn git(folder: &Path, args: &[&str]) {
    let who = ["-c", "user.name=kval", "-c", "user.email=kval@example.com", "-c", "commit.gpgsign=false"];
    let done = Command::new("git").args(who).args(args).current_dir(folder).output().expect("git runs");
    assert!(done.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&done.stderr));
}

/// What kval answers in a folder: standard output, then standard error, then the exit code.
fn answer(folder: &Path, args: &[&str]) -> String {
    let run = Command::new(env!("CARGO_BIN_EXE_kval")).args(args).current_dir(folder).env("NO_COLOR", "1").output().expect("kval runs");
    let (out, err) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    format!("{out}{err}[exit {}]\n", run.status.code().unwrap_or(-1))
}

#[test]
fn diff_reads_sides_from_revisions() {
    let folder = std::env::temp_dir().join(format!("kval-revisions-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(folder.join("app")).expect("a folder");
    let manifest = |data: &str| format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: web\ndata:\n  color: {data}\n");
    fs::write(folder.join("app/web.yaml"), manifest("red")).expect("a file");
    git(&folder, &["init", "-q", "."]);
    git(&folder, &["add", "-A"]);
    git(&folder, &["commit", "-q", "-m", "red"]);
    git(&folder, &["tag", "v1"]);
    fs::write(folder.join("app/web.yaml"), manifest("blue")).expect("a file");
    let changed = "ConfigMap default/web: changed in place\n    .data.color: \"red\" -> \"blue\"\n";
    let whole = format!("{changed}1 object: 1 changed in place\n[exit 0]\n");
    let cases: &[(&[&str], &str)] = &[
        (&["diff", "v1:app", "app"], &whole),
        (&["diff", "HEAD:app/web.yaml", "app/web.yaml"], &whole),
        (&["diff", "v1", "app"], &whole),
        (&["diff", "v1:app", "HEAD:app"], "1 object: 1 unchanged\n[exit 0]\n"),
        (&["diff", "v2:app", "app"], "Error: v2:app: v2 is no Git revision, and there is no such file\n[exit 2]\n"),
        (&["diff", "v1:gone", "app"], "Error: revision v1 has none of gone (paths below the current directory count)\n[exit 2]\n"),
    ];
    let wrong: Vec<String> = cases
        .iter()
        .map(|(args, want)| (args, *want, answer(&folder, args)))
        .filter(|(_, want, got)| want != got)
        .map(|(args, want, got)| format!("{args:?}: want\n{want}got\n{got}"))
        .collect();
    let _ = fs::remove_dir_all(&folder);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
