//! `tpl-on-user-value`: reports `tpl` on a value.

use crate::gotmpl::tree::At;
use crate::lint::actions;
use crate::lint::context::Context;

pub(super) fn check(cx: &Context) {
    let Some(chart) = cx.chart() else { return };
    for template in &chart.templates {
        actions::all_commands(template, &mut |command| {
            if actions::function(command).as_deref() != Some("tpl") {
                return;
            }
            let Some(value) = command.args.get(1).map(|a| At::Arg(a).print()).filter(|t| t.contains(".Values.")) else { return };
            cx.report_span(
                actions::span(template, command.pos, command.pos + 3),
                format!("`{value}` is run as a template"),
                "say in values.yaml that the value is a template, or do without tpl",
            );
        });
    }
}
