//! kubectl's flags: what each verb takes, and how they are read. upstream: github.com/spf13/pflag

use std::collections::BTreeMap;

/// Flags of every verb. `name,short:kind`: `b` a switch, `s` a text, `l` texts, `i` a number, `d` a duration, `o=x` a text that is
/// `x` when the flag stands alone.
const GLOBAL: &str = "namespace,n:s as:s as-group:l as-uid:s context:s cluster:s user:s kubeconfig:s server,s:s token:s \
    request-timeout:s insecure-skip-tls-verify:b certificate-authority:s client-certificate:s client-key:s cache-dir:s \
    tls-server-name:s username:s password:s match-server-version:b warnings-as-errors:b disable-compression:b v,v:i \
    vmodule:s profile:s profile-output:s log-flush-frequency:d kuberc:s help,h:b";

/// The flags of printing objects.
const PRINT: &str = "output,o:s template:s allow-missing-template-keys:b show-managed-fields:b";
/// The flags of naming files.
const FILES: &str = "filename,f:l kustomize,k:s recursive,R:b";
/// The flags of writing.
const WRITE: &str = "dry-run:o=unchanged field-manager:s";

fn of_verb(verb: &str) -> String {
    let own = match verb {
        "get" => {
            "all-namespaces,A:b selector,l:s field-selector:s label-columns,L:l show-labels:b show-kind:b no-headers:b sort-by:s \
             watch,w:b watch-only:b output-watch-events:b ignore-not-found:b chunk-size:i raw:s server-print:b subresource:s PRINT FILES"
        }
        "describe" => "all-namespaces,A:b selector,l:s show-events:b chunk-size:i FILES",
        "events" => "all-namespaces,A:b for:s types:l watch,w:b no-headers:b chunk-size:i PRINT",
        "explain" => "recursive,R:b api-version:s output:s",
        "api-resources" => "api-group:s namespaced:b verbs:l categories:l sort-by:s no-headers:b cached:b output,o:s",
        "api-versions" | "cluster-info" => "",
        "version" => "client:b output,o:s",
        "apply" => {
            "all:b selector,l:s cascade:o=background force:b force-conflicts:b grace-period:i overwrite:b prune:b prune-allowlist:l \
             server-side:b timeout:d validate:o=strict wait:b openapi-patch:b subresource:s applyset:s PRINT FILES WRITE"
        }
        "create" => "edit:b raw:s save-config:b selector,l:s validate:o=strict windows-line-endings:b PRINT FILES WRITE",
        "replace" => {
            "cascade:o=background force:b grace-period:i raw:s save-config:b subresource:s timeout:d validate:o=strict wait:b PRINT FILES WRITE"
        }
        "delete" => {
            "all:b all-namespaces,A:b cascade:o=background field-selector:s force:b grace-period:i ignore-not-found:b interactive,i:b \
             now:b raw:s selector,l:s timeout:d wait:b output,o:s FILES WRITE"
        }
        "scale" => "all:b current-replicas:i replicas:i resource-version:s selector,l:s timeout:d PRINT FILES WRITE",
        "autoscale" => "cpu:s cpu-percent:i memory:s max:i min:i name:s save-config:b PRINT FILES WRITE",
        "expose" => {
            "cluster-ip:s external-ip:s labels,l:s load-balancer-ip:s name:s override-type:s overrides:s port:s protocol:s save-config:b \
             selector:s session-affinity:s target-port:s type:s PRINT FILES WRITE"
        }
        "run" => {
            "annotations:l attach:b cascade:o=background command:b env:l expose:b force:b grace-period:i image:s image-pull-policy:s \
             labels,l:s leave-stdin-open:b override-type:s overrides:s pod-running-timeout:d port:s privileged:b quiet,q:b restart:s rm:b \
             save-config:b stdin,i:b timeout:d tty,t:b wait:b PRINT FILES WRITE"
        }
        "label" | "annotate" => {
            "all:b all-namespaces,A:b field-selector:s list:b local:b overwrite:b resource-version:s selector,l:s PRINT FILES WRITE"
        }
        "taint" => "all:b overwrite:b selector,l:s validate:o=strict PRINT WRITE",
        "cordon" | "uncordon" => "selector,l:s dry-run:o=unchanged",
        "drain" => {
            "chunk-size:i delete-emptydir-data:b disable-eviction:b dry-run:o=unchanged force:b grace-period:i ignore-daemonsets:b \
             pod-selector:s selector,l:s skip-wait-for-delete-timeout:i timeout:d"
        }
        "patch" => "patch,p:s patch-file:s type:s local:b subresource:s PRINT FILES WRITE",
        "edit" => "output-patch:b save-config:b validate:o=strict windows-line-endings:b subresource:s PRINT FILES WRITE",
        "wait" => "all:b all-namespaces,A:b field-selector:s for:l local:b selector,l:s timeout:d PRINT FILES",
        "diff" => "concurrency:i force-conflicts:b prune:b prune-allowlist:l selector,l:s server-side:b show-managed-fields:b FILES WRITE",
        "rollout" => "revision:i to-revision:i watch,w:b timeout:d selector,l:s PRINT FILES WRITE",
        "set" => {
            "all:b containers,c:s env,e:l from:s keys:l limits:s list:b local:b overwrite:b prefix:s requests:s resolve:b resource-version:s \
             selector,l:s serviceaccount:l user:l group:l PRINT FILES WRITE"
        }
        "auth" => "all-namespaces,A:b list:b no-headers:b quiet,q:b subresource:s output,o:s FILES",
        "top" => {
            "all-namespaces,A:b containers:b field-selector:s no-headers:b selector,l:s sort-by:s sum:b use-protocol-buffers:b show-capacity:b"
        }
        "config" => "flatten:b merge:b minify:b raw:b no-headers:b current:b PRINT",
        "logs" => {
            "all-containers:b all-pods:b container,c:s follow,f:b ignore-errors:b insecure-skip-tls-verify-backend:b limit-bytes:i \
             max-log-requests:i pod-running-timeout:d prefix:b previous,p:b selector,l:s since:d since-time:s tail:i timestamps:b"
        }
        "debug" => {
            "arguments-only:b attach:b container,c:s copy-to:s custom:s env:l image:s image-pull-policy:s keep-annotations:b \
             keep-init-containers:b keep-labels:b keep-liveness:b keep-readiness:b keep-startup:b profile:s quiet,q:b replace:b \
             same-node:b set-image:l share-processes:b stdin,i:b target:s tty,t:b FILES"
        }
        "exec" | "attach" => "container,c:s stdin,i:b tty,t:b quiet,q:b pod-running-timeout:d FILES",
        "cp" => "container,c:s no-preserve:b retries:i",
        "port-forward" => "address:l pod-running-timeout:d",
        _ => "",
    };
    own.replace("PRINT", PRINT).replace("FILES", FILES).replace("WRITE", WRITE)
}

