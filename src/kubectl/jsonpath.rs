//! kubectl's JSONPath: paths, filters, slices, unions, `range`. upstream: client-go/util/jsonpath

use serde_json::Value;

/// A template of literal text and expressions in braces.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Template {
    parts: Vec<Part>,
    /// As it was given.
    pub source: String,
    /// Why it cannot be executed; that is told then.
    broken: Option<String>,
    /// Whether a key that is not there is an error.
    pub strict: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum Part {
    Text(String),
    Path(Vec<Step>),
    Range(Vec<Step>, Vec<Part>),
}

#[derive(Clone, Debug, PartialEq)]
enum Step {
    Root,
    Field(String),
    Wildcard,
    Slice([Option<i64>; 3], bool),
    Filter(Box<Operand>, String, Option<Box<Operand>>),
    Recursive,
    Union(Vec<Vec<Step>>),
    Literal(Value),
}

type Operand = Vec<Step>;

/// How the refusal of a word begins that means nothing.
const UNKNOWN: &str = "unrecognized identifier ";

struct Parser {
    chars: Vec<char>,
    pos: usize,
    depth: usize,
}

/// Reads a template; the error is client-go's, without its prefix.
pub fn parse(given: &str) -> Result<Template, String> {
    let mut parser = Parser { chars: given.chars().collect(), pos: 0, depth: 0 };
    let (parts, broken) = match parser.parts() {
        Ok((parts, false)) => (parts, None),
        Ok((_, true)) => (Vec::new(), Some("not in range, nothing to end".to_owned())),
        Err(why) if why.starts_with(UNKNOWN) => (Vec::new(), Some(why)),
        Err(why) => return Err(why),
    };
    Ok(Template { parts, source: given.to_owned(), broken, strict: true })
}

/// A path as `--sort-by` and custom columns take it: braces and the leading dot may be left out. upstream:
/// get.RelaxedJSONPathExpression
pub fn relaxed(given: &str) -> Result<String, String> {
    if given.is_empty() {
        return Ok(String::new());
    }
    let wrong = || "unexpected path string, expected a 'name1.name2' or '.name1.name2' or '{name1.name2}' or '{.name1.name2}'".to_owned();
    let inner = match (given.strip_prefix('{'), given.ends_with('}')) {
        (Some(rest), true) => rest.strip_suffix('}').unwrap_or(rest),
        (None, false) => given,
        _ => return Err(wrong()),
    };
    let inner = inner.strip_prefix('.').unwrap_or(inner);
    if inner.is_empty() || inner.contains(['{', '}']) {
        return Err(wrong());
    }
    Ok(format!("{{.{inner}}}"))
}

