//! Macros: calls that become folds and presence tests while parsing.
//! upstream: cel-go parser/macro.go, ext/comprehensions.go, cel/library.go, ext/lists.go

use super::ast::{Comprehension, Expr, Kind, Literal};
use super::parser::Parser;

/// The accumulator's name.
pub(super) const ACCU: &str = "@result";
/// The name it once had, which stays reserved.
const OLD_ACCU: &str = "__result__";
/// The range variable of binds that no expression can name.
const UNUSED: &str = "#unused";

type Unchanged = (Option<Expr>, Vec<Expr>);

struct Make<'p, 'a> {
    parser: &'p mut Parser<'a>,
    at: usize,
}

impl Make<'_, '_> {
    fn node(&mut self, kind: Kind) -> Expr {
        self.parser.node(self.at, kind)
    }
    fn literal(&mut self, literal: Literal) -> Expr {
        self.node(Kind::Literal(literal))
    }
    fn accu(&mut self) -> Expr {
        self.node(Kind::Ident(ACCU.to_owned()))
    }
    fn call(&mut self, function: &str, args: Vec<Expr>) -> Expr {
        self.node(Kind::Call { function: function.to_owned(), target: None, args })
    }
    fn member(&mut self, function: &str, target: Expr, args: Vec<Expr>) -> Expr {
        self.node(Kind::Call { function: function.to_owned(), target: Some(Box::new(target)), args })
    }
    fn list(&mut self, items: Vec<Expr>) -> Expr {
        self.node(Kind::List { items, optional: Vec::new() })
    }
    /// `step`, or the accumulator where `filter` is false.
    fn filtered(&mut self, filter: Option<Expr>, step: Expr) -> Expr {
        match filter {
            None => step,
            Some(filter) => {
                let accu = self.accu();
                self.call("_?_:_", vec![filter, step, accu])
            }
        }
    }
    fn append(&mut self, item: Expr) -> Expr {
        let (accu, list) = (self.accu(), self.list(vec![item]));
        self.call("_+_", vec![accu, list])
    }
    fn fold(&mut self, range: Expr, vars: Vars, init: Expr, condition: Expr, step: Expr, result: Expr) -> Expr {
        let (var, var2) = vars;
        let accu = ACCU.to_owned();
        self.node(Kind::Comprehension(Box::new(Comprehension { range, var, var2, accu, init, condition, step, result })))
    }
    fn gather(&mut self, range: Expr, vars: Vars, init: Expr, step: Expr) -> Expr {
        let (condition, result) = (self.literal(Literal::Bool(true)), self.accu());
        self.fold(range, vars, init, condition, step, result)
    }
}

type Vars = (String, Option<String>);

fn ident(e: &Expr) -> Option<&str> {
    match &e.kind {
        Kind::Ident(name) => Some(name),
        _ => None,
    }
}

/// The one variable of a macro; else where and what is wrong.
fn one_var(arg: &Expr, not_name: &str) -> Result<Vars, (usize, String)> {
    let name = ident(arg).ok_or_else(|| (arg.at, not_name.to_owned()))?;
    if name == ACCU || name == OLD_ACCU {
        return Err((arg.at, "iteration variable overwrites accumulator variable".to_owned()));
    }
    Ok((name.to_owned(), None))
}

fn two_vars(first: &Expr, second: &Expr) -> Result<Vars, (usize, String)> {
    let simple = "argument must be a simple name";
    let one = ident(first).ok_or_else(|| (first.at, simple.to_owned()))?;
    let two = ident(second).ok_or_else(|| (second.at, simple.to_owned()))?;
    if one == two {
        return Err((second.at, format!("duplicate variable name: {one}")));
    }
    for (name, at) in [(one, first.at), (two, second.at)] {
        if name == ACCU || name == OLD_ACCU {
            return Err((at, "iteration variable overwrites accumulator variable".to_owned()));
        }
    }
    Ok((one.to_owned(), Some(two.to_owned())))
}

