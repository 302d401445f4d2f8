//! The difference of two texts, line by line, as Go's port of Python's difflib finds and writes it.
//! upstream: github.com/pmezard/go-difflib

use std::fmt::Write as _;

use rustc_hash::FxHashMap;

/// Lines of context around a change.
const CONTEXT: usize = 3;

/// A block of equal lines.
#[derive(Clone, Copy)]
struct Match {
    a: usize,
    b: usize,
    size: usize,
}

/// What to do with `a[i1..i2]` and `b[j1..j2]`.
#[derive(Clone, Copy)]
struct Step {
    equal: bool,
    a: (usize, usize),
    b: (usize, usize),
}

struct Matcher<'a> {
    a: Vec<&'a str>,
    b: Vec<&'a str>,
    places: FxHashMap<&'a str, Vec<usize>>,
}

/// The lines of a text; the text gets a line break at its end. upstream: SplitLines
fn lines(text: &str) -> Vec<&str> {
    text.split('\n').collect()
}

impl<'a> Matcher<'a> {
    fn new(a: Vec<&'a str>, b: Vec<&'a str>) -> Self {
        let mut places: FxHashMap<&str, Vec<usize>> = FxHashMap::default();
        for (i, line) in b.iter().enumerate() {
            places.entry(line).or_default().push(i);
        }
        // Lines that occur often in long texts are not looked for, only met.
        if b.len() >= 200 {
            let limit = b.len() / 100 + 1;
            places.retain(|_, at| at.len() <= limit);
        }
        Self { a, b, places }
    }

    fn longest(&self, (alo, ahi): (usize, usize), (blo, bhi): (usize, usize)) -> Match {
        let mut best = Match { a: alo, b: blo, size: 0 };
        let mut lengths: FxHashMap<usize, usize> = FxHashMap::default();
        for i in alo..ahi {
            let mut next = FxHashMap::default();
            for &j in self.places.get(self.a[i]).map_or(&[][..], Vec::as_slice) {
                if j < blo {
                    continue;
                }
                if j >= bhi {
                    break;
                }
                let k = j.checked_sub(1).and_then(|before| lengths.get(&before)).copied().unwrap_or(0) + 1;
                next.insert(j, k);
                if k > best.size {
                    best = Match { a: i + 1 - k, b: j + 1 - k, size: k };
                }
            }
            lengths = next;
        }
        while best.a > alo && best.b > blo && self.a[best.a - 1] == self.b[best.b - 1] {
            best = Match { a: best.a - 1, b: best.b - 1, size: best.size + 1 };
        }
        while best.a + best.size < ahi && best.b + best.size < bhi && self.a[best.a + best.size] == self.b[best.b + best.size] {
            best.size += 1;
        }
        best
    }

    fn matches(&self) -> Vec<Match> {
        let mut found = Vec::new();
        let mut work = vec![((0, self.a.len()), (0, self.b.len()))];
        while let Some((a, b)) = work.pop() {
            let m = self.longest(a, b);
            if m.size == 0 {
                continue;
            }
            found.push(m);
            if a.0 < m.a && b.0 < m.b {
                work.push(((a.0, m.a), (b.0, m.b)));
            }
            if m.a + m.size < a.1 && m.b + m.size < b.1 {
                work.push(((m.a + m.size, a.1), (m.b + m.size, b.1)));
            }
        }
        found.sort_by_key(|m| (m.a, m.b));
        let mut out: Vec<Match> = Vec::new();
        for m in found {
            match out.last_mut() {
                Some(last) if last.a + last.size == m.a && last.b + last.size == m.b => last.size += m.size,
                _ => out.push(m),
            }
        }
        out.push(Match { a: self.a.len(), b: self.b.len(), size: 0 });
        out
    }

    fn steps(&self) -> Vec<Step> {
        let (mut i, mut j) = (0, 0);
        let mut out = Vec::new();
        for m in self.matches() {
            if i < m.a || j < m.b {
                out.push(Step { equal: false, a: (i, m.a), b: (j, m.b) });
            }
            (i, j) = (m.a + m.size, m.b + m.size);
            if m.size > 0 {
                out.push(Step { equal: true, a: (m.a, i), b: (m.b, j) });
            }
        }
        out
    }
}

/// Steps in groups with little context around each. upstream: GetGroupedOpCodes
fn grouped(mut steps: Vec<Step>) -> Vec<Vec<Step>> {
    if let Some(first) = steps.first_mut().filter(|s| s.equal) {
        first.a.0 = first.a.0.max(first.a.1.saturating_sub(CONTEXT));
        first.b.0 = first.b.0.max(first.b.1.saturating_sub(CONTEXT));
    }
    if let Some(last) = steps.last_mut().filter(|s| s.equal) {
        last.a.1 = last.a.1.min(last.a.0 + CONTEXT);
        last.b.1 = last.b.1.min(last.b.0 + CONTEXT);
    }
    let mut groups = Vec::new();
    let mut group: Vec<Step> = Vec::new();
    for mut step in steps {
        if step.equal && step.a.1 - step.a.0 > 2 * CONTEXT {
            let end = |(from, to): (usize, usize)| (from, to.min(from + CONTEXT));
            group.push(Step { equal: true, a: end(step.a), b: end(step.b) });
            groups.push(std::mem::take(&mut group));
            step.a.0 = step.a.0.max(step.a.1.saturating_sub(CONTEXT));
            step.b.0 = step.b.0.max(step.b.1.saturating_sub(CONTEXT));
        }
        group.push(step);
    }
    if !(group.is_empty() || (group.len() == 1 && group[0].equal)) {
        groups.push(group);
    }
    groups
}

fn range((start, stop): (usize, usize)) -> String {
    match stop - start {
        1 => (start + 1).to_string(),
        0 => format!("{start},0"),
        length => format!("{},{length}", start + 1),
    }
}

/// The unified diff of two texts, without file names.
pub(crate) fn unified(a: &str, b: &str) -> String {
    let matcher = Matcher::new(lines(a), lines(b));
    let mut out = String::new();
    for group in grouped(matcher.steps()) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
        // Writing to a string cannot fail.
        let _ = writeln!(out, "@@ -{} +{} @@", range((first.a.0, last.a.1)), range((first.b.0, last.b.1)));
        for step in &group {
            let gone = &matcher.a[step.a.0..step.a.1];
            let new = if step.equal { &[][..] } else { &matcher.b[step.b.0..step.b.1] };
            for line in gone {
                let _ = writeln!(out, "{}{line}", if step.equal { ' ' } else { '-' });
            }
            for line in new {
                let _ = writeln!(out, "+{line}");
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_change() {
        let a = "1\n2\n3\n4\n5\n6\n7\n8\n9";
        let b = "1\n2\n3\n4\nx\n6\n7\n8\n9";
        assert_eq!(unified(a, b), "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+x\n 6\n 7\n 8\n");
        assert_eq!(unified(a, a), "");
    }
}
