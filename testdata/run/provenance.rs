//! Each rendered scalar knows the template action that wrote it, the include calls around it and the value behind it: cases
//! of values, a template and the expected chain of each scalar in `testdata/provenance` (`KVAL_BLESS=1` writes what comes).

use std::fmt::Write;
use std::sync::Arc;

use kval::helm::engine;
use kval::source::{MemoryWorld, Origin, Origins, SourceMap, Sources, Span};
use kval::value::{GoType, Map, Str};
use kval::yaml::{self, Node, NodeKind};

/// The part of a case file after the line `=== name`.
fn part(case: &str, name: &str) -> String {
    let start = case.find(&format!("=== {name}\n")).unwrap() + name.len() + 5;
    let end = case[start..].find("=== ").map_or(case.len(), |n| start + n);
    case[start..end].to_owned()
}

fn place(sources: &Sources, span: Span) -> String {
    let at = sources.start(span);
    let name = sources.get(span.file).name.rsplit('/').next().unwrap_or_default();
    format!("{name}:{}:{}", at.line, at.column)
}

/// Each scalar of a document with its path.
fn scalars<'a>(node: &'a Node, path: &str, out: &mut Vec<(String, &'a Node)>) {
    match &node.kind {
        NodeKind::Mapping(entries) => entries.iter().for_each(|e| scalars(&e.value, &format!("{path}.{}", e.key), out)),
        NodeKind::Sequence(items) => items.iter().enumerate().for_each(|(i, n)| scalars(n, &format!("{path}[{i}]"), out)),
        _ => out.push((path.to_owned(), node)),
    }
}

fn chain(sources: &Sources, map: &SourceMap, node: &Node) -> String {
    let mut out = String::new();
    let segments = map.within(node.span.range());
    for (i, segment) in segments.iter().enumerate() {
        let (from, to) = (segment.start.max(node.span.start), segment.end.min(node.span.end));
        let action = if segment.action { "" } else { " text" };
        let _ = write!(out, "{}{}{action}", if i > 0 { " + " } else { "" }, place(sources, segment.template_of(from..to)));
        for call in map.trace(segment) {
            let _ = write!(out, " via {}", place(sources, call));
        }
        let (leaves, exact) = map.origins.leaves(segment.origin);
        for leaf in leaves {
            let how = if exact { "=" } else { "~" };
            match leaf {
                Origin::Key { value, path, .. } => {
                    let _ = write!(out, " {how} {path} {}", place(sources, *value));
                }
                Origin::Argument { flag, path, .. } => {
                    let _ = write!(out, " {how} {path} {flag}");
                }
                _ => {}
            }
        }
    }
    out
}

fn check(path: &std::path::Path) {
    let case = std::fs::read_to_string(path).unwrap();
    let world = MemoryWorld::default();
    let (mut sources, mut origins) = (Sources::new(), Origins::new());
    let text = part(&case, "values");
    let file = sources.add("values.yaml", text.clone());
    let values = yaml::decode_values_traced(text.as_bytes(), file, &mut origins).unwrap();
    let mut templates = Vec::new();
    let entries = [(Str::from("Values"), values.into())].into_iter().collect();
    let dot = Map::typed(GoType::Any, Some("common.Values"), entries);
    for name in ["t.yaml", "_helpers.tpl"] {
        let text = part(&case, name);
        templates.push(engine::Template {
            name: format!("c/templates/{name}"),
            text: Arc::from(text.as_bytes()),
            file: sources.add(format!("c/templates/{name}"), text),
            base_path: "c/templates".to_owned(),
            dot: dot.clone().into(),
            partial_only: false,
        });
    }
    let plain = engine::render(&templates, &engine::Options::new(&world)).unwrap();
    let mut options = engine::Options::new(&world);
    options.trace = Some(&origins);
    let traced = engine::render(&templates, &options).unwrap();
    let rendered = &traced.files["c/templates/t.yaml"];
    assert_eq!(plain.files["c/templates/t.yaml"].text, rendered.text, "tracing changes the text of {}", path.display());
    let output = String::from_utf8(rendered.text.to_vec()).unwrap();
    let map = rendered.map.as_ref().unwrap();
    let id = sources.add("out", output.clone());
    let documents = yaml::parse(&output, id);
    let mut found = Vec::new();
    for document in &documents {
        assert!(document.error.is_none(), "{}: {:?}\n{output}", path.display(), document.error);
        if let Some(root) = &document.root {
            scalars(root, "", &mut found);
        }
    }
    let got: String = found.iter().map(|(path, node)| format!("{path}: {}\n", chain(&sources, map, node))).collect();
    let want = part(&case, "want");
    if std::env::var_os("KVAL_BLESS").is_some() {
        let head = case.find("=== want\n").unwrap() + "=== want\n".len();
        std::fs::write(path, format!("{}{got}", &case[..head])).unwrap();
        return;
    }
    assert!(got == want, "{}: want\n{want}\ngot\n{got}\nof\n{output}", path.display());
}

/// The error of a template that goes on from a missing key names that key, where its map is defined and what is there.
#[test]
fn missing_keys_are_told() {
    let (mut sources, mut origins) = (Sources::new(), Origins::new());
    let text = "image:\n  tags:\n    main: x\n  repository: r\n";
    let file = sources.add("values.yaml", text);
    let values = yaml::decode_values_traced(text.as_bytes(), file, &mut origins).unwrap();
    let entries = [(Str::from("Values"), values.into())].into_iter().collect();
    let template = "{{ define \"a\" }}\n{{ .Values.image.tag.main }}{{ end }}{{ include \"a\" . }}";
    let template = engine::Template {
        name: "c/templates/t.yaml".to_owned(),
        text: Arc::from(template.as_bytes()),
        file: sources.add("t.yaml", template),
        base_path: "c/templates".to_owned(),
        dot: Map::typed(GoType::Any, Some("common.Values"), entries).into(),
        partial_only: false,
    };
    let world = MemoryWorld::default();
    let mut options = engine::Options::new(&world);
    options.trace = Some(&origins);
    let error = engine::render(&[template], &options).unwrap_err();
    let missing = error.missing.unwrap();
    assert_eq!(missing.path, "Values.image.tag");
    assert_eq!(missing.siblings, ["repository", "tags"]);
    assert_eq!(place(&sources, missing.parent.unwrap()), "values.yaml:1:1");
    assert_eq!(place(&sources, error.span.unwrap()), "t.yaml:2:1");
    let calls: Vec<String> = error.trace.iter().map(|s| place(&sources, *s)).collect();
    assert_eq!(calls, ["t.yaml:2:38"]);
}

#[test]
fn scalars_know_where_they_come_from() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/provenance");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty());
    paths.iter().for_each(|p| check(p));
}
