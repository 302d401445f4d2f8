//! Templates: any text is parsed or refused and executed within its limits; traced or not, it gives the same bytes, and
//! the same seed gives the same again. What is parsed once for many places is what each place would have been parsed to.

use std::sync::Arc;

use kval::gotmpl::tree::{Arg, ArgKind, At, Node, NodeKind, Pipe, Tree};
use kval::gotmpl::{ParseError, Seen, parse, parse_sharing};
use kval::helm::Compat;
use kval::helm::engine;
use kval::helm::release::{TemplateOptions, TemplateOutput, template};
use kval::source::{FileId, MemoryWorld, Origins};
use kval::value::{GoType, Map, Str};

use super::{Random, Target, recorded};

/// Between the template, its partials and its values.
const CUT: &[u8] = b"\x1e";

const HELPERS: &str = "{{ define \"h\" }}{{ . | toYaml }}{{ end }}{{ define \"n\" }}n: {{ .Values.s | quote }}{{ end }}{{- define \"r\" -}}{{ if .n }}{{ include \"r\" (dict \"n\" (sub .n 1)) }}{{ end }}{{- end -}}";

const VALUES: &str = "a: {b: [1, x, {c: null}], d: 1.5}\ns: \"text\\nmore\"\nl: [3, 1, 2]\nt: true\nn: null\ne: {}\nf: 1e100\ni: 7\ny: \"a: {b: 1}\\nc: [x]\"\nd: \"2024-02-29T12:34:56+02:00\"\nv: 1.2.3-rc.1+b\n";

const FILES: [&[u8]; 2] = [b"one\ntwo\n", b"\xff\x00binary"];

/// Functions that are slow by nature: real charts call them a few times.
const SLOW: &[&str] = &[
    "genPrivateKey",
    "genCA",
    "genCAWithKey",
    "genSelfSignedCert",
    "genSelfSignedCertWithKey",
    "genSignedCert",
    "genSignedCertWithKey",
    "bcrypt",
    "htpasswd",
    "derivePassword",
];

const WORDS: &[&[u8]] = &[
    b"{{",
    b"}}",
    b"{{-",
    b"-}}",
    b"|",
    b"(",
    b")",
    b".Values.a",
    b"$x :=",
    b"$x =",
    b"\"",
    b"`",
    b"range ",
    b"range $i, $v := ",
    b"end",
    b"with ",
    b"if ",
    b"else",
    b"else if ",
    b"else with ",
    b"define \"x\"",
    b"template \"x\" .",
    b"include \"x\" .",
    b"block \"x\" .",
    b"tpl ",
    b"nil",
    b"-1",
    b"9223372036854775807",
    b"-9223372036854775808",
    b"1e308",
    b"0x",
    b"0b1",
    b"1_0",
    b"1i",
    b"'a'",
    b"'\\u00",
    b"/*",
    b"*/",
    b"break",
    b"continue",
    b"\xff\xfe",
    "é日🎉".as_bytes(),
    b"printf \"%*.[2]d\"",
    b"{{ end }}",
    b"{{ else }}",
    b"{{ range until 9 }}",
    b"$",
    b".",
    b"..",
    b"\n",
    b" ",
];

