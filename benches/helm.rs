//! kval beside helm, as whole processes: medians of wall time, and peak memory.
//!
//! ```text
//! cargo bench --bench helm -- --helm PATH [--runs N] [CHART…]
//! ```
//!
//! Charts that are named are measured; four more are made for it: a hundred subcharts, 2,000 calls of `tpl`, values of
//! 10,000 lines, a chart of 5 MB. The runs of the two programs alternate, so that a busy machine slows both alike.

#![allow(clippy::print_stdout)]

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

fn chart(folder: &Path, name: &str, more: &str) {
    fs::create_dir_all(folder.join("templates")).expect("writable");
    fs::write(folder.join("Chart.yaml"), format!("apiVersion: v2\nname: {name}\nversion: 1.0.0\n{more}")).expect("writable");
}

fn config_map(name: &str, data: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n  labels: {{{{- include \"labels\" . | nindent 4 }}}}\ndata:\n{data}"
    )
}

const HELPERS: &str = "{{- define \"labels\" -}}\napp: {{ .Chart.Name }}\nrelease: {{ .Release.Name | trunc 63 | quote }}\n{{- end -}}\n";

/// A hundred subcharts of ten objects each.
fn subcharts(folder: &Path) {
    chart(folder, "subcharts", "");
    fs::write(folder.join("templates/_h.tpl"), HELPERS).expect("writable");
    for i in 0..100 {
        let name = format!("sub{i:03}");
        let below = folder.join("charts").join(&name);
        chart(&below, &name, "");
        fs::write(below.join("values.yaml"), "replicas: 2\nimage: {repository: nginx, tag: \"1.25\"}\nenv: {A: a, B: b, C: c}\n")
            .expect("writable");
        for j in 0..10 {
            let data = "  {{- range $k, $v := .Values.env }}\n  {{ $k }}: {{ $v | quote }}\n  {{- end }}\n  image: {{ printf \"%s:%s\" .Values.image.repository .Values.image.tag | quote }}\n";
            fs::write(below.join(format!("templates/m{j}.yaml")), config_map(&format!("{name}-{j}"), data)).expect("writable");
        }
    }
}

/// 2,000 calls of `tpl`, half of them on the same text.
fn calls(folder: &Path) {
    chart(folder, "calls", "");
    fs::write(folder.join("templates/_h.tpl"), HELPERS).expect("writable");
    fs::write(folder.join("values.yaml"), "name: x\ntext: \"{{ .Values.name | upper }}-{{ .Release.Name }}\"\n").expect("writable");
    let data = "  {{- range $i := until 1000 }}\n  a{{ $i }}: {{ tpl $.Values.text $ | quote }}\n  b{{ $i }}: {{ tpl (printf \"{{ include \\\"labels\\\" . | len }}-%d\" $i) $ | quote }}\n  {{- end }}\n";
    fs::write(folder.join("templates/m.yaml"), config_map("calls", data)).expect("writable");
}

/// Values of 10,000 lines, printed as YAML.
fn values(folder: &Path) {
    chart(folder, "values", "");
    fs::write(folder.join("templates/_h.tpl"), HELPERS).expect("writable");
    let mut text = String::new();
    for i in 0..2000 {
        let _ = write!(text, "key{i}:\n  enabled: true\n  name: \"name {i}\"\n  list: [1, 2, {i}]\n  text: some words of key {i}\n");
    }
    fs::write(folder.join("values.yaml"), text).expect("writable");
    fs::write(folder.join("templates/m.yaml"), config_map("values", "  all: |\n    {{- toYaml .Values | nindent 4 }}\n"))
        .expect("writable");
}

/// A chart of 5 MB: files that are read, and templates that are mostly text.
fn large(folder: &Path) {
    chart(folder, "large", "");
    fs::write(folder.join("templates/_h.tpl"), HELPERS).expect("writable");
    fs::create_dir_all(folder.join("files")).expect("writable");
    for i in 0..20 {
        let line = format!("line of file {i} with some words in it, as configuration has them = {i}\n");
        fs::write(folder.join(format!("files/f{i}.conf")), line.repeat(1_800)).expect("writable");
        let mut data = format!("  file: |\n    {{{{- .Files.Get \"files/f{i}.conf\" | nindent 4 }}}}\n");
        for j in 0..2_000 {
            let _ = writeln!(data, "  key{j}: \"{{{{ $.Release.Name }}}} and some text that stays as it is {j}\"");
        }
        fs::write(folder.join(format!("templates/m{i}.yaml")), config_map(&format!("large{i}"), &data)).expect("writable");
    }
}

fn made() -> Vec<PathBuf> {
    let top = Path::new(env!("CARGO_TARGET_TMPDIR")).join("loads");
    let _ = fs::remove_dir_all(&top);
    let loads: [(&str, fn(&Path)); 4] = [("subcharts", subcharts), ("calls", calls), ("values", values), ("large", large)];
    loads
        .into_iter()
        .map(|(name, make)| {
            make(&top.join(name));
            top.join(name)
        })
        .collect()
}

fn command(program: &str, chart: &Path) -> Command {
    let mut command = Command::new(program);
    command.args(["template", "rel"]).arg(chart).stdin(Stdio::null()).stderr(Stdio::null());
    command
}

/// Milliseconds of a run, and what it printed.
fn time(program: &str, chart: &Path) -> (f64, Vec<u8>) {
    let start = Instant::now();
    let output = command(program, chart).output().expect("the program runs");
    (start.elapsed().as_secs_f64() * 1000.0, output.stdout)
}

/// The peak memory of a run in kB, watched while it runs.
fn memory(program: &str, chart: &Path) -> u64 {
    let mut child = command(program, chart).stdout(Stdio::null()).spawn().expect("the program runs");
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().expect("a child").is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|l| l.strip_prefix("VmHWM:")).unwrap_or("0");
        peak = peak.max(line.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or(0));
    }
    peak
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or_default()
}

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|a| a != "--bench");
    let (mut helm, mut runs, mut charts) = ("helm".to_owned(), 9usize, Vec::new());
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--helm" => helm = arguments.next().unwrap_or(helm),
            "--runs" => runs = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(runs),
            chart => charts.push(PathBuf::from(chart)),
        }
    }
    charts.extend(made());
    let kval = env!("CARGO_BIN_EXE_kval");
    println!("{:<32} {:>9} {:>9} {:>7} {:>8} {:>8} {:>7}", "chart", "helm ms", "kval ms", "faster", "helm MB", "kval MB", "memory");
    for chart in charts {
        let (mut theirs, mut ours) = (Vec::new(), Vec::new());
        let mut same = true;
        for _ in 0..runs {
            let (their_time, their_text) = time(&helm, &chart);
            let (our_time, our_text) = time(kval, &chart);
            theirs.push(their_time);
            ours.push(our_time);
            same &= their_text == our_text;
        }
        let most = |program| (0..3).map(|_| memory(program, &chart)).max().unwrap_or(0) as f64 / 1024.0;
        let (their_memory, our_memory) = (most(&helm), most(kval));
        let (theirs, ours) = (median(theirs), median(ours));
        let name = chart.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        println!(
            "{name:<32} {theirs:>9.1} {ours:>9.1} {:>6.1}x {their_memory:>8.1} {our_memory:>8.1} {:>6.2}x{}",
            theirs / ours,
            our_memory / their_memory,
            if same { "" } else { "  prints something else" }
        );
    }
}
