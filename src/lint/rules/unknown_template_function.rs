//! `unknown-template-function`: reports a function that Helm does not have.

use crate::diagnostic::similar;
use crate::gotmpl;
use crate::gotmpl::tree::ArgKind;
use crate::lint::actions;
use crate::lint::context::Context;
use crate::sprig;

/// What Helm itself brings.
const HELM: &[&str] = &[
    "include",
    "tpl",
    "required",
    "fail",
    "lookup",
    "toYaml",
    "toYamlPretty",
    "mustToYaml",
    "fromYaml",
    "fromYamlArray",
    "toJson",
    "mustToJson",
    "fromJson",
    "fromJsonArray",
    "toToml",
    "mustToToml",
    "fromToml",
    "getHostByName",
    "break",
    "continue",
];

pub(super) fn check(cx: &Context) {
    let Some(chart) = cx.chart() else { return };
    let known = |name: &str| HELM.contains(&name) || gotmpl::is_builtin(name) || sprig::functions().iter().any(|f| f.name == name);
    for template in &chart.templates {
        actions::all_commands(template, &mut |command| {
            for arg in &command.args {
                let ArgKind::Identifier(name) = &arg.kind else { continue };
                let name = name.to_string();
                if !known(&name) {
                    let all = sprig::functions().iter().map(|f| f.name).chain(HELM.iter().copied());
                    let help = match name.as_str() {
                        "env" | "expandenv" => "Helm removed it: pass a value instead".to_owned(),
                        _ => similar(&name, all)
                            .map_or_else(|| "look for another one".to_owned(), |n| format!("did you mean `{n}`?")),
                    };
                    cx.report_span(actions::span(template, arg.pos, arg.pos + name.len()), format!("Helm has no function `{name}`"), help);
                }
            }
        });
    }
}
