//! `non-deterministic-template`: reports a template that renders differently each time: random texts, keys and
//! certificates, `now`, `uuidv4`, without a `lookup` of what is there.

use std::collections::BTreeSet;

use crate::lint::ChartSource;
use crate::lint::actions;
use crate::lint::context::Context;
use crate::source::FileId;

const RANDOM: &[&str] = &[
    "randAlphaNum",
    "randAlpha",
    "randNumeric",
    "randAscii",
    "randBytes",
    "randInt",
    "uuidv4",
    "now",
    "genPrivateKey",
    "genCA",
    "genCAWithKey",
    "genSelfSignedCert",
    "genSelfSignedCertWithKey",
    "genSignedCert",
    "genSignedCertWithKey",
    "shuffle",
    "bcrypt",
    "htpasswd",
];

/// The templates whose text keeps what is there: they ask `lookup`, or a named template that does.
fn kept(cx: &Context, chart: &ChartSource) -> BTreeSet<FileId> {
    let text = |file: FileId| &cx.input.sources.get(file).text;
    let all: Vec<_> = chart.all().iter().flat_map(|c| &c.templates).collect();
    let mut asks: BTreeSet<String> = BTreeSet::new();
    for template in all.iter().filter(|t| text(t.file).contains("lookup ")) {
        asks.extend(actions::defines(text(template.file)).into_iter().map(|(name, _)| name));
    }
    let calls = |file: FileId| asks.iter().any(|name| text(file).contains(&format!("include \"{name}\"")));
    let mut out: BTreeSet<FileId> =
        all.iter().map(|t| t.file).filter(|file| text(*file).contains("lookup ") || calls(*file)).collect();
    // What a kept template includes is kept with it.
    let includes = |from: FileId, names: &[String]| names.iter().any(|n| text(from).contains(&format!("include \"{n}\"")));
    let partials: Vec<FileId> = all.iter().filter(|t| t.is_partial()).map(|t| t.file).collect();
    for partial in partials {
        let names: Vec<String> = actions::defines(text(partial)).into_iter().map(|(name, _)| name).collect();
        if out.iter().any(|from| *from != partial && includes(*from, &names)) {
            out.insert(partial);
        }
    }
    out
}

/// Whether the line is an annotation that restarts the pods on purpose.
fn restarts(text: &str, at: usize) -> bool {
    let line = text[..at].rsplit('\n').next().unwrap_or("");
    let key = line.split(": ").next().unwrap_or("").to_ascii_lowercase();
    ["rollme", "restart", "redeploy", "last-update", "timestamp"].iter().any(|word| key.contains(word))
}

/// Whether the document is one that `helm test` runs, each time anew.
fn in_test(text: &str, at: usize) -> bool {
    let start = text[..at].rfind("\n---").unwrap_or(0);
    let end = text[at..].find("\n---").map_or(text.len(), |n| at + n);
    let hook = |line: &str| line.split_once("helm.sh/hook").and_then(|(_, rest)| rest.trim_start_matches(['"', '\'']).strip_prefix(':').map(str::to_owned));
    text[start..end].lines().filter_map(hook).any(|value| value.split(',').any(|h| h.trim().trim_matches(['"', '\'']).starts_with("test")))
}

pub(super) fn check(cx: &Context) {
    let Some(chart) = cx.chart() else { return };
    let kept = kept(cx, chart);
    for template in chart.templates.iter().filter(|t| !t.name.ends_with("NOTES.txt")) {
        if kept.contains(&template.file) {
            continue;
        }
        let mut seen = Vec::new();
        let text = &cx.input.sources.get(template.file).text;
        actions::all_commands(template, &mut |command| {
            for arg in &command.args {
                let crate::gotmpl::tree::ArgKind::Identifier(name) = &arg.kind else { continue };
                let name = name.to_string();
                if RANDOM.contains(&name.as_str()) && !seen.contains(&arg.pos) && !restarts(text, arg.pos) && !in_test(text, arg.pos) {
                    seen.push(arg.pos);
                    let help = "keep what is there by lookup, or let the user give it";
                    cx.report_span(
                        actions::span(template, arg.pos, arg.pos + name.len()),
                        format!("`{name}` renders differently each time"),
                        help,
                    );
                }
            }
        });
    }
}
