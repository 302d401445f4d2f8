//! `kubectl create`: from files, and its generators. upstream: kubectl/pkg/cmd/create

use serde_json::{Map, Value, json};

use super::super::flags::Flags;
use super::super::resources::Resource;
use super::super::select::Wish;
use super::super::session::{Fault, Session};
use super::apply::annotated;
use super::change::options;
use super::run::without_status;
use super::{Ended, dry, ended};
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

fn required(flags: &Flags, names: &[&str]) -> Result<(), Fault> {
    let missing: Vec<String> = names.iter().filter(|n| !flags.given(n)).map(|n| format!("\"{n}\"")).collect();
    if missing.is_empty() { Ok(()) } else { Err(Fault::error(format!("required flag(s) {} not set", missing.join(", ")))) }
}

/// The name a generator is given, and words beyond it.
fn named<'a>(flags: &'a Flags, generator: &str, skip: usize) -> Result<(&'a str, &'a [String]), Fault> {
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
        "service" => ("services", service(flags)?),
        "configmap" => ("configmaps", config_map(session, flags, skip)?),
        "secret" => ("secrets", secret(session, flags)?),
        "job" => ("jobs.batch", job(session, flags, skip)?),
        "cronjob" => ("cronjobs.batch", cron_job(flags, skip)?),
        "quota" => ("resourcequotas", quota(flags, skip)?),
        "role" | "clusterrole" => (if generator == "role" { "roles" } else { "clusterroles" }, role(session, flags, generator, skip)?),
        "rolebinding" | "clusterrolebinding" => {
            (if generator == "rolebinding" { "rolebindings" } else { "clusterrolebindings" }, binding(flags, generator, skip)?)
        }
        "ingress" => ("ingresses.networking.k8s.io", ingress(flags, skip)?),
        "poddisruptionbudget" => ("poddisruptionbudgets", budget(flags, skip)?),
        "priorityclass" => ("priorityclasses", priority_class(flags, skip)?),
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
        return Err(Fault::usage("create", "must specify one of -f and -k").into());
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
    if replicas < 0 {
        return Err(Fault::error("negative --replicas not allowed"));
    }
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

fn service(flags: &Flags) -> Result<Value, Fault> {
    let Some(kind) = flags.args.get(1) else {
        return Err(Fault::error("service of what type? There is: clusterip, externalname, loadbalancer, nodeport"));
    };
    let of = match kind.as_str() {
        "clusterip" => "ClusterIP",
        "nodeport" => "NodePort",
        "loadbalancer" => "LoadBalancer",
        "externalname" => "ExternalName",
        other => return Err(Fault::error(format!("unknown command \"{other}\" for \"kubectl create service\""))),
    };
    let (name, _) = named(flags, &format!("service {kind}"), 2)?;
    let mut ports = Vec::new();
    for given in flags.list("tcp") {
        let (port, target) = given.split_once(':').map_or((given.as_str(), None), |(p, t)| (p, Some(t)));
        let number: i64 = port.parse().map_err(|_| Fault::error(format!("invalid port format {given}")))?;
        let target = target.map_or_else(|| Value::from(number), |t| t.parse::<i64>().map_or_else(|_| t.into(), Value::from));
        let mut entry = json!({"name": given.replace(':', "-"), "port": number, "protocol": "TCP", "targetPort": target});
        if let Some(node) = flags.number("node-port").filter(|n| *n > 0) {
            entry["nodePort"] = node.into();
        }
        ports.push(entry);
    }
    if ports.is_empty() && flags.text("clusterip") != "None" && of != "ExternalName" {
        return Err(Fault::error("at least one tcp port specifier must be provided"));
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
        required(flags, &["external-name"])?;
        object["spec"]["externalName"] = flags.text("external-name").into();
    }
    Ok(object)
}

/// Entries of `--from-literal`, `--from-file` and `--from-env-file`, as bytes.
fn entries(session: &Session<'_>, flags: &Flags) -> Result<Vec<(String, Vec<u8>)>, Fault> {
    let mut out: Vec<(String, Vec<u8>)> = Vec::new();
    let read = |path: &str| {
        session
            .world
            .read(path)
            .map_err(|e| Fault::error(if e.not_found { format!("open {path}: no such file or directory") } else { e.message }))
    };
    for given in flags.all("from-file").iter().flat_map(|g| g.split(',')) {
        let (key, path) = given.split_once('=').map_or((None, given), |(k, p)| (Some(k), p));
        if key.is_none() && matches!(session.world.kind(path), Ok(crate::source::FileKind::Directory)) {
            for entry in session.world.read_dir(path).map_err(|e| Fault::error(e.message))? {
                if entry.kind == crate::source::FileKind::File {
                    out.push((entry.name.clone(), read(&format!("{}/{}", path.trim_end_matches('/'), entry.name))?));
                }
            }
            continue;
        }
        let name = key.unwrap_or_else(|| path.rsplit('/').next().unwrap_or(path));
        out.push((name.to_owned(), read(path)?));
    }
    for path in flags.list("from-env-file") {
        let text = String::from_utf8_lossy(&read(&path)?).into_owned();
        for line in text.lines().map(str::trim_start).filter(|l| !l.is_empty() && !l.starts_with('#')) {
            let (key, value) = line.split_once('=').unwrap_or((line, ""));
            out.push((key.to_owned(), value.as_bytes().to_vec()));
        }
    }
    for given in flags.all("from-literal") {
        let (key, value) = given
            .split_once('=')
            .filter(|(k, _)| !k.is_empty())
            .ok_or_else(|| Fault::error(format!("invalid literal source {given}, expected key=value")))?;
        let value = value
            .strip_prefix('\'')
            .and_then(|v| v.strip_suffix('\''))
            .or_else(|| value.strip_prefix('"').and_then(|v| v.strip_suffix('"')))
            .unwrap_or(value);
        out.push((key.to_owned(), value.as_bytes().to_vec()));
    }
    for (i, (key, _)) in out.iter().enumerate() {
        if out.iter().take(i).any(|(k, _)| k == key) {
            return Err(Fault::error(format!("cannot add key {key}, another key by that name already exists")));
        }
        if let Some(wrong) = crate::kube::names::config_key(key).first() {
            return Err(Fault::error(format!("\"{key}\" is not a valid key name: {wrong}")));
        }
    }
    Ok(out)
}

fn config_map(session: &Session<'_>, flags: &Flags, skip: usize) -> Result<Value, Fault> {
    let (name, _) = named(flags, "configmap", skip)?;
    let (mut data, mut binary) = (Map::new(), Map::new());
    for (key, bytes) in entries(session, flags)? {
        match String::from_utf8(bytes) {
            Ok(text) => data.insert(key, text.into()),
            Err(e) => binary.insert(key, data_encoding::BASE64.encode(e.as_bytes()).into()),
        };
    }
    let mut object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}});
    if !data.is_empty() {
        object["data"] = data.into();
    }
    if !binary.is_empty() {
        object["binaryData"] = binary.into();
    }
    Ok(object)
}

