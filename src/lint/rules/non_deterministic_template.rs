//! `non-deterministic-template`: reports a template that renders differently each time: random texts, keys and
//! certificates, `now`, `uuidv4`, without a `lookup` of what is there.

use crate::lint::actions;
use crate::lint::context::Context;

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

pub(super) fn check(cx: &Context) {
    let Some(chart) = cx.chart() else { return };
    for template in chart.templates.iter().filter(|t| !t.name.ends_with("NOTES.txt")) {
        let text = &cx.input.sources.get(template.file).text;
        if text.contains("lookup ") {
            continue;
        }
        let mut seen = Vec::new();
        actions::all_commands(template, &mut |command| {
            for arg in &command.args {
                let crate::gotmpl::tree::ArgKind::Identifier(name) = &arg.kind else { continue };
                let name = name.to_string();
                if RANDOM.contains(&name.as_str()) && !seen.contains(&arg.pos) {
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
