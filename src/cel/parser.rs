//! From text to tree. The descent follows the grammar rule by rule, with the look-ahead, the single-token repairs and
//! the recovery of upstream's generated parser, so that syntax errors read the same.
//! upstream: cel-go parser/parser.go, antlr4 default_error_strategy

use super::ast::{Entry, Expr, FieldInit, Kind, Literal};
use super::error::{Errors, Location, NOWHERE, Source};
use super::lexer::{Tok, Token, display, escape_space, lex, unquote};
use super::macros;

/// Longest expression, in code points.
const SIZE_LIMIT: usize = 100_000;
/// Deepest nesting of one grammar rule.
const DEPTH_LIMIT: usize = 250;

const RESERVED: [&str; 21] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "false",
    "for",
    "function",
    "if",
    "import",
    "in",
    "let",
    "loop",
    "package",
    "namespace",
    "null",
    "return",
    "true",
    "var",
    "void",
    "while",
];

type Set = u64;

const fn bit(tok: Tok) -> Set {
    1 << tok as u32
}

const PRIMARY: Set = bit(Tok::LBracket)
    | bit(Tok::LBrace)
    | bit(Tok::LParen)
    | bit(Tok::Dot)
    | bit(Tok::Minus)
    | bit(Tok::True)
    | bit(Tok::False)
    | bit(Tok::Null)
    | bit(Tok::Float)
    | bit(Tok::Int)
    | bit(Tok::Uint)
    | bit(Tok::Str)
    | bit(Tok::Bytes)
    | bit(Tok::Ident);
const EXPR: Set = PRIMARY | bit(Tok::Exclam);
const LITERAL: Set = bit(Tok::Minus)
    | bit(Tok::True)
    | bit(Tok::False)
    | bit(Tok::Null)
    | bit(Tok::Float)
    | bit(Tok::Int)
    | bit(Tok::Uint)
    | bit(Tok::Str)
    | bit(Tok::Bytes);
const RELATION: Set = 0xFE;
const CALC: Set = bit(Tok::Star) | bit(Tok::Slash) | bit(Tok::Percent) | bit(Tok::Plus) | bit(Tok::Minus);
const MEMBER: Set = bit(Tok::Dot) | bit(Tok::LBracket);

/// A grammar rule failed; its caller goes on after recovery.
struct Failed;
/// Parsing cannot go on.
struct Abort;

enum Stop {
    Rule,
    All,
}

impl From<Failed> for Stop {
    fn from(_: Failed) -> Self {
        Self::Rule
    }
}
impl From<Abort> for Stop {
    fn from(_: Abort) -> Self {
        Self::All
    }
}

/// What may follow where a rule was called: tokens, and whether the caller may end there.
#[derive(Clone, Copy)]
struct Follow {
    set: Set,
    ends: bool,
}

#[derive(Clone, Copy)]
enum Rule {
    Expr,
    Or,
    And,
    Relation,
    Calc,
    Unary,
    Member,
    Primary,
}

/// The parser; macros use it to make nodes.
pub(super) struct Parser<'a> {
    source: &'a Source,
    tokens: Vec<Token>,
    at: usize,
    follow: Vec<Follow>,
    depth: [usize; 8],
    recovering: bool,
    last_error: Option<(usize, Vec<u32>)>,
    syntax: Errors,
    /// Errors of the meaning, reported only when parsing came to its end.
    meaning: Errors,
    next_id: usize,
    /// Whether `cel.bind` is a macro.
    pub(super) binds: bool,
}

/// The tree of a text, or its errors.
pub(super) fn parse(source: &Source, binds: bool) -> Result<Expr, Errors> {
    let mut errors = Errors::default();
    if source.chars.len() > SIZE_LIMIT {
        let size = source.chars.len();
        errors.add(NOWHERE, format!("expression code point size exceeds limit: size: {size}, limit {SIZE_LIMIT}"));
        return Err(errors);
    }
    let tokens = lex(source, &mut errors);
    let mut parser = Parser {
        source,
        tokens,
        at: 0,
        follow: Vec::new(),
        depth: [0; 8],
        recovering: false,
        last_error: None,
        syntax: errors,
        meaning: Errors::default(),
        next_id: 0,
        binds,
    };
    let parsed = parser.start();
    let mut errors = parser.syntax;
    match parsed {
        Ok(expr) => {
            errors.0.extend(parser.meaning.0);
            if errors.is_empty() { Ok(expr) } else { Err(errors) }
        }
        Err(Abort) => Err(errors),
    }
}