/// The flags of a generator of `create`.
fn of_generator(name: &str) -> &'static str {
    match name {
        "deployment" => "image:l port:i replicas,r:i",
        "service" => "tcp:l clusterip:s node-port:i external-name:s",
        "configmap" => "from-file:l from-env-file:l from-literal:l append-hash:b",
        "secret" => {
            "from-file:l from-env-file:l from-literal:l append-hash:b type:s docker-username:s docker-password:s docker-email:s \
             docker-server:s cert:s key:s"
        }
        "job" => "image:s from:s",
        "cronjob" => "image:s schedule:s restart:s",
        "quota" => "hard:s scopes:s",
        "role" | "clusterrole" => "verb:l resource:l resource-name:l non-resource-url:l aggregation-rule:s",
        "rolebinding" | "clusterrolebinding" => "role:s clusterrole:s user:l group:l serviceaccount:l",
        "ingress" => "rule:l class:s default-backend:s annotation:l",
        "poddisruptionbudget" => "min-available:s max-unavailable:s selector:s",
        "priorityclass" => "value:i global-default:b description:s preemption-policy:s",
        "token" => "audience:l duration:d bound-object-kind:s bound-object-name:s bound-object-uid:s",
        _ => "",
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Spec {
    name: String,
    short: Option<char>,
    kind: String,
}

impl Spec {
    /// As errors name it: with its letter, where it has one.
    fn shown(&self) -> String {
        self.short.map_or_else(|| format!("--{}", self.name), |short| format!("-{short}, --{}", self.name))
    }
}

fn specs(text: &str) -> Vec<Spec> {
    let read = |word: &str| {
        let (names, kind) = word.split_once(':').unwrap_or((word, "b"));
        let (name, short) = names.split_once(',').map_or((names, None), |(n, s)| (n, s.chars().next()));
        Spec { name: name.to_owned(), short, kind: kind.to_owned() }
    };
    text.split_whitespace().map(read).collect()
}

/// A command line that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    values: BTreeMap<String, Vec<String>>,
    /// What is no flag, in order, without what follows `--`.
    pub args: Vec<String>,
    /// What follows `--`.
    pub rest: Vec<String>,
    /// Whether there was a `--`.
    pub dashed: bool,
}