fn secret(session: &Session<'_>, flags: &Flags) -> Result<Value, Fault> {
    let Some(kind) = flags.args.get(1) else {
        return Err(Fault::error("secret of what type? There is: docker-registry, generic, tls"));
    };
    let (name, _) = named(flags, &format!("secret {kind}"), 2)?;
    let coded = |bytes: &[u8]| Value::from(data_encoding::BASE64.encode(bytes));
    let mut data = Map::new();
    let mut of = flags.text("type").to_owned();
    match kind.as_str() {
        "generic" => data.extend(entries(session, flags)?.into_iter().map(|(k, v)| (k, coded(&v)))),
        "tls" => {
            required(flags, &["cert", "key"])?;
            for (field, flag) in [("tls.crt", "cert"), ("tls.key", "key")] {
                let bytes = session.world.read(flags.text(flag)).map_err(|e| Fault::error(e.message))?;
                data.insert(field.to_owned(), coded(&bytes));
            }
            "kubernetes.io/tls".clone_into(&mut of);
        }
        "docker-registry" => {
            if flags.text("docker-username").is_empty() || flags.text("docker-password").is_empty() {
                return Err(Fault::error(
                    "either --from-file or the combination of --docker-username, --docker-password and --docker-server is required",
                ));
            }
            let server = if flags.text("docker-server").is_empty() { "https://index.docker.io/v1/" } else { flags.text("docker-server") };
            let (user, password) = (flags.text("docker-username"), flags.text("docker-password"));
            let mut entry = json!({"username": user, "password": password, "auth": data_encoding::BASE64.encode(format!("{user}:{password}").as_bytes())});
            if !flags.text("docker-email").is_empty() {
                entry["email"] = flags.text("docker-email").into();
            }
            data.insert(".dockerconfigjson".to_owned(), coded(json!({"auths": {server: entry}}).to_string().as_bytes()));
            "kubernetes.io/dockerconfigjson".clone_into(&mut of);
        }
        other => return Err(Fault::error(format!("unknown command \"{other}\" for \"kubectl create secret\""))),
    }
    let mut object = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}});
    if !data.is_empty() {
        object["data"] = data.into();
    }
    if !of.is_empty() {
        object["type"] = of.into();
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
    for part in flags.text("hard").split(',').filter(|p| !p.is_empty()) {
        let (resource, amount) =
            part.split_once('=').ok_or_else(|| Fault::error(format!("Invalid argument syntax {part}, expected <resource>=<value>")))?;
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
        object["spec"]["scopes"] = scopes.split(',').map(Value::from).collect::<Vec<_>>().into();
    }
    Ok(object)
}

