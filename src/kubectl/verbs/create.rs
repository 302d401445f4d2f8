//! `kubectl create`: from files, and its generators. upstream: kubectl/pkg/cmd/create

use serde_json::{Map, Value, json};

use super::super::flags::Flags;
use super::super::select::Wish;
use super::super::session::{Fault, Session};
use super::apply::annotated;
use super::change::options;
use super::run::without_status;
use super::{Ended, create_access, create_data, create_ingress, dry, ended};
use crate::kube::names;
use crate::simulate::scheduler::json::{at, text};
use crate::value::quantity;

const GENERATORS: &[(&str, &[&str])] = &[
    ("deployment", &["deployment", "deploy"]),
    ("namespace", &["namespace", "ns"]),
    ("service", &["service", "svc"]),
    ("configmap", &["configmap", "cm"]),
    ("secret", &["secret"]),
    ("job", &["job"]),
    ("cronjob", &["cronjob", "cj"]),
    ("quota", &["quota", "resourcequota"]),
    ("role", &["role"]),
    ("clusterrole", &["clusterrole"]),
    ("rolebinding", &["rolebinding"]),
    ("clusterrolebinding", &["clusterrolebinding"]),
    ("serviceaccount", &["serviceaccount", "sa"]),
    ("ingress", &["ingress", "ing"]),
    ("poddisruptionbudget", &["poddisruptionbudget", "pdb"]),
    ("priorityclass", &["priorityclass", "pc"]),
    ("token", &["token"]),
];

/// The generator a command line calls, as its word and its name.
pub(super) fn generator(words: &[String]) -> Option<(String, &'static str)> {
    let word = super::split_verb(words).map(|(_, w)| w)?;
    let found = GENERATORS.iter().find(|(_, names)| names.contains(&word.as_str()))?;
    Some((word.clone(), found.0))
}

pub(super) fn required(flags: &Flags, names: &[&str]) -> Result<(), Fault> {
    let missing: Vec<String> = names.iter().filter(|n| !flags.given(n)).map(|n| format!("\"{n}\"")).collect();
    if missing.is_empty() { Ok(()) } else { Err(Fault::error(format!("required flag(s) {} not set", missing.join(", ")))) }
}

/// Refuses the flags that only other kinds of a generator know: each is told with the kind that knows it.
pub(super) fn own_flags(flags: &Flags, generator: &str, kind: &str, known: &[(&str, &str)]) -> Result<(), Fault> {
    let foreign = |flag: &str| known.iter().any(|(_, f)| *f == flag) && !known.contains(&(kind, flag));
    match known.iter().find(|(_, flag)| flags.given(flag) && foreign(flag)) {
        Some((_, flag)) => {
            Err(Fault::plain(format!("error: unknown flag: --{flag}\nSee 'kubectl create {generator} {kind} --help' for usage.")))
        }
        None => Ok(()),
    }
}

/// The name a generator is given, and words beyond it.
pub(super) fn named<'a>(flags: &'a Flags, generator: &str, skip: usize) -> Result<(&'a str, &'a [String]), Fault> {
    let args = flags.args.get(skip..).unwrap_or_default();
    match args.split_first() {
        Some((name, rest)) if rest.is_empty() || flags.dashed => Ok((name, rest)),
        None => Err(Fault::usage(&format!("create {generator}"), "exactly one NAME is required, got 0")),
        Some((_, rest)) => {
            Err(Fault::usage(&format!("create {generator}"), format!("exactly one NAME is required, got {}", rest.len() + 1)))
        }
    }
}

