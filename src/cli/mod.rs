//! The command line: arguments, the real world, one file per subcommand, exit codes.

mod against;
mod args;
mod args_cluster;
mod chart;
mod cluster;
mod config;
mod create;
mod defaults;
mod diff;
mod error;
mod explain;
mod kubectl;
mod lint;
mod merge;
mod options;
mod output;
mod pages;
mod release;
mod repo;
mod rollout;
mod rules;
mod scope;
mod shell;
mod simulate;
mod state;
mod template;
mod watch;
mod why;
mod world;

use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::{ExitCode, exit};

use clap::ArgMatches;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use error::Error;
use output::Output;
pub use world::RealWorld;

use crate::helm::{self, Begun};
use crate::source::{STACK, all_cores, brief};

/// Nothing to complain about.
const CLEAN: u8 = 0;
/// There are findings, or a chart does not render.
const FINDINGS: u8 = 1;
/// The command line, the configuration or the input is not usable.
const UNUSABLE: u8 = 2;
/// A defect of kval.
const BUG: u8 = 3;

/// Runs one command line, the only one of its process, which ends with it: what has been made is left to that end, and this
/// returns only where there is no memory for a stack. (`args` with the program's name first). Data goes to `stdout`, everything
/// else to `stderr`.
#[allow(clippy::exit, reason = "the one place that ends the process")]
pub fn run(args: impl IntoIterator<Item = OsString>, stdout: &mut dyn Write, stderr: &mut dyn Write) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    let ended = catch_unwind(AssertUnwindSafe(|| {
        pages::small();
        if args.get(1).is_some_and(|verb| verb == "template") {
            brief();
        }
        let chart = large_chart(&args);
        if chart.is_some() {
            // They unpack it, and start while this thread gets its stack.
            all_cores();
        }
        // On the main thread, whose memory the system hands out in larger pieces than that of a thread of its own.
        stacker::grow(STACK, || {
            let ran = catch_unwind(AssertUnwindSafe(|| execute(&args, chart)));
            let (code, output) = ran.unwrap_or_else(|panic| (BUG, Output { stderr: error::bug(&*panic), ..Output::default() }));
            // To give this stack back takes a word to each other thread.
            exit(i32::from(output.send(stdout, stderr, code)))
        })
    }));
    let Err(_) = ended;
    let output = Output { stderr: "Error: no memory for a stack\n".to_owned(), ..Output::default() };
    ExitCode::from(output.send(stdout, stderr, UNUSABLE))
}

fn execute(args: &[OsString], chart: Option<&OsString>) -> (u8, Output) {
    let mut output = Output::default();
    let begun = chart.and_then(|chart| begin(args, chart));
    let narrow = args::narrow(args).and_then(|command| command.try_get_matches_from(args).ok());
    let matches = match narrow.map_or_else(|| args::command_for(args).try_get_matches_from(args), Ok) {
        Ok(matches) => matches,
        Err(error) => {
            let code = usage(args, &error, &mut output);
            return (code, output);
        }
    };
    let code = dispatch(&matches, begun, &mut output).unwrap_or_else(|error| {
        output.stderr.push_str(&error.to_string());
        error.code
    });
    (code, output)
}

/// An archive of more bytes has work for several threads.
const LARGE: u64 = 16 * 1024;

/// A chart that is to be rendered and is large: an archive, or a folder with others in it.
fn large_chart(args: &[OsString]) -> Option<&OsString> {
    let (verb, rest) = args.get(1..)?.split_first()?;
    let is_large = |arg: &&OsString| match arg.as_encoded_bytes() {
        [b'-', ..] => false,
        [.., b'.', b't', b'g', b'z'] => fs::metadata(arg).is_ok_and(|file| file.len() > LARGE),
        _ => Path::new(arg).join("charts").is_dir(),
    };
    if verb == "template" { rest.iter().find(is_large) } else { None }
}

/// Begins to unpack a chart that is an archive, while the command line is read.
fn begin(args: &[OsString], chart: &OsString) -> Option<Begun> {
    if args.iter().any(|arg| arg.as_encoded_bytes().starts_with(b"--helm-compat")) {
        // Helm 3 is told in another way what is wrong with an archive.
        return None;
    }
    let path = chart.to_str().filter(|path| path.ends_with(".tgz"))?.to_owned();
    let bytes = world::read(&path).ok()?;
    helm::begin(path, bytes, args.iter().any(|arg| arg == "--include-crds"))
}

