//! `limit-range-violation`: reports a container outside of what a LimitRange of its namespace allows.

use crate::lint::amount;
use crate::lint::context::Context;
use crate::lint::context::Role;
use crate::lint::context::namespace;
use crate::lint::field::Field;

pub(super) fn check(cx: &Context) {
    for range in cx.all("LimitRange") {
        let limits: Vec<Field> = range.items("spec.limits").into_iter().filter(|l| l.text("type") == Some("Container")).collect();
        for (pod, container) in cx.containers().filter(|(p, c)| namespace(p.object) == namespace(range.object) && c.role != Role::Ephemeral)
        {
            let _ = pod;
            for limit in &limits {
                bounds(cx, &container.field, limit);
            }
        }
    }
}

fn bounds(cx: &Context, container: &Field, limit: &Field) {
    let of = |list: &str, resource: &str| {
        let field = container.get(&format!("resources.{list}"))?.key(resource)?;
        Some((amount::of(&field)?, field))
    };
    for (resource, max) in limit.entries("max") {
        let Some(most) = amount::of(&max) else { continue };
        let have = of("limits", resource).or_else(|| of("requests", resource));
        if let Some((amount, field)) = have {
            if amount > most {
                let message =
                    format!("{resource} {} is above the maximum {}", field.scalar().unwrap_or_default(), max.scalar().unwrap_or_default());
                cx.report(field, message, "stay within the LimitRange of the namespace");
            }
        } else if limit.get("default").is_none_or(|d| !d.has(resource)) && limit.get("max").is_none() {
            cx.report(container.place("resources.limits"), format!("there is no limit for {resource}"), "set one");
        }
    }
    for (resource, min) in limit.entries("min") {
        let Some(least) = amount::of(&min) else { continue };
        let have = of("requests", resource).or_else(|| of("limits", resource));
        if let Some((amount, field)) = have.filter(|(a, _)| *a < least) {
            let _ = amount;
            let message =
                format!("{resource} {} is below the minimum {}", field.scalar().unwrap_or_default(), min.scalar().unwrap_or_default());
            cx.report(field, message, "stay within the LimitRange of the namespace");
        }
    }
    for (resource, ratio) in limit.entries("maxLimitRequestRatio") {
        let (Some(most), Some((limit, field)), Some((request, _))) = (amount::of(&ratio), of("limits", resource), of("requests", resource))
        else {
            continue;
        };
        if request > 0 && limit * 1000 > most * request {
            cx.report(
                field,
                format!("the limit of {resource} is more than {} times the request", ratio.scalar().unwrap_or_default()),
                "raise the request or lower the limit",
            );
        }
    }
}
