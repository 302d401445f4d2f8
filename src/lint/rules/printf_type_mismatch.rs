//! `printf-type-mismatch`: reports a `printf` whose verb does not fit the value.

use crate::gotmpl::tree::ArgKind;
use crate::lint::actions;
use crate::lint::context::Context;
use serde_json::Value;

pub(super) fn check(cx: &Context) {
    let Some(chart) = cx.chart() else { return };
    for template in &chart.templates {
        actions::all_commands(template, &mut |command| {
            if actions::function(command).as_deref() != Some("printf") {
                return;
            }
            let Some(format) = command.args.get(1).and_then(|a| actions::text(&a.kind)) else { return };
            for (verb, arg) in verbs(&format).into_iter().zip(command.args.iter().skip(2)) {
                let names = match &arg.kind {
                    ArgKind::Field(names) => &names[..],
                    ArgKind::Variable(names) if names[0].to_string() == "$" => &names[1..],
                    _ => continue,
                };
                if names.first().map(ToString::to_string).as_deref() != Some("Values") {
                    continue;
                }
                let path: Vec<String> = names[1..].iter().map(ToString::to_string).collect();
                let (wrong, what) = match cx.default_of(&path) {
                    Some(Value::Number(_)) => (matches!(verb, 'd' | 's' | 'x' | 'c' | 'o' | 'b'), "a floating point number"),
                    Some(Value::Bool(_)) => (matches!(verb, 'd' | 's' | 'f'), "a boolean"),
                    Some(Value::String(text)) => (verb == 'd' && !text.is_empty(), "a text"),
                    Some(Value::Object(_)) => (matches!(verb, 'd' | 's'), "a map"),
                    _ => continue,
                };
                if wrong {
                    let help = if verb == 'd' { "convert it with int" } else { "use %v" };
                    cx.report_span(
                        actions::span(template, arg.pos, arg.pos + 7),
                        format!("%{verb} does not fit `{}`, which is {what}", path.join(".")),
                        help,
                    );
                }
            }
        });
    }
}

/// The verbs of a format, in the order of their values.
fn verbs(format: &str) -> Vec<char> {
    let mut out = Vec::new();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c == '%' {
            let verb = chars.by_ref().find(|c| !matches!(c, '0'..='9' | '.' | '-' | '+' | '#' | ' '));
            out.extend(verb.filter(|v| *v != '%'));
        }
    }
    out
}
