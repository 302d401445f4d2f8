//! `kubectl run`. upstream: kubectl/pkg/cmd/run

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use super::super::flags::Flags;
use super::super::session::{Fault, Session};
use super::change::options;
use super::{DryRun, Ended, dry};

/// What an image may be called. upstream: github.com/distribution/reference
static REFERENCE: LazyLock<regex::Regex> = LazyLock::new(|| {
    const LABEL: &str = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])";
    const PART: &str = "[a-z0-9]+(?:(?:[._]|__|[-]+)[a-z0-9]+)*";
    let domain = format!(r"(?:{LABEL}(?:\.{LABEL})*|\[(?:[a-fA-F0-9:]+)\])(?::[0-9]+)?");
    // Written out: what the library takes for letters of words has many thousands, which take a hundred milliseconds to compile.
    let tag = "[0-9A-Za-z_][0-9A-Za-z_.-]{0,127}";
    let digest = "[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*[:][[:xdigit:]]{32,}";
    let text = format!("^(?:{domain}/)?{PART}(?:/{PART})*(?::{tag})?(?:@{digest})?$");
    regex::Regex::new(&text).expect("the expression is a constant")
});

/// Whether a text may be an image's name.
pub(super) fn is_reference(image: &str) -> bool {
    REFERENCE.is_match(image)
}

/// Labels given as `a=b,c=d`.
pub(super) fn labels(given: &[String]) -> Result<Map<String, Value>, Fault> {
    let mut out = Map::new();
    for pair in given.iter().flat_map(|g| g.split(',')).filter(|p| !p.is_empty()) {
        let wrong = || Fault::error(format!("unexpected label spec: {pair}"));
        let (key, value) = pair.split_once('=').filter(|(_, value)| !value.contains('=')).ok_or_else(wrong)?;
        if key.is_empty() {
            return Err(Fault::error("unexpected empty label key"));
        }
        out.insert(key.to_owned(), value.into());
    }
    Ok(out)
}

/// Annotations, each given as `a=b`. upstream: getAnnotations
fn annotations(given: &[String]) -> Result<Map<String, Value>, Fault> {
    let mut out = Map::new();
    let mut wrong = Vec::new();
    for pair in given {
        match pair.split_once('=') {
            Some((key, value)) if !key.is_empty() => drop(out.insert(key.to_owned(), value.into())),
            _ => wrong.push(pair.as_str()),
        }
    }
    if wrong.is_empty() { Ok(out) } else { Err(Fault::error(format!("invalid annotations format: {}", wrong.join(", ")))) }
}

/// Environment variables given as `A=b`.
fn variables(given: &[String]) -> Result<Vec<Value>, Fault> {
    given
        .iter()
        .map(|pair| match pair.split_once('=') {
            Some((name, value)) if !name.is_empty() => {
                Ok(if value.is_empty() { json!({"name": name}) } else { json!({"name": name, "value": value}) })
            }
            _ => Err(Fault::error(format!("invalid env: {pair}"))),
        })
        .collect()
}

/// An object with what `--overrides` says. upstream: Overrider
pub(super) fn overridden(object: Value, flags: &Flags) -> Result<Value, Fault> {
    if flags.text("overrides").is_empty() {
        return Ok(object);
    }
    let patch: Value =
        serde_json::from_str(flags.text("overrides")).map_err(|e| Fault::error(format!("invalid character in --overrides: {e}")))?;
    let mut out = object;
    crate::simulate::apiserver::patch::json_merge(&mut out, &patch);
    Ok(out)
}