pub(super) fn run(session: &mut Session<'_>, flags: &Flags, generator: Option<&'static str>) -> Ended {
    let Some(generator) = generator else { return from_files(session, flags) };
    let how = dry(flags)?;
    let skip = 1;
    let (word, object): (&str, Value) = match generator {
        "deployment" => ("deployments.apps", deployment(flags, skip)?),
        "namespace" => (
            "namespaces",
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": named(flags, generator, skip)?.0}, "spec": {}, "status": {}}),
        ),
        "serviceaccount" => (
            "serviceaccounts",
            json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": named(flags, generator, skip)?.0}}),
        ),
        "service" => ("services", service(session, flags)?),
        "configmap" => ("configmaps", create_data::config_map(session, flags, skip)?),
        "secret" => ("secrets", create_data::secret(session, flags)?),
        "job" => ("jobs.batch", job(session, flags, skip)?),
        "cronjob" => ("cronjobs.batch", cron_job(flags, skip)?),
        "quota" => ("resourcequotas", quota(flags, skip)?),
        "role" | "clusterrole" => {
            (if generator == "role" { "roles" } else { "clusterroles" }, create_access::role(session, flags, generator, skip)?)
        }
        "rolebinding" | "clusterrolebinding" => (
            if generator == "rolebinding" { "rolebindings" } else { "clusterrolebindings" },
            create_access::binding(flags, generator, skip)?,
        ),
        "ingress" => ("ingresses.networking.k8s.io", create_ingress::ingress(flags, skip)?),
        "poddisruptionbudget" => ("poddisruptionbudgets", budget(flags, skip)?),
        "priorityclass" => ("priorityclasses", priority_class(flags, skip)?),
        "token" if flags.args.len() < 2 => return Err(named(flags, generator, skip).map_or_else(Vec::from, |_| Vec::new())),
        _ => return Err(Fault::error("kval mints no tokens: a simulated cluster has nobody to show them to").into()),
    };
    let resource = session.resource(word)?;
    let namespace = session.namespace(flags);
    let mut object = object;
    if resource.namespaced && flags.given("namespace") {
        object["metadata"]["namespace"] = namespace.clone().into();
    }
    let sent = if flags.on("save-config") { annotated(&object) } else { object };
    // Most generators wrap what the server refuses, some tell it as it is.
    let wrapped = matches!(
        generator,
        "deployment"
            | "service"
            | "configmap"
            | "secret"
            | "job"
            | "cronjob"
            | "quota"
            | "serviceaccount"
            | "ingress"
            | "poddisruptionbudget"
            | "priorityclass"
            | "rolebinding"
            | "clusterrolebinding"
    );
    let made = session.make(&resource, &namespace, &without_status(&sent, how), &options(flags, how, "kubectl-create"), how);
    let created = made.map_err(|refused| {
        if wrapped {
            Fault::error(format!("failed to create {} {}", noun(generator, &sent), refused.message))
        } else {
            Fault::from(refused)
        }
    })?;
    session.tell(flags, &resource, &created, "created", how)?;
    Ok(())
}

/// What could not be created, as each generator words it.
fn noun(generator: &str, object: &Value) -> String {
    match generator {
        "service" => format!("{} service:", text(object, &["spec", "type"])),
        "secret" => "secret".to_owned(),
        "poddisruptionbudget" => "poddisruptionbudgets:".to_owned(),
        other => format!("{other}:"),
    }
}

fn from_files(session: &mut Session<'_>, flags: &Flags) -> Ended {
    if !flags.given("filename") && !flags.given("kustomize") {
        if !flags.args.is_empty() {
            return Err(Fault::usage("create", format!("Unexpected args: [{}]", flags.args.join(" "))).into());
        }
        return Err(Fault::error("must specify one of -f and -k").into());
    }
    if !flags.args.is_empty() {
        return Err(Fault::usage("create", format!("Unexpected args: [{}]", flags.args.join(" "))).into());
    }
    let how = dry(flags)?;
    let chosen = session.select(flags, &[], Wish::default())?;
    let mut faults = chosen.faults;
    if chosen.found.is_empty() && faults.is_empty() {
        return Err(Fault::error("no objects passed to create").into());
    }
    for one in chosen.found {
        let object = if flags.on("save-config") { annotated(&one.object) } else { one.object.clone() };
        match session.make(&one.resource, &one.namespace, &object, &options(flags, how, "kubectl-create"), how) {
            Ok(object) => session.tell(flags, &one.resource, &object, "created", how)?,
            Err(refused) => faults.push(Fault::at(&refused, &format!("error when creating \"{}\": ", one.source))),
        }
    }
    ended(faults)
}

