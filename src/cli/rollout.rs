//! `kval simulate rollout`: what a change does to a cluster step by step.

use std::sync::Arc;

use clap::ArgMatches;
use serde_json::Value;

use super::FINDINGS;
use super::args::{on, string, strings};
use super::error::Error;
use super::lint::{examine, print};
use super::options;
use super::output::Output;
use super::simulate::{changes, pieces, profiles};
use crate::pipeline;
use crate::pipeline::Outcome;
use crate::simulate::piece;
use crate::simulate::piece::Piece;
use crate::simulate::rollout;
use crate::simulate::rollout::{Prediction, Scenario, Step, Workload};
use crate::simulate::whatif;
use crate::source::World;
use crate::sprig::Duration;

pub(super) fn run(matches: &ArgMatches, output: &mut Output) -> Result<u8, Error> {
    let template = options::template(matches)?;
    let world = options::world(matches)?;
    let mut cluster = pieces(&world, &strings(matches, "cluster"))?;
    let scenario = match string(matches, "scenario") {
        Some(file) => Scenario::parse(&file, &String::from_utf8_lossy(&world.read(&file)?)).map_err(Error::unusable)?,
        None => Scenario::default(),
    };
    let assertions = strings(matches, "assert").iter().map(|a| Assertion::parse(a)).collect::<Result<Vec<_>, _>>()?;
    let mut outcome = examine(matches, &world, &template, &["."], false)?;
    let mut new: Vec<Piece> = objects(&outcome).into_iter().map(Piece::from).collect();
    let told = whatif::change(&mut cluster, &mut new, &changes(matches)?).map_err(Error::unusable)?;
    let (cluster, new) = (piece::whole(&cluster), piece::whole(&new));
    let from = strings(matches, "from");
    let old = if from.is_empty() {
        Vec::new()
    } else {
        let inputs = pipeline::discover(&world, &from)?;
        objects(&pipeline::run(&world, &inputs, &template, &options::checks(matches, false)?)?)
    };
    let seconds = |text: &str| -> Result<i64, Error> {
        let time = Duration::parse(text).map_err(|_| Error::unusable(format!("{text:?} is no time such as 35s")))?;
        Ok(time.0 / 1_000_000_000)
    };
    let choices = rollout::Options {
        namespace: string(matches, "namespace").unwrap_or_else(|| "default".to_owned()),
        seed: matches.get_one::<u64>("seed").copied().unwrap_or_default(),
        timeout: string(matches, "within").map_or(Ok(1800), |t| seconds(&t))?,
        at: strings(matches, "at").iter().map(|t| seconds(t)).collect::<Result<Vec<_>, _>>()?,
        watch: on(matches, "watch"),
        events: on(matches, "events"),
        scenario,
        profiles: Arc::new(profiles(matches)?),
    };
    let mut prediction = rollout::predict(&cluster, &old, &new, &choices);
    if !prediction.unused.is_empty() {
        return Err(Error::unusable(prediction.unused.join("\n")));
    }
    let first_steps = told.into_iter().map(|what| Step { at: 0, object: "cluster".to_owned(), what });
    prediction.steps.splice(0..0, first_steps);
    let mut first = 0;
    for unit in &mut outcome.units {
        unit.findings.extend(rollout::diagnostics(&prediction, &unit.objects, first));
        first += unit.objects.len();
    }
    let code = print(matches, &outcome, Some(("prediction", &rollout::answer(&prediction, choices.watch))), output)?;
    let failed: Vec<String> = assertions.iter().flat_map(|a| a.failures(&prediction)).collect();
    failed.iter().for_each(|line| output.note(line));
    Ok(if failed.is_empty() { code } else { code.max(FINDINGS) })
}

fn objects(outcome: &Outcome) -> Vec<Value> {
    outcome.units.iter().flat_map(|u| u.objects.iter().map(|o| o.value.clone())).collect()
}

/// `available >= 3`
struct Assertion {
    text: String,
    left: String,
    operator: String,
    right: f64,
}

impl Assertion {
    fn parse(text: &str) -> Result<Self, Error> {
        let wrong = || {
            let known = "available, duration, pods or restarts";
            Error::unusable(format!("--assert {text:?} is not of the form \"available >= 3\" ({known}; ==, !=, <, <=, >, >=)"))
        };
        let parts: Vec<&str> = text.split_whitespace().collect();
        let [left, operator, right] = parts.as_slice() else { return Err(wrong()) };
        let known = ["available", "duration", "pods", "restarts"].contains(left);
        if !known || !["==", "!=", "<", "<=", ">", ">="].contains(operator) {
            return Err(wrong());
        }
        let number = right.parse().ok().or_else(|| Duration::parse(right).ok().map(|d| d.0 as f64 / 1e9));
        let right = number.ok_or_else(wrong)?;
        Ok(Self { text: text.to_owned(), left: (*left).to_owned(), operator: (*operator).to_owned(), right })
    }

    fn value(&self, workload: &Workload) -> f64 {
        match self.left.as_str() {
            "available" => workload.min_available as f64,
            "pods" => workload.max_pods as f64,
            "restarts" => workload.restarts as f64,
            _ => workload.complete_at.map_or(f64::INFINITY, |t| t as f64 / 1e9),
        }
    }

    fn failures(&self, prediction: &Prediction) -> Vec<String> {
        let holds = |value: f64| match self.operator.as_str() {
            "==" => value == self.right,
            "!=" => value != self.right,
            "<" => value < self.right,
            "<=" => value <= self.right,
            ">" => value > self.right,
            _ => value >= self.right,
        };
        let failed = prediction.workloads.iter().filter(|w| !holds(self.value(w)));
        failed.map(|w| format!("{}/{}: {} does not hold: it is {}", w.kind, w.name, self.text, self.value(w))).collect()
    }
}
