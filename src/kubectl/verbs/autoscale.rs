//! `kubectl autoscale`. upstream: kubectl/pkg/cmd/autoscale

use serde_json::{Value, json};

use super::super::flags::Flags;
use super::super::select::Wish;
use super::super::session::{Fault, Session};
use super::change::options;
use super::{Ended, dry, ended};
use crate::value::quantity;

/// A metric of `--cpu` or `--memory`: a percentage or an amount.
fn metric(name: &str, given: &str) -> Result<Value, Fault> {
    let target = match given.strip_suffix('%') {
        Some(percent) => match percent.parse::<i64>() {
            Ok(p) if p > 0 => json!({"type": "Utilization", "averageUtilization": p}),
            _ => return Err(Fault::error(format!("invalid {name} percentage: {given}"))),
        },
        None if quantity::parse(given).is_ok() => json!({"type": "AverageValue", "averageValue": quantity::canonical(given)}),
        None => return Err(Fault::error(format!("invalid resource {name} value: {given}"))),
    };
    Ok(json!({"type": "Resource", "resource": {"name": name, "target": target}}))
}

pub(super) fn run(session: &mut Session<'_>, flags: &Flags) -> Ended {
    let how = dry(flags)?;
    let min = flags.number("min").unwrap_or(-1);
    let Some(max) = flags.number("max") else {
        return Err(Fault::error("required flag(s) \"max\" not set").into());
    };
    if flags.given("cpu-percent") {
        session.warn("Flag --cpu-percent has been deprecated, Use --cpu with percentage or resource quantity format (e.g., '70%' for utilization or '500m' for milliCPU).");
    }
    if max < 1 {
        return Err(Fault::error(format!("--max=MAXPODS is required and must be at least 1, max: {max}")).into());
    }
    if max < min {
        return Err(Fault::error(format!("--max=MAXPODS must be larger or equal to --min=MINPODS, max: {max}, min: {min}")).into());
    }
    let mut metrics = Vec::new();
    if let Some(percent) = flags.number("cpu-percent").filter(|p| *p >= 0) {
        metrics.push(metric("cpu", &format!("{percent}%"))?);
    }
    for name in ["cpu", "memory"] {
        if !flags.text(name).is_empty() {
            metrics.push(metric(name, flags.text(name))?);
        }
    }
    let chosen = session.select(flags, &flags.args, Wish { latest: true, ..Wish::default() })?;
    let mut faults = chosen.faults;
    for one in chosen.found {
        if !super::scale::scales(&one.resource.group, &one.resource.name) {
            faults.push(Fault::error(format!(
                "cannot autoscale a {}: no matches for kind \"{}\" in group \"{}\"",
                one.resource.kind, one.resource.kind, one.resource.group
            )));
            continue;
        }
        if metrics.is_empty() && how != super::DryRun::Client {
            faults.push(Fault::error(
                "failed to create autoscaling/v2 HPA and the configuration is incompatible with autoscaling/v1: empty input",
            ));
            continue;
        }
        let name = if flags.text("name").is_empty() { one.name.clone() } else { flags.text("name").to_owned() };
        let mut object = json!({
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": name},
            "spec": {
                "maxReplicas": max,
                "metrics": metrics,
                "scaleTargetRef": {"apiVersion": one.resource.api_version(), "kind": one.resource.kind, "name": one.name},
            },
        });
        if min > 0 {
            object["spec"]["minReplicas"] = min.into();
        }
        if how != super::DryRun::No {
            object["metadata"]["namespace"] = one.namespace.clone().into();
        }
        let resource = session.resource("horizontalpodautoscalers.v2.autoscaling")?;
        match session.make(&resource, &one.namespace, &object, &options(flags, how, "kubectl-autoscale"), how) {
            Ok(object) => session.tell(flags, &resource, &object, "autoscaled", how)?,
            Err(refused) => faults.push(refused.into()),
        }
    }
    ended(faults)
}