/// The name a container gets from its image. upstream: generateNameFromImage
fn container_name(image: &str) -> String {
    let last = image.rsplit('/').next().unwrap_or(image);
    let name = last.split([':', '@']).next().unwrap_or(last);
    name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c.to_ascii_lowercase() } else { '-' }).collect()
}

fn deployment(flags: &Flags, skip: usize) -> Result<Value, Fault> {
    required(flags, &["image"])?;
    let (name, _) = named(flags, "deployment", skip)?;
    let images = flags.list("image");
    if images.len() > 1 && (!flags.rest.is_empty()) {
        return Err(Fault::error("cannot specify multiple --image options and command"));
    }
    let replicas = flags.number("replicas").unwrap_or(1);
    let containers: Vec<Value> = images
        .iter()
        .map(|image| {
            let mut c = json!({"image": image, "name": container_name(image), "resources": {}});
            if !flags.rest.is_empty() {
                c["command"] = flags.rest.clone().into();
            }
            if let Some(port) = flags.number("port").filter(|p| *p > 0) {
                c["ports"] = json!([{"containerPort": port}]);
            }
            c
        })
        .collect();
    Ok(json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"labels": {"app": name}, "name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "strategy": {},
            "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": containers}},
        },
        "status": {},
    }))
}

/// Port and target port of `--tcp`. upstream: parsePorts, k8s.io/utils/net.ParsePort
fn pair_of_ports(given: &str) -> Result<(u16, Value), Fault> {
    let wrong = |text: &str, why: &str| Fault::error(format!("strconv.ParseUint: parsing {}: {why}", crate::value::quote(text.as_bytes())));
    let mut parts = given.split(':');
    let port = parts.next().unwrap_or_default();
    let number: u16 = match port.parse::<u64>() {
        _ if port.is_empty() || !port.bytes().all(|b| b.is_ascii_digit()) => return Err(wrong(port, "invalid syntax")),
        Ok(n) => u16::try_from(n).map_err(|_| wrong(port, "value out of range"))?,
        Err(_) => return Err(wrong(port, "value out of range")),
    };
    let Some(target) = parts.next() else { return Ok((number, number.into())) };
    let (wrong, target) = match target.parse::<i64>() {
        Ok(n) => (names::port_number(n), Value::from(n)),
        Err(_) => (names::port_name(target), Value::from(target)),
    };
    if wrong.is_empty() { Ok((number, target)) } else { Err(Fault::error(wrong.join(","))) }
}

fn service(session: &mut Session<'_>, flags: &Flags) -> Result<Value, Fault> {
    let Some(kind) = flags.args.get(1) else { return Err(super::help::bare(session, "create service")) };
    let of = match kind.as_str() {
        "clusterip" => "ClusterIP",
        "nodeport" => "NodePort",
        "loadbalancer" => "LoadBalancer",
        "externalname" => "ExternalName",
        _ => return Err(super::no_such_command("create service", flags.args.get(1..).unwrap_or_default())),
    };
    own_flags(flags, "service", kind, &[("clusterip", "clusterip"), ("nodeport", "node-port"), ("externalname", "external-name")])?;
    if of == "ExternalName" {
        required(flags, &["external-name"])?;
    }
    let (name, _) = named(flags, &format!("service {kind}"), 2)?;
    if flags.text("clusterip") == "None" && of != "ClusterIP" {
        return Err(Fault::error("ClusterIP=None can only be used with ClusterIP service type"));
    }
    let pairs = flags.list("tcp");
    if pairs.is_empty() && flags.text("clusterip") != "None" && of != "ExternalName" {
        return Err(Fault::error("at least one tcp port specifier must be provided"));
    }
    if of == "ExternalName" && !names::dns1123_subdomain(flags.text("external-name")).is_empty() {
        return Err(Fault::error(format!("invalid service external name {}", flags.text("external-name"))));
    }
    let mut ports = Vec::new();
    for given in pairs {
        let (port, target) = pair_of_ports(&given)?;
        let mut entry = json!({"name": given.replace(':', "-"), "port": port, "protocol": "TCP", "targetPort": target});
        if let Some(node) = flags.number("node-port").filter(|n| *n != 0) {
            entry["nodePort"] = node.into();
        }
        ports.push(entry);
    }
    let mut object = json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"labels": {"app": name}, "name": name},
        "spec": {"selector": {"app": name}, "type": of},
        "status": {"loadBalancer": {}},
    });
    if !ports.is_empty() {
        object["spec"]["ports"] = ports.into();
    }
    if !flags.text("clusterip").is_empty() {
        object["spec"]["clusterIP"] = flags.text("clusterip").into();
    }
    if of == "ExternalName" {
        object["spec"]["externalName"] = flags.text("external-name").into();
    }
    Ok(object)
}

