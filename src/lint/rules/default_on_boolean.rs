//! `default-on-boolean`: reports `default true` on a value.

use crate::gotmpl::tree::ArgKind;
use crate::lint::actions;
use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    let Some(chart) = cx.chart() else { return };
    for template in &chart.templates {
        actions::all_commands(template, &mut |command| {
            let on = matches!(command.args.get(1).map(|a| &a.kind), Some(ArgKind::Bool(true)));
            if on && actions::function(command).as_deref() == Some("default") {
                let help = "put the default into values.yaml, or ask with hasKey";
                cx.report_span(
                    actions::span(template, command.pos, command.pos + "default true".len()),
                    "with `default true` false becomes true",
                    help,
                );
            }
        });
    }
}