impl Parser {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.pos).copied()
    }

    fn rest_starts(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(i, c)| self.chars.get(self.pos + i) == Some(&c))
    }

    fn parts(&mut self) -> Result<(Vec<Part>, bool), String> {
        let mut out = Vec::new();
        let mut literal = String::new();
        while let Some(c) = self.peek() {
            self.pos += 1;
            if c != '{' {
                literal.push(c);
                continue;
            }
            if !literal.is_empty() {
                out.push(Part::Text(std::mem::take(&mut literal)));
            }
            let steps = self.action()?;
            match steps {
                Action::End => return Ok((out, true)),
                Action::Path(steps) => out.push(Part::Path(steps)),
                Action::Text(text) => out.push(Part::Text(text)),
                Action::Range(steps) => {
                    self.depth += 1;
                    if self.depth > 50 {
                        return Err("too many nested ranges".to_owned());
                    }
                    // A range that nothing ends goes on to the end.
                    let (inner, _) = self.parts()?;
                    self.depth -= 1;
                    out.push(Part::Range(steps, inner));
                }
            }
        }
        if !literal.is_empty() {
            out.push(Part::Text(literal));
        }
        Ok((out, false))
    }

    fn action(&mut self) -> Result<Action, String> {
        let mut steps = Vec::new();
        let mut text: Option<String> = None;
        let mut range = false;
        loop {
            match self.peek() {
                None => return Err("unclosed action".to_owned()),
                Some('}') => {
                    self.pos += 1;
                    return Ok(match text {
                        Some(text) if steps.is_empty() && !range => Action::Text(text),
                        _ if range => Action::Range(steps),
                        _ => Action::Path(steps),
                    });
                }
                Some(c) if c.is_whitespace() => self.pos += 1,
                Some('"' | '\'') => text = Some(text.unwrap_or_default() + &self.quoted()?),
                Some('@' | '$') => {
                    self.pos += 1;
                    steps.push(Step::Root);
                }
                Some('.') => {
                    self.pos += 1;
                    if self.peek() == Some('.') {
                        self.pos += 1;
                        steps.push(Step::Recursive);
                        if self.peek().is_some_and(|c| c != '[') {
                            self.field(&mut steps);
                        }
                    } else {
                        self.field(&mut steps);
                    }
                }
                Some('[') => {
                    self.pos += 1;
                    let step = self.bracket()?;
                    steps.push(step);
                }
                Some('*') => {
                    self.pos += 1;
                    steps.push(Step::Wildcard);
                }
                Some(c) if c.is_alphanumeric() || matches!(c, '_' | '-' | '+') => {
                    let mut word = String::new();
                    while let Some(c) = self.peek().filter(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '+')) {
                        word.push(c);
                        self.pos += 1;
                    }
                    match word.as_str() {
                        "range" => range = true,
                        "true" | "false" => steps.push(Step::Literal(Value::Bool(word == "true"))),
                        "end" => {
                            while self.peek().is_some_and(char::is_whitespace) {
                                self.pos += 1;
                            }
                            if self.peek() == Some('}') {
                                self.pos += 1;
                            }
                            return Ok(Action::End);
                        }
                        other => match other.parse::<f64>() {
                            Ok(_) => steps.push(Step::Literal(serde_json::from_str(other).unwrap_or_else(|_| Value::from(other)))),
                            Err(_) => return Err(format!("{UNKNOWN}{other}")),
                        },
                    }
                }
                Some(c) => return Err(format!("unrecognized character in action: U+{:04X} '{c}'", c as u32)),
            }
        }
    }

    fn quoted(&mut self) -> Result<String, String> {
        let mark = self.peek().unwrap_or('"');
        self.pos += 1;
        let mut out = String::new();
        loop {
            match self.peek() {
                None | Some('\n') => return Err("unterminated quoted string".to_owned()),
                Some('\\') => {
                    self.pos += 1;
                    match self.peek() {
                        Some('n') => out.push('\n'),
                        Some('t') => out.push('\t'),
                        Some('r') => out.push('\r'),
                        Some(c) => out.push(c),
                        None => return Err("unterminated quoted string".to_owned()),
                    }
                    self.pos += 1;
                }
                Some(c) => {
                    self.pos += 1;
                    if c == mark {
                        return Ok(out);
                    }
                    out.push(c);
                }
            }
        }
    }

    fn field(&mut self, steps: &mut Vec<Step>) {
        let mut name = String::new();
        while let Some(c) = self.peek() {
            match c {
                '\\' => {
                    self.pos += 1;
                    if let Some(escaped) = self.peek() {
                        name.push(escaped);
                        self.pos += 1;
                    }
                }
                '.' | '[' | ']' | '}' | '{' | '$' | '@' | '&' | '|' | '(' | ')' | '!' | '=' | '<' | '>' => break,
                c if c.is_whitespace() => break,
                c => {
                    name.push(c);
                    self.pos += 1;
                }
            }
        }
        match name.as_str() {
            "" => {}
            "*" => steps.push(Step::Wildcard),
            _ => steps.push(Step::Field(name)),
        }
    }

    /// What is between `[` and `]`. upstream: parseArray
    fn bracket(&mut self) -> Result<Step, String> {
        if self.rest_starts("?(") {
            self.pos += 2;
            return self.filter();
        }
        let mut text = String::new();
        let mut mark: Option<char> = None;
        loop {
            match self.peek() {
                None | Some('\n') => return Err("unterminated array".to_owned()),
                Some(c) if mark.is_none() && c == ']' => {
                    self.pos += 1;
                    break;
                }
                Some('}') if mark.is_none() && !text.contains('"') && !text.contains('\'') => return Err("unterminated array".to_owned()),
                Some(c) => {
                    if mark == Some(c) {
                        mark = None;
                    } else if mark.is_none() && (c == '"' || c == '\'') {
                        mark = Some(c);
                    }
                    text.push(c);
                    self.pos += 1;
                }
            }
        }
        index(text.trim())
    }

    fn filter(&mut self) -> Result<Step, String> {
        let mut text = String::new();
        let mut mark: Option<char> = None;
        let mut open = 0;
        loop {
            match self.peek() {
                None | Some('\n') => return Err("unterminated filter".to_owned()),
                Some(')') if mark.is_none() && open == 0 => {
                    self.pos += 1;
                    break;
                }
                Some(c) => {
                    match c {
                        _ if mark == Some(c) => mark = None,
                        '"' | '\'' if mark.is_none() => mark = Some(c),
                        '(' if mark.is_none() => open += 1,
                        ')' if mark.is_none() => open -= 1,
                        _ => {}
                    }
                    text.push(c);
                    self.pos += 1;
                }
            }
        }
        if self.peek() != Some(']') {
            return Err("unclosed array expect ]".to_owned());
        }
        self.pos += 1;
        let operators = ["==", "!=", "<=", ">=", "<", ">"];
        let mut quoted: Option<char> = None;
        let mut found: Option<(usize, &str)> = None;
        for (i, c) in text.char_indices() {
            if quoted == Some(c) {
                quoted = None;
            } else if quoted.is_none() && (c == '"' || c == '\'') {
                quoted = Some(c);
            } else if quoted.is_none() {
                if let Some(op) = operators.iter().find(|op| text.get(i..).is_some_and(|rest| rest.starts_with(**op))) {
                    found = Some((i, op));
                    break;
                }
            }
        }
        let side = |text: &str| operand(text.trim());
        match found {
            None => Ok(Step::Filter(Box::new(side(&text)?), "exists".to_owned(), None)),
            Some((i, op)) => {
                let (left, right) = (text.get(..i).unwrap_or(""), text.get(i + op.len()..).unwrap_or(""));
                Ok(Step::Filter(Box::new(side(left)?), op.to_owned(), Some(Box::new(side(right)?))))
            }
        }
    }
}

