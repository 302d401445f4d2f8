//! Which values the templates of a chart read: a walk over all templates that follows values through variables, `with`,
//! `range`, `include` and dictionaries.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::OnceLock;

use super::actions;
use super::chart::ChartSource;
use super::chart::Template;
use crate::diagnostic::similar;
use crate::gotmpl;
use crate::gotmpl::tree::Arg;
use crate::gotmpl::tree::ArgKind;
use crate::gotmpl::tree::Command;
use crate::gotmpl::tree::Node;
use crate::gotmpl::tree::NodeKind;
use crate::gotmpl::tree::Pipe;
use crate::gotmpl::tree::Tree;
use crate::source::FileId;
use crate::source::Sources;
use crate::value::Str;

/// The most templates that are walked; a chart that needs more is left half known.
const MAX_CALLS: usize = 20_000;
/// The deepest nesting of calls and parentheses.
const MAX_DEPTH: usize = 60;

/// What is known about a value of a template.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Known {
    /// Nothing.
    Unknown,
    /// A constant, or something computed: not the values and nothing in them.
    Plain,
    /// The top of a chart's data, `$`.
    Top,
    /// A place in the values.
    Values(Vec<String>),
    /// What `lookup` gave.
    Lookup,
    /// What `dict` made.
    Dict(BTreeMap<String, Known>),
    /// What `list` made.
    List(Vec<Known>),
}

/// One read of a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Read {
    /// The chart, as its number in [`ChartSource::all`].
    pub(super) chart: usize,
    /// The path below `.Values`.
    pub(super) path: Vec<String>,
    /// Whether everything below the path is used.
    pub(super) whole: bool,
    /// Whether an `if`, `with`, `default` or the like asks about it first.
    pub(super) guarded: bool,
    /// How much of the path conditions around it ask about: bit `n` is for its first `n` names.
    asked: u64,
    /// Whether a rendering may come here: nothing calls some named templates.
    pub(super) reached: bool,
    /// How it is used.
    pub(super) usage: Usage,
    /// The template.
    pub(super) file: FileId,
    /// Where in it.
    pub(super) at: (usize, usize),
}

impl Read {
    /// Whether a condition around it asks about the first `names` of its path.
    pub(super) fn asks(&self, names: usize) -> bool {
        names < 64 && self.asked & (1 << names) != 0
    }
}

/// How a value is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Usage {
    /// In some other way.
    Other,
    /// As a condition.
    Condition,
    /// As the collection of a `range`.
    Range,
    /// Written into the output as it is, at most quoted.
    Output,
}

/// A use of `.Values` and the like where the dot is something else.
#[derive(Clone, Debug)]
pub(super) struct Rebound {
    /// The template.
    pub(super) file: FileId,
    /// Where in it.
    pub(super) at: usize,
    /// The name that the dot does not have.
    pub(super) name: String,
}

/// All that the walk found.
#[derive(Clone, Debug, Default)]
pub(super) struct Reads {
    /// All reads, each once.
    pub(super) found: BTreeSet<Read>,
    /// Names of the top looked for in a rebound dot.
    pub(super) rebound: Vec<Rebound>,
    /// Fields of what `lookup` gave that are used without asking whether it is there: file and offset.
    pub(super) lookups: BTreeSet<(FileId, usize)>,
    /// Whether a template puts other values in the place of all.
    pub(super) replaced: bool,
    /// Values that templates set themselves.
    pub(super) set: BTreeSet<Vec<String>>,
    /// The reads of each chart by their paths, once somebody asks.
    trees: OnceLock<BTreeMap<usize, Paths>>,
}

impl Reads {
    /// Whether a chart reads the value at a path, something in it, or all of a map around it.
    pub(super) fn uses(&self, chart: usize, path: &[String]) -> bool {
        let trees = self.trees.get_or_init(|| {
            let mut trees: BTreeMap<usize, Paths> = BTreeMap::new();
            for read in &self.found {
                let mut tree = trees.entry(read.chart).or_default();
                for name in &read.path {
                    tree = tree.below.entry(name.clone()).or_default();
                }
                tree.whole |= read.whole;
            }
            trees
        });
        trees.get(&chart).is_some_and(|tree| tree.uses(path))
    }
}

/// Reads by the names of their paths.
#[derive(Clone, Debug, Default)]
struct Paths {
    whole: bool,
    below: BTreeMap<String, Paths>,
}

impl Paths {
    fn uses(&self, path: &[String]) -> bool {
        let Some((name, rest)) = path.split_first() else { return true };
        let next: Vec<&Paths> = match name.as_str() {
            "*" => self.below.values().collect(),
            name => [self.below.get(name), self.below.get("*")].into_iter().flatten().collect(),
        };
        self.whole || next.into_iter().any(|tree| tree.uses(rest))
    }
}

