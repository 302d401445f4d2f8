//! What an expression can cost, from declared sizes. upstream: cel-go checker/cost.go, apiserver pkg/cel/library/cost.go

use std::collections::HashMap;

use super::ast::{Comprehension, Expr, Kind, Literal};
use super::check::Checked;
use super::decl::Decl;
use super::runtime_cost::{REGEX, TRAVERSAL};
use super::types::Type;

/// A range of costs or sizes; sums and products stay at the largest number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Estimate {
    /// The least.
    pub min: u64,
    /// The most.
    pub max: u64,
}

const UNKNOWN: Estimate = Estimate { min: 0, max: u64::MAX };

fn fixed(n: u64) -> Estimate {
    Estimate { min: n, max: n }
}

fn factor(x: u64, y: f64) -> u64 {
    let x = x as f64;
    // The largest number stays the largest; Go compares as floats.
    if x > 0.0 && y > 0.0 && x > u64::MAX as f64 / y {
        return u64::MAX;
    }
    let up = (x * y).ceil();
    if up >= 18_446_744_073_709_551_616.0 { u64::MAX } else { up as u64 }
}

impl Estimate {
    /// The sum.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self { min: self.min.saturating_add(other.min), max: self.max.saturating_add(other.max) }
    }

    /// The product.
    #[must_use]
    pub fn times(self, other: Self) -> Self {
        Self { min: self.min.saturating_mul(other.min), max: self.max.saturating_mul(other.max) }
    }

    fn by(self, y: f64) -> Self {
        Self { min: factor(self.min, y), max: factor(self.max, y) }
    }

    fn union(self, other: Self) -> Self {
        Self { min: self.min.min(other.min), max: self.max.max(other.max) }
    }
}

/// Sizes of keys and values of a container.
#[derive(Clone, Copy, Debug)]
struct EntrySize {
    list: bool,
    key: Estimate,
    value: Estimate,
}

fn union_entries(a: Option<EntrySize>, b: Option<EntrySize>) -> Option<EntrySize> {
    let (a, b) = (a?, b?);
    Some(EntrySize { list: a.list, key: a.key.union(b.key), value: a.value.union(b.value) })
}

type Path = Option<Vec<String>>;

#[derive(Clone, Debug)]
struct Local {
    name: String,
    path: Path,
    size: Option<Estimate>,
    entries: Option<EntrySize>,
}

/// What is known about an argument.
struct Node<'e> {
    expr: Option<&'e Expr>,
    path: Path,
    t: Type,
    size: Option<Estimate>,
}

struct CallEstimate {
    cost: Estimate,
    size: Option<Estimate>,
}

struct Coster<'d> {
    checked: &'d Checked,
    variable: &'d dyn Fn(&str) -> Option<&'d Decl>,
    paths: HashMap<usize, Vec<String>>,
    locals: Vec<Local>,
    sizes: HashMap<usize, Estimate>,
    entries: HashMap<usize, EntrySize>,
}

/// The estimate of a checked tree; `variable` gives declared types of variables.
pub(super) fn estimate<'d>(expr: &Expr, checked: &'d Checked, variable: &'d dyn Fn(&str) -> Option<&'d Decl>) -> Estimate {
    let mut coster =
        Coster { checked, variable, paths: HashMap::new(), locals: Vec::new(), sizes: HashMap::new(), entries: HashMap::new() };
    coster.cost(expr)
}

fn is_scalar(t: &Type) -> bool {
    matches!(t, Type::Bool | Type::Double | Type::Duration | Type::Int | Type::Timestamp | Type::Uint)
        || t.optional_of().is_some_and(is_scalar)
}

fn is_accu(name: &str) -> bool {
    matches!(name, "@result" | "__result__")
}

