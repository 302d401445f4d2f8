//! Every page of `rules/` is true: its example gives the marked findings and no others, what to use instead gives none.
//!
//! An example is a manifest, or a chart when its blocks have names: a line such as "`values.yaml`:" before the block;
//! "`-f prod.yaml`:" is a values file that the user gives.

use kval::helm::TemplateOptions;
use kval::lint;
use kval::pipeline;
use kval::pipeline::Checks;
use kval::source::MemoryWorld;

/// What a chart of an example has when it does not say otherwise.
const CHART_YAML: &str = "apiVersion: v2\nname: app\nversion: 0.1.0\nicon: https://example.com/icon.png\n";

/// The named blocks of a section; a block without a name is a manifest.
fn blocks(page: &str, heading: &str) -> Vec<(String, String)> {
    let Some((_, section)) = page.split_once(&format!("## {heading}\n")) else { return Vec::new() };
    let section = section.split("\n## ").next().unwrap_or("");
    let mut out = Vec::new();
    let mut name = String::new();
    let mut body: Option<String> = None;
    for line in section.lines() {
        match &mut body {
            None if line.starts_with("```") => body = Some(String::new()),
            None => {
                if let Some(file) = line.strip_prefix('`').and_then(|l| l.strip_suffix("`:")) {
                    file.clone_into(&mut name);
                }
            }
            Some(_) if line == "```" => out.push((std::mem::take(&mut name), body.take().unwrap_or_default())),
            Some(text) => {
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    out
}

/// A finding: file, line and sentence.
type Seen = (String, u32, String);

fn run(id: &str, blocks: &[(String, String)]) -> Vec<Seen> {
    let mut world = MemoryWorld::default();
    let chart = blocks.iter().any(|(name, _)| !name.is_empty());
    let mut template = TemplateOptions::default();
    for (name, text) in blocks {
        let path = match name.strip_prefix("-f ") {
            Some(file) => {
                template.value_files.push(file.to_owned());
                file.to_owned()
            }
            None if chart => format!("app/{name}"),
            None => "input.yaml".to_owned(),
        };
        world.files.insert(path, text.clone().into_bytes());
    }
    if chart {
        world.files.entry("app/Chart.yaml".to_owned()).or_insert_with(|| CHART_YAML.as_bytes().to_vec());
    }
    let named = if chart { "app" } else { "input.yaml" };
    let inputs = pipeline::discover(&world, &[named.to_owned()]).expect("the example is there");
    let params = [("untrusted-registry.allowed".to_owned(), vec!["registry.example.com".to_owned()])].into();
    let checks = Checks { judge: true, select: vec![id.to_owned()], params, kube_version: version(id), ..Checks::default() };
    let outcome = pipeline::run(&world, &inputs, &template, &checks).expect("it can be read");
    let mut out = Vec::new();
    for unit in &outcome.units {
        for finding in unit.findings.iter().filter(|f| f.code == id) {
            let place = finding.span.map(|s| kval::diagnostic::resolve(&unit.sources, s).template.unwrap_or(s));
            let file = place.map_or("", |s| unit.sources.get(s.file).name.trim_start_matches("app/"));
            out.push((file.to_owned(), place.map_or(0, |s| unit.sources.start(s).line), finding.message.clone()));
        }
    }
    out
}

/// The version of Kubernetes an example is about.
fn version(id: &str) -> Option<String> {
    let page = lint::page(id)?;
    let line = page.lines().find_map(|l| l.strip_prefix("kubernetes:"))?;
    Some(line.trim().to_owned())
}

/// The marks `# error: part of the sentence` of the blocks.
fn marks(blocks: &[(String, String)]) -> Vec<Seen> {
    let mut out = Vec::new();
    for (name, text) in blocks {
        for (line, number) in text.lines().zip(1..) {
            if let Some((_, mark)) = line.split_once("# error: ").or_else(|| line.split_once("/* error: ")) {
                let mark = mark.split("*/").next().unwrap_or(mark).trim();
                let name = if name.is_empty() { "input.yaml" } else { name.trim_start_matches("-f ") };
                out.push((name.to_owned(), number, mark.to_owned()));
            }
        }
    }
    out
}

fn check(id: &str, page: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    for heading in ["What it does", "Why"] {
        if !page.contains(&format!("## {heading}\n")) {
            wrong.push(format!("{id}: no section {heading}"));
        }
    }
    // Rules that need what a page cannot hold (a Git history) say so in words.
    if page.contains("\nexample: none\n") {
        return wrong;
    }
    let (bad, good) = (blocks(page, "Example"), blocks(page, "Use instead"));
    if bad.is_empty() || good.is_empty() {
        wrong.push(format!("{id}: an example is missing"));
        return wrong;
    }
    let mut left = run(id, &bad);
    let wanted = marks(&bad);
    // What is absent has no line to mark.
    let unmarked = page.contains("\nexample: unmarked\n");
    if unmarked && left.is_empty() {
        wrong.push(format!("{id}: the example gives no finding"));
    }
    for (file, line, text) in &wanted {
        match left.iter().position(|(f, l, m)| f == file && l == line && m.contains(text)) {
            Some(i) => drop(left.remove(i)),
            None => wrong.push(format!("{id}: {file}:{line} wants `{text}`, has {left:?}")),
        }
    }
    if !unmarked && (wanted.is_empty() || !left.is_empty()) {
        wrong.push(format!("{id}: unmarked {left:?}"));
    }
    for (file, line, message) in run(id, &good) {
        wrong.push(format!("{id}: good example: {file}:{line} {message}"));
    }
    wrong
}

#[test]
fn every_page_is_true() {
    let all = lint::rules().iter().map(|rule| rule.id).chain(lint::verdicts());
    let wrong: Vec<String> = all.flat_map(|id| check(id, lint::page(id).expect("it is listed"))).collect();
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// A comment in a template, one in the values, one in a manifest and the annotations of other tools silence findings.
#[test]
fn ignored_findings_are_silent() {
    let chart = |values: &str, template: &str| {
        vec![("values.yaml".to_owned(), values.to_owned()), ("templates/config.yaml".to_owned(), template.to_owned())]
    };
    let manifest = |head: &str| {
        let text =
            format!("apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\n{head}spec:\n  containers:\n  - name: web\n    image: web\n");
        vec![(String::new(), text)]
    };
    let config = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\ndata:\n";
    let cases = [
        (
            "non-deterministic-template",
            chart(
                "a: b\n",
                &format!("{config}  {{{{- /* kval:ignore non-deterministic-template on purpose */}}}}\n  id: {{{{ uuidv4 | quote }}}}\n"),
            ),
        ),
        (
            "non-deterministic-template",
            chart("a: b\n", &format!("{config}  id: {{{{ uuidv4 | quote }}}} # kval:ignore non-deterministic-template\n")),
        ),
        ("unused-value", chart("# kval:ignore unused-value for later\na: b\n", config)),
        ("latest-tag", manifest("  annotations:\n    ignore-check.kube-linter.io/latest-tag: because\n")),
        ("latest-tag", manifest("  annotations:\n    kube-linter.io/ignore-all: because\n")),
        ("latest-tag", manifest("  annotations:\n    kube-score/ignore: container-image-tag\n")),
        ("latest-tag", manifest("  annotations:\n    polaris.fairwinds.com/tagNotSpecified-exempt: \"true\"\n")),
    ];
    for (id, blocks) in cases {
        assert_eq!(run(id, &blocks), [], "{id} {blocks:?}");
    }
    assert_eq!(run("latest-tag", &manifest("")).len(), 1);
}

/// Rules whose mending the matrix asks for and that have none, with the reason.
const UNMENDED: &[(&str, &str)] = &[
    ("sorted-keys", "comments between keys belong to nobody that could be told"),
    ("chart-dependency-unpinned", "the version to pin is in a repository on the network"),
    ("chart-lock-out-of-date", "the lock is made by a repository on the network"),
    ("values-schema-missing", "a new file"),
    ("values-file-missing", "a new file"),
    ("template-extension", "a file gets another name"),
    ("crd-in-templates", "a file moves"),
    ("chart-secrets-in-package", "a new file"),
    ("rendered-null", "which value is meant is not known"),
];

#[test]
fn every_rule_of_the_matrix_is_there() {
    let matrix = include_str!("../rules/matrix.tsv");
    let mut missing = Vec::new();
    for line in matrix.lines() {
        let mut columns = line.split('\t');
        let (id, group, fix) = (columns.next().unwrap_or(""), columns.next().unwrap_or(""), columns.next().unwrap_or(""));
        if lint::page(id).is_none() {
            missing.push(format!("{id}: no page"));
        }
        if !lint::rules().iter().any(|rule| rule.id == id) && !lint::verdicts().any(|known| known == id) {
            missing.push(format!("{id}: no registry line"));
        }
        let mended = lint::fixable(id) || group == "prediction" || UNMENDED.iter().any(|(known, _)| *known == id);
        if fix == "fix" && !mended {
            missing.push(format!("{id}: no fix"));
        }
    }
    assert!(matrix.lines().count() > 400 && missing.is_empty(), "{}", missing.join("\n"));
    for (id, _) in UNMENDED {
        assert!(!lint::fixable(id), "{id} is mended now");
    }
}