impl Reads {
    /// A name that templates of the chart read beside the end of `path` and that looks like it; `taken` names are out of
    /// question.
    pub(super) fn near(&self, path: &[String], taken: impl Fn(&str) -> bool) -> Option<&str> {
        let (last, above) = path.split_last()?;
        let beside = |r: &&Read| r.chart == 0 && r.path.len() >= path.len() && r.path.starts_with(above);
        let names = self.found.iter().filter(beside).map(|r| r.path[above.len()].as_str());
        similar(last, names.filter(|n| *n != "*" && !taken(n)))
    }
}

struct Walk<'c> {
    charts: Vec<&'c ChartSource>,
    defined: BTreeMap<String, Arc<Tree>>,
    called: BTreeSet<Call>,
    out: Reads,
    chart: usize,
    /// The template that is walked; none for a text of the values, whose places are no file's.
    file: Option<FileId>,
    /// Whether a rendering may come here.
    reached: bool,
    /// Whether the condition of an `if` is walked.
    asking: bool,
    depth: usize,
}

/// A call that was followed: the chart, whether a rendering may come there, the name, the dot, and the guards around it.
type Call = (usize, bool, String, Known, Vec<String>);

#[derive(Clone)]
struct Scope {
    dot: Known,
    vars: Vec<(String, Known)>,
    /// Paths (joined) and variables that conditions around asked about.
    guards: Vec<String>,
}

/// How a value is come by.
#[derive(Clone, Copy)]
struct Use<'v> {
    usage: Usage,
    at: (usize, usize),
    /// Whether it may be absent.
    soft: bool,
    /// The variable it is taken from; empty for none.
    variable: &'v str,
}

impl Scope {
    fn new(dot: Known) -> Self {
        Self { vars: vec![("$".to_owned(), dot.clone())], dot, guards: Vec::new() }
    }
}

/// Walks all templates of a chart and of those below it. `sources` holds the texts of its other files, which may be
/// templates as well.
pub(super) fn reads(chart: &ChartSource, sources: &Sources) -> Reads {
    let charts = chart.all();
    let mut defined = BTreeMap::new();
    // The last one loaded wins, and parents are loaded after those below them.
    for chart in charts.iter().rev() {
        for template in &chart.templates {
            for tree in &template.trees {
                defined.insert(tree.name.to_string(), Arc::clone(tree));
            }
        }
    }
    let mut walk = Walk {
        charts,
        defined,
        called: BTreeSet::new(),
        out: Reads::default(),
        chart: 0,
        file: None,
        reached: true,
        asking: false,
        depth: 0,
    };
    for number in 0..walk.charts.len() {
        walk.chart = number;
        let chart = walk.charts[number];
        for template in chart.templates.iter().filter(|t| !t.is_partial()) {
            if let Some(tree) = template.trees.last() {
                walk.file = Some(template.file);
                walk.list(tree.root(), &mut Scope::new(Known::Top));
            }
        }
        walk.texts_of_values(chart);
        walk.texts_of_files(chart, sources);
    }
    // What nothing calls by a constant name may be called by a computed one.
    let all: Vec<&Template> = walk.charts.iter().flat_map(|c| &c.templates).collect();
    for number in 0..walk.charts.len() {
        walk.chart = number;
        let own: Vec<&Template> = walk.charts[number].templates.iter().collect();
        let computed = actions::computed(&own, &all);
        for template in own {
            walk.unreached(template, computed.as_deref());
        }
    }
    walk.out
}

fn joined(path: &[String]) -> String {
    path.join(".")
}

