//! The sets: how each kind of record is run and compared.

use serde_json::Value as Json;

use crate::Outcome;
use crate::data;

#[path = "cel.rs"]
mod cel;
#[path = "cli.rs"]
mod cli;
#[path = "helm.rs"]
mod helm;
#[path = "kubectl.rs"]
mod kubectl;
#[path = "kubectl_client.rs"]
mod kubectl_client;
#[path = "kubectl_cluster.rs"]
mod kubectl_cluster;
#[path = "rules.rs"]
mod rules;
#[path = "rules_variants.rs"]
mod rules_variants;
#[path = "provenance.rs"]
mod provenance;
#[path = "simulation.rs"]
mod simulation;
#[path = "state.rs"]
mod state;
#[path = "validation.rs"]
mod validation;
#[path = "validation_update.rs"]
mod validation_update;
#[path = "yaml.rs"]
mod yaml;

/// A set's outcomes; `None` when its data is missing. The flag says whether the floor applies.
type Set = fn(&str) -> Option<(bool, Vec<Outcome>)>;

/// All sets in the order of their lines.
pub(crate) fn all() -> Vec<(&'static str, Set)> {
    let mut all = vec![
        ("template", helm::template as Set),
        ("functions", helm::template),
        ("functions_more", helm::template),
        ("toyaml", yaml::toyaml),
        ("fromyaml", yaml::fromyaml),
        ("values", helm::values),
        ("schema_values", helm::schema_values),
        ("schema_generated", helm::schema_values),
        ("sort", cli::sort),
        ("helmlint", cli::helmlint),
        ("charts", cli::charts),
        ("charts_v3", cli::charts),
        ("corpus", cli::corpus),
        ("rules", rules::rules),
        ("rules-siblings", rules::rules),
        ("rules-variants", rules_variants::variants),
        ("fixes", rules::fixes),
        ("corpus-lint", cli::corpus),
        ("corpus-helm3", cli::corpus_v3),
        ("corpus-show", cli::corpus),
        ("validation-verdict", validation::verdict),
        ("validation-field", validation::field),
        ("validation-message", validation::message),
        ("validation-valid", validation::valid),
        ("validation-warnings", validation::warnings),
        ("validation-defaults", validation::defaults),
        ("validation-fresh", validation_update::fresh),
        ("provenance-template", provenance::template),
        ("provenance-values", provenance::values),
        ("validation-update-verdict", validation_update::verdict),
        ("validation-update", validation_update::update),
        ("cel", cel::expressions),
        ("validation-crd", state::definitions),
        ("validation-cr", state::custom_resources),
        ("validation-policy", state::policies),
        ("validation-podsecurity", state::pod_security),
        ("validation-quota", state::quota),
        ("validation-order", state::order),
        ("kubectl-columns", kubectl::columns),
        ("kubectl-transcripts", kubectl::transcripts),
        ("kubectl-cluster", kubectl_cluster::cluster),
        ("kubectl-client", kubectl_client::client),
    ];
    all.extend(simulation::names().map(|name| (name, simulation::group as Set)));
    all
}

/// Runs `check` over the records of a file; a panic of one record is its failure.
pub(crate) fn records(path: &str, check: impl Fn(&Json) -> Result<(), String> + Sync) -> Option<Vec<Outcome>> {
    Some(each(data::lines(path)?, |r| r["id"].as_str().unwrap_or("?").to_owned(), check))
}

/// Runs `check` over `items` on all cores, in order.
pub(crate) fn each<T: Send + Sync>(
    items: Vec<T>,
    id: impl Fn(&T) -> String + Sync,
    check: impl Fn(&T) -> Result<(), String> + Sync,
) -> Vec<Outcome> {
    use rayon::prelude::*;
    std::panic::set_hook(Box::new(|_| {}));
    // Vectors nest as deep as Go allows; unoptimised frames need room for that.
    let pool = rayon::ThreadPoolBuilder::new().stack_size(1 << 29).build().expect("threads");
    let out = pool.install(|| items.par_iter().map(|item| run(item, &id, &check)).collect());
    drop(std::panic::take_hook());
    out
}

fn run<T>(item: &T, id: &impl Fn(&T) -> String, check: &impl Fn(&T) -> Result<(), String>) -> Outcome {
    let failure = match std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(item))) {
        Ok(Ok(())) => None,
        Ok(Err(difference)) => Some(difference),
        Err(cause) => {
            let text = cause.downcast_ref::<String>().cloned().or_else(|| cause.downcast_ref::<&str>().map(|s| (*s).to_owned()));
            Some(format!("PANIC {}", text.unwrap_or_default()))
        }
    };
    Outcome { id: id(item), failure }
}

/// The first difference of two texts.
pub(crate) fn same(what: &str, want: &[u8], got: &[u8]) -> Result<(), String> {
    if want == got {
        return Ok(());
    }
    let at = want.iter().zip(got).take_while(|(a, b)| a == b).count();
    let from = at.saturating_sub(30);
    let cut = |b: &[u8]| String::from_utf8_lossy(&b[from.min(b.len())..(at + 120).min(b.len())]).into_owned();
    Err(format!("{what} at byte {at}: want {:?} got {:?}", cut(want), cut(got)))
}

/// The typed form of the vectors: JSON-like, numbers end in `f`, `i` (int64) or `n` (int), strings Go-quoted.
pub(crate) fn typed(value: &kval::value::Value) -> String {
    use kval::value::{IntType, Kind};
    match &value.kind {
        Kind::Nil => "null".to_owned(),
        Kind::Bool(b) => b.to_string(),
        Kind::Int(IntType::Int, i) => format!("{i}n"),
        Kind::Int(_, i) => format!("{i}i"),
        Kind::Uint(_, u) => format!("{u}u"),
        Kind::Float(_) => format!("{}f", go_print(b"%v", value)),
        Kind::Str(s) => quoted(s.as_bytes()),
        Kind::List(l) => format!("[{}]", l.items().iter().map(typed).collect::<Vec<_>>().join(",")),
        Kind::Map(m) => {
            let entries: Vec<_> = m.borrow().iter().map(|(k, v)| format!("{}:{}", quoted(k.as_bytes()), typed(v))).collect();
            format!("{{{}}}", entries.join(","))
        }
        other => format!("{other:?}"),
    }
}

fn go_print(verb: &[u8], value: &kval::value::Value) -> String {
    kval::value::sprintf(verb, std::slice::from_ref(value)).map_or_else(|e| e.0, |b| String::from_utf8_lossy(&b).into_owned())
}

/// Go's `strconv.Quote`.
fn quoted(bytes: &[u8]) -> String {
    go_print(b"%q", &kval::value::Str::from(bytes).into())
}
