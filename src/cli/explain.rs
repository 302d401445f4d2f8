//! `kval explain`: the page of a rule, or the list of all.

use clap::ArgMatches;

use super::CLEAN;
use super::args::string;
use super::error::Error;
use super::output::Output;
use crate::lint;

pub(super) fn run(matches: &ArgMatches, output: &mut Output) -> Result<u8, Error> {
    let Some(id) = string(matches, "rule") else {
        let width = lint::rules().iter().map(|r| r.id.len()).max().unwrap_or(0);
        for rule in lint::rules() {
            let off = if rule.on { "" } else { " (only with --select)" };
            output.line(&format!("{:width$}  {:7}  {}{off}", rule.id, rule.severity.name(), rule.summary));
        }
        return Ok(CLEAN);
    };
    let Some(page) = lint::page(&id) else {
        return Err(Error::unusable(format!("there is no page for {id:?}; `kval explain` lists all rules")));
    };
    output.line(page.trim_end());
    Ok(CLEAN)
}