impl Walk<'_> {
    /// Named templates that nothing was seen to call; `computed` are the names that are worked out, none when these may be
    /// any.
    fn unreached(&mut self, template: &Template, computed: Option<&[String]>) {
        let own = template.trees.len().saturating_sub(1);
        for tree in &template.trees[..own] {
            let name = tree.name.to_string();
            if !self.called.iter().any(|c| c.2 == name) {
                self.reached = computed.is_none_or(|formats| formats.iter().any(|f| actions::fits(f, &name)));
                self.file = Some(template.file);
                self.list(tree.root(), &mut Scope::new(Known::Top));
            }
        }
    }

    /// Texts in the values that are templates themselves, for `tpl`.
    fn texts_of_values(&mut self, chart: &ChartSource) {
        let Some(object) = chart.values.as_ref().and_then(|v| v.object.as_ref()) else { return };
        let below = chart.keys_below();
        for (key, value) in object.value.as_object().into_iter().flatten() {
            let mut texts = Vec::new();
            collect_texts(value, 0, &mut texts);
            // What stands under the key of a chart below is rendered by that chart, with its own values.
            let passed = below.contains(key);
            self.reached = !passed;
            texts.iter().for_each(|text| self.text(text));
            self.reached = true;
            let child = chart.called(key).and_then(|child| self.charts.iter().position(|c| std::ptr::eq(*c, child)));
            if let Some(child) = child.filter(|_| passed) {
                let own = std::mem::replace(&mut self.chart, child);
                texts.iter().for_each(|text| self.text(text));
                self.chart = own;
            }
        }
    }

    /// Files that templates may read through `.Files` and hand to `tpl`.
    fn texts_of_files(&mut self, chart: &ChartSource, sources: &Sources) {
        if !chart.templates.iter().any(|t| sources.get(t.file).text.contains(".Files")) {
            return;
        }
        let others = chart.files.iter().filter(|(name, _)| {
            let top = !name.contains('/') && (name.ends_with(".yaml") || name.to_lowercase().starts_with("readme"));
            !top && !name.starts_with("templates/") && !name.starts_with("charts/")
        });
        for file in others.filter_map(|(_, file)| *file) {
            let text = &*sources.get(file).text;
            if text.contains("{{") && text.contains("Values") {
                self.text(text);
            }
        }
    }

    /// A text that may be a template. What it reads is known to be read, nothing more.
    fn text(&mut self, text: &str) {
        self.file = None;
        let bytes: Arc<[u8]> = Arc::from(text.as_bytes());
        if let Ok(trees) = gotmpl::parse(&Str::from("values"), &bytes, None, &|_| true) {
            if let Some(tree) = trees.last() {
                self.list(tree.root(), &mut Scope::new(Known::Top));
            }
        }
    }

    fn list(&mut self, nodes: &[Node], scope: &mut Scope) {
        if self.depth > MAX_DEPTH {
            return;
        }
        self.depth += 1;
        let vars = scope.vars.len();
        for (index, node) in nodes.iter().enumerate() {
            self.node(node, scope, &nodes[index + 1..]);
        }
        scope.vars.truncate(vars);
        self.depth -= 1;
    }

    /// `rest` comes after the node.
    fn node(&mut self, node: &Node, scope: &mut Scope, rest: &[Node]) {
        match &node.kind {
            NodeKind::Action(pipe) => {
                // Where a variable is only used after it was asked about, what it holds may be absent.
                let asked =
                    !pipe.assign && matches!(pipe.decl.as_slice(), [(_, name)] if actions::asked_first(rest, &name.to_string(), copes));
                let value = self.pipe(pipe, scope, Usage::Output, asked);
                if pipe.decl.is_empty() {
                    self.whole(&value, scope, pipe.pos);
                }
            }
            NodeKind::Template(name, pipe) => {
                let dot = pipe.as_ref().map_or(Known::Plain, |p| self.pipe(p, scope, Usage::Other, false));
                self.call(&name.to_string(), dot, scope);
            }
            NodeKind::If(branch) => {
                let vars = scope.vars.len();
                let asking = std::mem::replace(&mut self.asking, true);
                self.pipe(&branch.pipe, scope, Usage::Condition, false);
                self.asking = asking;
                let guards = scope.guards.len();
                self.guard(&branch.pipe, scope);
                self.list(&branch.list, scope);
                let reached = self.reached;
                self.reached &= !self.always(&branch.pipe, scope);
                self.list(branch.other.as_deref().unwrap_or_default(), scope);
                self.reached = reached;
                // What comes after a refusal has passed it.
                if !actions::refuses(&branch.list) {
                    scope.guards.truncate(guards);
                }
                scope.vars.truncate(vars);
            }
            NodeKind::With(branch) => {
                let vars = scope.vars.len();
                let value = self.pipe(&branch.pipe, scope, Usage::Condition, false);
                let guards = scope.guards.len();
                self.guard(&branch.pipe, scope);
                let value = if value == Known::Lookup { Known::Unknown } else { value };
                if let Some(var) = scope.vars.get_mut(vars) {
                    var.1 = value.clone();
                }
                let dot = std::mem::replace(&mut scope.dot, value);
                self.list(&branch.list, scope);
                scope.dot = dot;
                self.list(branch.other.as_deref().unwrap_or_default(), scope);
                scope.guards.truncate(guards);
                scope.vars.truncate(vars);
            }
            NodeKind::Range(branch) => {
                let vars = scope.vars.len();
                let value = self.pipe(&branch.pipe, scope, Usage::Range, false);
                self.whole(&value, scope, branch.pipe.pos);
                let item = match &value {
                    Known::Values(path) => {
                        let mut path = path.clone();
                        path.push("*".to_owned());
                        Known::Values(path)
                    }
                    Known::List(items) => items.first().filter(|f| items.iter().all(|i| i == *f)).cloned().unwrap_or(Known::Unknown),
                    Known::Plain => Known::Plain,
                    _ => Known::Unknown,
                };
                let declared = branch.pipe.decl.len();
                for (index, var) in scope.vars[vars..].iter_mut().enumerate() {
                    var.1 = if index + 1 == declared { item.clone() } else { Known::Plain };
                }
                let guards = scope.guards.len();
                self.guard(&branch.pipe, scope);
                let dot = std::mem::replace(&mut scope.dot, item);
                self.list(&branch.list, scope);
                scope.dot = dot;
                self.list(branch.other.as_deref().unwrap_or_default(), scope);
                scope.guards.truncate(guards);
                scope.vars.truncate(vars);
            }
            NodeKind::Text(_) | NodeKind::Break | NodeKind::Continue => {}
        }
    }

    /// Whether a condition holds whatever users give: it is a map that is not empty, and no value that is merged into a map
    /// makes it empty.
    fn always(&self, pipe: &Pipe, scope: &Scope) -> bool {
        let [Command { args, .. }] = pipe.commands.as_slice() else { return false };
        let [arg] = args.as_slice() else { return false };
        let (Known::Values(path), Some(values)) = (quiet(arg, scope), &self.charts[self.chart].values) else { return false };
        let defaults = values.object.as_ref().map(|o| &o.value);
        let value = path.iter().try_fold(defaults, |value, name| value.map(|v| v.get(name))).flatten();
        value.and_then(serde_json::Value::as_object).is_some_and(|map| !map.is_empty())
    }

    /// Notes everything that a condition mentions, and the variable that holds what it gave.
    fn guard(&mut self, pipe: &Pipe, scope: &mut Scope) {
        let mut found: Vec<String> = pipe.decl.iter().map(|(_, name)| name.to_string()).collect();
        self.asked_in(pipe, scope, 0, &mut found);
        scope.guards.extend(found);
    }

    fn asked_in(&self, pipe: &Pipe, scope: &Scope, helpers: usize, found: &mut Vec<String>) {
        actions::commands(pipe, &mut |command| {
            let keys: Vec<String> = command.args.iter().filter_map(|a| actions::text(&a.kind)).collect();
            if let Some(("include", [name])) = actions::function(command).as_deref().map(|f| (f, keys.as_slice())) {
                return self.asked_by(name, command.args.get(2), scope, helpers, found);
            }
            found.extend(actions::spelled_lookup(command));
            for arg in &command.args {
                match &arg.kind {
                    ArgKind::Variable(names) => found.push(names[0].to_string()),
                    ArgKind::Field(_) | ArgKind::Chain(..) | ArgKind::Dot => {}
                    _ => continue,
                }
                if let Known::Values(path) = quiet(arg, scope) {
                    for key in &keys {
                        found.push(joined(&[path.as_slice(), std::slice::from_ref(key)].concat()));
                    }
                    // `index` and `dig` take the names one after the other.
                    let all = [path.as_slice(), &keys].concat();
                    (1..=all.len()).for_each(|n| found.push(joined(&all[..n])));
                }
            }
        });
    }

    /// What the conditions of a named template ask about: where it says nothing, what it is asked for is not done.
    fn asked_by(&self, name: &str, dot: Option<&Arg>, scope: &Scope, helpers: usize, found: &mut Vec<String>) {
        let (Some(tree), Some(dot)) = (self.defined.get(name), dot) else { return };
        if helpers > 2 {
            return;
        }
        let inner = Scope::new(quiet(dot, scope));
        actions::conditions(tree.root(), &mut |pipe| self.asked_in(pipe, &inner, helpers + 1, found));
    }

    fn read(&mut self, path: &[String], whole: bool, usage: Usage, scope: &Scope, at: (usize, usize), soft: bool) {
        // What a text of the values reads is read, but there is no place to complain about.
        let (at, soft) = if self.file.is_some() { (at, soft) } else { ((0, 0), true) };
        let usage = if self.file.is_some() { usage } else { Usage::Other };
        let file = self.file.unwrap_or_default();
        let whole_path = joined(path);
        let mut asked = 0;
        for guard in &scope.guards {
            let below = whole_path.strip_prefix(guard.as_str());
            if below.is_some_and(|rest| rest.is_empty() || rest.starts_with('.')) {
                let names = guard.split('.').count();
                asked |= if names < 64 { 1 << names } else { 0 };
            }
        }
        let guarded = soft || scope.guards.contains(&whole_path);
        self.out.found.insert(Read {
            chart: self.chart,
            path: path.to_vec(),
            whole,
            guarded,
            asked,
            reached: self.reached,
            usage,
            file,
            at,
        });
    }

    fn whole(&mut self, value: &Known, scope: &Scope, at: usize) {
        match value {
            Known::Values(path) => self.read(path, true, Usage::Other, scope, (at, at), true),
            Known::Dict(map) => map.values().for_each(|v| self.whole(v, scope, at)),
            Known::List(items) => items.iter().for_each(|v| self.whole(v, scope, at)),
            _ => {}
        }
    }

    /// What a pipe gives; `outer` tells that what it is handed to copes with nothing.
    fn pipe(&mut self, pipe: &Pipe, scope: &mut Scope, usage: Usage, outer: bool) -> Known {
        if self.depth > MAX_DEPTH {
            return Known::Unknown;
        }
        self.depth += 1;
        let mut value = None;
        let direct = pipe
            .commands
            .iter()
            .skip(1)
            .all(|c| actions::function(c).is_some_and(|f| matches!(f.as_str(), "quote" | "squote" | "toString" | "trim")));
        // A value that goes through functions on is used by them; what follows in the pipe may be a fallback.
        let soft = pipe.commands.iter().skip(1).any(|c| actions::function(c).is_some_and(|f| is_soft(&f) || self.asking && converts(&f)));
        let alone = pipe.commands.len() == 1;
        for (index, command) in pipe.commands.iter().enumerate() {
            let usage = match usage {
                Usage::Output if !direct => Usage::Other,
                Usage::Condition if pipe.commands.len() > 1 => Usage::Other,
                u => u,
            };
            value = Some(self.command(
                command,
                value,
                scope,
                if index == 0 || usage == Usage::Output { usage } else { Usage::Other },
                soft,
                outer && alone,
            ));
        }
        self.depth -= 1;
        let value = value.unwrap_or(Known::Unknown);
        for (_, name) in &pipe.decl {
            let name = name.to_string();
            if pipe.assign {
                if let Some(var) = scope.vars.iter_mut().rev().find(|v| v.0 == name) {
                    var.1 = Known::Unknown;
                }
            } else {
                scope.vars.push((name, value.clone()));
            }
        }
        if pipe.assign {
            self.whole(&value, scope, pipe.pos);
        }
        value
    }

    fn command(&mut self, command: &Command, piped: Option<Known>, scope: &mut Scope, usage: Usage, soft: bool, outer: bool) -> Known {
        let Some(first) = command.args.first() else { return Known::Unknown };
        let ArgKind::Identifier(name) = &first.kind else {
            return self.arg(first, scope, usage, soft || outer);
        };
        let name = name.to_string();
        // A named template decides by itself what it does with nothing, wherever in its argument that is.
        let soft_args = copes(&name) || self.asking && converts(&name);
        let guards = scope.guards.len();
        if name == "ternary" {
            // What the test asks about is used where the test says so.
            let mut asked = Vec::new();
            for pipe in command.args.iter().filter_map(actions::inner_pipe) {
                self.asked_in(pipe, scope, 0, &mut asked);
            }
            scope.guards.extend(asked);
        }
        let mut args = Vec::new();
        for arg in &command.args[1..] {
            // Literal formatting keeps what it is given.
            let inner = match name.as_str() {
                "quote" | "squote" | "toString" | "trim" => usage,
                "not" | "and" | "or" => usage,
                _ => Usage::Other,
            };
            if name == "or" && !args.is_empty() {
                // What comes first may decide, and then nobody looks here.
                if let Known::Values(path) = quiet(arg, scope) {
                    (1..path.len()).for_each(|n| scope.guards.push(joined(&path[..n])));
                }
            }
            args.push(self.arg(arg, scope, inner, soft || soft_args));
            if name == "and" {
                if let Known::Values(path) = quiet(arg, scope) {
                    (1..=path.len()).for_each(|n| scope.guards.push(joined(&path[..n])));
                }
                if let ArgKind::Pipe(inner) = &arg.kind {
                    self.guard(inner, scope);
                }
                if let ArgKind::Variable(names) = &arg.kind {
                    scope.guards.push(names[0].to_string());
                }
            }
        }
        scope.guards.truncate(guards);
        args.extend(piped);
        self.function(&name, command, args, scope)
    }

    fn function(&mut self, name: &str, command: &Command, args: Vec<Known>, scope: &mut Scope) -> Known {
        let key = |i: usize| command.args.get(i).and_then(|a| actions::text(&a.kind));
        let at = command.pos;
        match name {
            "include" => {
                let mut args = args.into_iter();
                let (_, dot) = (args.next(), args.next().unwrap_or(Known::Plain));
                match key(1) {
                    Some(called) => self.call(&called, dot, scope),
                    None => {
                        self.whole(&dot, scope, at);
                        // Whoever is called by a computed name may read anything of what it is given.
                        if holds_top(&dot) && !command.args.get(1).is_some_and(actions::of_file) {
                            self.read(&[], true, Usage::Other, scope, (at, at), true);
                        }
                    }
                }
                Known::Plain
            }
            "tpl" => {
                args.iter().for_each(|a| self.whole(a, scope, at));
                Known::Plain
            }
            "dict" => {
                let mut map = BTreeMap::new();
                for (index, pair) in args.chunks(2).enumerate() {
                    if let (Some(key), Some(value)) = (key(1 + 2 * index), pair.get(1)) {
                        map.insert(key, value.clone());
                    } else {
                        pair.iter().for_each(|v| self.whole(v, scope, at));
                    }
                }
                Known::Dict(map)
            }
            "list" | "tuple" => Known::List(args),
            "lookup" => Known::Lookup,
            "index" | "get" => {
                let Some(base) = args.first().cloned() else { return Known::Unknown };
                let names: Option<Vec<String>> = (2..command.args.len()).map(key).collect();
                if let (Known::List(items), Some(ArgKind::Number(n))) = (&base, command.args.get(2).map(|a| &a.kind)) {
                    return n.int.and_then(|i| items.get(usize::try_from(i).ok()?)).cloned().unwrap_or(Known::Unknown);
                }
                match names.filter(|n| !n.is_empty() && command.args.len() == n.len() + 2) {
                    Some(names) => self.step(&base, &names, scope, Use { usage: Usage::Other, at: (at, at), soft: true, variable: "" }),
                    None => {
                        self.whole(&base, scope, at);
                        match base {
                            Known::Values(mut path) => {
                                path.push("*".to_owned());
                                Known::Values(path)
                            }
                            _ => Known::Unknown,
                        }
                    }
                }
            }
            "dig" => {
                let names: Vec<String> = (1..command.args.len()).map_while(key).collect();
                let names = &names[..names.len().min(args.len().saturating_sub(2))];
                let Some(base) = args.last().cloned() else { return Known::Unknown };
                self.step(&base, names, scope, Use { usage: Usage::Other, at: (at, at), soft: true, variable: "" })
            }
            "hasKey" => {
                if let (Some(Known::Values(path)), Some(key)) = (args.first(), key(2)) {
                    let path = [path.as_slice(), &[key]].concat();
                    self.read(&path, false, Usage::Other, scope, (at, at), true);
                }
                Known::Plain
            }
            "set" => {
                if let (Some(Known::Values(path)), Some(key)) = (args.first(), key(2)) {
                    self.out.set.insert([path.as_slice(), &[key]].concat());
                }
                if args.first() == Some(&Known::Top) && key(2).as_deref() == Some("Values") {
                    self.out.replaced = true;
                }
                args.iter().skip(1).for_each(|v| self.whole(v, scope, at));
                args.into_iter().next().unwrap_or(Known::Unknown)
            }
            "ternary" if args.len() == 3 => {
                // The condition, which comes last, is not what comes out.
                args.iter().for_each(|v| self.whole(v, scope, at));
                Known::Unknown
            }
            "default" | "coalesce" | "required" | "ternary" | "and" | "or" => {
                let places: Vec<&Known> = args.iter().filter(|a| matches!(a, Known::Values(_) | Known::Top | Known::Dict(_))).collect();
                let places_only = places.len() == 1;
                let result = if places_only { places[0].clone() } else { Known::Unknown };
                if !places_only {
                    args.iter().for_each(|v| self.whole(v, scope, at));
                }
                result
            }
            "first" => match args.into_iter().next() {
                Some(Known::List(items)) => items.into_iter().next().unwrap_or(Known::Unknown),
                Some(other) => {
                    self.whole(&other, scope, at);
                    Known::Unknown
                }
                None => Known::Unknown,
            },
            "until" | "untilStep" | "splitList" | "keys" | "sortAlpha" | "int" | "int64" | "quote" | "squote" | "printf" | "print"
            | "toString" | "toYaml" | "toJson" => {
                args.iter().for_each(|v| self.whole(v, scope, at));
                Known::Plain
            }
            "not" | "eq" | "ne" | "lt" | "gt" | "le" | "ge" | "empty" | "kindIs" | "typeIs" | "kindOf" | "len" => {
                args.iter().for_each(|v| self.whole(v, scope, at));
                Known::Plain
            }
            _ => {
                // A function that is given everything may read anything.
                if args.contains(&Known::Top) && !matches!(name, "omit" | "pick" | "fail" | "semverCompare") {
                    self.read(&[], true, Usage::Other, scope, (at, at), true);
                }
                args.iter().for_each(|v| self.whole(v, scope, at));
                Known::Unknown
            }
        }
    }

    fn arg(&mut self, arg: &Arg, scope: &mut Scope, usage: Usage, soft: bool) -> Known {
        match &arg.kind {
            ArgKind::Dot => scope.dot.clone(),
            ArgKind::Field(names) => {
                let names = strings(names);
                // The position of several names is the one of the second, as in Go.
                let start = if names.len() > 1 { arg.pos.saturating_sub(names[0].len() + 1) } else { arg.pos };
                let end = start + names.iter().map(|n| n.len() + 1).sum::<usize>();
                let dot = scope.dot.clone();
                self.step(&dot, &names, scope, Use { usage, at: (start, end), soft, variable: "" })
            }
            ArgKind::Variable(names) => {
                let names = strings(names);
                let base = scope.vars.iter().rev().find(|v| v.0 == names[0]).map_or(Known::Unknown, |v| v.1.clone());
                let start = if names.len() > 1 { arg.pos.saturating_sub(names[0].len()) } else { arg.pos };
                let end = start + names.iter().map(|n| n.len() + 1).sum::<usize>() - 1;
                self.step(&base, &names[1..], scope, Use { usage, at: (start, end), soft, variable: &names[0] })
            }
            ArgKind::Chain(inner, names) => {
                let names = strings(names);
                // Parentheses around a value that may be absent are the way to ask for what is in it.
                let parens = matches!(inner.kind, ArgKind::Pipe(_));
                let base = self.arg(inner, scope, Usage::Other, soft || parens);
                // A condition around has asked for the same.
                let asked = actions::lookup_of(inner).is_some_and(|lookup| scope.guards.contains(&lookup));
                let soft = soft || asked || parens && base != Known::Lookup;
                self.step(&base, &names, scope, Use { usage, at: (arg.pos, arg.pos), soft, variable: "" })
            }
            ArgKind::Pipe(pipe) => self.pipe(pipe, scope, usage, soft),
            ArgKind::Identifier(_) => {
                let command = Command { pos: arg.pos, args: Vec::new() };
                let name = match &arg.kind {
                    ArgKind::Identifier(name) => name.to_string(),
                    _ => String::new(),
                };
                self.function(&name, &command, Vec::new(), scope)
            }
            _ => Known::Plain,
        }
    }

    /// What is at `names` below a value; reads are noted.
    fn step(&mut self, base: &Known, names: &[String], scope: &Scope, how: Use<'_>) -> Known {
        let Use { usage, at, soft, variable } = how;
        if names.is_empty() {
            if let Known::Values(path) = base {
                let path = path.clone();
                self.read(&path, false, usage, scope, at, soft);
            }
            return base.clone();
        }
        match base {
            Known::Top => match names[0].as_str() {
                "Values" => {
                    // The values as Go's map are the values.
                    let path = names[1..].strip_prefix(&["AsMap".to_owned()]).unwrap_or(&names[1..]).to_vec();
                    if !path.is_empty() {
                        self.read(&path, false, usage, scope, at, soft);
                    }
                    Known::Values(path)
                }
                "Subcharts" => Known::Unknown,
                _ => Known::Plain,
            },
            Known::Values(path) => {
                if matches!(names[0].as_str(), "Values" | "Release" | "Chart" | "Capabilities")
                    && path.first().map(String::as_str) != Some("Values")
                {
                    self.out.rebound.extend(self.file.map(|file| Rebound { file, at: at.0, name: names[0].clone() }));
                    return Known::Unknown;
                }
                let names = if path.is_empty() && names[0] == "AsMap" { &names[1..] } else { names };
                let path = [path.as_slice(), names].concat();
                self.read(&path, false, usage, scope, at, soft);
                Known::Values(path)
            }
            Known::Plain if matches!(names[0].as_str(), "Values" | "Release" | "Chart" | "Capabilities") && variable.is_empty() => {
                self.out.rebound.extend(self.file.map(|file| Rebound { file, at: at.0, name: names[0].clone() }));
                Known::Unknown
            }
            Known::Dict(map) => match map.get(&names[0]) {
                Some(value) => {
                    let value = value.clone();
                    // An argument that a named template is given may be nothing.
                    let soft = soft || names.len() == 1;
                    self.step(&value, &names[1..], scope, Use { usage, at, soft, variable: "" })
                }
                None => Known::Unknown,
            },
            Known::Lookup => {
                let asked = !variable.is_empty() && scope.guards.iter().any(|g| g == variable);
                if names.len() > 1 && !asked && !soft {
                    self.out.lookups.extend(self.file.map(|file| (file, at.0)));
                }
                Known::Unknown
            }
            _ => Known::Unknown,
        }
    }

    fn call(&mut self, name: &str, dot: Known, scope: &Scope) {
        let mut guards = scope.guards.clone();
        guards.sort();
        guards.dedup();
        // Variables, and commands that name what is something else there.
        guards.retain(|g| !g.starts_with('$') && !g.contains(' '));
        let key = (self.chart, self.reached, name.to_owned(), dot.clone(), guards.clone());
        if self.depth > MAX_DEPTH || self.called.len() > MAX_CALLS || !self.called.insert(key) {
            return;
        }
        let Some(tree) = self.defined.get(name).cloned() else { return };
        let file = std::mem::replace(&mut self.file, tree.file);
        let asking = std::mem::replace(&mut self.asking, false);
        let mut inner = Scope::new(dot);
        inner.guards = guards;
        self.list(tree.root(), &mut inner);
        self.file = file;
        self.asking = asking;
    }
}

