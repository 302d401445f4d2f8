//! The syntax tree. Every node has an id, and the position (in code points) that errors about it name.

/// A literal.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Literal {
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
pub(super) struct Expr {
    /// Unique in its tree, except where a macro repeats an argument.
    pub(super) id: usize,
    /// Offset in code points.
    pub(super) at: usize,
    /// What it is.
    pub(super) kind: Kind,
}

/// A key and a value of a map literal.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    /// The key.
    pub(super) key: Expr,
    /// The value.
    pub(super) value: Expr,
    /// `?key: value`
    pub(super) optional: bool,
}

/// A field of a struct literal.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct FieldInit {
    /// Position of its colon.
    pub(super) at: usize,
    /// The name.
    pub(super) name: String,
    /// The value.
    pub(super) value: Expr,
    /// `?name: value`
    pub(super) optional: bool,
}

/// A fold over a list or map, which macros expand to.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Comprehension {
    /// What is folded.
    pub(super) range: Expr,
    /// The variable (index or key where there are two).
    pub(super) var: String,
    /// The second variable (item or value).
    pub(super) var2: Option<String>,
    /// The accumulator's name.
    pub(super) accu: String,
    /// Its first value.
    pub(super) init: Expr,
    /// Goes on while true.
    pub(super) condition: Expr,
    /// The accumulator's next value.
    pub(super) step: Expr,
    /// The result.
    pub(super) result: Expr,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
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
