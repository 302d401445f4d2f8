//! `values-schema-violation`: reports defaults in `values.yaml` that violate `values.schema.json`.

use crate::helm::schema::validate;
use crate::helm::values::Logs;
use crate::lint::context::Context;
use crate::lint::field::Field;
use crate::source::MemoryWorld;
use crate::yaml;

pub(super) fn check(cx: &Context) {
    let Some(chart) = cx.chart() else { return };
    let (Some(values), Some(schema)) = (&chart.values, &chart.schema) else { return };
    let text = &cx.input.sources.get(values.file).text;
    let Ok(value) = yaml::decode(text.as_bytes()) else { return };
    let (Some(map), Some(object)) = (value.as_map(), &values.object) else { return };
    let Err(errors) = validate(map, cx.input.sources.get(schema.file).text.as_bytes(), &MemoryWorld::default(), &mut Logs::default())
    else {
        return;
    };
    for line in errors.lines() {
        let Some((pointer, message)) = line.trim_start().strip_prefix("- at '").and_then(|l| l.split_once("': ")) else { continue };
        let mut field = Field::root(object);
        for step in pointer.split('/').filter(|s| !s.is_empty()) {
            let step = step.replace("~1", "/").replace("~0", "~");
            let next = step.parse::<usize>().ok().and_then(|i| field.list().into_iter().nth(i)).or_else(|| field.get_key(&step));
            let Some(next) = next else { break };
            field = next;
        }
        let name = pointer.trim_start_matches('/').replace('/', ".");
        // Helm drops keys without a value from maps, and then misses them.
        let in_list = pointer.rsplit('/').next().is_some_and(|step| step.parse::<usize>().is_ok());
        if message.starts_with("got null") && !in_list {
            continue;
        }
        // What a schema requires of the user is missing from the defaults on purpose.
        if message.starts_with("missing propert") || message.contains("is a required property") {
            continue;
        }
        cx.report(field, format!("{}: {message}", if name.is_empty() { "values" } else { &name }), "mend the default or the schema");
    }
}