/// Whether a value is the top, or has it in it.
fn holds_top(value: &Known) -> bool {
    match value {
        Known::Top => true,
        Known::Dict(map) => map.values().any(holds_top),
        Known::List(items) => items.iter().any(holds_top),
        _ => false,
    }
}

/// Functions that are there for values that may be absent.
fn is_soft(name: &str) -> bool {
    matches!(
        name,
        "default"
            | "coalesce"
            | "required"
            | "ternary"
            | "hasKey"
            | "dig"
            | "empty"
            | "not"
            | "or"
            | "and"
            | "set"
            | "toYaml"
            | "kindIs"
            | "typeIs"
            | "eq"
            | "ne"
            | "merge"
            | "mergeOverwrite"
            | "get"
            | "contains"
    )
}

/// Functions whose arguments may be absent. A named template decides by itself what it does with nothing, wherever in its
/// argument that is.
fn copes(name: &str) -> bool {
    is_soft(name) || matches!(name, "include" | "dict" | "list" | "tuple" | "concat" | "merge" | "mergeOverwrite")
}

/// Functions that make a text or a number of nothing: in a condition, that is then not what is asked for.
fn converts(name: &str) -> bool {
    matches!(name, "print" | "toString" | "quote" | "squote" | "int" | "int64" | "float64")
}