impl Coster<'_> {
    fn type_of(&self, expr: &Expr) -> Type {
        self.checked.types.get(&expr.id).cloned().unwrap_or(Type::Dyn)
    }

    fn local(&self, name: &str) -> Option<&Local> {
        self.locals.iter().rev().find(|l| l.name == name)
    }

    fn path(&self, expr: &Expr) -> Path {
        if let Kind::Ident(name) = &expr.kind
            && let Some(local) = self.local(name)
        {
            return local.path.clone();
        }
        self.paths.get(&expr.id).cloned()
    }

    fn extend(&self, expr: &Expr, step: &str) -> Vec<String> {
        let mut path = self.path(expr).unwrap_or_default();
        path.push(step.to_owned());
        path
    }

    fn declared_size(&self, path: &Path) -> Option<Estimate> {
        let (root, rest) = path.as_ref()?.split_first()?;
        let decl = (self.variable)(root)?.at(rest)?;
        decl.max.map(|max| Estimate { min: 0, max })
    }

    fn size(&mut self, expr: &Expr) -> Option<Estimate> {
        if let Some(size) = self.sizes.get(&expr.id) {
            return Some(*size);
        }
        let literal = match &expr.kind {
            Kind::Literal(Literal::Str(s)) => Some(s.chars().count() as u64),
            Kind::Literal(Literal::Bytes(b)) => Some(b.len() as u64),
            Kind::Literal(_) => Some(1),
            Kind::List { items, .. } => Some(items.len() as u64),
            Kind::Map(entries) => Some(entries.len() as u64),
            _ => None,
        };
        if let Some(size) = literal {
            return Some(fixed(size));
        }
        if let Some(size) = self.declared_size(&self.path(expr)) {
            self.sizes.insert(expr.id, size);
            return Some(size);
        }
        if is_scalar(&self.type_of(expr)) {
            return Some(fixed(1));
        }
        match &expr.kind {
            Kind::Ident(name) => self.local(name).and_then(|l| l.size),
            _ => None,
        }
    }

    fn size_or_unknown(&mut self, expr: &Expr) -> Estimate {
        self.size(expr).unwrap_or(UNKNOWN)
    }

    fn entry_size(&self, expr: &Expr) -> Option<EntrySize> {
        if let Some(found) = self.entries.get(&expr.id) {
            return Some(*found);
        }
        match &expr.kind {
            Kind::Ident(name) => self.local(name).and_then(|l| l.entries),
            _ => None,
        }
    }

    fn cost(&mut self, expr: &Expr) -> Estimate {
        stacker::maybe_grow(64 * 1024, 1024 * 1024, || self.cost_kind(expr))
    }

    fn cost_kind(&mut self, expr: &Expr) -> Estimate {
        match &expr.kind {
            Kind::Literal(_) | Kind::Broken => Estimate::default(),
            Kind::Ident(name) => {
                let path = match self.local(name) {
                    Some(local) => local.path.clone(),
                    None => Some(vec![name.clone()]),
                };
                if let Some(path) = path {
                    self.paths.insert(expr.id, path);
                }
                fixed(1)
            }
            Kind::Select { operand, test: true, .. } => self.cost(operand),
            Kind::Select { operand, field, .. } => {
                let mut sum = self.cost(operand);
                if matches!(self.type_of(operand), Type::Map(..) | Type::Object(_) | Type::Param(_)) {
                    sum = sum.plus(fixed(1));
                }
                let path = self.extend(operand, field);
                self.paths.insert(expr.id, path);
                sum
            }
            Kind::Call { function, target, args } => self.call(expr, function, target.as_deref(), args),
            Kind::List { items, .. } => {
                let mut sum = Estimate::default();
                let mut item_size = Estimate { min: if items.is_empty() { 0 } else { u64::MAX }, max: 0 };
                for item in items {
                    sum = sum.plus(self.cost(item));
                    item_size = item_size.union(self.size_or_unknown(item));
                }
                self.entries.insert(expr.id, EntrySize { list: true, key: fixed(1), value: item_size });
                sum.plus(fixed(10))
            }
            Kind::Map(entries) => {
                let mut sum = Estimate::default();
                let empty = Estimate { min: if entries.is_empty() { 0 } else { u64::MAX }, max: 0 };
                let (mut key, mut value) = (empty, empty);
                for entry in entries {
                    sum = sum.plus(self.cost(&entry.key)).plus(self.cost(&entry.value));
                    key = key.union(self.size_or_unknown(&entry.key));
                    value = value.union(self.size_or_unknown(&entry.value));
                }
                self.entries.insert(expr.id, EntrySize { list: false, key, value });
                sum.plus(fixed(30))
            }
            Kind::Struct { fields, .. } => fields.iter().fold(fixed(40), |sum, f| sum.plus(self.cost(&f.value))),
            Kind::Comprehension(fold) => {
                let bind = matches!(&fold.range.kind, Kind::List { items, .. } if items.is_empty())
                    && matches!(fold.condition.kind, Kind::Literal(Literal::Bool(false)));
                if bind { self.bind(expr, fold) } else { self.fold(expr, fold) }
            }
        }
    }

    fn push_local(&mut self, name: &str, expr: &Expr) {
        let local = Local { name: name.to_owned(), path: self.path(expr), size: self.size(expr), entries: self.entry_size(expr) };
        self.locals.push(local);
    }

    fn bind(&mut self, expr: &Expr, fold: &Comprehension) -> Estimate {
        let mut sum = self.cost(&fold.range).plus(self.cost(&fold.init));
        self.push_local(&fold.accu, &fold.init);
        sum = sum.plus(self.cost(&fold.result));
        self.locals.pop();
        if let Some(size) = self.size(&fold.result) {
            self.sizes.insert(expr.id, size);
        }
        if let Some(entries) = self.entry_size(&fold.result) {
            self.entries.insert(expr.id, entries);
        }
        sum
    }

    fn fold(&mut self, expr: &Expr, fold: &Comprehension) -> Estimate {
        let mut sum = self.cost(&fold.range).plus(self.cost(&fold.init));
        self.push_local(&fold.accu, &fold.init);
        let entries = self.entry_size(&fold.range);
        let list = entries.map_or_else(|| matches!(self.type_of(&fold.range), Type::List(_)), |e| e.list);
        let base = self.locals.len();
        let mut push = |name: &str, step: &str, size: Option<Estimate>| {
            let path = Some(self.extend(&fold.range, step));
            self.locals.push(Local { name: name.to_owned(), path, size, entries: None });
        };
        let (key, value) = (entries.map(|e| e.key), entries.map(|e| e.value));
        match &fold.var2 {
            Some(var2) => {
                push(&fold.var, if list { "@indices" } else { "@keys" }, key);
                push(var2, if list { "@items" } else { "@values" }, value);
            }
            None if list => push(&fold.var, "@items", value),
            None => push(&fold.var, "@keys", key),
        }
        let looped = self.cost(&fold.condition);
        let stepped = self.cost(&fold.step);
        self.locals.truncate(base);
        sum = sum.plus(self.cost(&fold.result));
        self.locals.pop();
        let count = self.size_or_unknown(&fold.range);
        sum = sum.plus(count.times(stepped.plus(looped)));
        match &fold.init.kind {
            Kind::Literal(_) => {
                if let Some(size) = self.size(&fold.init) {
                    self.sizes.insert(expr.id, size);
                }
            }
            Kind::List { .. } | Kind::Map(_) => {
                self.sizes.insert(expr.id, count);
                if let Some(entries) = self.entry_size(&fold.step) {
                    self.entries.insert(expr.id, entries);
                }
            }
            _ => {}
        }
        sum
    }

    fn node<'e>(&mut self, expr: &'e Expr) -> Node<'e> {
        let path = self.path(expr).filter(|p| p.first().is_none_or(|root| !is_accu(root)));
        Node { expr: Some(expr), path, t: self.type_of(expr), size: self.size(expr) }
    }

    fn call(&mut self, expr: &Expr, function: &str, target: Option<&Expr>, args: &[Expr]) -> Estimate {
        if function == "dyn" && args.len() == 1 {
            let cost = self.cost(&args[0]);
            if let Some(size) = self.size(&args[0]) {
                self.sizes.insert(expr.id, size);
            }
            if let Some(entries) = self.entry_size(&args[0]) {
                self.entries.insert(expr.id, entries);
            }
            return cost.plus(fixed(1));
        }
        let (mut costs, mut nodes) = (Vec::new(), Vec::new());
        for arg in args {
            costs.push(self.cost(arg));
            nodes.push(self.node(arg));
        }
        let Some(overloads) = self.checked.overloads.get(&expr.id) else { return Estimate::default() };
        let (function, target) = match self.checked.functions.get(&expr.id) {
            Some(qualified) => (*qualified, None),
            None => (function, target),
        };
        let mut sum = Estimate::default();
        let target = target.map(|t| {
            sum = self.cost(t);
            self.node(t)
        });
        let mut total = Estimate { min: u64::MAX, max: 0 };
        let mut result: Option<Estimate> = None;
        for overload in overloads {
            let one = self.function(expr, function, overload, target.as_ref(), &nodes, &costs);
            total = total.union(one.cost);
            if let Some(size) = one.size {
                result = Some(result.map_or(size, |r| r.union(size)));
            }
            let step = match *overload {
                "index_list" => Some("@items"),
                "index_map" => Some("@values"),
                _ => None,
            };
            if let (Some(step), Some(container)) = (step, args.first()) {
                result = self.entry_size(container).map(|e| e.value);
                let path = self.extend(container, step);
                self.paths.insert(expr.id, path);
            }
            if result.is_none() {
                result = self.size(expr);
            }
        }
        if let Some(size) = result {
            self.sizes.insert(expr.id, size);
        }
        sum.plus(total)
    }

    fn of(&self, node: &Node<'_>) -> Estimate {
        node.size.or_else(|| self.declared_size(&node.path)).unwrap_or(UNKNOWN)
    }

    /// The items of a list argument.
    fn items_of<'e>(&self, list: &Node<'e>) -> Option<Node<'e>> {
        let t = match &list.t {
            Type::List(item) => (**item).clone(),
            Type::Map(key, _) => (**key).clone(),
            Type::Opaque(_, params) => params.first()?.clone(),
            _ => return None,
        };
        let path = list.path.clone().map(|mut p| {
            p.push("@items".to_owned());
            p
        });
        Some(Node { expr: None, path, t, size: None })
    }

    fn function(
        &mut self,
        expr: &Expr,
        function: &str,
        overload: &str,
        target: Option<&Node<'_>>,
        args: &[Node<'_>],
        costs: &[Estimate],
    ) -> CallEstimate {
        let arg_sum = costs.iter().fold(Estimate::default(), |sum, c| sum.plus(*c));
        if let Some(mut found) =
            self.overload_estimate(overload, target, args).or_else(|| self.kubernetes(function, overload, target, args))
        {
            found.cost = found.cost.plus(arg_sum);
            return found;
        }
        let size = |i: usize| args[i].size.unwrap_or(UNKNOWN);
        let plain = |cost: Estimate| CallEstimate { cost: cost.plus(arg_sum), size: None };
        match (overload, args.len(), target) {
            ("string_format", _, Some(t)) => return plain(t.size.unwrap_or(UNKNOWN).by(TRAVERSAL)),
            ("string_to_bytes", 1, _) => {
                let s = size(0);
                let out = Estimate { min: s.min, max: s.max.wrapping_mul(4) };
                return CallEstimate { cost: s.by(TRAVERSAL).plus(arg_sum), size: Some(out) };
            }
            ("bytes_to_string", 1, _) => {
                let s = size(0);
                let out = Estimate { min: s.min / 4, max: s.max };
                return CallEstimate { cost: s.by(TRAVERSAL).plus(arg_sum), size: Some(out) };
            }
            ("strings_quote", 1, _) => {
                let s = size(0);
                let out = Estimate { min: s.min + 2, max: s.max.wrapping_mul(2).wrapping_add(2) };
                return CallEstimate { cost: s.by(TRAVERSAL).plus(arg_sum), size: Some(out) };
            }
            ("starts_with_string" | "ends_with_string", 1, _) => return plain(size(0).by(TRAVERSAL)),
            ("in_list", 2, _) => return plain(size(1).by(1.0)),
            ("matches_string", 1, Some(t)) => {
                let text = t.size.unwrap_or(UNKNOWN).plus(fixed(1)).by(TRAVERSAL);
                return plain(text.times(size(0).by(REGEX)));
            }
            ("contains_string", 1, Some(t)) => {
                return plain(t.size.unwrap_or(UNKNOWN).by(TRAVERSAL).times(size(0).by(TRAVERSAL)));
            }
            ("logical_or" | "logical_and", 2, _) => {
                let cost = Estimate { min: costs[0].min, max: costs[0].plus(costs[1]).max };
                return CallEstimate { cost, size: None };
            }
            ("conditional", 3, _) => {
                let out = size(1).union(size(2));
                let entry = |n: &Node<'_>| n.expr.and_then(|e| self.entry_size(e));
                if let Some(entries) = union_entries(entry(&args[1]), entry(&args[2])) {
                    self.entries.insert(expr.id, entries);
                }
                return CallEstimate { cost: costs[0].plus(costs[1].union(costs[2])), size: Some(out) };
            }
            ("add_string" | "add_bytes" | "add_list", 2, _) => {
                let out = size(0).plus(size(1));
                let entry = |n: &Node<'_>| n.expr.and_then(|e| self.entry_size(e));
                if let Some(entries) = union_entries(entry(&args[0]), entry(&args[1])) {
                    self.entries.insert(expr.id, entries);
                }
                let cost = if overload == "add_list" { fixed(1) } else { out.by(TRAVERSAL) };
                return CallEstimate { cost: cost.plus(arg_sum), size: Some(out) };
            }
            (
                "less_string"
                | "greater_string"
                | "less_equals_string"
                | "greater_equals_string"
                | "less_bytes"
                | "greater_bytes"
                | "less_equals_bytes"
                | "greater_equals_bytes"
                | "equals"
                | "not_equals",
                2,
                _,
            ) => {
                let max = size(0).max.min(size(1).max);
                return plain(Estimate { min: u64::from(max > 0), max }.by(TRAVERSAL));
            }
            _ => {}
        }
        plain(fixed(1))
    }

    /// Estimates bound to overloads. upstream: cel-go ext/lists.go, ext/sets.go
    fn overload_estimate(&self, overload: &str, target: Option<&Node<'_>>, args: &[Node<'_>]) -> Option<CallEstimate> {
        // One for the call, ten for the new list.
        let allocating =
            |weight: f64, size: Estimate| Some(CallEstimate { cost: size.by(weight).plus(fixed(1)).plus(fixed(10)), size: Some(size) });
        let as_count = |node: &Node<'_>, default: u64| match node.expr.map(|e| &e.kind) {
            Some(Kind::Literal(Literal::Int(i))) => u64::try_from(*i).unwrap_or(0),
            _ => default,
        };
        match overload {
            "list_sets_contains_list" | "list_sets_intersects_list" | "list_sets_equivalent_list" if args.len() == 2 => {
                let weight = if overload == "list_sets_equivalent_list" { 2.0 } else { 1.0 };
                let cost = self.of(&args[0]).times(self.of(&args[1])).by(weight).plus(fixed(1));
                Some(CallEstimate { cost, size: None })
            }
            "list_slice" => {
                let size = self.of(target?);
                let (start, end) = (as_count(args.first()?, 0), as_count(args.get(1)?, size.max));
                allocating(1.0, fixed(end.wrapping_sub(start)))
            }
            "list_reverse" => allocating(1.0, self.of(target?)),
            "list_flatten" => allocating(1.0, self.of(target?)),
            "list_flatten_int" => allocating(as_count(args.first()?, u64::MAX) as f64, self.of(target?)),
            "list_distinct" => {
                let size = self.of(target?);
                allocating(2.0, size.times(size))
            }
            "lists_range" => allocating(1.0, fixed(as_count(args.first()?, u64::MAX))),
            _ if overload.ends_with("_sort") || overload.ends_with("_sortByAssociatedKeys") => {
                let node = if overload.ends_with("_sort") { target? } else { args.first()? };
                let size = self.of(node);
                let text = overload.starts_with("list_string") || overload.starts_with("list_bytes");
                allocating(if text { 2.0 + TRAVERSAL } else { 2.0 }, size.times(size))
            }
            _ => None,
        }
    }

    fn kubernetes(&self, function: &str, overload: &str, target: Option<&Node<'_>>, args: &[Node<'_>]) -> Option<CallEstimate> {
        let plain = |cost: Estimate| Some(CallEstimate { cost, size: None });
        let sized = |cost: Estimate, size: Estimate| Some(CallEstimate { cost, size: Some(size) });
        match function {
            "check" => plain(fixed(350_000)),
            "serviceAccount" | "path" | "group" | "resource" | "subresource" | "namespace" | "name" | "allowed" | "reason" | "error"
            | "errored" => plain(fixed(1)),
            "fieldSelector" | "labelSelector" => {
                let length = self.of(args.first()?);
                plain(fixed(10).plus(length.by(TRAVERSAL)).plus(length.by(0.5).by(50.0)))
            }
            "isSorted" | "sum" | "max" | "min" | "indexOf" | "lastIndexOf" => {
                let target = target?;
                let Some(item) = self.items_of(target) else { return plain(self.of(target).by(TRAVERSAL)) };
                let mut each = fixed(1);
                if matches!(item.t, Type::Str | Type::Bytes) {
                    each = each.plus(self.of(&item).by(TRAVERSAL));
                }
                plain(self.of(target).times(each))
            }
            "url" | "jsonpatch.escapeKey" if args.len() == 1 => {
                let size = self.of(&args[0]);
                sized(size.by(TRAVERSAL), size)
            }
            "lowerAscii" | "upperAscii" | "substring" | "trim" => {
                let size = self.of(target?);
                sized(size.by(TRAVERSAL), size)
            }
            "replace" => {
                let size = self.of(target?);
                let (old, new) = (self.of(args.first()?), self.of(args.get(1)?));
                let (mut count, mut kept) = (Estimate::default(), Estimate::default());
                let per = |a: u64, b: u64| (a as f64 / b as f64).ceil() as u64;
                if old.min == 0 {
                    count.max = size.max.saturating_add(1);
                    kept.max = size.max;
                } else if new.max <= old.min {
                    kept.max = size.max;
                } else {
                    count.max = per(size.max, old.min);
                }
                if old.max == 0 {
                    count.min = size.min.saturating_add(1);
                    kept.min = size.min;
                } else if old.max <= new.min {
                    kept.min = size.min;
                } else {
                    count.min = per(size.min, old.max);
                }
                sized(size.by(2.0 * TRAVERSAL), count.times(new).plus(kept))
            }
            "split" => {
                let size = self.of(target?);
                let max = match args.get(1).and_then(|a| a.expr).map(|e| &e.kind) {
                    Some(Kind::Literal(Literal::Int(i))) => *i as u64,
                    _ => size.max,
                };
                sized(size.by(2.0 * TRAVERSAL), Estimate { min: 0, max })
            }
            "join" => {
                let target = target?;
                let list = self.of(target);
                let mut size = self.items_of(target).map_or(Estimate::default(), |item| list.times(self.of(&item)));
                if let Some(separator) = args.first() {
                    let between = Estimate { min: list.min.saturating_sub(1), max: list.max.saturating_sub(1) };
                    size = size.plus(self.of(separator).times(between));
                }
                sized(size.by(TRAVERSAL), size)
            }
            "find" | "findAll" => {
                let size = self.of(target?);
                let cost = size.plus(fixed(1)).by(TRAVERSAL).times(self.of(args.first()?).by(REGEX));
                sized(cost, Estimate { min: 0, max: size.max })
            }
            "ip" if overload == "cidr_ip" => plain(fixed(1)),
            "cidr" | "isIP" | "isCIDR" | "ip" | "quantity" | "isQuantity" | "semver" | "isSemver" => {
                plain(self.of(args.first()?).by(TRAVERSAL))
            }
            "ip.isCanonical" => plain(self.of(args.first()?).by(2.0 * TRAVERSAL)),
            "masked"
            | "prefixLength"
            | "family"
            | "isUnspecified"
            | "isLoopback"
            | "isLinkLocalMulticast"
            | "isLinkLocalUnicast"
            | "isGlobalUnicast" => plain(fixed(1)),
            "containsIP" | "containsCIDR" => {
                let size = Estimate { min: 4, max: 16 };
                let mut cost = size.plus(size).by(TRAVERSAL);
                if function == "containsCIDR" {
                    cost = cost.plus(size.by(TRAVERSAL)).plus(fixed(1));
                }
                if overload.ends_with("_string") {
                    cost = cost.plus(self.of(args.first()?).by(TRAVERSAL));
                }
                plain(cost)
            }
            "validate" => plain(self.of(args.first()?).by(TRAVERSAL).by(128.0 * REGEX)),
            "format.named" => plain(fixed(1)),
            "sign" | "asInteger" | "isInteger" | "asApproximateFloat" | "isGreaterThan" | "isLessThan" | "compareTo" | "add" | "sub"
            | "major" | "minor" | "patch" | "getScheme" | "getHostname" | "getHost" | "getPort" | "getEscapedPath" | "getQuery" => {
                plain(fixed(1))
            }
            "_==_" if args.len() == 2 && args[0].t == args[1].t => match &args[0].t {
                Type::Opaque(name, _) if matches!(&**name, "net.IP" | "net.CIDR") => plain(fixed(1)),
                Type::Object(name) => match &**name {
                    "kubernetes.Quantity" | "kubernetes.Semver" => plain(fixed(1)),
                    "kubernetes.NamedFormat" => plain(Estimate { min: 1, max: 64 }.by(TRAVERSAL)),
                    "kubernetes.URL" => {
                        let max = args[1].size.map_or(1, |s| s.max);
                        plain(Estimate { min: 1, max }.by(TRAVERSAL))
                    }
                    other if other.starts_with("kubernetes.authorization.") => plain(fixed(1)),
                    _ => None,
                },
                _ => None,
            },
            _ => None,
        }
    }
}