/// Expands a call when it is a macro; gives its parts back when it is none.
pub(super) fn expand(parser: &mut Parser<'_>, at: usize, function: &str, target: Option<Expr>, args: Vec<Expr>) -> Result<Expr, Unchanged> {
    let Some(target) = target else {
        if function == "has" && args.len() == 1 {
            return Ok(has(parser, at, args));
        }
        return Err((None, args));
    };
    let count = args.len();
    if function == "bind" && count == 3 && parser.binds && ident(&target) == Some("cel") {
        return Ok(bind(parser, at, args));
    }
    let known = match function {
        "all" | "exists" | "exists_one" => matches!(count, 2 | 3),
        "existsOne" => matches!(count, 2 | 3),
        "map" => matches!(count, 2 | 3),
        "filter" | "optMap" | "optFlatMap" | "sortBy" => count == 2,
        "transformList" | "transformMap" | "transformMapEntry" => matches!(count, 3 | 4),
        _ => false,
    };
    if !known {
        return Err((Some(target), args));
    }
    let vars = match (function, count) {
        ("optMap" | "optFlatMap", _) => {
            if ident(&args[0]).is_none() {
                let word = if function == "optMap" {
                    "optMap() variable name must be a simple identifier"
                } else {
                    "optFlatMap() variable name must be a simple identifier"
                };
                Err((args[0].at, word.to_owned()))
            } else {
                Ok((ident(&args[0]).unwrap_or("").to_owned(), None))
            }
        }
        ("map" | "filter", _) => one_var(&args[0], "argument is not an identifier"),
        ("sortBy", _) => sort_vars(&target, &args[0]),
        (_, 2) => one_var(&args[0], "argument must be a simple name"),
        _ => two_vars(&args[0], &args[1]),
    };
    let vars = match vars {
        Ok(vars) => vars,
        Err((at, message)) => return Ok(parser.macro_error(at, &message)),
    };
    let mut make = Make { parser, at };
    let skip = 1 + usize::from(vars.1.is_some());
    let mut args: Vec<Expr> = args.into_iter().collect();
    let first = args[0].clone();
    let mut rest = args.split_off(skip);
    let last = rest.pop().unwrap_or(Expr { id: 0, at, kind: Kind::Broken });
    let filter = rest.pop();
    Ok(match function {
        "all" | "exists" | "exists_one" | "existsOne" => quantifier(&mut make, function, target, vars, last),
        "map" | "transformList" => {
            let init = make.list(Vec::new());
            let step = make.append(last);
            let step = make.filtered(filter, step);
            make.gather(target, vars, init, step)
        }
        "filter" => {
            let init = make.list(Vec::new());
            let step = make.append(first);
            let step = make.filtered(Some(last), step);
            make.gather(target, vars, init, step)
        }
        "transformMap" | "transformMapEntry" => {
            let init = make.node(Kind::Map(Vec::new()));
            let mut parts = vec![make.accu()];
            if function == "transformMap" {
                parts.push(make.node(Kind::Ident(vars.0.clone())));
            }
            parts.push(last);
            let step = make.call("cel.@mapInsert", parts);
            let step = make.filtered(filter, step);
            make.gather(target, vars, init, step)
        }
        "sortBy" => sort_by(&mut make, target, vars, last),
        _ => optional_map(&mut make, function == "optMap", target, vars.0, last),
    })
}

fn has(parser: &mut Parser<'_>, at: usize, args: Vec<Expr>) -> Expr {
    match args.into_iter().next() {
        Some(Expr { kind: Kind::Select { operand, field, .. }, .. }) => parser.node(at, Kind::Select { operand, field, test: true }),
        Some(other) => parser.macro_error(other.at, "invalid argument to has() macro"),
        None => parser.macro_error(at, "invalid argument to has() macro"),
    }
}

