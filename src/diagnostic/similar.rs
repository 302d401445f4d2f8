//! "Did you mean": the known name that looks most like one that is not known.

/// Of the known names, the one that `wanted` was probably meant to be; `None` when none is near.
pub fn similar<'c>(wanted: &str, known: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let lower = wanted.to_lowercase();
    let limit = (wanted.chars().count() / 3).clamp(1, 3);
    // Names that are longer or shorter by more than that are not near.
    let alike = |name: &&str| !(name.is_ascii() && lower.is_ascii()) || name.len().abs_diff(lower.len()) <= limit;
    let near = known.into_iter().filter(alike).map(|name| (distance(&lower, &name.to_lowercase()), name));
    near.filter(|(d, _)| *d <= limit).min().map(|(_, name)| name)
}

/// Edit distance with transpositions of neighbours.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(256).collect(), b.chars().take(256).collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    for (j, cell) in rows[0].iter_mut().enumerate() {
        *cell = j;
    }
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let change = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (rows[i - 1][j] + 1).min(rows[i][j - 1] + 1).min(rows[i - 1][j - 1] + change);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::similar;

    #[test]
    fn near_names_are_found() {
        let known = ["select", "ignore", "profile"];
        for (wanted, want) in [("selct", Some("select")), ("Select", Some("select")), ("sleect", Some("select")), ("xyz", None)] {
            assert_eq!(similar(wanted, known), want, "{wanted}");
        }
    }
}
