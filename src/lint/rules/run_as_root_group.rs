//! `run-as-root-group`: reports the group 0 in `runAsGroup`, `fsGroup` or `supplementalGroups`.

use crate::lint::context::Context;
use crate::lint::field::Field;

pub(super) fn check(cx: &Context) {
    let pods = cx.pods().iter().map(|p| &p.spec);
    for field in pods.chain(cx.containers().map(|(_, c)| &c.field)) {
        let mut groups: Vec<Field> = ["runAsGroup", "fsGroup"].iter().filter_map(|n| field.get(&format!("securityContext.{n}"))).collect();
        groups.extend(field.items("securityContext.supplementalGroups"));
        for group in groups.into_iter().filter(|g| g.value.as_i64() == Some(0)) {
            cx.report(group, "the process is in the root group", "name a group other than 0");
        }
    }
}