enum Action {
    Path(Vec<Step>),
    Text(String),
    Range(Vec<Step>),
    End,
}

/// One side of a filter's comparison.
fn operand(text: &str) -> Result<Vec<Step>, String> {
    if matches!(text, "true" | "false") {
        return Ok(vec![Step::Literal(Value::Bool(text == "true"))]);
    }
    let template = parse(&format!("{{{text}}}"))?;
    template.whole()?;
    match template.parts.into_iter().next() {
        Some(Part::Path(steps)) => Ok(steps),
        Some(Part::Text(text)) => Ok(vec![Step::Literal(Value::from(text))]),
        _ => Ok(Vec::new()),
    }
}

/// What stands in brackets: a key, an index, a slice, or several of these.
fn index(text: &str) -> Result<Step, String> {
    let quoted = |t: &str| {
        let inner = t.strip_prefix('\'')?.strip_suffix('\'')?;
        (!inner.contains('\'')).then(|| inner.replace("\\.", "."))
    };
    if text == "*" {
        return Ok(Step::Wildcard);
    }
    if let Some(key) = quoted(text) {
        return Ok(Step::Field(key));
    }
    if text.contains(',') {
        let parts: Result<Vec<Vec<Step>>, String> = text.split(',').map(|t| index(t.trim()).map(|s| vec![s])).collect();
        return Ok(Step::Union(parts?));
    }
    let numbers: Vec<&str> = text.split(':').map(str::trim).collect();
    let parse = |t: &&str| if t.is_empty() { Some(None) } else { t.parse::<i64>().ok().map(Some) };
    let read: Option<Vec<Option<i64>>> = numbers.iter().map(parse).collect();
    match read.as_deref() {
        Some([Some(only)]) => Ok(Step::Slice([Some(*only), None, None], false)),
        Some([from, to]) => Ok(Step::Slice([*from, *to, None], true)),
        Some([from, to, step]) => Ok(Step::Slice([*from, *to, *step], true)),
        _ => Err(format!("invalid array index {text}")),
    }
}