impl Parser<'_> {
    /// A node.
    pub(super) fn node(&mut self, at: usize, kind: Kind) -> Expr {
        self.next_id += 1;
        Expr { id: self.next_id, at, kind }
    }

    fn broken(&mut self) -> Expr {
        let at = self.current().at;
        self.node(at, Kind::Broken)
    }

    fn current(&self) -> &Token {
        &self.tokens[self.at.min(self.tokens.len() - 1)]
    }

    fn la(&self, n: usize) -> Tok {
        self.tokens[(self.at + n - 1).min(self.tokens.len() - 1)].tok
    }

    fn text(&self, token: &Token) -> String {
        self.source.chars[token.at..token.end].iter().collect()
    }

    fn shown(&self, token: &Token) -> String {
        if token.tok == Tok::Eof { "'<EOF>'".to_owned() } else { format!("'{}'", escape_space(&self.text(token))) }
    }

    fn place(&self, token: &Token) -> Location {
        let at = self.source.location(token.at);
        // The end token of an empty text stands before its first column.
        if self.source.chars.is_empty() { Location { line: 1, column: -1 } } else { at }
    }

    fn consume(&mut self) -> Token {
        let token = self.current().clone();
        self.at = (self.at + 1).min(self.tokens.len() - 1);
        token
    }

    fn report(&mut self, token: &Token, message: &str) {
        if !self.recovering {
            self.recovering = true;
            let at = self.place(token);
            self.syntax.add(at, format!("Syntax error: {message}"));
        }
    }

    /// The tokens possible at a state: its own, and its callers' where it may end.
    fn in_context(&self, set: Set, ends: bool) -> Set {
        let mut out = set;
        if ends {
            for follow in self.follow.iter().rev() {
                out |= follow.set;
                if !follow.ends {
                    return out;
                }
            }
            out |= bit(Tok::Eof);
        }
        out
    }

    fn set_text(set: Set) -> String {
        let names: Vec<&str> = (0..38).filter(|i| set & (1 << i) != 0).map(display).collect();
        if names.len() == 1 { names[0].to_owned() } else { format!("{{{}}}", names.join(", ")) }
    }

    fn unwanted(&mut self, expected: Set) {
        let token = self.current().clone();
        let message = format!("extraneous input {} expecting {}", self.shown(&token), Self::set_text(expected));
        self.report(&token, &message);
    }

    fn mismatch(&mut self, expected: Set) -> Failed {
        let token = self.current().clone();
        let message = format!("mismatched input {} expecting {}", self.shown(&token), Self::set_text(expected));
        self.report(&token, &message);
        Failed
    }

    fn no_viable(&mut self, from: usize, to: usize) -> Failed {
        let to = to.min(self.tokens.len() - 1);
        let offending = self.tokens[to].clone();
        let input = if self.tokens[from].tok == Tok::Eof {
            "'<EOF>'".to_owned()
        } else {
            // Hidden text between the tokens belongs to the input.
            let end = if offending.tok == Tok::Eof { self.source.chars.len() } else { offending.end };
            let text: String = self.source.chars[self.tokens[from].at..end].iter().collect();
            format!("'{}'", escape_space(&text))
        };
        let mut message = format!("no viable alternative at input {input}");
        for word in ["true", "false", "null"] {
            let inner = &input[1..input.len() - 1];
            if inner.chars().count() == word.len() + 1 && inner.ends_with(word) {
                message = format!("mismatched input '{word}' expecting IDENTIFIER");
            }
        }
        self.report(&offending, &message);
        Failed
    }

    /// Whether deleting this token helps; then it is gone.
    fn delete_one(&mut self, expected: Set) -> bool {
        if expected & bit(self.la(2)) == 0 || self.la(1) == Tok::Eof {
            return false;
        }
        self.unwanted(expected);
        self.consume();
        self.recovering = false;
        true
    }

    /// Before a choice: the token must be one of `set`, or deleting it must help.
    fn sync(&mut self, set: Set) -> Result<(), Failed> {
        if self.recovering || set & bit(self.la(1)) != 0 || self.delete_one(set) {
            return Ok(());
        }
        Err(self.mismatch(set))
    }

    /// Consumes a token of this kind, repairing the input when one token is too many or missing. `after` is what may
    /// come next.
    fn expect(&mut self, tok: Tok, after: Set, ends: bool) -> Result<Token, Failed> {
        if self.la(1) == tok {
            self.recovering = false;
            return Ok(self.consume());
        }
        if bit(self.la(2)) == bit(tok) && self.la(1) != Tok::Eof {
            self.unwanted(bit(tok));
            self.consume();
            self.recovering = false;
            return Ok(self.consume());
        }
        if tok != Tok::Eof && self.in_context(after, ends) & bit(self.la(1)) != 0 {
            let token = self.current().clone();
            let message = format!("missing {} at {}", display(tok as u32), self.shown(&token));
            self.report(&token, &message);
            return Ok(Token { tok, at: token.at, end: token.at });
        }
        Err(self.mismatch(bit(tok)))
    }

    /// After a failed rule: skips to what may follow it.
    fn recover(&mut self, state: u32) {
        match &mut self.last_error {
            Some((at, states)) if *at == self.at => {
                if states.contains(&state) {
                    self.consume();
                } else {
                    states.push(state);
                }
            }
            _ => {}
        }
        match &mut self.last_error {
            Some((at, _)) if *at == self.at => {}
            other => *other = Some((self.at, vec![state])),
        }
        let set = self.follow.iter().fold(bit(Tok::Eof), |set, f| set | f.set);
        while set & bit(self.la(1)) == 0 {
            self.consume();
        }
    }

    /// Runs a rule called where `set` may follow.
    fn call(&mut self, rule: Rule, set: Set, ends: bool, run: impl FnOnce(&mut Self) -> Result<Expr, Stop>) -> Result<Expr, Abort> {
        self.follow.push(Follow { set, ends });
        let before = self.depth[rule as usize];
        let entered = self.enter(rule);
        let out = match entered {
            Ok(()) => stacker::maybe_grow(64 * 1024, 1024 * 1024, || run(self)),
            Err(abort) => Err(abort.into()),
        };
        let out = match out {
            Ok(expr) => Ok(expr),
            Err(Stop::All) => Err(Abort),
            Err(Stop::Rule) => {
                self.recover(rule as u32 * 100);
                Ok(self.broken())
            }
        };
        self.depth[rule as usize] = before;
        self.follow.pop();
        out
    }

    fn enter(&mut self, rule: Rule) -> Result<(), Abort> {
        let depth = &mut self.depth[rule as usize];
        *depth += 1;
        if *depth > DEPTH_LIMIT {
            self.syntax.add(NOWHERE, format!("expression recursion limit exceeded: {DEPTH_LIMIT}"));
            return Err(Abort);
        }
        Ok(())
    }

    fn start(&mut self) -> Result<Expr, Abort> {
        let expr = self.expr(bit(Tok::Eof), false)?;
        if self.expect(Tok::Eof, 0, true).is_err() {
            self.recover(1);
        }
        Ok(expr)
    }

    fn expr(&mut self, set: Set, ends: bool) -> Result<Expr, Abort> {
        self.call(Rule::Expr, set, ends, |p| {
            let condition = p.or(bit(Tok::Question), true)?;
            if p.la(1) != Tok::Question {
                return Ok(condition);
            }
            let op = p.expect(Tok::Question, EXPR, false)?;
            let yes = p.or(bit(Tok::Colon), false)?;
            p.expect(Tok::Colon, EXPR, false)?;
            let no = p.expr(0, true)?;
            Ok(p.global_call(op.at, "_?_:_", vec![condition, yes, no]))
        })
    }

    fn or(&mut self, set: Set, ends: bool) -> Result<Expr, Abort> {
        self.call(Rule::Or, set, ends, |p| p.chain(Tok::Or, "_||_", |p| p.and(bit(Tok::Or), true)))
    }

    fn and(&mut self, set: Set, ends: bool) -> Result<Expr, Abort> {
        self.call(Rule::And, set, ends, |p| p.chain(Tok::And, "_&&_", |p| p.relation(0, bit(Tok::And), true)))
    }

    fn chain(&mut self, tok: Tok, function: &str, mut term: impl FnMut(&mut Self) -> Result<Expr, Abort>) -> Result<Expr, Stop> {
        let mut terms = vec![term(self)?];
        let mut ops = Vec::new();
        while self.la(1) == tok {
            ops.push(self.expect(tok, EXPR, false)?.at);
            terms.push(term(self)?);
        }
        Ok(self.balance(function, &mut terms.into_iter(), &ops))
    }

    /// A balanced tree over the terms, which are taken in order.
    fn balance(&mut self, function: &str, terms: &mut impl Iterator<Item = Expr>, ops: &[usize]) -> Expr {
        if ops.is_empty() {
            return terms.next().unwrap_or(Expr { id: 0, at: 0, kind: Kind::Broken });
        }
        let middle = ops.len() / 2;
        let left = self.balance(function, terms, &ops[..middle]);
        let right = self.balance(function, terms, &ops[middle + 1..]);
        self.node(ops[middle], Kind::Call { function: function.to_owned(), target: None, args: vec![left, right] })
    }

    fn relation(&mut self, level: u32, set: Set, ends: bool) -> Result<Expr, Abort> {
        self.call(Rule::Relation, set, ends, |p| {
            let mut left = p.calc(0, RELATION, true)?;
            while level <= 1 && RELATION & bit(p.la(1)) != 0 {
                p.enter(Rule::Relation)?;
                let op = p.consume();
                p.recovering = false;
                let right = p.relation(2, RELATION, true)?;
                let function = match op.tok {
                    Tok::Equals => "_==_",
                    Tok::NotEquals => "_!=_",
                    Tok::In => "@in",
                    Tok::Less => "_<_",
                    Tok::LessEquals => "_<=_",
                    Tok::GreaterEquals => "_>=_",
                    _ => "_>_",
                };
                left = p.global_call(op.at, function, vec![left, right]);
            }
            Ok(left)
        })
    }

    fn calc(&mut self, level: u32, set: Set, ends: bool) -> Result<Expr, Abort> {
        self.call(Rule::Calc, set, ends, |p| {
            let mut left = p.unary(CALC, true)?;
            loop {
                let (power, function) = match p.la(1) {
                    Tok::Star => (2, "_*_"),
                    Tok::Slash => (2, "_/_"),
                    Tok::Percent => (2, "_%_"),
                    Tok::Plus => (1, "_+_"),
                    Tok::Minus => (1, "_-_"),
                    _ => return Ok(left),
                };
                if power < level {
                    return Ok(left);
                }
                p.enter(Rule::Calc)?;
                let op = p.consume();
                p.recovering = false;
                let right = p.calc(power + 1, CALC, true)?;
                left = p.global_call(op.at, function, vec![left, right]);
            }
        })
    }

    fn unary(&mut self, set: Set, ends: bool) -> Result<Expr, Abort> {
        self.call(Rule::Unary, set, ends, |p| {
            p.sync(EXPR)?;
            let (tok, function) = match p.la(1) {
                Tok::Exclam => (Tok::Exclam, "!_"),
                Tok::Minus => match p.la(2) {
                    Tok::Int | Tok::Float => return Ok(p.member(0, true)?),
                    next if PRIMARY & bit(next) != 0 => (Tok::Minus, "-_"),
                    _ => {
                        let at = p.at;
                        return Err(p.no_viable(at, at + 1).into());
                    }
                },
                _ => return Ok(p.member(0, true)?),
            };
            let first = p.current().at;
            let mut count = 0;
            while p.la(1) == tok {
                if tok == Tok::Minus && count > 0 && PRIMARY & bit(p.la(2)) == 0 {
                    break;
                }
                p.consume();
                p.recovering = false;
                count += 1;
            }
            let operand = p.member(0, true)?;
            Ok(if count % 2 == 0 { operand } else { p.global_call(first, function, vec![operand]) })
        })
    }

    fn member(&mut self, set: Set, ends: bool) -> Result<Expr, Abort> {
        self.call(Rule::Member, set, ends, |p| {
            let mut operand = p.primary(MEMBER, true)?;
            loop {
                match p.la(1) {
                    Tok::Dot => {
                        p.enter(Rule::Member)?;
                        operand = p.dotted(operand)?;
                    }
                    Tok::LBracket => {
                        p.enter(Rule::Member)?;
                        operand = p.indexed(operand)?;
                    }
                    _ => return Ok(operand),
                }
            }
        })
    }

    fn dotted(&mut self, operand: Expr) -> Result<Expr, Stop> {
        let from = self.at;
        let is_call = match (self.la(2), self.la(3)) {
            (Tok::Ident, Tok::LParen) => true,
            (Tok::Question | Tok::Ident | Tok::EscIdent, _) => false,
            _ => return Err(self.no_viable(from, from + 1).into()),
        };
        let dot = self.consume();
        self.recovering = false;
        if is_call {
            let name = self.consume();
            let name = self.text(&name);
            let open = self.consume();
            let args = self.arguments()?;
            return Ok(self.member_call(open.at, &name, operand, args));
        }
        let optional = self.la(1) == Tok::Question;
        if optional {
            self.consume();
        }
        let (name, at) = self.field_name()?;
        if optional {
            let field = self.node(at, Kind::Literal(Literal::Str(name)));
            let call = Kind::Call { function: "_?._".to_owned(), target: None, args: vec![operand, field] };
            return Ok(self.node(dot.at, call));
        }
        Ok(self.node(dot.at, Kind::Select { operand: Box::new(operand), field: name, test: false }))
    }

    /// An identifier or one in backticks.
    fn field_name(&mut self) -> Result<(String, usize), Stop> {
        self.sync(bit(Tok::Ident) | bit(Tok::EscIdent))?;
        let token = self.consume();
        self.recovering = false;
        let text = self.text(&token);
        if token.tok == Tok::EscIdent {
            // The base environment does not allow the syntax.
            let at = self.place(&token);
            self.meaning.add(at, "unsupported syntax: '`'");
            return Ok((String::new(), token.at));
        }
        Ok((text, token.at))
    }

    fn indexed(&mut self, operand: Expr) -> Result<Expr, Stop> {
        let open = self.consume();
        self.recovering = false;
        self.sync(EXPR | bit(Tok::Question))?;
        let optional = self.la(1) == Tok::Question;
        if optional {
            self.consume();
        }
        let index = self.expr(bit(Tok::RBracket), false)?;
        self.expect(Tok::RBracket, MEMBER, true)?;
        let function = if optional { "_[?_]" } else { "_[_]" };
        Ok(self.global_call(open.at, function, vec![operand, index]))
    }

    /// The arguments up to and with the closing parenthesis.
    fn arguments(&mut self) -> Result<Vec<Expr>, Stop> {
        self.sync(EXPR | bit(Tok::RParen))?;
        let mut args = Vec::new();
        if EXPR & bit(self.la(1)) != 0 {
            self.follow.push(Follow { set: bit(Tok::RParen), ends: false });
            let run = self.argument_list(&mut args);
            self.follow.pop();
            run?;
        }
        self.expect(Tok::RParen, MEMBER, true)?;
        Ok(args)
    }

    fn argument_list(&mut self, args: &mut Vec<Expr>) -> Result<(), Abort> {
        args.push(self.expr(bit(Tok::Comma), true)?);
        while self.la(1) == Tok::Comma {
            self.consume();
            self.recovering = false;
            args.push(self.expr(bit(Tok::Comma), true)?);
        }
        Ok(())
    }

    fn primary(&mut self, set: Set, ends: bool) -> Result<Expr, Abort> {
        self.call(Rule::Primary, set, ends, |p| {
            p.sync(PRIMARY)?;
            match p.la(1) {
                Tok::Dot if p.la(2) == Tok::Ident => p.named(),
                Tok::Dot => {
                    let at = p.at;
                    Err(p.no_viable(at, at + 1).into())
                }
                Tok::Ident => p.named(),
                Tok::LParen => {
                    p.consume();
                    p.recovering = false;
                    let inner = p.expr(bit(Tok::RParen), false)?;
                    p.expect(Tok::RParen, MEMBER, true)?;
                    Ok(inner)
                }
                Tok::LBracket => p.list(),
                Tok::LBrace => p.map(),
                _ => p.literal(),
            }
        })
    }

    fn named(&mut self) -> Result<Expr, Stop> {
        let start = self.at;
        let mut ahead = start + usize::from(self.la(1) == Tok::Dot) + 1;
        let kind_at = |p: &Self, i: usize| p.tokens[i.min(p.tokens.len() - 1)].tok;
        if kind_at(self, ahead) != Tok::LParen {
            while kind_at(self, ahead) == Tok::Dot && kind_at(self, ahead + 1) == Tok::Ident {
                ahead += 2;
            }
            if kind_at(self, ahead) == Tok::LBrace {
                return self.message(ahead);
            }
        }
        let first = self.current().clone();
        let dot = first.tok == Tok::Dot;
        if dot {
            self.consume();
        }
        let token = self.consume();
        self.recovering = false;
        let id = self.text(&token);
        let name = if dot { format!(".{id}") } else { id.clone() };
        let reserved = RESERVED.contains(&id.as_str());
        if reserved {
            let at = self.place(&first);
            self.meaning.add(at, format!("reserved identifier: {id}"));
        }
        if self.la(1) != Tok::LParen {
            return Ok(if reserved { self.node(first.at, Kind::Broken) } else { self.node(token.at, Kind::Ident(name)) });
        }
        let open = self.consume();
        let args = self.arguments()?;
        Ok(if reserved { self.node(first.at, Kind::Broken) } else { self.global_call(open.at, &name, args) })
    }

    /// `Name.Of.Type{…}` whose brace is token `brace`.
    fn message(&mut self, brace: usize) -> Result<Expr, Stop> {
        let name: String = self.tokens[self.at..brace].iter().map(|t| self.source.chars[t.at..t.end].iter().collect::<String>()).collect();
        self.at = brace;
        let open = self.consume();
        self.recovering = false;
        let item = bit(Tok::Question) | bit(Tok::Ident) | bit(Tok::EscIdent);
        self.sync(item | bit(Tok::Comma) | bit(Tok::RBrace))?;
        let mut fields = Vec::new();
        if item & bit(self.la(1)) != 0 {
            self.follow.push(Follow { set: bit(Tok::Comma) | bit(Tok::RBrace), ends: false });
            let run = self.field_list(&mut fields);
            self.follow.pop();
            match run {
                Err(Stop::Rule) => self.recover(1100),
                other => other?,
            }
        }
        self.close(Tok::RBrace)?;
        Ok(self.node(open.at, Kind::Struct { name, fields }))
    }

    fn field_list(&mut self, fields: &mut Vec<FieldInit>) -> Result<(), Stop> {
        loop {
            self.sync(bit(Tok::Question) | bit(Tok::Ident) | bit(Tok::EscIdent))?;
            let optional = self.la(1) == Tok::Question;
            if optional {
                self.consume();
            }
            let (name, _) = self.field_name()?;
            let colon = self.expect(Tok::Colon, EXPR, false)?;
            let value = self.expr(bit(Tok::Comma), true)?;
            fields.push(FieldInit { at: colon.at, name, value, optional });
            let item = matches!(self.la(2), Tok::Question | Tok::Ident | Tok::EscIdent);
            if self.la(1) != Tok::Comma || !item {
                return Ok(());
            }
            self.consume();
            self.recovering = false;
        }
    }

    /// An optional comma and the closing bracket.
    fn close(&mut self, tok: Tok) -> Result<(), Stop> {
        self.sync(bit(Tok::Comma) | bit(tok))?;
        if self.la(1) == Tok::Comma {
            self.consume();
            self.recovering = false;
        }
        self.expect(tok, MEMBER, true)?;
        Ok(())
    }

    fn list(&mut self) -> Result<Expr, Stop> {
        let open = self.consume();
        self.recovering = false;
        let item = EXPR | bit(Tok::Question);
        self.sync(item | bit(Tok::Comma) | bit(Tok::RBracket))?;
        let (mut items, mut optional) = (Vec::new(), Vec::new());
        if item & bit(self.la(1)) != 0 {
            self.follow.push(Follow { set: bit(Tok::Comma) | bit(Tok::RBracket), ends: false });
            let run = self.item_list(&mut items, &mut optional);
            self.follow.pop();
            match run {
                Err(Stop::Rule) => self.recover(1000),
                other => other?,
            }
        }
        self.close(Tok::RBracket)?;
        Ok(self.node(open.at, Kind::List { items, optional }))
    }

    fn item_list(&mut self, items: &mut Vec<Expr>, optional: &mut Vec<usize>) -> Result<(), Stop> {
        loop {
            self.sync(EXPR | bit(Tok::Question))?;
            if self.la(1) == Tok::Question {
                self.consume();
                optional.push(items.len());
            }
            items.push(self.expr(bit(Tok::Comma), true)?);
            if self.la(1) != Tok::Comma || (EXPR | bit(Tok::Question)) & bit(self.la(2)) == 0 {
                return Ok(());
            }
            self.consume();
            self.recovering = false;
        }
    }

    fn map(&mut self) -> Result<Expr, Stop> {
        let open = self.consume();
        self.recovering = false;
        let item = EXPR | bit(Tok::Question);
        self.sync(item | bit(Tok::Comma) | bit(Tok::RBrace))?;
        let mut entries = Vec::new();
        if item & bit(self.la(1)) != 0 {
            self.follow.push(Follow { set: bit(Tok::Comma) | bit(Tok::RBrace), ends: false });
            let run = self.entry_list(&mut entries);
            self.follow.pop();
            match run {
                Err(Stop::Rule) => self.recover(1300),
                other => other?,
            }
        }
        self.close(Tok::RBrace)?;
        Ok(self.node(open.at, Kind::Map(entries)))
    }

    fn entry_list(&mut self, entries: &mut Vec<Entry>) -> Result<(), Stop> {
        loop {
            self.sync(EXPR | bit(Tok::Question))?;
            let optional = self.la(1) == Tok::Question;
            if optional {
                self.consume();
            }
            let key = self.expr(bit(Tok::Colon), false)?;
            self.expect(Tok::Colon, EXPR, false)?;
            let value = self.expr(bit(Tok::Comma), true)?;
            entries.push(Entry { key, value, optional });
            if self.la(1) != Tok::Comma || (EXPR | bit(Tok::Question)) & bit(self.la(2)) == 0 {
                return Ok(());
            }
            self.consume();
            self.recovering = false;
        }
    }

    fn literal(&mut self) -> Result<Expr, Stop> {
        self.sync(LITERAL)?;
        let start = self.current().clone();
        let negative = start.tok == Tok::Minus;
        if negative {
            if !matches!(self.la(2), Tok::Int | Tok::Float) {
                let at = self.at;
                return Err(self.no_viable(at, at + 1).into());
            }
            self.consume();
        }
        let token = self.consume();
        self.recovering = false;
        let text = self.text(&token);
        let sign = if negative { "-" } else { "" };
        let literal = match token.tok {
            Tok::True => Ok(Literal::Bool(true)),
            Tok::False => Ok(Literal::Bool(false)),
            Tok::Null => Ok(Literal::Null),
            Tok::Int => int(&text, sign).map(Literal::Int).ok_or("invalid int literal"),
            Tok::Uint => uint(&text).map(Literal::Uint).ok_or("invalid uint literal"),
            Tok::Float => {
                let value = format!("{sign}{text}").parse::<f64>().ok().filter(|v| v.is_finite());
                value.map(Literal::Double).ok_or("invalid double literal")
            }
            Tok::Str => unquote(&text, false).map(|b| Literal::Str(String::from_utf8_lossy(&b).into_owned())),
            _ => unquote(&text, true).map(Literal::Bytes),
        };
        let literal = literal.unwrap_or_else(|message| {
            let at = self.place(&start);
            self.meaning.add(at, message);
            Literal::Null
        });
        Ok(self.node(start.at, Kind::Literal(literal)))
    }

    fn global_call(&mut self, at: usize, function: &str, args: Vec<Expr>) -> Expr {
        match macros::expand(self, at, function, None, args) {
            Ok(expr) => expr,
            Err((_, args)) => self.node(at, Kind::Call { function: function.to_owned(), target: None, args }),
        }
    }

    fn member_call(&mut self, at: usize, function: &str, target: Expr, args: Vec<Expr>) -> Expr {
        match macros::expand(self, at, function, Some(target), args) {
            Ok(expr) => expr,
            Err((target, args)) => self.node(at, Kind::Call { function: function.to_owned(), target: target.map(Box::new), args }),
        }
    }

    /// An error of a macro at an offset; the node stands for its result.
    pub(super) fn macro_error(&mut self, at: usize, message: &str) -> Expr {
        let place = self.source.location(at);
        self.meaning.add(place, message);
        self.node(at, Kind::Broken)
    }
}

fn int(text: &str, sign: &str) -> Option<i64> {
    match text.strip_prefix("0x") {
        Some(hex) => i64::from_str_radix(&format!("{sign}{hex}"), 16).ok(),
        None => format!("{sign}{text}").parse().ok(),
    }
}

fn uint(text: &str) -> Option<u64> {
    let text = &text[..text.len() - 1];
    match text.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}