const ATOMS: &[&str] = &[
    ".",
    "$",
    "$x",
    ".Values",
    ".Values.a",
    ".Values.a.b",
    ".Values.a.d",
    ".Values.s",
    ".Values.l",
    ".Values.t",
    ".Values.n",
    ".Values.n.x",
    ".Values.e",
    ".Values.f",
    ".Values.i",
    ".Values.y",
    ".Values.d",
    ".Values.v",
    ".Values.missing",
    ".Values.missing.more",
    "$.Values.a",
    ".Release",
    ".Release.Name",
    ".Release.IsUpgrade",
    ".Chart",
    ".Chart.Name",
    ".Chart.Version",
    ".Capabilities",
    ".Capabilities.KubeVersion",
    ".Capabilities.KubeVersion.Version",
    ".Capabilities.APIVersions",
    "(.Capabilities.APIVersions.Has \"v1\")",
    ".Template.Name",
    ".Files",
    "(.Files.Get \"one.txt\")",
    "(.Files.Lines \"one.txt\")",
    "(.Files.Glob \"*\")",
    "((.Files.Glob \"**\").AsConfig)",
    "((.Files.Glob \"*\").AsSecrets)",
    ".Subcharts",
    "true",
    "false",
    "nil",
    "0",
    "1",
    "-1",
    "2",
    "3",
    "10",
    "100",
    "5000",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "1.5",
    "-0.0",
    "1e308",
    "1e-320",
    "0x1F",
    "'a'",
    "'\\''",
    "1i",
    "\"\"",
    "\"a\"",
    "\"a,b,c\"",
    "\",\"",
    "\" \"",
    "\"\\n\"",
    "\"é日🎉\"",
    "\"\\xff\"",
    "\"%d %s %v\"",
    "\"%[2]*.[1]*f\"",
    "\"%#+v %T %q %x %U %c\"",
    "\"1.2.3\"",
    "\"^1.2 || ~3\"",
    "\">=1.0.0-0\"",
    "\"2006-01-02\"",
    "\"2024-02-30\"",
    "\"1h30m\"",
    "\"Mon Jan 2 15:04:05 -0700 2006\"",
    "\"UTC\"",
    "\"Europe/Berlin\"",
    "\"Local\"",
    "\"a+(b|c)*\"",
    "\"(?P<n>a)\"",
    "\"${1}x$n\"",
    "\"[\"",
    "\"(?i)^\\\\pL+$\"",
    "\"a: 1\\nb: [2]\"",
    "\"{\\\"a\\\": [1, null]}\"",
    "\"a = 1\\n[t]\\nb = 2\"",
    "\"[1,2]\"",
    "\"- a\\n- b\"",
    "\"aGVsbG8=\"",
    "\"https://u:p@h:1/p?q=1#f\"",
    "\"/a/../b.txt\"",
    "\"10.0.0.0/8\"",
    "\"sha256\"",
    "\"{{ . }}\"",
    "\"{{ include \\\"h\\\" . }}\"",
    "\"h\"",
    "\"n\"",
    "\"r\"",
    "\"none\"",
    "(list)",
    "(list 1 \"a\" nil)",
    "(list 1 2 3)",
    "(list \"b\" \"a\")",
    "(dict)",
    "(dict \"a\" 1 \"b\" (list 1))",
    "(dict \"a\" (dict \"b\" nil))",
    "(tuple)",
    "(until 5)",
    "(now)",
    "(set (dict) \"k\" .)",
];

fn expression(r: &mut Random, names: &[&str], depth: usize) -> String {
    if depth > 3 || r.below(3) == 0 {
        return r.word(ATOMS).to_owned();
    }
    let mut call = call(r, names, depth);
    for _ in 0..r.below(3) {
        if r.one_in(2) {
            call = format!("{call} | {}", self::call(r, names, depth + 1));
        }
    }
    format!("({call}){}", if r.one_in(12) { *r.pick(&[".a", ".Name", ".a.b", ".String", ".Has"]) } else { "" })
}

fn call(r: &mut Random, names: &[&str], depth: usize) -> String {
    let mut name = *r.pick(names);
    if SLOW.contains(&name) && !r.one_in(40) {
        name = "quote";
    }
    let count = [0, 1, 1, 1, 2, 2, 2, 3, 3, 4][r.below(10)];
    let arguments: Vec<String> = (0..count).map(|_| expression(r, names, depth + 1)).collect();
    format!("{name} {}", arguments.join(" "))
}