impl Template {
    /// Refuses what cannot be executed.
    fn whole(&self) -> Result<(), String> {
        self.broken.clone().map_or(Ok(()), Err)
    }

    /// The values of the first expression.
    pub fn find(&self, root: &Value) -> Result<Vec<Value>, String> {
        self.whole()?;
        for part in &self.parts {
            if let Part::Path(steps) = part {
                return Ok(walk(steps, root, root, self.strict, 0)?.into_iter().cloned().collect());
            }
        }
        Ok(Vec::new())
    }

    /// The fields of items that the expressions look at, of a list when `list` says so; nothing when that may be all of them.
    pub(super) fn fields_of_items(&self, list: bool) -> Option<Vec<&str>> {
        self.whole().ok()?;
        let mut out = Vec::new();
        looked_at(&self.parts, list, &mut out)?;
        Some(out)
    }

    /// The text the template comes to: values of an expression are separated by blanks.
    pub fn print(&self, root: &Value) -> Result<String, String> {
        self.whole()?;
        let mut out = String::new();
        print(&self.parts, root, root, self.strict, &mut out, 0)?;
        Ok(out)
    }

    /// The values of all expressions, each as a list of its own.
    pub fn values(&self, root: &Value) -> Result<Vec<Vec<Value>>, String> {
        self.whole()?;
        let paths = self.parts.iter().filter_map(|p| if let Part::Path(steps) = p { Some(steps) } else { None });
        paths.map(|steps| Ok(walk(steps, root, root, self.strict, 0)?.into_iter().cloned().collect())).collect()
    }
}

fn looked_at<'t>(parts: &'t [Part], list: bool, out: &mut Vec<&'t str>) -> Option<()> {
    for part in parts {
        let (steps, inner) = match part {
            Part::Text(_) => continue,
            Part::Path(steps) => (steps, None),
            Part::Range(steps, inner) => (steps, Some(inner)),
        };
        let steps = steps.strip_prefix(&[Step::Root]).unwrap_or(steps);
        let steps = match steps {
            _ if !list => steps,
            [Step::Field(items), Step::Wildcard | Step::Slice(..), rest @ ..] if items == "items" => rest,
            [Step::Field(name), ..] if name != "items" && inner.is_none() => continue,
            _ => return None,
        };
        match (steps, inner) {
            ([Step::Field(name), ..], None) => out.push(name),
            // Within a range over items, paths begin at the item.
            ([], Some(inner)) if list => looked_at(inner, false, out)?,
            ([Step::Field(name), ..], Some(_)) => out.push(name),
            _ => return None,
        }
    }
    Some(())
}

fn print(parts: &[Part], root: &Value, current: &Value, strict: bool, out: &mut String, depth: usize) -> Result<(), String> {
    if depth > 50 {
        return Ok(());
    }
    for part in parts {
        match part {
            Part::Text(text) => out.push_str(text),
            Part::Path(steps) => {
                let found = walk(steps, root, current, strict, 0)?;
                out.push_str(&found.into_iter().map(shown).collect::<Vec<_>>().join(" "));
            }
            Part::Range(steps, inner) => {
                for item in walk(steps, root, current, strict, 0)? {
                    print(inner, root, item, strict, out, depth + 1)?;
                }
            }
        }
    }
    Ok(())
}