/// Tells what is wrong with the command line; for `template` in Helm's words where Helm has some.
fn usage(args: &[OsString], error: &clap::Error, output: &mut Output) -> u8 {
    let text = error.render().to_string();
    if !error.use_stderr() {
        output.stdout.extend_from_slice(text.as_bytes());
        return CLEAN;
    }
    let template = args.get(1).is_some_and(|a| a == "template");
    let flag = error.get(ContextKind::InvalidArg).map(|value| match value {
        ContextValue::Strings(all) => all.first().cloned().unwrap_or_default(),
        other => other.to_string(),
    });
    match (error.kind(), flag) {
        (ErrorKind::UnknownArgument, Some(flag)) if template && flag.starts_with("--") => {
            output.note(&format!("Error: unknown flag: {flag}"));
            FINDINGS
        }
        _ => {
            output.stderr.push_str(&text);
            UNUSABLE
        }
    }
}

/// Commands that are done before other threads could help; what they call asks for threads where there is more to do.
const SHORT: &[&str] = &["version", "template", "show", "dependency", "explain", "config", "repo", "search", "create"];

fn dispatch(matches: &ArgMatches, begun: Option<Begun>, output: &mut Output) -> Result<u8, Error> {
    if matches.subcommand_name().is_some_and(|name| !SHORT.contains(&name)) {
        all_cores();
    }
    match matches.subcommand() {
        Some(("version", _)) => {
            output.line(&format!("kval {}", env!("CARGO_PKG_VERSION")));
            Ok(CLEAN)
        }
        Some(("template", matches)) => template::run(matches, begun, output),
        Some(("lint", matches)) => lint::lint(matches, output),
        Some(("validate", matches)) => lint::validate(matches, output),
        Some(("simulate", matches)) => match matches.subcommand() {
            Some(("placement", matches)) => simulate::placement(matches, output),
            Some(("drain", matches)) => simulate::drain(matches, output),
            Some(("capacity", matches)) => simulate::capacity(matches, output),
            Some(("rollout", matches)) => rollout::run(matches, output),
            _ => Err(Error::unusable("simulate what? There is: placement, drain, capacity, rollout")),
        },
        Some(("cluster", matches)) => cluster::run(matches, output),
        Some(("kubectl", matches)) => kubectl::run(matches, output),
        Some(("diff", matches)) => diff::run(matches, output),
        Some(("install", matches)) => release::install(matches, output),
        Some(("upgrade", matches)) => release::upgrade(matches, output),
        Some(("rollback", matches)) => release::rollback(matches, output),
        Some(("uninstall", matches)) => release::uninstall(matches, output),
        Some(("list", matches)) => release::list(matches, output),
        Some(("status", matches)) => release::status(matches, output),
        Some(("history", matches)) => release::history(matches, output),
        Some(("test", matches)) => release::test(matches, output),
        Some(("get", matches)) => match matches.subcommand() {
            Some((part, matches)) => release::get(part, matches, output),
            None => Err(Error::unusable("get what? There is: all, hooks, manifest, metadata, notes, values")),
        },
        Some(("repo", matches)) => repo::run(matches, output),
        Some(("search", matches)) => match matches.subcommand() {
            Some((_, matches)) => repo::search(matches, output),
            None => Err(Error::unusable("search what? There is: repo")),
        },
        Some(("create", matches)) => create::run(matches, output),
        Some(("package", matches)) => chart::package(matches, output),
        Some(("show", matches)) => match matches.subcommand() {
            Some((part, matches)) => chart::show(part, matches, output),
            None => Err(Error::unusable("show what? There is: all, chart, crds, readme, values")),
        },
        Some(("dependency", matches)) => match matches.subcommand() {
            Some(("list", matches)) => chart::dependencies(matches, output),
            _ => Err(Error::unusable("dependency what? There is: list")),
        },
        Some(("why", matches)) => why::run(matches, output),
        Some(("rules", matches)) => match matches.subcommand() {
            Some(("test", matches)) => rules::test(matches, output),
            Some(("new", matches)) => rules::new(matches, output),
            _ => Err(Error::unusable("rules what? There is: test, new")),
        },
        Some(("config", matches)) => match matches.subcommand() {
            Some(("import", matches)) => config::import(matches, output),
            _ => config::show(matches, output),
        },
        Some(("explain", matches)) => explain::run(matches, output),
        Some(("report", matches)) => match matches.subcommand() {
            Some(("merge", matches)) => merge::run(matches, output),
            _ => Err(Error::unusable("report what? There is: merge")),
        },
        Some(("completion", matches)) => shell::completion(matches, output),
        Some(("man", matches)) => shell::man(matches, output),
        _ => Err(Error::unusable("this command is not known")),
    }
}
