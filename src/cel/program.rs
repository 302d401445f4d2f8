//! From text to something that runs.

use super::ast::{Expr, Kind, Literal};
use super::check::{Checked, check};
use super::cost::{Estimate, estimate};
use super::decl::Decl;
use super::env::Env;
use super::error::{Errors, Source};
use super::eval::{Host, evaluate, is_constant};
use super::parser::parse;
use super::time::{Stamp, parse_duration};
use super::types::Type;
use super::value::Out;

/// A checked expression.
#[derive(Clone, Debug)]
pub struct Program {
    expr: Expr,
    checked: Checked,
    /// The type of its result.
    pub result: Type,
}

/// Parses and checks a text; the errors are printed as upstream prints them.
pub fn compile(text: &str, env: &Env) -> Result<Program, String> {
    let source = Source::new(text);
    let made = parse(&source, env.binds).and_then(|expr| {
        let checked = check(&expr, env, &source)?;
        let mut errors = Errors::default();
        literals(&expr, &source, &mut errors);
        formats(&expr, &checked, &source, &mut errors);
        mixed_literals(&expr, &checked, false, &source, &mut errors);
        if !errors.is_empty() {
            return Err(errors);
        }
        let result = checked.types.get(&expr.id).cloned().unwrap_or(Type::Dyn);
        Ok(Program { expr, checked, result })
    });
    made.map_err(|e| e.print(&source))
}

impl Program {
    /// Why the program cannot be made: a constant that cannot be converted. upstream: cel-go interpreter/decorators.go
    /// maybeOptimizeConstUnary
    pub fn unplannable(&self) -> Option<String> {
        let mut out = None;
        walk(&self.expr, &mut |e| {
            if out.is_none() && matches!(e.kind, Kind::Call { .. }) && is_constant(e) {
                let host = Host { variable: &|_| None, format: &|_, _| Vec::new(), limit: u64::MAX };
                out = evaluate(e, &self.checked, &host).0.err().map(|fail| fail.text().to_owned());
            }
        });
        out
    }

    /// Evaluates; gives the result and what it cost.
    pub fn run<'a>(&self, host: &Host<'_, 'a>) -> (Out<'a>, u64) {
        evaluate(&self.expr, &self.checked, host)
    }

    /// What it costs at least and at most, with the declared types of its variables.
    pub fn estimate<'d>(&'d self, variable: &'d dyn Fn(&str) -> Option<&'d Decl>) -> Estimate {
        estimate(&self.expr, &self.checked, variable)
    }

    /// Whether the text names a variable.
    pub fn names(&self, variable: &str) -> bool {
        names(&self.expr, variable)
    }
}

/// Calls `visit` for every node below and with `expr`.
fn walk(expr: &Expr, visit: &mut dyn FnMut(&Expr)) {
    stacker::maybe_grow(64 * 1024, 1024 * 1024, || {
        visit(expr);
        match &expr.kind {
            Kind::Select { operand, .. } => walk(operand, visit),
            Kind::Call { target, args, .. } => target.iter().map(|t| &**t).chain(args).for_each(|e| walk(e, visit)),
            Kind::List { items, .. } => items.iter().for_each(|e| walk(e, visit)),
            Kind::Map(entries) => entries.iter().for_each(|e| {
                walk(&e.key, visit);
                walk(&e.value, visit);
            }),
            Kind::Struct { fields, .. } => fields.iter().for_each(|f| walk(&f.value, visit)),
            Kind::Comprehension(c) => {
                [&c.range, &c.init, &c.condition, &c.step, &c.result].into_iter().for_each(|e| walk(e, visit));
            }
            Kind::Literal(_) | Kind::Ident(_) | Kind::Broken => {}
        }
    });
}

fn names(expr: &Expr, variable: &str) -> bool {
    let mut found = false;
    walk(expr, &mut |e| found |= matches!(&e.kind, Kind::Ident(name) if name == variable));
    found
}

