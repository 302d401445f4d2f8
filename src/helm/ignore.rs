//! `.helmignore`: which files do not belong to a chart.

/// One line.
#[derive(Clone, Debug)]
struct Rule {
    pattern: String,
    /// Whether the pattern is matched with the whole path and not with the last name.
    whole: bool,
    negate: bool,
    directory: bool,
}

/// The rules of a chart, in order.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    rules: Vec<Rule>,
}

impl Rules {
    /// Reads `.helmignore`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut out = Self::default();
        for line in text.strip_prefix('\u{feff}').unwrap_or(text).lines() {
            out.add(line)?;
        }
        Ok(out)
    }

    /// Adds what is always ignored: names starting with a dot right in `templates/`.
    pub fn add_defaults(&mut self) {
        self.rules.push(Rule { pattern: "templates/.?*".to_owned(), whole: true, negate: false, directory: false });
    }

    fn add(&mut self, line: &str) -> Result<(), String> {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            return Ok(());
        }
        if line.contains("**") {
            return Err("double-star (**) syntax is not supported".to_owned());
        }
        glob_match(line, "abc")?;
        let (negate, rest) = line.strip_prefix('!').map_or((false, line), |r| (true, r));
        let (directory, rest) = rest.strip_suffix('/').map_or((false, rest), |r| (true, r));
        let whole = rest.contains('/');
        let pattern = rest.strip_prefix('/').unwrap_or(rest).to_owned();
        self.rules.push(Rule { pattern, whole, negate, directory });
        Ok(())
    }

    /// Whether the file or folder at `path` (from the chart's top) is left out. The first rule that matches decides; a
    /// negated rule leaves out everything it does not match.
    pub fn ignored(&self, path: &str, directory: bool) -> bool {
        if path.is_empty() || path == "." {
            return false;
        }
        let base = path.rsplit('/').next().unwrap_or(path);
        for rule in &self.rules {
            let matched = || glob_match(&rule.pattern, if rule.whole { path } else { base }).unwrap_or(false);
            if rule.negate {
                if (rule.directory && !directory) || !matched() {
                    return true;
                }
            } else if (!rule.directory || directory) && matched() {
                return true;
            }
        }
        false
    }
}

const BAD_PATTERN: &str = "syntax error in pattern";

/// Go's `filepath.Match`: `*` and `?` stop at `/`; the error is a broken pattern where it was looked at.
pub fn glob_match(pattern: &str, name: &str) -> Result<bool, String> {
    // The patterns people write: a name, or any name with an ending.
    let literal = |text: &str| !text.contains(['*', '?', '[', '\\']);
    if literal(pattern) {
        return Ok(pattern == name);
    }
    if let Some(end) = pattern.strip_prefix('*').filter(|end| literal(end)) {
        return Ok(name.strip_suffix(end).is_some_and(|start| !start.contains('/')));
    }
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    let mut p = pattern.as_slice();
    let mut n = name.as_slice();
    while !p.is_empty() {
        let mut star = false;
        while p.first() == Some(&'*') {
            star = true;
            p = &p[1..];
        }
        let mut in_range = false;
        let mut end = 0;
        while end < p.len() {
            match p[end] {
                '\\' => end += usize::from(end + 1 < p.len()),
                '[' => in_range = true,
                ']' => in_range = false,
                '*' if !in_range => break,
                _ => {}
            }
            end += 1;
        }
        let (chunk, rest) = p.split_at(end.min(p.len()));
        p = rest;
        if star && chunk.is_empty() {
            return Ok(!n.contains(&'/'));
        }
        match match_chunk(chunk, n)? {
            Some(after) if after.is_empty() || !p.is_empty() => {
                n = after;
                continue;
            }
            _ => {}
        }
        let mut found = None;
        if star {
            for i in 0..n.len() {
                if n[i] == '/' {
                    break;
                }
                if let Some(after) = match_chunk(chunk, &n[i + 1..])? {
                    if p.is_empty() && !after.is_empty() {
                        continue;
                    }
                    found = Some(after);
                    break;
                }
            }
        }
        match found {
            Some(after) => n = after,
            None => {
                // The rest of the pattern must be well-formed all the same.
                check_rest(p)?;
                return Ok(false);
            }
        }
    }
    Ok(n.is_empty())
}

