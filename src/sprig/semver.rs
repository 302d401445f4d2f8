//! Semantic versions and constraints, as liberal and as strict as Masterminds/semver 3.5.0.

use std::cmp::Ordering;
use std::fmt;
use std::sync::LazyLock;

use regex::Regex;

use super::text::quote;

/// The longest version text, in bytes.
const MAX_VERSION: usize = 256;
/// The longest constraint text, in bytes.
const MAX_CONSTRAINT: usize = 512;
/// The greatest number of alternatives of a constraint.
const MAX_GROUPS: usize = 32;

/// A version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// The first number.
    pub major: u64,
    /// The second number.
    pub minor: u64,
    /// The third number.
    pub patch: u64,
    /// After the `-`, or empty.
    pub pre: String,
    /// After the `+`, or empty.
    pub metadata: String,
    /// The text it was read from.
    pub original: String,
}

fn only_digits(s: &str) -> bool {
    s.bytes().all(|b| b.is_ascii_digit())
}

fn only_allowed(s: &str) -> bool {
    s.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

fn check_pre(s: &str) -> Result<(), String> {
    for part in s.split('.') {
        if part.is_empty() {
            return Err("invalid prerelease string".to_owned());
        }
        if only_digits(part) {
            if part.len() > 1 && part.starts_with('0') {
                return Err("version segment starts with 0".to_owned());
            }
        } else if !only_allowed(part) {
            return Err("invalid prerelease string".to_owned());
        }
    }
    Ok(())
}

fn check_metadata(s: &str) -> Result<(), String> {
    if s.split('.').all(|p| !p.is_empty() && only_allowed(p)) { Ok(()) } else { Err("invalid metadata string".to_owned()) }
}

fn number(s: &str) -> Result<u64, String> {
    s.parse().map_err(|_| {
        let reason = if s.is_empty() { "invalid syntax" } else { "value out of range" };
        format!("strconv.ParseUint: parsing {}: {reason}", quote(s.as_bytes()))
    })
}

/// The parts of a lenient version, an optional `v` before it: up to three numbers, what follows `-` and what follows `+`.
// Read by hand: every run reads versions, and making a pattern takes longer than the reading.
fn loose(text: &str) -> Option<([Option<&str>; 3], &str, &str)> {
    let (rest, metadata) = text.split_once('+').map_or((text, None), |(rest, m)| (rest, Some(m)));
    let (rest, pre) = rest.split_once('-').map_or((rest, None), |(rest, p)| (rest, Some(p)));
    let names = |s: &str| s.split('.').all(|part| !part.is_empty() && only_allowed(part));
    if !pre.is_none_or(names) || !metadata.is_none_or(names) {
        return None;
    }
    let mut numbers = [None; 3];
    for (i, part) in rest.strip_prefix('v').unwrap_or(rest).split('.').enumerate() {
        if part.is_empty() || !only_digits(part) {
            return None;
        }
        *numbers.get_mut(i)? = Some(part);
    }
    Some((numbers, pre.unwrap_or(""), metadata.unwrap_or("")))
}

/// Compares identifiers: numbers before names, numbers by value.
fn compare_part(a: &str, b: &str) -> Ordering {
    match (a, b) {
        (a, b) if a == b => Ordering::Equal,
        ("", _) => Ordering::Less,
        (_, "") => Ordering::Greater,
        (a, b) => match (a.parse::<u64>().ok(), b.parse::<u64>().ok()) {
            (Some(m), Some(n)) => m.cmp(&n),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => a.cmp(b),
        },
    }
}

fn compare_pre(a: &str, b: &str) -> Ordering {
    match (a, b) {
        (a, b) if a == b => return Ordering::Equal,
        ("", _) => return Ordering::Greater,
        (_, "") => return Ordering::Less,
        _ => {}
    }
    let (mut left, mut right) = (a.split('.'), b.split('.'));
    loop {
        match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (l, r) => match compare_part(l.unwrap_or(""), r.unwrap_or("")) {
                Ordering::Equal => {}
                other => return other,
            },
        }
    }
}

