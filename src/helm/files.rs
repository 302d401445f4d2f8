//! `.Files`: the files of a chart that are neither templates nor metadata.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::chart::File;
use crate::value::{GoError, GoType, List, Maker, Map, Object, ReflectKind, Str, UintType, Value};
use crate::yaml;

/// `.Files`
#[derive(Clone, Debug, Default)]
pub struct Files {
    files: Arc<BTreeMap<String, File>>,
}

impl Files {
    /// The files of a chart; a later one of the same path wins.
    pub fn new<'a>(files: impl IntoIterator<Item = &'a File>) -> Self {
        Self { files: Arc::new(files.into_iter().map(|f| (f.name.clone(), f.clone())).collect()) }
    }

    /// The bytes of all files.
    pub(super) fn size(&self) -> u64 {
        self.files.values().map(File::size).sum()
    }

    /// Shared with the chart; of a file that is not there, nothing.
    fn bytes(&self, name: &Str) -> Arc<[u8]> {
        self.files.get(name.to_str().as_ref()).map_or_else(|| [].into(), |f| Arc::clone(f.data()))
    }

    fn glob(&self, pattern: &str) -> Self {
        let glob = Glob::parse(pattern).unwrap_or_else(Glob::all);
        let files = self.files.iter().filter(|(name, _)| glob.matches(name)).map(|(n, f)| (n.clone(), f.clone())).collect();
        Self { files: Arc::new(files) }
    }

    /// A YAML map from base name to content.
    fn as_yaml(&self, content: impl Fn(&[u8]) -> Value) -> String {
        let map = Map::default();
        for (name, file) in self.files.iter() {
            map.insert(name.rsplit('/').next().unwrap_or(name), content(file.data()));
        }
        let text = yaml::to_yaml(&map.into()).unwrap_or_default();
        String::from_utf8_lossy(text.strip_suffix(b"\n").unwrap_or(&text)).into_owned()
    }
}

const BYTES: GoType = GoType::Slice(&GoType::Uint(UintType::Uint8));

/// What is left when a chart's data is printed without its files, in bytes.
const MORE: usize = 256 << 10;

impl Object for Files {
    fn go_type(&self) -> GoType {
        GoType::Named("engine.files", ReflectKind::Map)
    }

    fn method(&self, name: &str) -> Option<(&'static [GoType], bool)> {
        match name {
            "Get" | "GetBytes" | "Glob" | "Lines" => Some((&[GoType::String], false)),
            "AsConfig" | "AsSecrets" => Some((&[], false)),
            _ => None,
        }
    }

    fn call(&self, name: &str, args: &[Value]) -> Result<Value, GoError> {
        let text = args.first().and_then(Value::as_str).cloned().unwrap_or_else(|| Str::from(""));
        Ok(match name {
            "Get" => Str::from(self.bytes(&text)).into(),
            "GetBytes" => List::of_bytes(self.bytes(&text)).into(),
            "Glob" => Value::object(self.glob(&text.to_str())),
            "Lines" => {
                let data = self.bytes(&text);
                if data.is_empty() {
                    List::strings(Vec::<Str>::new()).into()
                } else {
                    let data = data.strip_suffix(b"\n").unwrap_or(&data);
                    List::strings(data.split(|b| *b == b'\n').map(Str::from)).into()
                }
            }
            "AsConfig" => self.as_yaml(|data| Str::from(data).into()).into(),
            "AsSecrets" => self.as_yaml(|data| data_encoding::BASE64.encode(data).into()).into(),
            _ => return Err(GoError(format!("no method {name}"))),
        })
    }

    fn has_string(&self) -> bool {
        false
    }

    fn print(&self) -> String {
        let mut out = Vec::new();
        self.print_to(&mut out);
        String::from_utf8(out).unwrap_or_default()
    }

