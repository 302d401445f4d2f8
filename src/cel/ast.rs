//! The syntax tree. Every node has an id, and the position (in code points) that errors about it name.

/// A literal.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// `1`
    Int(i64),
    /// `1u`
    Uint(u64),
    /// `1.0`
    Double(f64),
    /// `'a'`
    Str(String),
    /// `b'a'`
    Bytes(Vec<u8>),
}

/// A node.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// Unique in its tree, except where a macro repeats an argument.
    pub id: usize,
    /// Offset in code points.
    pub at: usize,
    /// What it is.
    pub kind: Kind,
}

/// A key and a value of a map literal.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: Expr,
    /// The value.
    pub value: Expr,
    /// `?key: value`
    pub optional: bool,
}

/// A field of a struct literal.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldInit {
    /// Position of its colon.
    pub at: usize,
    /// The name.
    pub name: String,
    /// The value.
    pub value: Expr,
    /// `?name: value`
    pub optional: bool,
}

/// A fold over a list or map, which macros expand to.
#[derive(Clone, Debug, PartialEq)]
pub struct Comprehension {
    /// What is folded.
    pub range: Expr,
    /// The variable (index or key where there are two).
    pub var: String,
    /// The second variable (item or value).
    pub var2: Option<String>,
    /// The accumulator's name.
    pub accu: String,
    /// Its first value.
    pub init: Expr,
    /// Goes on while true.
    pub condition: Expr,
    /// The accumulator's next value.
    pub step: Expr,
    /// The result.
    pub result: Expr,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// A constant.
    Literal(Literal),
    /// A name.
    Ident(String),
    /// `operand.field`, or `has(operand.field)`.
    Select {
        /// The left side.
        operand: Box<Expr>,
        /// The field.
        field: String,
        /// Whether only its presence is asked for.
        test: bool,
    },
    /// `target.function(args)`; operators are functions such as `_+_`.
    Call {
        /// The function.
        function: String,
        /// The receiver.
        target: Option<Box<Expr>>,
        /// The arguments.
        args: Vec<Expr>,
    },
    /// `[a, ?b]`
    List {
        /// The items.
        items: Vec<Expr>,
        /// The indexes of the optional ones.
        optional: Vec<usize>,
    },
    /// `{k: v}`
    Map(Vec<Entry>),
    /// `Name{field: v}`
    Struct {
        /// The type.
        name: String,
        /// The fields.
        fields: Vec<FieldInit>,
    },
    /// A fold.
    Comprehension(Box<Comprehension>),
    /// Where the text was no expression.
    Broken,
}