fn role(session: &Session<'_>, flags: &Flags, generator: &str, skip: usize) -> Result<Value, Fault> {
    let (name, _) = named(flags, generator, skip)?;
    let kind = if generator == "role" { "Role" } else { "ClusterRole" };
    let mut verbs: Vec<String> = Vec::new();
    for verb in flags.list("verb") {
        if verb == "*" {
            verbs = vec![verb];
            break;
        }
        if !verbs.contains(&verb) {
            verbs.push(verb);
        }
    }
    let urls = flags.list("non-resource-url");
    if verbs.is_empty() {
        return Err(Fault::error("at least one verb must be specified"));
    }
    if flags.list("resource").is_empty() && urls.is_empty() {
        return Err(Fault::error(if generator == "role" {
            "at least one resource must be specified"
        } else {
            "one of resource or nonResourceURL must be specified"
        }));
    }
    // Resources of a group share a rule, in the order in which groups are met.
    let mut groups: Vec<(String, Vec<String>)> = Vec::new();
    for given in flags.list("resource") {
        let (head, sub) = given.split_once('/').map_or((given.as_str(), None), |(h, s)| (h, Some(s)));
        let resource: Resource = if head == "*" {
            Resource { name: "*".to_owned(), group: "*".to_owned(), ..Resource::default() }
        } else {
            session.resource(head).map_err(|_| Fault::plain(format!("the server doesn't have a resource type \"{head}\"")))?
        };
        let full = sub.map_or_else(|| resource.name.clone(), |s| format!("{}/{s}", resource.name));
        match groups.iter_mut().find(|(g, _)| *g == resource.group) {
            Some((_, all)) if all.contains(&full) => {}
            Some((_, all)) => all.push(full),
            None => groups.push((resource.group.clone(), vec![full])),
        }
    }
    groups.sort_by(|a, b| a.0.cmp(&b.0));
    let mut rules: Vec<Value> = Vec::new();
    for (group, resources) in groups {
        let mut rule = json!({"apiGroups": [group], "resources": resources, "verbs": verbs});
        let names = flags.list("resource-name");
        if !names.is_empty() {
            rule["resourceNames"] = names.into();
        }
        rules.push(rule);
    }
    if !urls.is_empty() {
        rules.push(json!({"nonResourceURLs": urls, "verbs": verbs}));
    }
    Ok(json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": {"name": name}, "rules": rules}))
}

fn binding(flags: &Flags, generator: &str, skip: usize) -> Result<Value, Fault> {
    let (name, _) = named(flags, generator, skip)?;
    let (role, cluster) = (flags.text("role"), flags.text("clusterrole"));
    let kind = if generator == "rolebinding" { "RoleBinding" } else { "ClusterRoleBinding" };
    let reference = match (role.is_empty(), cluster.is_empty()) {
        (false, true) if generator == "rolebinding" => json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": role}),
        (true, false) => json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": cluster}),
        _ if generator == "rolebinding" => return Err(Fault::error("exactly one of clusterrole or role must be specified")),
        _ => return Err(Fault::error("required flag(s) \"clusterrole\" not set")),
    };
    let mut object = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": {"name": name}, "roleRef": reference});
    let subjects = super::set::subjects(flags)?;
    if !subjects.is_empty() {
        object["subjects"] = subjects.into();
    }
    Ok(object)
}

fn ingress(flags: &Flags, skip: usize) -> Result<Value, Fault> {
    let (name, _) = named(flags, "ingress", skip)?;
    if flags.all("rule").is_empty() && flags.text("default-backend").is_empty() {
        return Err(Fault::error(
            "not enough information provided: every ingress has to either specify a default-backend (which catches all traffic) or a list of rules (which catch specific paths)",
        ));
    }
    let backend = |given: &str| -> Result<Value, Fault> {
        let (service, port) = given
            .split_once(':')
            .ok_or_else(|| Fault::error(format!("default-backend should be in format servicename:serviceport: {given}")))?;
        let port = port.parse::<i64>().map_or_else(|_| json!({"name": port}), |n| json!({"number": n}));
        Ok(json!({"service": {"name": service, "port": port}}))
    };
    let mut rules: Vec<Value> = Vec::new();
    let mut tls: Vec<Value> = Vec::new();
    for given in flags.all("rule") {
        let wrong = || Fault::error(format!("rule {given} is invalid and should be in format host/path=svcname:svcport[,tls[=secret]]"));
        let (target, rest) = given.split_once('=').ok_or_else(wrong)?;
        let (host, path) = target.split_once('/').map(|(h, p)| (h, format!("/{p}"))).ok_or_else(wrong)?;
        let (service, secure) = rest.split_once(',').map_or((rest, None), |(s, t)| (s, Some(t)));
        let (path, kind) = path.strip_suffix('*').map_or((path.clone(), "Exact"), |p| (p.to_owned(), "Prefix"));
        let entry = json!({"backend": backend(service)?, "path": path, "pathType": kind});
        match rules.iter_mut().find(|r| r["host"].as_str().unwrap_or("") == host) {
            Some(rule) => {
                if let Some(paths) = rule.pointer_mut("/http/paths").and_then(Value::as_array_mut) {
                    paths.push(entry);
                }
            }
            None => {
                let mut rule = json!({"http": {"paths": [entry]}});
                if !host.is_empty() {
                    rule["host"] = host.into();
                }
                rules.push(rule);
            }
        }
        if let Some(secret) = secure.and_then(|s| s.strip_prefix("tls")) {
            let mut entry = json!({});
            if !host.is_empty() {
                entry["hosts"] = json!([host]);
            }
            if let Some(secret) = secret.strip_prefix('=') {
                entry["secretName"] = secret.into();
            }
            tls.push(entry);
        }
    }
    let mut object = json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": name}, "spec": {}, "status": {"loadBalancer": {}}});
    if !flags.text("default-backend").is_empty() {
        object["spec"]["defaultBackend"] = backend(flags.text("default-backend"))?;
    }
    if !flags.text("class").is_empty() {
        object["spec"]["ingressClassName"] = flags.text("class").into();
    }
    if !rules.is_empty() {
        object["spec"]["rules"] = rules.into();
    }
    if !tls.is_empty() {
        object["spec"]["tls"] = tls.into();
    }
    let annotations = super::run::labels(flags.all("annotation"))?;
    if !annotations.is_empty() {
        object["metadata"]["annotations"] = annotations.into();
    }
    Ok(object)
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
    let amount = given.parse::<i64>().map_or_else(|_| Value::from(given), Value::from);
    let labels = super::run::labels(&[flags.text("selector").to_owned()])?;
    Ok(json!({
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": name},
        "spec": {field: amount, "selector": {"matchLabels": labels}},
        "status": {"currentHealthy": 0, "desiredHealthy": 0, "disruptionsAllowed": 0, "expectedPods": 0},
    }))
}

fn priority_class(flags: &Flags, skip: usize) -> Result<Value, Fault> {
    required(flags, &["value"])?;
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