    fn print_to(&self, out: &mut Vec<u8>) {
        // Charts print `.` to search in it, with all their files as numbers: many megabytes.
        let numbers: [([u8; 4], usize); 256] = std::array::from_fn(|byte| {
            let text = format!("{byte} ");
            let mut padded = [b' '; 4];
            padded[..text.len()].copy_from_slice(text.as_bytes());
            (padded, text.len())
        });
        let size = |data: &[u8]| data.iter().map(|byte| numbers[usize::from(*byte)].1).sum::<usize>();
        let size = self.files.iter().map(|(name, file)| name.len() + size(file.data()) + 4).sum::<usize>();
        // With room for what is printed behind it, which is less: to grow is to copy.
        out.reserve(size + MORE);
        out.extend_from_slice(b"map[");
        for (name, file) in self.files.iter() {
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b":[");
            for byte in file.data().iter() {
                // Four bytes at once are faster than as many as it takes.
                let (number, length) = &numbers[usize::from(*byte)];
                out.extend_from_slice(number);
                out.truncate(out.len() - 4 + length);
            }
            if !file.data().is_empty() {
                out.pop();
            }
            out.extend_from_slice(b"] ");
        }
        if !self.files.is_empty() {
            out.pop();
        }
        out.push(b']');
    }

    fn truth(&self) -> bool {
        !self.files.is_empty()
    }

    fn underlying(&self) -> Option<Value> {
        let entries =
            self.files.iter().map(|(name, file)| (Str::from(name.as_str()), List::of_bytes(Arc::clone(file.data())).into())).collect();
        Some(Map::typed(BYTES, Some("engine.files"), entries).into())
    }

    fn to_plain(&self) -> Result<Value, GoError> {
        let map = Map::default();
        for (name, file) in self.files.iter() {
            map.insert(name.as_str(), data_encoding::BASE64.encode(file.data()).into());
        }
        Ok(map.into())
    }

    fn maker(&self) -> Option<Maker> {
        let files = self.clone();
        Some(Arc::new(move || Value::object(files.clone())))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A pattern of paths: `*` and `?` stop at `/`, `**` does not, with classes and alternatives.
#[derive(Clone, Debug)]
enum Part {
    Char(char),
    One,
    Star,
    Super,
    Class { not: bool, ranges: Vec<(char, char)> },
    Either(Vec<Vec<Part>>),
}

#[derive(Clone, Debug)]
struct Glob(Vec<Part>);

/// The deepest nesting of alternatives.
const MAX_NESTING: usize = 32;
/// The most steps of one match.
const MAX_STEPS: usize = 1_000_000;

impl Glob {
    fn all() -> Self {
        Self(vec![Part::Super])
    }

    fn parse(pattern: &str) -> Option<Self> {
        let chars: Vec<char> = pattern.chars().collect();
        let mut at = 0;
        let parts = parse_parts(&chars, &mut at, 0)?;
        (at == chars.len()).then_some(Self(parts))
    }

    fn matches(&self, name: &str) -> bool {
        let name: Vec<char> = name.chars().collect();
        let parts: Vec<&Part> = self.0.iter().collect();
        run(&parts, &name, &mut 0)
    }
}

fn parse_parts(chars: &[char], at: &mut usize, depth: usize) -> Option<Vec<Part>> {
    if depth > MAX_NESTING {
        return None;
    }
    let mut out = Vec::new();
    while let Some(&c) = chars.get(*at) {
        match c {
            ',' | '}' if depth > 0 => break,
            '\\' => {
                *at += 1;
                out.push(Part::Char(*chars.get(*at)?));
            }
            '?' => out.push(Part::One),
            '*' => {
                let mut stars = 1;
                while chars.get(*at + 1) == Some(&'*') {
                    *at += 1;
                    stars += 1;
                }
                out.push(if stars > 1 { Part::Super } else { Part::Star });
            }
            '[' => out.push(parse_class(chars, at)?),
            '{' => {
                let mut choices = Vec::new();
                loop {
                    *at += 1;
                    choices.push(parse_parts(chars, at, depth + 1)?);
                    match chars.get(*at)? {
                        ',' => {}
                        _ => break,
                    }
                }
                out.push(Part::Either(choices));
            }
            c => out.push(Part::Char(c)),
        }
        *at += 1;
    }
    Some(out)
}

/// `[abc]`, `[a-z]`, each with `!`; leaves `at` at the closing bracket.
fn parse_class(chars: &[char], at: &mut usize) -> Option<Part> {
    *at += 1;
    let not = chars.get(*at) == Some(&'!');
    if not {
        *at += 1;
    }
    let mut text = Vec::new();
    loop {
        match *chars.get(*at)? {
            ']' => break,
            '\\' => {
                *at += 1;
                text.push(*chars.get(*at)?);
            }
            c => text.push(c),
        }
        *at += 1;
    }
    match text.as_slice() {
        [] => None,
        [low, '-', high] => (low <= high).then(|| Part::Class { not, ranges: vec![(*low, *high)] }),
        list => Some(Part::Class { not, ranges: list.iter().map(|c| (*c, *c)).collect() }),
    }
}

fn run(parts: &[&Part], name: &[char], steps: &mut usize) -> bool {
    *steps += 1;
    if *steps > MAX_STEPS {
        return false;
    }
    let Some((first, rest)) = parts.split_first() else { return name.is_empty() };
    match first {
        Part::Char(c) => name.first() == Some(c) && run(rest, &name[1..], steps),
        Part::One => name.first().is_some_and(|c| *c != '/') && run(rest, &name[1..], steps),
        Part::Class { not, ranges } => {
            name.first().is_some_and(|c| ranges.iter().any(|(l, h)| l <= c && c <= h) != *not) && run(rest, &name[1..], steps)
        }
        Part::Star | Part::Super => {
            let longest = if matches!(first, Part::Super) { name.len() } else { name.iter().take_while(|c| **c != '/').count() };
            (0..=longest).any(|n| run(rest, &name[n..], steps))
        }
        Part::Either(choices) => choices.iter().any(|choice| {
            let joined: Vec<&Part> = choice.iter().chain(rest.iter().copied()).collect();
            run(&joined, name, steps)
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stop_at_slashes_and_double_stars_do_not() {
        let matches = |p: &str, n: &str| Glob::parse(p).is_some_and(|g| g.matches(n));
        assert!(matches("conf/*.yaml", "conf/a.yaml"));
        assert!(!matches("conf/*.yaml", "conf/b/a.yaml"));
        assert!(matches("conf/**", "conf/b/a.yaml"));
        assert!(matches("{a,b/*}.txt", "b/c.txt"));
        assert!(matches("[!a-c]x", "dx"));
        assert!(Glob::parse("[").is_none());
    }
}
