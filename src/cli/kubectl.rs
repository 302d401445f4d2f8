//! `kval kubectl`: kubectl's verbs on a simulated cluster.

use clap::{Arg, ArgMatches, Command};

use super::args::{list, strings, value};
use super::args_cluster::{made, stored};
use super::error::Error;
use super::options;
use super::output::Output;
use super::state;
use super::world::RealWorld;
use crate::kubectl;
use crate::source::World;

/// The flags that say which cluster is meant; kubectl has none of these, but `--context` and, on some verbs, `--from`.
const OURS: [&str; 6] = ["state", "context", "from", "at", "nodes", "now"];

/// The command line.
pub(super) fn command() -> Command {
    made(stored(Command::new("kubectl").about("kubectl's verbs on a simulated cluster: get, describe, apply, rollout …")))
        .arg(list("from", "PATH", "A cluster that holds this chart or these manifests, instead of a stored one"))
        .arg(value("at", "TIME", "With --from: how long after its objects were created, such as 45s"))
        .arg(value("now", "TIME", "With --from: when its clock starts"))
        .arg(Arg::new("words").value_name("VERB").num_args(0..).trailing_var_arg(true).allow_hyphen_values(true))
}

/// Kval's own flags, wherever they stand, and kubectl's words.
fn split(words: &[String]) -> (Vec<String>, Vec<String>) {
    let verb = words.iter().find(|w| !w.starts_with('-')).map_or("", String::as_str);
    // What kubectl itself means by a flag of such a name.
    let theirs_is = |name: &str| name == "from" && matches!(verb, "create" | "set") || name == "now" && verb == "delete";
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let mut i = 0;
    while let Some(word) = words.get(i) {
        i += 1;
        if word == "--" {
            theirs.extend(words.get(i - 1..).unwrap_or_default().iter().cloned());
            break;
        }
        let name = word.strip_prefix("--").map_or("", |w| w.split('=').next().unwrap_or(w));
        if !OURS.contains(&name) || theirs_is(name) {
            theirs.push(word.clone());
            continue;
        }
        ours.push(word.clone());
        if !word.contains('=') {
            ours.extend(words.get(i).cloned());
            i += 1;
        }
    }
    (ours, theirs)
}

pub(super) fn run(matches: &ArgMatches, output: &mut Output) -> Result<u8, Error> {
    let (ours, words) = split(&strings(matches, "words"));
    // Flags of ours before the verb count too.
    let mut line = vec!["kubectl".to_owned()];
    for name in OURS {
        line.extend(strings(matches, name).into_iter().map(|v| format!("--{name}={v}")));
    }
    line.extend(ours);
    let matches = command().try_get_matches_from(line).map_err(|e| Error::unusable(e.to_string().trim_end().to_owned()))?;
    let world = options::world(&matches)?;
    let mut opened = state::open(&matches)?;
    let name = state::place(&matches)?.name().to_owned();
    let seen = RealWorld::new(Some(i128::from(opened.cluster.now())), Some(world.seed()));
    let context = kubectl::Context { namespace: "default".to_owned(), name };
    let done = kubectl::run(&mut *opened.cluster, &seen, &context, &words);
    output.stdout.extend_from_slice(done.stdout.as_bytes());
    output.stderr.push_str(&done.stderr);
    opened.save()?;
    Ok(done.exit)
}