/// A value as kubectl prints it: strings as they are, the rest as JSON.
pub fn shown(value: &Value) -> String {
    match value {
        Value::String(s) => s.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn walk<'v>(steps: &'v [Step], root: &'v Value, current: &'v Value, strict: bool, depth: usize) -> Result<Vec<&'v Value>, String> {
    let mut values = vec![current];
    let mut recursive = false;
    for step in steps {
        let mut next = Vec::new();
        for value in values {
            match step {
                Step::Root => next.push(current),
                Step::Literal(literal) => next.push(literal),
                Step::Field(name) => match value.get(name) {
                    Some(found) => next.push(found),
                    None if recursive => {}
                    None if !value.is_null() && !strict => {}
                    None => return Err(format!("{name} is not found")),
                },
                Step::Wildcard => match value {
                    Value::Array(all) => next.extend(all),
                    Value::Object(all) => next.extend(all.values()),
                    _ => {}
                },
                Step::Recursive => descend(value, &mut next, 0),
                Step::Union(parts) => {
                    for part in parts {
                        next.extend(walk(part, root, value, strict, depth + 1)?);
                    }
                }
                Step::Slice(bounds, range) => match value {
                    Value::Array(all) => slice(all, *bounds, *range, &mut next)?,
                    Value::Null => {}
                    _ if recursive => {}
                    other => return Err(format!("{} is not array or slice", go_type(other))),
                },
                Step::Filter(left, operator, right) => {
                    let items: &[Value] = match value {
                        Value::Array(all) => all,
                        Value::Null => &[],
                        _ if recursive => &[],
                        other => return Err(format!("{} is not array or slice and cannot be filtered", shown(other))),
                    };
                    if depth > 20 {
                        return Ok(Vec::new());
                    }
                    for item in items {
                        if holds(left, operator, right.as_deref(), root, item, depth)? {
                            next.push(item);
                        }
                    }
                }
            }
        }
        recursive = *step == Step::Recursive;
        values = next;
    }
    Ok(values)
}

/// The Go type of a value that was read from JSON.
fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "interface {}",
        Value::Bool(_) => "bool",
        Value::Number(n) if n.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

fn descend<'v>(value: &'v Value, out: &mut Vec<&'v Value>, depth: usize) {
    if depth > 100 {
        return;
    }
    out.push(value);
    match value {
        Value::Array(all) => all.iter().for_each(|v| descend(v, out, depth + 1)),
        Value::Object(all) => all.values().for_each(|v| descend(v, out, depth + 1)),
        _ => {}
    }
}

fn slice<'v>(all: &'v [Value], [from, to, step]: [Option<i64>; 3], range: bool, out: &mut Vec<&'v Value>) -> Result<(), String> {
    let length = all.len() as i64;
    let absolute = |i: i64| if i < 0 { i + length } else { i };
    if !range {
        let i = absolute(from.unwrap_or(0));
        return match usize::try_from(i).ok().and_then(|i| all.get(i)) {
            Some(value) => {
                out.push(value);
                Ok(())
            }
            None => Err(format!("array index out of bounds: index {i}, length {length}")),
        };
    }
    let (from, to, step) = (absolute(from.unwrap_or(0)).max(0), absolute(to.unwrap_or(length)).min(length), step.unwrap_or(1));
    if step < 1 {
        return Err("step must be > 0".to_owned());
    }
    let mut i = from;
    while i < to {
        out.extend(usize::try_from(i).ok().and_then(|i| all.get(i)));
        i += step;
    }
    Ok(())
}