pub(super) fn run(session: &mut Session<'_>, flags: &Flags) -> Ended {
    let how = dry(flags)?;
    let image = flags.text("image");
    if !flags.given("image") {
        return Err(Fault::error("required flag(s) \"image\" not set").into());
    }
    let wrong = |why: &str| Err(Fault::usage("run", why).into());
    let Some(name) = flags.args.first() else {
        return wrong("NAME is required for run");
    };
    if image.is_empty() {
        return Err(Fault::error("--image is required").into());
    }
    if !is_reference(image) {
        return Err(Fault::error(format!("Invalid image name {}: invalid reference format", crate::value::quote(image.as_bytes()))).into());
    }
    if flags.on("tty") && !flags.on("stdin") {
        return wrong("-i/--stdin is required for containers with -t/--tty=true");
    }
    if flags.on("expose") && flags.text("port").is_empty() {
        return wrong("--port must be set when exposing a service");
    }
    let restart = match flags.text("restart") {
        "" => "Always",
        given @ ("Always" | "OnFailure" | "Never") => given,
        other => return wrong(&format!("invalid restart policy: {other}")),
    };
    let attach = if flags.given("attach") { flags.on("attach") } else { flags.on("stdin") };
    if flags.on("rm") && !attach {
        return wrong("--rm should only be used for attached containers");
    }
    if attach && how != DryRun::No {
        return wrong("--dry-run=[server|client] can't be used with attached containers options (--attach, --stdin, or --tty)");
    }
    if !matches!(flags.text("image-pull-policy"), "" | "Always" | "IfNotPresent" | "Never") {
        return wrong(&format!("invalid image pull policy: {}", flags.text("image-pull-policy")));
    }
    if attach {
        return Err(Fault::error("kval cannot attach: no container runs in a simulated cluster").into());
    }
    let mut labels = labels(flags.all("labels"))?;
    if labels.is_empty() {
        labels.insert("run".to_owned(), name.clone().into());
    }
    let mut container = json!({"image": image, "name": name, "resources": {}});
    let mut words: Vec<String> = flags.args.get(1..).unwrap_or_default().to_vec();
    words.extend(flags.rest.iter().cloned());
    if !words.is_empty() {
        container[if flags.on("command") { "command" } else { "args" }] = words.into();
    }
    let env = variables(flags.all("env"))?;
    if !env.is_empty() {
        container["env"] = env.into();
    }
    if !flags.text("port").is_empty() {
        let port: i64 = flags.text("port").parse().map_err(|_| {
            let quoted = crate::value::quote(flags.text("port").as_bytes());
            Fault::error(format!("strconv.Atoi: parsing {quoted}: invalid syntax"))
        })?;
        container["ports"] = json!([{"containerPort": port}]);
    }
    if !flags.text("image-pull-policy").is_empty() {
        container["imagePullPolicy"] = flags.text("image-pull-policy").into();
    }
    if flags.on("stdin") {
        container["stdin"] = true.into();
        container["stdinOnce"] = (!flags.on("leave-stdin-open")).into();
    }
    if flags.on("tty") {
        container["tty"] = true.into();
    }
    if flags.on("privileged") {
        container["securityContext"] = json!({"privileged": true});
    }
    let mut pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"labels": labels, "name": name},
        "spec": {"containers": [container], "dnsPolicy": "ClusterFirst", "restartPolicy": restart},
        "status": {},
    });
    let annotations = annotations(flags.all("annotations"))?;
    if !annotations.is_empty() {
        pod["metadata"]["annotations"] = annotations.into();
    }
    let namespace = session.namespace(flags);
    if flags.given("namespace") && how != DryRun::No {
        pod["metadata"]["namespace"] = namespace.clone().into();
    }
    let pod = overridden(pod, flags)?;
    let pods = session.resource("pods")?;
    let options = options(flags, how, "kubectl-run");
    let mut service = None;
    let created = session.make(&pods, &namespace, &without_status(&pod, how), &options, how).map_err(Fault::from)?;
    if flags.on("expose") {
        let port: i64 = flags.text("port").parse().unwrap_or(0);
        let object = json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": name},
            "spec": {"ports": [{"port": port, "protocol": "TCP", "targetPort": port}], "selector": pod["metadata"]["labels"]},
        });
        let services = session.resource("services")?;
        service = Some((services.clone(), session.make(&services, &namespace, &object, &options, how).map_err(Fault::from)?));
    }
    // The service is told of first, as it is made first.
    if let Some((resource, object)) = service {
        session.tell(flags, &resource, &object, "created", how)?;
    }
    session.tell(flags, &pods, &created, "created", how)?;
    Ok(())
}

/// The status belongs to what is printed, not to what is sent.
pub(super) fn without_status(object: &Value, how: DryRun) -> Value {
    let mut out = object.clone();
    if how != DryRun::Client {
        if let Some(fields) = out.as_object_mut() {
            fields.remove("status");
        }
    }
    out
}