impl Version {
    /// Reads a version leniently: a `v` before it, missing numbers and leading zeros are accepted.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > MAX_VERSION {
            return Err(format!("version string is too long (max {MAX_VERSION} bytes)"));
        }
        let Some((numbers, pre, metadata)) = loose(text) else { return Err("invalid semantic version".to_owned()) };
        let segment = |s: Option<&str>| s.map_or(Ok(0), |s| number(s).map_err(|e| format!("error parsing version segment: {e}")));
        let version = Self {
            major: segment(numbers[0])?,
            minor: segment(numbers[1])?,
            patch: segment(numbers[2])?,
            pre: pre.to_owned(),
            metadata: metadata.to_owned(),
            original: text.to_owned(),
        };
        if !version.pre.is_empty() {
            check_pre(&version.pre)?;
        }
        if !version.metadata.is_empty() {
            check_metadata(&version.metadata)?;
        }
        Ok(version)
    }

    /// Reads a version as the specification wants it: three numbers, no leading zeros, no `v`.
    pub fn parse_strict(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("version string empty".to_owned());
        }
        if text.len() > MAX_VERSION {
            return Err(format!("version string is too long (max {MAX_VERSION} bytes)"));
        }
        let mut parts = text.splitn(3, '.');
        let (Some(major), Some(minor), Some(rest)) = (parts.next(), parts.next(), parts.next()) else {
            return Err("invalid semantic version".to_owned());
        };
        let (rest, metadata) = rest.split_once('+').map_or((rest, None), |(r, m)| (r, Some(m)));
        if let Some(metadata) = metadata {
            check_metadata(metadata)?;
        }
        let (patch, pre) = rest.split_once('-').map_or((rest, None), |(p, pre)| (p, Some(pre)));
        if let Some(pre) = pre {
            check_pre(pre)?;
        }
        for part in [major, minor, patch] {
            if !only_digits(part) {
                return Err("invalid characters in version".to_owned());
            }
            if part.len() > 1 && part.starts_with('0') {
                return Err("version segment starts with 0".to_owned());
            }
        }
        Ok(Self {
            major: number(major)?,
            minor: number(minor)?,
            patch: number(patch)?,
            pre: pre.unwrap_or("").to_owned(),
            metadata: metadata.unwrap_or("").to_owned(),
            original: text.to_owned(),
        })
    }

    /// The order of versions; metadata does not count.
    pub fn compare(&self, other: &Self) -> Ordering {
        (self.major, self.minor, self.patch).cmp(&(other.major, other.minor, other.patch)).then_with(|| compare_pre(&self.pre, &other.pre))
    }

    /// With its original text rewritten, keeping a `v` before it.
    pub(super) fn renamed(mut self) -> Self {
        let prefix = if self.original.starts_with('v') { "v" } else { "" };
        self.original = format!("{prefix}{self}");
        self
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)?;
        if !self.pre.is_empty() {
            write!(f, "-{}", self.pre)?;
        }
        if !self.metadata.is_empty() {
            write!(f, "+{}", self.metadata)?;
        }
        Ok(())
    }
}

/// Alternatives of conditions that must hold together.
#[derive(Clone, Debug)]
pub struct Constraints {
    groups: Vec<Group>,
}

#[derive(Clone, Debug)]
struct Group {
    conditions: Vec<Condition>,
    /// Whether a condition names a prerelease: only then prereleases are considered.
    prereleases: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Greater,
    Less,
    GreaterEqual,
    LessEqual,
    Tilde,
    Caret,
}

#[derive(Clone, Debug)]
struct Condition {
    operator: Operator,
    /// The operator as written.
    symbol: String,
    version: Version,
    /// The version as written.
    original: String,
    /// Whether a part is a wildcard or missing, and which.
    dirty: bool,
    minor_dirty: bool,
    patch_dirty: bool,
}

const OPERATORS: &str = r"=||!=|>|<|>=|=>|<=|=<|~|~>|\^";
const LOOSE_VERSION: &str =
    r"v?([0-9|x|X|\*]+)(\.[0-9|x|X|\*]+)?(\.[0-9|x|X|\*]+)?(-([0-9A-Za-z\-]+(\.[0-9A-Za-z\-]+)*))?(\+([0-9A-Za-z\-]+(\.[0-9A-Za-z\-]+)*))?";
const SPACE: &str = r"[\t\n\f\r ]";

static ONE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(&format!(r"^{SPACE}*({OPERATORS}){SPACE}*({LOOSE_VERSION}){SPACE}*$")).expect("the pattern is valid"));
static EACH: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(&format!(r"({OPERATORS}){SPACE}*({LOOSE_VERSION})")).expect("the pattern is valid"));
static VALID: LazyLock<Regex> = LazyLock::new(|| {
    let one = format!(r"(?:{OPERATORS}){SPACE}*(?:{LOOSE_VERSION}){SPACE}*");
    Regex::new(&format!(r"^(?:{SPACE}*{one})(?:(?:{SPACE}+|,{SPACE}*){one})*$")).expect("the pattern is valid")
});
static RANGE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(&format!(r"{SPACE}*({LOOSE_VERSION}){SPACE}+-{SPACE}+({LOOSE_VERSION}){SPACE}*")).expect("the pattern is valid")
});