fn quantifier(make: &mut Make<'_, '_>, function: &str, range: Expr, vars: Vars, body: Expr) -> Expr {
    let accu = make.accu();
    match function {
        "all" => {
            let init = make.literal(Literal::Bool(true));
            let condition = make.call("@not_strictly_false", vec![accu]);
            let accu = make.accu();
            let step = make.call("_&&_", vec![accu, body]);
            let result = make.accu();
            make.fold(range, vars, init, condition, step, result)
        }
        "exists" => {
            let init = make.literal(Literal::Bool(false));
            let not = make.call("!_", vec![accu]);
            let condition = make.call("@not_strictly_false", vec![not]);
            let accu = make.accu();
            let step = make.call("_||_", vec![accu, body]);
            let result = make.accu();
            make.fold(range, vars, init, condition, step, result)
        }
        _ => {
            let init = make.literal(Literal::Int(0));
            let condition = make.literal(Literal::Bool(true));
            let one = make.literal(Literal::Int(1));
            let add = make.call("_+_", vec![accu, one]);
            let step = make.filtered(Some(body), add);
            let (accu, one) = (make.accu(), make.literal(Literal::Int(1)));
            let result = make.call("_==_", vec![accu, one]);
            make.fold(range, vars, init, condition, step, result)
        }
    }
}

/// `cel.bind(v, value, e)`. upstream: ext/bindings.go celBind
fn bind(parser: &mut Parser<'_>, at: usize, args: Vec<Expr>) -> Expr {
    let mut args = args.into_iter();
    let (Some(name), Some(init), Some(result)) = (args.next(), args.next(), args.next()) else {
        return parser.macro_error(at, "cel.bind() takes a name and two expressions");
    };
    let Some(accu) = ident(&name).map(str::to_owned) else {
        return parser.macro_error(name.at, "cel.bind() variable names must be simple identifiers");
    };
    let mut make = Make { parser, at };
    let range = make.list(Vec::new());
    let condition = make.literal(Literal::Bool(false));
    let step = make.node(Kind::Ident(accu.clone()));
    let fold = Comprehension { range, var: UNUSED.to_owned(), var2: None, accu, init, condition, step, result };
    make.node(Kind::Comprehension(Box::new(fold)))
}

/// `target.optMap(v, e)`: a conditional on `hasValue` around a bind. upstream: cel/library.go optMap
fn optional_map(make: &mut Make<'_, '_>, wrap: bool, target: Expr, name: String, body: Expr) -> Expr {
    let test = make.member("hasValue", target.clone(), Vec::new());
    let range = make.list(Vec::new());
    let init = make.member("value", target, Vec::new());
    let condition = make.literal(Literal::Bool(false));
    let step = make.node(Kind::Ident(name.clone()));
    let fold = Comprehension { range, var: UNUSED.to_owned(), var2: None, accu: name, init, condition, step, result: body };
    let bound = make.node(Kind::Comprehension(Box::new(fold)));
    let value = if wrap { make.call("optional.of", vec![bound]) } else { bound };
    let none = make.call("optional.none", Vec::new());
    make.call("_?_:_", vec![test, value, none])
}

/// The variable of `sortBy`. upstream: ext/lists.go sortByMacro
fn sort_vars(target: &Expr, arg: &Expr) -> Result<Vars, (usize, String)> {
    if !matches!(target.kind, Kind::List { .. } | Kind::Select { .. } | Kind::Ident(_) | Kind::Comprehension(_) | Kind::Call { .. }) {
        let message = "sortBy can only be applied to a list, identifier, comprehension, call or select expression".to_owned();
        return Err((target.at, message));
    }
    one_var(arg, "argument is not an identifier")
}

/// Binds the list, and sorts it by the keys mapped from it.
fn sort_by(make: &mut Make<'_, '_>, target: Expr, vars: Vars, key: Expr) -> Expr {
    const BOUND: &str = "@__sortBy_input__";
    let range = make.node(Kind::Ident(BOUND.to_owned()));
    let init = make.list(Vec::new());
    let step = make.append(key);
    let keys = make.gather(range, vars, init, step);
    let list = make.node(Kind::Ident(BOUND.to_owned()));
    let sorted = make.member("@sortByAssociatedKeys", list, vec![keys]);
    let range = make.list(Vec::new());
    let condition = make.literal(Literal::Bool(false));
    let step = make.node(Kind::Ident(BOUND.to_owned()));
    let fold =
        Comprehension { range, var: UNUSED.to_owned(), var2: None, accu: BOUND.to_owned(), init: target, condition, step, result: sorted };
    make.node(Kind::Comprehension(Box::new(fold)))
}