fn job(session: &Session<'_>, flags: &Flags, skip: usize) -> Result<Value, Fault> {
    let (name, _) = named(flags, "job", skip)?;
    if flags.text("from").is_empty() {
        if flags.text("image").is_empty() {
            return Err(Fault::error("either --image or --from must be specified"));
        }
        let mut container = json!({"image": flags.text("image"), "name": name, "resources": {}});
        if !flags.rest.is_empty() {
            container["command"] = flags.rest.clone().into();
        }
        return Ok(json!({
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": name},
            "spec": {"template": {"metadata": {}, "spec": {"containers": [container], "restartPolicy": "Never"}}},
            "status": {},
        }));
    }
    if !flags.text("image").is_empty() {
        return Err(Fault::error("either --image or --from must be specified"));
    }
    if !flags.rest.is_empty() {
        return Err(Fault::error("cannot specify --from and command"));
    }
    let from = flags.text("from");
    let (kind, source) = from.split_once('/').ok_or_else(|| Fault::error("from must be an existing cronjob"))?;
    let resource = session.resource(kind)?;
    if resource.kind != "CronJob" {
        return Err(Fault::error("from must be an existing cronjob"));
    }
    let cron = session.get(&resource, &session.namespace(flags), source)?;
    let template = at(&cron, &["spec", "jobTemplate"]);
    let mut annotations = at(template, &["metadata", "annotations"]).as_object().cloned().unwrap_or_default();
    annotations.insert("cronjob.kubernetes.io/instantiate".to_owned(), "manual".into());
    let mut object = json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "annotations": annotations,
            "name": name,
            "ownerReferences": [{
                "apiVersion": "batch/v1",
                "controller": true,
                "kind": "CronJob",
                "name": text(&cron, &["metadata", "name"]),
                "uid": text(&cron, &["metadata", "uid"]),
            }],
        },
        "spec": at(template, &["spec"]),
        "status": {},
    });
    let labels = at(template, &["metadata", "labels"]);
    if labels.is_object() {
        object["metadata"]["labels"] = labels.clone();
    }
    Ok(object)
}

fn cron_job(flags: &Flags, skip: usize) -> Result<Value, Fault> {
    required(flags, &["image", "schedule"])?;
    let (name, _) = named(flags, "cronjob", skip)?;
    let restart = if flags.text("restart").is_empty() { "OnFailure" } else { flags.text("restart") };
    let mut container = json!({"image": flags.text("image"), "name": name, "resources": {}});
    if !flags.rest.is_empty() {
        container["command"] = flags.rest.clone().into();
    }
    Ok(json!({
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": name},
        "spec": {
            "jobTemplate": {
                "metadata": {"name": name},
                "spec": {"template": {"metadata": {}, "spec": {"containers": [container], "restartPolicy": restart}}},
            },
            "schedule": flags.text("schedule"),
        },
        "status": {},
    }))
}