/// `1.2 - 1.4` is `>= 1.2, <= 1.4`.
fn rewrite_ranges(text: &str) -> String {
    let mut out = text.to_owned();
    // Most constraints hold no range, and making the pattern takes time.
    if !text.contains(" -") && !text.contains(['\t', '\n', '\x0c', '\r']) {
        return out;
    }
    for found in RANGE.captures_iter(text) {
        let group = |i: usize| found.get(i).map_or("", |m| m.as_str());
        out = out.replacen(group(0), &format!(">= {}, <= {} ", group(1), group(11)), 1);
    }
    out
}

impl Constraints {
    /// Reads a constraint such as `>= 1.2, < 2 || ^3.1`.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > MAX_CONSTRAINT {
            return Err(format!("constraint string is too long (max {MAX_CONSTRAINT} bytes)"));
        }
        let text = rewrite_ranges(text);
        let alternatives: Vec<&str> = text.split("||").collect();
        if alternatives.len() > MAX_GROUPS {
            return Err(format!("too many constraint groups (max {MAX_GROUPS})"));
        }
        let groups = alternatives.into_iter().map(Group::parse).collect::<Result<_, _>>()?;
        Ok(Self { groups })
    }

    /// Whether a version satisfies it.
    pub fn check(&self, version: &Version) -> bool {
        self.groups.iter().any(|g| g.conditions.iter().all(|c| c.check(version, g.prereleases).is_ok()))
    }

    /// Whether a version satisfies it; if not, the reasons.
    pub fn validate(&self, version: &Version) -> Result<(), Vec<String>> {
        let mut reasons = Vec::new();
        let mut said = false;
        for group in &self.groups {
            let mut holds = true;
            for condition in &group.conditions {
                if !group.prereleases && !version.pre.is_empty() {
                    if !said {
                        reasons.push(only_releases(version));
                        said = true;
                    }
                    holds = false;
                } else if let Err(reason) = condition.check(version, group.prereleases) {
                    reasons.push(reason);
                    holds = false;
                }
            }
            if holds {
                return Ok(());
            }
        }
        Err(reasons)
    }
}

impl fmt::Display for Constraints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, group) in self.groups.iter().enumerate() {
            if i > 0 {
                f.write_str(" || ")?;
            }
            for (j, condition) in group.conditions.iter().enumerate() {
                let space = if j > 0 { " " } else { "" };
                write!(f, "{space}{}{}", condition.symbol, condition.original)?;
            }
        }
        Ok(())
    }
}

/// A condition as written.
struct Written<'a> {
    symbol: &'a str,
    version: &'a str,
    /// The numbers or wildcards, the second and third with their dots; and what follows, from its `-` on.
    parts: [&'a str; 4],
}

/// Cuts the longest start of bytes that `wanted` takes off a text.
fn cut<'a>(text: &mut &'a str, wanted: impl Fn(u8) -> bool) -> &'a str {
    let end = text.bytes().position(|b| !wanted(b)).unwrap_or(text.len());
    let (start, rest) = text.split_at(end);
    *text = rest;
    start
}