fn check_rest(mut p: &[char]) -> Result<(), String> {
    while !p.is_empty() {
        while p.first() == Some(&'*') {
            p = &p[1..];
        }
        let mut end = 0;
        let mut in_range = false;
        while end < p.len() {
            match p[end] {
                '\\' => end += usize::from(end + 1 < p.len()),
                '[' => in_range = true,
                ']' => in_range = false,
                '*' if !in_range => break,
                _ => {}
            }
            end += 1;
        }
        match_chunk(&p[..end.min(p.len())], &[])?;
        p = &p[end.min(p.len())..];
    }
    Ok(())
}

/// Matches a part without `*` with the start of `name`; what is left of it, or `None`.
fn match_chunk<'a>(mut chunk: &[char], mut name: &'a [char]) -> Result<Option<&'a [char]>, String> {
    let mut failed = false;
    while let Some(&first) = chunk.first() {
        failed |= name.is_empty();
        match first {
            '[' => {
                let c = if failed { '\0' } else { name[0] };
                if !failed {
                    name = &name[1..];
                }
                chunk = &chunk[1..];
                let negated = chunk.first() == Some(&'^');
                if negated {
                    chunk = &chunk[1..];
                }
                let mut matched = false;
                let mut ranges = 0;
                loop {
                    if chunk.first() == Some(&']') && ranges > 0 {
                        chunk = &chunk[1..];
                        break;
                    }
                    let (low, rest) = escaped(chunk)?;
                    chunk = rest;
                    let mut high = low;
                    if chunk.first() == Some(&'-') {
                        (high, chunk) = escaped(&chunk[1..])?;
                    }
                    matched |= low <= c && c <= high;
                    ranges += 1;
                }
                failed |= matched == negated;
            }
            '?' => {
                if !failed {
                    failed = name[0] == '/';
                    name = &name[1..];
                }
                chunk = &chunk[1..];
            }
            mut c => {
                if c == '\\' {
                    chunk = &chunk[1..];
                    c = *chunk.first().ok_or(BAD_PATTERN)?;
                }
                if !failed {
                    failed = c != name[0];
                    name = &name[1..];
                }
                chunk = &chunk[1..];
            }
        }
    }
    Ok((!failed).then_some(name))
}

/// A possibly escaped character of a class.
fn escaped(chunk: &[char]) -> Result<(char, &[char]), String> {
    let (c, rest) = match chunk {
        [] | ['-' | ']', ..] => return Err(BAD_PATTERN.to_owned()),
        ['\\', c, rest @ ..] => (*c, rest),
        ['\\'] => return Err(BAD_PATTERN.to_owned()),
        [c, rest @ ..] => (*c, rest),
    };
    if rest.is_empty() {
        return Err(BAD_PATTERN.to_owned());
    }
    Ok((c, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_as_go_matches_them() {
        for (pattern, name, want) in [
            ("*.txt", "a.txt", true),
            ("*", "a/b", false),
            ("a?c", "abc", true),
            ("a?c", "a/c", false),
            ("[a-c]x", "bx", true),
            ("[^a-c]x", "bx", false),
            ("\\*", "*", true),
            ("a*b*c", "axxbyyc", true),
            ("a*b", "ab/", false),
        ] {
            assert_eq!(glob_match(pattern, name), Ok(want), "{pattern} {name}");
        }
        assert!(glob_match("[", "a").is_err());
        assert!(glob_match("a[", "ab").is_err());
    }

    #[test]
    fn a_negated_rule_ignores_what_it_does_not_match() {
        let rules = Rules::parse("# c\n!keep.txt\n").expect("rules");
        assert!(!rules.ignored("keep.txt", false));
        assert!(rules.ignored("other.txt", false));
    }
}