fn quota(flags: &Flags, skip: usize) -> Result<Value, Fault> {
    let (name, _) = named(flags, "quota", skip)?;
    let mut object = json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": name}, "spec": {}, "status": {}});
    let mut hard = Map::new();
    let given = flags.text("hard");
    for part in given.split(',').filter(|_| !given.is_empty()) {
        let (resource, amount) = part
            .split_once('=')
            .filter(|(_, amount)| !amount.contains('='))
            .ok_or_else(|| Fault::error(format!("Invalid argument syntax {part}, expected <resource>=<value>")))?;
        if quantity::parse(amount).is_err() {
            return Err(Fault::error(quantity::FORMAT_WRONG));
        }
        hard.insert(resource.to_owned(), quantity::canonical(amount).into());
    }
    if !hard.is_empty() {
        object["spec"]["hard"] = hard.into();
    }
    let scopes = flags.text("scopes");
    if !scopes.is_empty() {
        if scopes.split(',').any(str::is_empty) {
            return Err(Fault::error("invalid resource quota scope \"\""));
        }
        object["spec"]["scopes"] = scopes.split(',').map(Value::from).collect::<Vec<_>>().into();
    }
    Ok(object)
}

/// A selector's text as a label selector. upstream: metav1.ParseToLabelSelector
pub(super) fn label_selector(given: &str) -> Result<Value, Fault> {
    let wrong = |e: String| Fault::error(format!("couldn't parse the selector string \"{given}\": {e}"));
    let (mut labels, mut expressions) = (Map::new(), Vec::new());
    for requirement in super::super::labels::parse(given).map_err(wrong)? {
        let operator = match requirement.operator {
            "=" => {
                labels.insert(requirement.key, requirement.values.concat().into());
                continue;
            }
            "in" => "In",
            "notin" => "NotIn",
            "exists" => "Exists",
            "!" => "DoesNotExist",
            sign @ ("gt" | "lt") => return Err(Fault::error(format!("\"{sign}\" isn't supported in label selectors"))),
            other => return Err(Fault::error(format!("\"{other}\" is not a valid label selector operator"))),
        };
        let mut one = json!({"key": requirement.key, "operator": operator});
        if !requirement.values.is_empty() {
            let values: std::collections::BTreeSet<String> = requirement.values.into_iter().collect();
            one["values"] = values.into_iter().collect::<Vec<_>>().into();
        }
        expressions.push(one);
    }
    let mut out = json!({});
    if !labels.is_empty() {
        out["matchLabels"] = labels.into();
    }
    if !expressions.is_empty() {
        out["matchExpressions"] = expressions.into();
    }
    Ok(out)
}

fn budget(flags: &Flags, skip: usize) -> Result<Value, Fault> {
    let (name, _) = named(flags, "poddisruptionbudget", skip)?;
    if flags.text("selector").is_empty() {
        return Err(Fault::error("a selector must be specified"));
    }
    let (min, max) = (flags.text("min-available"), flags.text("max-unavailable"));
    let (field, given) = match (min.is_empty(), max.is_empty()) {
        (true, true) => return Err(Fault::error("one of min-available or max-unavailable must be specified")),
        (false, false) => return Err(Fault::error("min-available and max-unavailable cannot be both specified")),
        (false, true) => ("minAvailable", min),
        (true, false) => ("maxUnavailable", max),
    };
    let digits = given.strip_suffix('%').unwrap_or(given);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        let flag = if field == "minAvailable" { "min-available" } else { "max-unavailable" };
        return Err(Fault::error(format!("invalid format specified for {flag}")));
    }
    let amount = given.parse::<i64>().map_or_else(|_| Value::from(given), Value::from);
    let selector = label_selector(flags.text("selector"))?;
    Ok(json!({
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": name},
        "spec": {field: amount, "selector": selector},
        "status": {"currentHealthy": 0, "desiredHealthy": 0, "disruptionsAllowed": 0, "expectedPods": 0},
    }))
}

fn priority_class(flags: &Flags, skip: usize) -> Result<Value, Fault> {
    let (name, _) = named(flags, "priorityclass", skip)?;
    let policy = if flags.text("preemption-policy").is_empty() { "PreemptLowerPriority" } else { flags.text("preemption-policy") };
    let mut object = json!({
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": name},
        "preemptionPolicy": policy,
        "value": flags.number("value").unwrap_or(0),
    });
    if flags.on("global-default") {
        object["globalDefault"] = true.into();
    }
    if !flags.text("description").is_empty() {
        object["description"] = flags.text("description").into();
    }
    Ok(object)
}