/// The conditions of a group, when it is written as people write: comparisons set apart by spaces or commas. Anything else is
/// for the patterns, which take longer to make than any group takes to read.
fn written(text: &str) -> Option<Vec<Written<'_>>> {
    let number = |text: &str| -> Option<usize> {
        let dot = usize::from(text.starts_with('.'));
        let length = cut(&mut &text[dot..], |b| b.is_ascii_digit() || matches!(b, b'x' | b'X' | b'*')).len();
        (length > 0).then_some(dot + length)
    };
    let mut rest = text.trim_matches(' ');
    let mut out = Vec::new();
    loop {
        let symbol = cut(&mut rest, |b| matches!(b, b'=' | b'!' | b'<' | b'>' | b'~' | b'^'));
        if !matches!(symbol, "" | "=" | "!=" | ">" | "<" | ">=" | "=>" | "<=" | "=<" | "~" | "~>" | "^") {
            return None;
        }
        rest = rest.trim_start_matches(' ');
        let version = rest;
        rest = rest.strip_prefix('v').unwrap_or(rest);
        let mut parts = [""; 4];
        for (i, part) in parts.iter_mut().take(3).enumerate() {
            if i > 0 && !rest.starts_with('.') || i == 0 && rest.starts_with('.') {
                continue;
            }
            (*part, rest) = rest.split_at(number(rest)?);
        }
        if let Some(pre) = rest.strip_prefix('-') {
            let mut after = pre;
            let names = cut(&mut after, |b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'));
            if names.split('.').any(str::is_empty) {
                return None;
            }
            (parts[3], rest) = rest.split_at(1 + names.len());
        }
        if parts[0].is_empty() {
            return None;
        }
        out.push(Written { symbol, version: &version[..version.len() - rest.len()], parts });
        let before = rest;
        rest = rest.strip_prefix(',').unwrap_or(rest).trim_start_matches(' ');
        if before.is_empty() {
            return Some(out);
        }
        if before.len() == rest.len() {
            return None;
        }
    }
}

impl Group {
    fn parse(text: &str) -> Result<Self, String> {
        if let Some(written) = written(text) {
            return written.iter().map(Condition::of).collect::<Result<_, _>>().map(Self::of);
        }
        Self::by_patterns(text)
    }

    fn by_patterns(text: &str) -> Result<Self, String> {
        if !VALID.is_match(text) {
            return Err(format!("improper constraint: {}", quote(text.as_bytes())));
        }
        EACH.find_iter(text).map(|m| Condition::parse(m.as_str())).collect::<Result<_, _>>().map(Self::of)
    }

    fn of(conditions: Vec<Condition>) -> Self {
        let prereleases = conditions.iter().any(|c| !c.version.pre.is_empty());
        Self { conditions, prereleases }
    }
}

fn wildcard(part: &str) -> bool {
    matches!(part.trim_start_matches('.'), "" | "x" | "X" | "*")
}

fn only_releases(version: &Version) -> String {
    format!("{} is a prerelease version and the constraint is only looking for release versions", quote(version.to_string().as_bytes()))
}

impl Condition {
    fn parse(text: &str) -> Result<Self, String> {
        let Some(found) = ONE.captures(text) else {
            return Err(format!("improper constraint: {}", quote(text.as_bytes())));
        };
        let group = |i: usize| found.get(i).map_or("", |m| m.as_str());
        Self::of(&Written { symbol: group(1), version: group(2), parts: [group(3), group(4), group(5), group(6)] })
    }

    fn of(written: &Written<'_>) -> Result<Self, String> {
        let Written { symbol, version: original, parts: [major, minor, patch, pre] } = *written;
        let (read, minor_dirty, patch_dirty) = if wildcard(major) {
            (format!("0.0.0{pre}"), false, false)
        } else if wildcard(minor) {
            (format!("{major}.0.0{pre}"), true, false)
        } else if wildcard(patch) {
            (format!("{major}{minor}.0{pre}"), false, true)
        } else {
            (original.to_owned(), false, false)
        };
        let dirty = wildcard(major) || minor_dirty || patch_dirty;
        let version = Version::parse(&read).map_err(|_| "constraint parser error".to_owned())?;
        let operator = match symbol {
            "!=" => Operator::NotEqual,
            ">" => Operator::Greater,
            "<" => Operator::Less,
            ">=" | "=>" => Operator::GreaterEqual,
            "<=" | "=<" => Operator::LessEqual,
            "~" | "~>" => Operator::Tilde,
            "^" => Operator::Caret,
            _ => Operator::Equal,
        };
        Ok(Self { operator, symbol: symbol.to_owned(), version, original: original.to_owned(), dirty, minor_dirty, patch_dirty })
    }

    /// `Err` is the reason why the version does not satisfy it.
    fn check(&self, v: &Version, prereleases: bool) -> Result<(), String> {
        if !v.pre.is_empty() && !prereleases {
            return Err(only_releases(v));
        }
        let (version, original) = (quote(v.to_string().as_bytes()), quote(self.original.as_bytes()));
        let verdict = |holds: bool, relation: &str| if holds { Ok(()) } else { Err(format!("{version} {relation} {original}")) };
        let order = v.compare(&self.version);
        match self.operator {
            Operator::Equal if self.dirty => self.tilde(v, &version, &original),
            Operator::Equal => verdict(order.is_eq(), "is not equal to"),
            Operator::NotEqual => verdict(self.differs(v), "is equal to"),
            Operator::Greater => verdict(self.exceeded_by(v), "is less than or equal to"),
            Operator::Less => verdict(order.is_lt(), "is greater than or equal to"),
            Operator::GreaterEqual => verdict(order.is_ge(), "is less than"),
            Operator::LessEqual => verdict(self.not_exceeded_by(v), "is greater than"),
            Operator::Tilde => self.tilde(v, &version, &original),
            Operator::Caret => self.caret(v, &version, &original),
        }
    }

