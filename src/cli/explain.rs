//! `kval explain`: the page of a rule or of a field, or the list of all rules.

use clap::ArgMatches;

use super::CLEAN;
use super::args::string;
use super::error::Error;
use super::options;
use super::output::Output;
use crate::kube;
use crate::lint;

pub(super) fn run(matches: &ArgMatches, output: &mut Output) -> Result<u8, Error> {
    let Some(id) = string(matches, "rule") else {
        let width = lint::rules().iter().map(|r| r.id.len()).max().unwrap_or(0);
        for rule in lint::rules() {
            let off = if rule.on { "" } else { " (only with --select)" };
            output.line(&format!("{:width$}  {:7}  {}{off}", rule.id, rule.severity.name(), rule.summary));
        }
        for rule in options::custom(matches)? {
            output.line(&format!("{:width$}  {:7}  a rule of your own", rule.id, rule.severity.name()));
        }
        return Ok(CLEAN);
    };
    // Rules have no upper-case letters, and fields have dots.
    if !id.contains('/') && (id.contains('.') || id.contains(|c: char| c.is_ascii_uppercase())) || id.contains("/v") {
        output.line(kube::field_page(&id).map_err(Error::unusable)?.trim_end());
        return Ok(CLEAN);
    }
    // Another tool's id explains the rule that stands for it.
    let named = if id.contains('/') { lint::named(&id).ok().and_then(|ids| ids.into_iter().next()) } else { None };
    let id = named.unwrap_or(id);
    let Some(page) = lint::page(&id) else {
        if let Some(rule) = options::custom(matches)?.into_iter().find(|rule| rule.id == id) {
            output.line(rule.page.trim_end());
            return Ok(CLEAN);
        }
        return Err(Error::unusable(format!(
            "there is no page for {id:?}; `kval explain` lists all rules, `kval explain Deployment.spec` tells of a field"
        )));
    };
    output.line(page.trim_end());
    Ok(CLEAN)
}