impl Flags {
    /// Reads what follows a verb (and its generator); the error is kubectl's sentence.
    pub fn read(verb: &str, generator: Option<&str>, words: &[String]) -> Result<Self, String> {
        let mut known = specs(&of_verb(verb));
        // A generator's own flags come first: its names may mean something else there.
        let mut all = specs(generator.map_or("", of_generator));
        all.append(&mut known);
        all.extend(specs(GLOBAL));
        let mut out = Self::default();
        let mut i = 0;
        while let Some(word) = words.get(i) {
            i += 1;
            if word == "--" {
                out.rest = words.get(i..).unwrap_or_default().to_vec();
                out.dashed = true;
                break;
            }
            if let Some(long) = word.strip_prefix("--") {
                let (name, value) = long.split_once('=').map_or((long, None), |(n, v)| (n, Some(v.to_owned())));
                let Some(spec) = all.iter().find(|s| s.name == name) else { return Err(format!("unknown flag: --{name}")) };
                let alone = match spec.kind.as_str() {
                    "b" => Some("true".to_owned()),
                    kind => kind.strip_prefix("o=").map(str::to_owned),
                };
                let value = match value.or(alone) {
                    Some(value) => value,
                    None => {
                        let next = words.get(i).cloned().ok_or_else(|| format!("flag needs an argument: --{name}"))?;
                        i += 1;
                        next
                    }
                };
                out.set(spec, value, &spec.shown())?;
            } else if word.len() > 1 && word.starts_with('-') {
                let mut letters = word.chars().skip(1);
                while let Some(letter) = letters.next() {
                    let Some(spec) = all.iter().find(|s| s.short == Some(letter)) else {
                        return Err(format!("unknown shorthand flag: '{letter}' in {word}"));
                    };
                    let tail: String = letters.clone().collect();
                    if spec.kind == "b" && !tail.starts_with('=') {
                        out.set(spec, "true".to_owned(), &spec.shown())?;
                        continue;
                    }
                    let value = if tail.is_empty() {
                        let next = words.get(i).cloned().ok_or_else(|| format!("flag needs an argument: '{letter}' in {word}"))?;
                        i += 1;
                        next
                    } else {
                        tail.strip_prefix('=').unwrap_or(&tail).to_owned()
                    };
                    out.set(spec, value, &spec.shown())?;
                    break;
                }
            } else {
                out.args.push(word.clone());
            }
        }
        Ok(out)
    }

    fn set(&mut self, spec: &Spec, value: String, shown: &str) -> Result<(), String> {
        let wrong = |why: &str| Err(format!("invalid argument {} for {} flag: {why}", quote(&value), quote(shown)));
        match spec.kind.as_str() {
            "b" if !["1", "t", "T", "TRUE", "true", "True", "0", "f", "F", "FALSE", "false", "False"].contains(&value.as_str()) => {
                return wrong(&format!("strconv.ParseBool: parsing {}: invalid syntax", quote(&value)));
            }
            "i" if value.parse::<i64>().is_err() => {
                return wrong(&format!("strconv.ParseInt: parsing {}: invalid syntax", quote(&value)));
            }
            "d" if super::times::parse_duration(&value).is_none() => {
                return wrong(&super::times::no_duration(&value));
            }
            _ => {}
        }
        let slot = self.values.entry(spec.name.clone()).or_default();
        if spec.kind != "l" {
            slot.clear();
        }
        slot.push(value);
        Ok(())
    }

    /// Whether a flag was given at all.
    pub fn given(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// Whether a switch is on.
    pub fn on(&self, name: &str) -> bool {
        self.values.get(name).and_then(|v| v.last()).is_some_and(|v| v.starts_with(['1', 't', 'T']))
    }

    /// Whether a switch was turned off.
    pub fn off(&self, name: &str) -> bool {
        self.given(name) && !self.on(name)
    }

    /// The text of a flag; empty when it was not given.
    pub fn text(&self, name: &str) -> &str {
        self.values.get(name).and_then(|v| v.last()).map_or("", String::as_str)
    }

    /// The texts of a flag, each as given.
    pub fn all(&self, name: &str) -> &[String] {
        self.values.get(name).map_or(&[], Vec::as_slice)
    }

    /// The texts of a flag, those joined by commas apart. upstream: StringSlice
    pub fn list(&self, name: &str) -> Vec<String> {
        self.all(name).iter().flat_map(|v| v.split(',')).filter(|v| !v.is_empty()).map(str::to_owned).collect()
    }

    /// The number of a flag.
    pub fn number(&self, name: &str) -> Option<i64> {
        self.values.get(name).and_then(|v| v.last())?.parse().ok()
    }

    /// The nanoseconds of a flag.
    pub fn duration(&self, name: &str) -> Option<i64> {
        super::times::parse_duration(self.values.get(name).and_then(|v| v.last())?)
    }
}

fn quote(text: &str) -> String {
    crate::value::quote(text.as_bytes())
}
