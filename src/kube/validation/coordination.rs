//! Leases. upstream: pkg/apis/coordination/validation

use serde_json::Value;

use super::super::field::At;
use super::super::names;
use super::{Errors, get, int, meta, text};

const NOTHING: &Value = &Value::Null;
const STRATEGY: &str = "OldestEmulationVersion";

/// What creating an object of the group is refused for.
pub(super) fn create(errors: &mut Errors, _version: &str, kind: &str, object: &Value) {
    match kind {
        "Lease" => {
            meta::object_meta(errors, object, names::dns1123_subdomain);
            lease(errors, get(object, "spec").unwrap_or(NOTHING));
        }
        "LeaseCandidate" => {
            meta::object_meta(errors, object, names::config_key);
            candidate(errors, get(object, "spec").unwrap_or(NOTHING));
        }
        _ => {}
    }
}

/// What replacing an object of the group is refused for.
pub(super) fn update(errors: &mut Errors, _version: &str, kind: &str, object: &Value, old: &Value) {
    let spec = get(object, "spec").unwrap_or(NOTHING);
    match kind {
        "Lease" => lease(errors, spec),
        "LeaseCandidate" => {
            candidate(errors, spec);
            let old = get(old, "spec").unwrap_or(NOTHING);
            errors.immutable(&At::new("spec.leaseName"), text(spec, "leaseName"), text(old, "leaseName"));
        }
        _ => {}
    }
}

/// upstream: ValidateLeaseSpec
fn lease(errors: &mut Errors, spec: &Value) {
    let path = At::new("spec");
    if let Some(seconds) = int(spec, "leaseDurationSeconds").filter(|s| *s <= 0) {
        errors.invalid(&path.child("leaseDurationSeconds"), seconds, "must be greater than 0");
    }
    if let Some(count) = int(spec, "leaseTransitions").filter(|c| *c < 0) {
        errors.invalid(&path.child("leaseTransitions"), count, "must be greater than or equal to 0");
    }
    // `strategy` and `preferredHolder` are dropped: the gate CoordinatedLeaderElection is off.
}

/// upstream: ValidateCoordinatedLeaseStrategy
fn strategy(errors: &mut Errors, name: &str, path: &At<'_>) {
    // Upstream names the field twice.
    let at = path.child("strategy");
    if name.contains('/') {
        errors.invalid_each(&at, name, names::qualified_name(name));
    } else if name != STRATEGY {
        errors.unsupported(&at, name, &[STRATEGY]);
    }
}

/// upstream: ValidateLeaseCandidateSpec
fn candidate(errors: &mut Errors, spec: &Value) {
    let path = At::new("spec");
    if text(spec, "leaseName").is_empty() {
        errors.required(&path.child("leaseName"), "");
    }
    let wrong = "must be a valid semantic version";
    let (emulation_at, binary_at) = (path.child("emulationVersion"), path.child("binaryVersion"));
    let (given_emulation, given_binary) = (text(spec, "emulationVersion"), text(spec, "binaryVersion"));
    let emulation = Version::parse(given_emulation);
    if !given_emulation.is_empty() && emulation.is_none() {
        errors.invalid(&emulation_at, given_emulation, wrong);
    }
    let binary = Version::parse(given_binary);
    if given_binary.is_empty() {
        errors.required(&binary_at, "");
    } else if binary.is_none() {
        errors.invalid(&binary_at, given_binary, wrong);
    }
    let emulation = emulation.unwrap_or_default();
    if !given_binary.is_empty() && !given_emulation.is_empty() && binary.unwrap_or_default() < emulation {
        errors.invalid(&binary_at, given_binary, "must be greater than or equal to `emulationVersion`");
    }
    let name = text(spec, "strategy");
    if name.is_empty() {
        return errors.required(&path.child("strategy"), "");
    }
    if name == STRATEGY && emulation == Version::default() {
        errors.required(&emulation_at, "must be specified when `strategy` is 'OldestEmulationVersion'");
    }
    strategy(errors, name, &path.child("strategy"));
}

/// A semantic version; build metadata does not count. upstream: github.com/blang/semver
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Version {
    numbers: [u64; 3],
    before: Vec<Part>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Number(u64),
    Text(String),
}

fn number(text: &str) -> Option<u64> {
    let leading = text.len() > 1 && text.starts_with('0');
    (!leading && !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

impl Version {
    /// Reads `1.2.3-alpha.1+build`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (text, build) = text.split_once('+').map_or((text, None), |(t, b)| (t, Some(b)));
        let (core, before) = text.split_once('-').map_or((text, None), |(t, b)| (t, Some(b)));
        let mut numbers = core.splitn(3, '.').map(number);
        let numbers = [numbers.next()??, numbers.next()??, numbers.next()??];
        if !build.is_none_or(|b| b.split('.').all(is_word)) {
            return None;
        }
        let part = |word: &str| {
            if !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit()) {
                number(word).map(Part::Number)
            } else {
                is_word(word).then(|| Part::Text(word.to_owned()))
            }
        };
        let before = before.map_or(Some(Vec::new()), |b| b.split('.').map(part).collect())?;
        Some(Self { numbers, before })
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        // A version before a release is less than the release.
        let released = |v: &Self| v.before.is_empty();
        (self.numbers.cmp(&other.numbers)).then(released(self).cmp(&released(other))).then_with(|| self.before.cmp(&other.before))
    }
}
