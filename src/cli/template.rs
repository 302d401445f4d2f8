//! `kval template`: what `helm template` prints, to the byte.

use clap::ArgMatches;

use super::error::Error;
use super::output::Output;
use super::world::{create_directories, write_atomically};
use super::{CLEAN, FINDINGS, options};
use crate::helm::release::Cause;
use crate::helm::{self, Begun};
use crate::pipeline;
use crate::report;

/// Flags that Helm 4 accepts and complains about, and what it says.
const DEPRECATED: &[(&str, &str)] = &[
    ("validate", "use '--dry-run=server' instead"),
    ("hide-notes", NO_EFFECT),
    ("render-subchart-notes", NO_EFFECT),
    ("atomic", "use --rollback-on-failure instead"),
    ("force", "use --force-replace instead"),
];
const NO_EFFECT: &str = "this flag has no effect for 'helm template' and will be removed in Helm 5";

fn write(files: &[(String, String)]) -> Result<(), Error> {
    for (path, content) in files {
        if let Some((directory, _)) = path.rsplit_once('/') {
            create_directories(directory).map_err(|e| Error::helm(e.message))?;
        }
        write_atomically(path, content.as_bytes()).map_err(|e| Error::helm(e.message))?;
    }
    Ok(())
}

pub(super) fn run(matches: &ArgMatches, begun: Option<Begun>, output: &mut Output) -> Result<u8, Error> {
    if super::args::string(matches, "helm-compat").as_deref() != Some("3") {
        options::note_deprecated(matches, DEPRECATED, output);
        if options::given(matches, "validate") && options::given(matches, "dry-run") {
            let group = "if any flags in the group [validate dry-run] are set none of the others can be";
            return Err(Error::helm(format!("{group}; [dry-run validate] were all set")));
        }
    }
    let mut template = options::named_template(matches)?;
    // Nothing comes after the rendering.
    template.once = true;
    template.begun = begun;
    template.keep_going = super::args::on(matches, "keep-going");
    template.trace = template.keep_going;
    let world = options::world(matches)?;
    match helm::template(&world, &template) {
        Ok(mut rendered) => {
            write(&rendered.files)?;
            output.parts = std::mem::take(&mut rendered.stdout);
            rendered.stderr.iter().for_each(|line| output.note(line));
            if rendered.failures.is_empty() {
                std::mem::forget(rendered);
                return Ok(CLEAN);
            }
            let findings = pipeline::failures(&mut rendered.sources, rendered.failures);
            let sections = [report::Section { sources: &rendered.sources, findings: &findings, objects: &[], skipped: &[], empty: &[] }];
            let counts = pipeline::Counts { charts: 1, objects: rendered.documents.len(), ..pipeline::Counts::default() };
            output.note(report::render(report::Format::Text { color: false }, &sections, counts, &[]).trim_end());
            Ok(FINDINGS)
        }
        Err(error) => {
            if let Some(Cause::Written(files)) = error.cause.as_deref() {
                write(files)?;
            }
            output.stdout.extend_from_slice(&error.stdout);
            error.stderr.iter().for_each(|line| output.note(line));
            output.note(&format!("Error: {}", error.message));
            Ok(FINDINGS)
        }
    }
}