fn statement(r: &mut Random, names: &[&str], depth: usize, out: &mut String) {
    let trim = |r: &mut Random| (*r.pick(&["{{ ", "{{ ", "{{- "]), *r.pick(&[" }}", " }}", " -}}"]));
    let (open, close) = trim(r);
    match r.below(if depth > 3 { 6 } else { 14 }) {
        0 => {
            *out +=
                r.word(&["text\n", "a: ", "\n  - ", " ", "---\n", "# c\n", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n", "é"]);
        }
        1 => *out += &format!("{open}$x := {}{close}", expression(r, names, 1)),
        2 => *out += &format!("{open}$x = {}{close}", expression(r, names, 1)),
        3..=5 => *out += &format!("{open}{}{close}", expression(r, names, 0)),
        6 => {
            *out += &format!(
                "{open}{}{close}",
                r.pick(&[
                    "break",
                    "continue",
                    "template \"h\" .",
                    "template \"n\" $",
                    "/* c */",
                    "include \"r\" (dict \"n\" 9)",
                    "fail \"no\""
                ])
            );
        }
        7 => *out += &format!("{open}define {}{close}d{{{{ end }}}}", r.pick(&["\"h\"", "\"x\"", "\"r\"", "x"])),
        kind => {
            let head = match kind {
                8 => format!("if {}", expression(r, names, 1)),
                9 => format!("with {}", expression(r, names, 1)),
                10 => format!("range {}", expression(r, names, 1)),
                11 => format!("range $k, $v := {}", expression(r, names, 1)),
                12 => format!("with $x := {}", expression(r, names, 1)),
                _ => "block \"b\" .".to_owned(),
            };
            *out += &format!("{open}{head}{close}");
            for _ in 0..=r.below(3) {
                statement(r, names, depth + 1, out);
            }
            if r.one_in(3) {
                *out += r.word(&["{{ else }}", "{{ else if .t }}", "{{ else with .Values.a }}"]);
                statement(r, names, depth + 1, out);
            }
            *out += "{{ end }}";
        }
    }
}

/// The actions of a text, as ranges of bytes between the delimiters.
fn actions(text: &[u8]) -> Vec<(usize, usize)> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(open) = text[at..].windows(2).position(|w| w == b"{{").map(|p| p + at + 2) {
        let Some(close) = text[open..].windows(2).position(|w| w == b"}}").map(|p| p + open) else { break };
        out.push((open, close));
        at = close + 2;
    }
    out
}

/// Changes that keep a template one: an action or one of its words replaced, a part enclosed in a block, a pipe added.
fn rearrange(r: &mut Random, text: &mut Vec<u8>, seeds: &[Vec<u8>], names: &[&str]) {
    for _ in 0..=r.below(3) {
        let mine = actions(text);
        if mine.is_empty() {
            return;
        }
        let (open, close) = *r.pick(&mine);
        match r.below(5) {
            0 => {
                let other = r.pick(seeds);
                let theirs = actions(other);
                if !theirs.is_empty() {
                    let (from, to) = *r.pick(&theirs);
                    text.splice(open..close, other[from..to].iter().copied());
                }
            }
            1 => {
                let words: Vec<usize> = (open..close).filter(|&i| text[i] == b' ').collect();
                if words.len() > 1 {
                    let i = r.below(words.len() - 1);
                    let new = format!(" {}", expression(r, names, 1));
                    text.splice(words[i]..words[i + 1], new.into_bytes());
                }
            }
            2 => {
                let pipe = format!(" | {}", call(r, names, 2));
                text.splice(close..close, pipe.into_bytes());
            }
            3 => {
                let head = format!("{{{{ range $x := {} }}}}", expression(r, names, 1));
                text.splice(open - 2..open - 2, head.into_bytes());
                text.extend(b"{{ end }}");
            }
            _ => {
                text.splice(open - 2..close + 2, std::iter::empty());
            }
        }
    }
}

fn make(r: &mut Random, seeds: &[Vec<u8>], names: &[&str], words: &[&[u8]]) -> Vec<u8> {
    let mut text = if r.one_in(2) {
        let mut out = "{{ $x := 1 }}".to_owned();
        for _ in 0..=r.below(6) {
            statement(r, names, 0, &mut out);
        }
        out.into_bytes()
    } else {
        let mut text = r.pick(seeds).clone();
        rearrange(r, &mut text, seeds, names);
        text
    };
    if r.below(3) == 0 {
        r.mutate(&mut text, seeds, words);
    }
    text.retain(|b| *b != CUT[0]);
    let mut helpers = HELPERS.as_bytes().to_vec();
    if r.one_in(4) {
        rearrange(r, &mut helpers, seeds, names);
    }
    let mut values = VALUES.as_bytes().to_vec();
    if r.one_in(6) {
        r.mutate(&mut values, seeds, words);
    }
    [text, helpers, values].join(CUT)
}

fn parts(input: &[u8]) -> [&[u8]; 3] {
    let mut parts = input.split(|b| *b == CUT[0]);
    let text = parts.next().unwrap_or_default();
    [text, parts.next().unwrap_or(HELPERS.as_bytes()), parts.next().unwrap_or(VALUES.as_bytes())]
}

/// The whole way of `helm template`, as a chart in memory.
fn as_chart(input: &[u8], variant: u64) {
    let [text, helpers, values] = parts(input);
    let mut world = MemoryWorld { now: 1_700_000_000_000_000_000, seed: variant, ..MemoryWorld::default() };
    let chart = b"apiVersion: v2\nname: c\nversion: 1.2.3\nappVersion: \"4.5\"\n".as_slice();
    let files = [
        ("c/Chart.yaml", chart),
        ("c/values.yaml", values),
        ("c/templates/_h.tpl", helpers),
        ("c/templates/t.yaml", text),
        ("c/templates/u.yaml", b"kind: ConfigMap\napiVersion: v1\nmetadata: {name: u, annotations: {helm.sh/hook: pre-install}}\n"),
        ("c/one.txt", FILES[0]),
        ("c/two.bin", FILES[1]),
    ];
    world.files.extend(files.into_iter().map(|(n, t)| (n.to_owned(), t.to_vec())));
    let options = |trace: bool| TemplateOptions {
        name: Some("rel".to_owned()),
        chart: "c".to_owned(),
        trace,
        lint: variant.is_multiple_of(7),
        strict: variant.is_multiple_of(5),
        keep_going: variant.is_multiple_of(11),
        include_crds: true,
        compat: if variant.is_multiple_of(3) { Compat::V3 } else { Compat::V4 },
        ..TemplateOptions::default()
    };
    let traced = template(&world, &options(true));
    let plain = template(&world, &options(false));
    match (traced, plain) {
        (Ok(traced), Ok(plain)) => {
            let text = |output: &TemplateOutput| output.stdout.iter().map(|part| part.to_string()).collect::<String>();
            assert_eq!(text(&traced), text(&plain), "traced it prints otherwise");
        }
        (Err(traced), Err(plain)) => assert_eq!(traced.to_string(), plain.to_string(), "traced it fails otherwise"),
        (traced, plain) => panic!("traced {:?}, not traced {:?}", traced.map(|_| ()), plain.map(|_| ())),
    }
}

fn alone(input: &[u8], variant: u64) {
    let [text, helpers, values] = parts(input);
    let world = MemoryWorld { now: 1_700_000_000_000_000_000, seed: variant, ..MemoryWorld::default() };
    let Ok(values) = kval::yaml::decode_values(values) else { return };
    let run = |trace: Option<&Origins>| {
        let values = kval::helm::values::copy_map(&values);
        let entries = [("Values", values.into()), ("Files", Map::default().into()), ("Chart", Map::default().into())];
        let dot = Map::typed(GoType::Any, Some("common.Values"), entries.into_iter().map(|(k, v)| (Str::from(k), v)).collect());
        let file = |name: &str, text: &[u8], file: u32| engine::Template {
            name: format!("c/templates/{name}"),
            text: Arc::from(text),
            file: FileId(file),
            base_path: "c/templates".to_owned(),
            dot: dot.clone().into(),
            partial_only: false,
        };
        let mut options = engine::Options::new(&world);
        options.limits = engine::Limits { steps: 100_000, output: 1 << 20 };
        options.strict = variant.is_multiple_of(5);
        options.lint = variant.is_multiple_of(7);
        options.trace = trace;
        let templates = [file("_h.tpl", helpers, 1), file("t.yaml", text, 0)];
        let output = engine::render(&templates, &options);
        output.map_err(|e| e.to_string()).map(|o| o.files.into_iter().map(|(n, f)| (n, f.text.to_vec())).collect::<Vec<_>>())
    };
    let first = run(None);
    if let Ok(files) = &first {
        assert!(files.iter().map(|f| f.1.len()).sum::<usize>() <= 2 << 20, "the limit of the output does not hold");
    }
    assert_eq!(first, run(Some(&Origins::default())), "traced it gives something else");
}

/// What parsing gave, with the place of each part.
fn told(parsed: Result<Vec<Arc<Tree>>, ParseError>) -> Vec<String> {
    match parsed {
        Ok(trees) => {
            let mut out = Vec::new();
            for tree in trees {
                out.push(format!("define {}", tree.name));
                tell_nodes(tree.root(), &mut out);
            }
            out
        }
        Err(e) => vec![format!("{} at {}", e.text, e.offset)],
    }
}

fn tell_nodes(nodes: &[Node], out: &mut Vec<String>) {
    for node in nodes {
        let mut tell = |what: &str| out.push(format!("{what} {} {:?}", node.pos, node.span));
        let branch = match &node.kind {
            NodeKind::If(branch) => ("if", branch),
            NodeKind::With(branch) => ("with", branch),
            NodeKind::Range(branch) => ("range", branch),
            NodeKind::Action(pipe) | NodeKind::Template(_, Some(pipe)) => {
                tell(&At::Node(node).print());
                tell_pipe(pipe, node.shift, out);
                continue;
            }
            _ => {
                tell(&At::Node(node).print());
                continue;
            }
        };
        let (word, branch) = branch;
        tell(word);
        tell_pipe(&branch.pipe, node.shift, out);
        tell_nodes(&branch.list, out);
        if let Some(other) = &branch.other {
            out.push("else".to_owned());
            tell_nodes(other, out);
        }
        out.push("end".to_owned());
    }
}

fn tell_pipe(pipe: &Pipe, shift: isize, out: &mut Vec<String>) {
    out.push(format!("{} {}", At::Pipe(pipe).pos(shift), At::Pipe(pipe).print()));
    for command in &pipe.commands {
        out.push(format!("{}", At::Command(command).pos(shift)));
        command.args.iter().for_each(|arg| tell_arg(arg, shift, out));
    }
}

fn tell_arg(arg: &Arg, shift: isize, out: &mut Vec<String>) {
    out.push(format!("{}", At::Arg(arg).pos(shift)));
    match &arg.kind {
        ArgKind::Pipe(pipe) => tell_pipe(pipe, shift, out),
        ArgKind::Chain(inner, _) => tell_arg(inner, shift, out),
        _ => {}
    }
}

/// Parsed for itself and with what was seen before, in another text and in itself, a text is the same; so it is as the body of
/// a definition, which is passed over and parsed when it is needed.
fn shared(input: &[u8]) {
    let [text, helpers, _] = parts(input);
    let defined = [b"{{ define \"w\" -}}", text, b"{{ end }} {{ define \"w\" }} {{ end }}{{ .a }}"].concat();
    for text in [text, &defined] {
        let [text, helpers] = [text, helpers].map(Arc::<[u8]>::from);
        let name = Str::from("t");
        let alone = told(parse(&name, &text, None, &|_| true));
        let mut seen = Seen::default();
        for known in [&helpers, &text] {
            drop(parse_sharing(&mut seen, &name, known, None, &|_| true));
            let shared = told(parse_sharing(&mut seen, &name, &text, None, &|_| true));
            assert_eq!(shared, alone, "with what was seen it is something else");
        }
    }
}

pub(crate) fn target() -> Target {
    let mut seeds = recorded("template", "tpl");
    seeds.extend(recorded("functions", "tpl"));
    seeds.extend(recorded("functions_more", "tpl"));
    let mut names: Vec<&'static str> = kval::sprig::functions().iter().map(|f| f.name).collect();
    names.extend([
        "include", "tpl", "required", "fail", "lookup", "printf", "print", "index", "slice", "len", "eq", "ne", "lt", "and", "or", "not",
        "call", "html", "js", "urlquery",
    ]);
    let mut words = WORDS.to_vec();
    words.extend(names.iter().filter(|n| !SLOW.contains(n)).map(|n| n.as_bytes()));
    let check = |input: &[u8], variant: u64| match variant % 8 {
        0 | 4 => as_chart(input, variant),
        1 => shared(input),
        _ => alone(input, variant),
    };
    Target { name: "template", make: Box::new(move |r| make(r, &seeds, &names, &words)), check: Box::new(check) }
}