/// Lists and maps of mixed types, which are allowed only as arguments of `format`.
/// upstream: cel-go cel/validator.go homogeneousAggregateLiteralValidator
fn mixed_literals(expr: &Expr, checked: &Checked, exempt: bool, source: &Source, errors: &mut Errors) {
    stacker::maybe_grow(64 * 1024, 1024 * 1024, || {
        let go = |e: &Expr, exempt: bool, errors: &mut Errors| mixed_literals(e, checked, exempt, source, errors);
        let check = |items: &mut dyn Iterator<Item = (&Expr, bool)>, errors: &mut Errors| {
            let mut first: Option<Type> = None;
            for (item, optional) in items {
                let t = checked.types.get(&item.id).cloned().unwrap_or(Type::Dyn);
                let t = if optional { t.optional_of().cloned().unwrap_or(t) } else { t };
                match &first {
                    None => first = Some(t),
                    Some(first) if *first == t => {}
                    Some(first) => {
                        errors.add(source.location(item.at), format!("expected type '{first}' but found '{t}'"));
                        return;
                    }
                }
            }
        };
        match &expr.kind {
            Kind::List { items, optional } => {
                if !exempt {
                    check(&mut items.iter().enumerate().map(|(i, e)| (e, optional.contains(&i))), errors);
                }
                items.iter().for_each(|e| go(e, exempt, errors));
            }
            Kind::Map(entries) => {
                if !exempt {
                    check(&mut entries.iter().map(|e| (&e.key, false)), errors);
                    check(&mut entries.iter().map(|e| (&e.value, e.optional)), errors);
                }
                for e in entries {
                    go(&e.key, exempt, errors);
                    go(&e.value, exempt, errors);
                }
            }
            Kind::Call { function, target, args } => {
                let exempt = exempt || function == "format";
                target.iter().map(|t| &**t).chain(args).for_each(|e| go(e, exempt, errors));
            }
            Kind::Select { operand, .. } => go(operand, exempt, errors),
            Kind::Struct { fields, .. } => fields.iter().for_each(|f| go(&f.value, exempt, errors)),
            Kind::Comprehension(c) => {
                [&c.range, &c.init, &c.condition, &c.step, &c.result].into_iter().for_each(|e| go(e, exempt, errors));
            }
            Kind::Literal(_) | Kind::Ident(_) | Kind::Broken => {}
        }
    });
}

/// Literals that conversions and matches would refuse at run time. upstream: cel-go cel/validator.go
fn literals(expr: &Expr, source: &Source, errors: &mut Errors) {
    walk(expr, &mut |e| {
        let Kind::Call { function, target, args } = &e.kind else { return };
        let argument = match (function.as_str(), target, args.as_slice()) {
            ("duration" | "timestamp", None, [one]) => one,
            ("matches", None, [_, pattern]) | ("matches", Some(_), [pattern]) => pattern,
            _ => return,
        };
        let Kind::Literal(literal) = &argument.kind else { return };
        let good = match (function.as_str(), literal) {
            ("duration", Literal::Str(s)) => parse_duration(s).is_some(),
            ("timestamp", Literal::Str(s)) => Stamp::parse(s).is_some(),
            ("timestamp", Literal::Int(i)) => Stamp::from_seconds(*i).is_some(),
            ("matches", Literal::Str(s)) => crate::value::go_regex::compile(s).is_ok(),
            _ => true,
        };
        if !good {
            errors.add(source.location(argument.at), format!("invalid {function} argument"));
        }
    });
}

/// Calls of `format` with a literal text: its verbs must exist and fit the types of the arguments.
/// upstream: cel-go ext/strings.go stringFormatValidator
fn formats(expr: &Expr, checked: &Checked, source: &Source, errors: &mut Errors) {
    walk(expr, &mut |e| {
        let Kind::Call { function, target: Some(target), args } = &e.kind else { return };
        let (Kind::Literal(Literal::Str(text)), [Expr { kind: Kind::List { items, .. }, .. }]) = (&target.kind, args.as_slice()) else {
            return;
        };
        if function != "format" {
            return;
        }
        let mut chars = text.chars();
        let mut used = 0;
        while let Some(c) = chars.next() {
            if c != '%' {
                continue;
            }
            let mut verb = chars.next();
            if verb == Some('%') {
                continue;
            }
            while verb.is_some_and(|v| v == '.' || v.is_ascii_digit()) {
                verb = chars.next();
            }
            let Some(verb) = verb else { return };
            if !"sdfebxXo".contains(verb) {
                let message = format!("could not parse formatting clause: unrecognized formatting clause \"{verb}\"");
                errors.add(source.location(e.at), message);
                return;
            }
            let Some(item) = items.get(used) else {
                errors.add(source.location(e.at), format!("index {used} out of range"));
                return;
            };
            used += 1;
            let t = checked.types.get(&item.id).cloned().unwrap_or(Type::Dyn);
            if let Some(message) = super::format::unfit(verb, &t) {
                errors.add(source.location(item.at), format!("error during formatting: {message}"));
                return;
            }
        }
    });
}