fn strings(names: &[Str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

/// What a simple operand is, without noting reads.
fn quiet(arg: &Arg, scope: &Scope) -> Known {
    let (base, names) = match &arg.kind {
        ArgKind::Dot => (scope.dot.clone(), Vec::new()),
        ArgKind::Field(names) => (scope.dot.clone(), strings(names)),
        ArgKind::Variable(names) => {
            let names = strings(names);
            let base = scope.vars.iter().rev().find(|v| v.0 == names[0]).map_or(Known::Unknown, |v| v.1.clone());
            (base, names[1..].to_vec())
        }
        // Parentheses only group here: `((.Values.a).b).c`.
        ArgKind::Chain(inner, names) => (quiet(inner, scope), strings(names)),
        ArgKind::Pipe(pipe) => match (pipe.decl.is_empty(), pipe.commands.as_slice()) {
            (true, [Command { args, .. }]) if args.len() == 1 => return quiet(&args[0], scope),
            _ => return Known::Unknown,
        },
        _ => return Known::Unknown,
    };
    match base {
        Known::Top if names.first().map(String::as_str) == Some("Values") => {
            Known::Values(names[1..].strip_prefix(&["AsMap".to_owned()]).unwrap_or(&names[1..]).to_vec())
        }
        Known::Values(path) => Known::Values([path, names].concat()),
        Known::Dict(map) if !names.is_empty() => match map.get(&names[0]) {
            Some(Known::Values(path)) => Known::Values([path.as_slice(), &names[1..]].concat()),
            Some(Known::Top) if names.len() > 2 && names[1] == "Values" => Known::Values(names[2..].to_vec()),
            Some(other) if names.len() == 1 => other.clone(),
            _ => Known::Unknown,
        },
        other if names.is_empty() => other,
        _ => Known::Unknown,
    }
}

fn collect_texts(value: &serde_json::Value, depth: usize, out: &mut Vec<String>) {
    if depth > MAX_DEPTH {
        return;
    }
    match value {
        serde_json::Value::String(text) if text.contains("{{") => out.push(text.clone()),
        serde_json::Value::Array(items) => items.iter().for_each(|v| collect_texts(v, depth + 1, out)),
        serde_json::Value::Object(map) => map.values().for_each(|v| collect_texts(v, depth + 1, out)),
        _ => {}
    }
}