fn holds<'v>(
    left: &'v [Step],
    operator: &str,
    right: Option<&'v Vec<Step>>,
    root: &'v Value,
    item: &'v Value,
    depth: usize,
) -> Result<bool, String> {
    let of = |steps: &'v [Step]| walk(steps, root, item, false, depth + 1);
    let left = of(left).unwrap_or_default();
    let Some(right) = right else { return Ok(!left.is_empty()) };
    let right = of(right).unwrap_or_default();
    let (Some(a), Some(b)) = (left.first(), right.first()) else { return Ok(false) };
    let order = match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64().partial_cmp(&b.as_f64()),
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        _ => None,
    };
    Ok(match (operator, order) {
        ("==", o) => o.is_some_and(std::cmp::Ordering::is_eq),
        ("!=", o) => !o.is_some_and(std::cmp::Ordering::is_eq),
        ("<", Some(o)) => o.is_lt(),
        (">", Some(o)) => o.is_gt(),
        ("<=", Some(o)) => o.is_le(),
        (">=", Some(o)) => o.is_ge(),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{parse, relaxed};

    #[test]
    fn what_is_looked_at_in_items_is_told() {
        let of = |text: &str, list: bool| parse(text).unwrap().fields_of_items(list).map(|f| f.join(","));
        for (text, fields) in [
            ("{.items[*].metadata.name}", Some("metadata")),
            (
                "{range .items[*]}{.metadata.name}{@.status.phase}{range .spec.containers[*]}{.image}{end}{end}",
                Some("metadata,status,spec"),
            ),
            ("{.kind}{.items[0].status}", Some("status")),
            ("{.items}", None),
            ("{range .items}{.x}{end}", None),
            ("{.items[*]}", None),
            ("{..name}", None),
            ("{.items[?(@.spec.x)].metadata}", None),
            ("{@}", None),
        ] {
            assert_eq!(of(text, true).as_deref(), fields, "{text}");
        }
        assert_eq!(of("{.spec.a}", false).as_deref(), Some("spec"));
        assert_eq!(of("{.*}", false), None);
    }

    #[test]
    fn templates_print_as_kubectl_prints() {
        let root = json!({"kind": "List", "items": [
            {"metadata": {"name": "a", "labels": {"x/y.z": "1"}}, "n": 1, "on": true},
            {"metadata": {"name": "b"}, "n": 2, "on": false},
            {"metadata": {"name": "c"}, "n": 3, "l": [{"t": "p", "v": "q"}]},
        ]});
        for (template, want) in [
            ("{.kind}", "List"),
            ("kind: {.kind}", "kind: List"),
            ("{.items[*].metadata.name}", "a b c"),
            ("{.items[0].metadata.name}{\"\\n\"}", "a\n"),
            ("{.items[-1].n}", "3"),
            ("{.items[0:2].n}", "1 2"),
            ("{.items[0,2].n}", "1 3"),
            ("{.items[?(@.n>1)].metadata.name}", "b c"),
            ("{.items[?(@.metadata.name==\"b\")].n}", "2"),
            ("{.items[?(@.on==true)].n}", "1"),
            ("{.items[?(@.l)].metadata.name}", "c"),
            ("{range .items[*]}{.metadata.name}={.n};{end}", "a=1;b=2;c=3;"),
            ("{..name}", "a b c"),
            ("{.items[0].metadata.labels.x/y\\.z}", "1"),
            ("{.items[0].metadata['name']}", "a"),
            ("{.items[2].l}", "[{\"t\":\"p\",\"v\":\"q\"}]"),
            ("{.nothing}", ""),
            ("{.kind.nothing}", ""),
            ("{range .items[*]}{.n}", "123"),
        ] {
            let mut read = parse(template).expect(template);
            read.strict = false;
            assert_eq!(read.print(&root).as_deref(), Ok(want), "{template}");
        }
        for (template, why) in
            [("{.items[*}", "unterminated array"), ("{.a", "unclosed action"), ("{.items[\"n\"]}", "invalid array index \"n\"")]
        {
            assert_eq!(parse(template).err().as_deref(), Some(why), "{template}");
        }
        for (template, why) in [
            ("{nope}", "unrecognized identifier nope"),
            ("{.items[?(@.n==nope)]}", "unrecognized identifier nope"),
            ("{end}", "not in range, nothing to end"),
            ("{.items[-4]}", "array index out of bounds: index -1, length 3"),
            ("{.kind[0]}", "string is not array or slice"),
        ] {
            assert_eq!(parse(template).unwrap().print(&root).err().as_deref(), Some(why), "{template}");
        }
        assert_eq!(relaxed("metadata.name").as_deref(), Ok("{.metadata.name}"));
        assert_eq!(relaxed("{.metadata.name}").as_deref(), Ok("{.metadata.name}"));
    }
}
