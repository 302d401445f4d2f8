//! `value-type-mismatch`: reports a default whose type does not fit its use: a `range` over a text, or a field of a
//! text or number.

use std::collections::BTreeSet;

use crate::lint::context::Context;
use crate::lint::field::Field;
use crate::lint::values::Usage;
use serde_json::Value;

pub(super) fn check(cx: &Context) {
    let (Some(chart), Some(reads)) = (cx.chart(), cx.reads()) else { return };
    let Some(object) = chart.values.as_ref().and_then(|v| v.object.as_ref()) else { return };
    let mut seen = BTreeSet::new();
    for read in reads.found.iter().filter(|r| r.chart == 0) {
        let at = |path: &[String]| path.iter().try_fold(Field::root(object), |f, name| f.get_key(name));
        if read.usage == Usage::Range && !read.guarded {
            if let Some(field) = at(&read.path).filter(|f| matches!(f.value, Value::String(_) | Value::Bool(_))) {
                if seen.insert(read.path.clone()) {
                    cx.report(
                        field,
                        format!("`{}` is a text, but range needs a list or a map", read.path.join(".")),
                        "use [] or {} as the default",
                    );
                }
            }
        }
        if read.path.len() > 1 && !read.guarded && !read.path.iter().any(|p| p == "*") {
            let parent = &read.path[..read.path.len() - 1];
            let scalar = at(parent).filter(|f| matches!(f.value, Value::String(_) | Value::Bool(_) | Value::Number(_)));
            if let Some(field) = scalar.filter(|_| read.at.0 < read.at.1) {
                let guarded = reads.found.iter().any(|r| r.path == parent && r.guarded);
                if !guarded && seen.insert(parent.to_vec()) {
                    let name = read.path.last().map_or("", String::as_str);
                    cx.report(
                        field,
                        format!("`{}` is no map, but a template reads `.{name}` of it", parent.join(".")),
                        "use a map as the default",
                    );
                }
            }
        }
    }
}