    fn differs(&self, v: &Version) -> bool {
        let c = &self.version;
        if self.dirty {
            if c.major != v.major || (c.minor != v.minor && !self.minor_dirty) {
                return true;
            }
            if self.minor_dirty {
                return false;
            }
            if c.patch != v.patch && !self.patch_dirty {
                return true;
            }
            if self.patch_dirty {
                return (!v.pre.is_empty() || !c.pre.is_empty()) && compare_pre(&v.pre, &c.pre).is_ne();
            }
        }
        v.compare(c).is_ne()
    }

    fn exceeded_by(&self, v: &Version) -> bool {
        let c = &self.version;
        if !self.dirty || v.major == c.major && !self.minor_dirty && !self.patch_dirty {
            return v.compare(c).is_gt();
        }
        match v.major.cmp(&c.major) {
            Ordering::Greater => true,
            Ordering::Less => false,
            Ordering::Equal => self.patch_dirty && v.minor > c.minor,
        }
    }

    fn not_exceeded_by(&self, v: &Version) -> bool {
        let c = &self.version;
        if !self.dirty {
            return v.compare(c).is_le();
        }
        v.major < c.major || v.major == c.major && (v.minor <= c.minor || self.minor_dirty)
    }

    fn tilde(&self, v: &Version, version: &str, original: &str) -> Result<(), String> {
        let c = &self.version;
        if v.compare(c).is_lt() {
            return Err(format!("{version} is less than {original}"));
        }
        if c.major == 0 && c.minor == 0 && c.patch == 0 && !self.minor_dirty && !self.patch_dirty {
            return Ok(());
        }
        if v.major != c.major {
            return Err(format!("{version} does not have same major version as {original}"));
        }
        if v.minor != c.minor && !self.minor_dirty {
            return Err(format!("{version} does not have same major and minor version as {original}"));
        }
        Ok(())
    }

    fn caret(&self, v: &Version, version: &str, original: &str) -> Result<(), String> {
        let c = &self.version;
        if v.compare(c).is_lt() {
            return Err(format!("{version} is less than {original}"));
        }
        let other_major = || Err(format!("{version} does not have same major version as {original}"));
        if c.major > 0 || self.minor_dirty {
            return if v.major == c.major { Ok(()) } else { other_major() };
        }
        if v.major > 0 {
            return other_major();
        }
        if c.minor > 0 || self.patch_dirty {
            if v.minor == c.minor {
                return Ok(());
            }
            return Err(format!(
                "{version} does not have same minor version as {original}. Expected minor versions to match when constraint major version is 0"
            ));
        }
        if v.minor > 0 {
            return Err(format!("{version} does not have same minor version as {original}"));
        }
        if c.patch == v.patch {
            return Ok(());
        }
        Err(format!("{version} does not equal {original}. Expect version and constraint to equal when major and minor versions are 0"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_read_by_hand_and_by_patterns_are_the_same() {
        let symbols = ["", "=", "!=", ">=", "=>", "~>", "^", "<", "==", "=!", "> "];
        let versions = ["1", "v1.2", "1.2.3-0", "1.2.x", "*", "01.2", "1.2.3-a.b", "1.2-a..b", "1.2.3+m", ".2", "1.", "x.1", "1.2.3.4", ""];
        let mut read = 0;
        for (symbol, version) in symbols.iter().flat_map(|s| versions.iter().map(move |v| (s, v))) {
            for (before, after) in [("", ""), (" ", "  "), ("", " <2.0.0-0"), (">1,", ", <2"), ("1 ,", ","), ("1", "<3")] {
                let text = format!("{before}{symbol}{version}{after}");
                read += usize::from(written(&text).is_some());
                assert_eq!(format!("{:?}", Group::parse(&text)), format!("{:?}", Group::by_patterns(&text)), "{text:?}");
            }
        }
        assert!(read > 100, "{read}");
    }
}
