//! What is wrong with a value: a tree of sentences.

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

use super::number::english;
use crate::value;

/// The way to a value, sharing memory as Go's slices do: a longer way may be written over by a later one.
///
/// Where upstream keeps a slice without copying it, its sentences show what was written last.
#[derive(Clone, Debug)]
pub(super) struct Way {
    steps: Rc<RefCell<Vec<String>>>,
    len: usize,
    capacity: usize,
}

impl Way {
    pub(super) fn new() -> Self {
        Self { steps: Rc::default(), len: 0, capacity: 8 }
    }

    /// Go's `append`.
    pub(super) fn with(&self, step: &str) -> Self {
        if self.len < self.capacity {
            let mut steps = self.steps.borrow_mut();
            if self.len < steps.len() {
                step.clone_into(&mut steps[self.len]);
            } else {
                steps.push(step.to_owned());
            }
            return Self { steps: Rc::clone(&self.steps), len: self.len + 1, capacity: self.capacity };
        }
        let mut steps = self.steps.borrow()[..self.len].to_vec();
        steps.push(step.to_owned());
        Self { steps: Rc::new(RefCell::new(steps)), len: self.len + 1, capacity: self.capacity * 2 }
    }

    /// As a JSON pointer.
    pub(super) fn pointer(&self) -> String {
        self.steps.borrow()[..self.len].iter().map(|s| format!("/{}", escape(s))).collect()
    }
}

/// A name as a part of a JSON pointer.
pub(super) fn escape(step: &str) -> Cow<'_, str> {
    if !step.contains(['~', '/']) {
        return Cow::Borrowed(step);
    }
    Cow::Owned(step.replace('~', "~0").replace('/', "~1"))
}

/// What a failure stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// A sentence of its own.
    Plain,
    /// Only holds several.
    Group,
    /// Behind a reference: with a single cause it is not shown.
    Reference,
}

#[derive(Clone, Debug)]
enum Place {
    Known(String),
    Shared(Way),
}

/// What is wrong, and why.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    place: Place,
    role: Role,
    sentence: String,
    causes: Vec<Failure>,
}

impl Failure {
    pub(super) fn new(way: &Way, role: Role, sentence: String) -> Self {
        Self { place: Place::Known(way.pointer()), role, sentence, causes: Vec::new() }
    }

    /// A failure whose place follows later changes of `way`.
    pub(super) fn shared(way: &Way, sentence: String, causes: Vec<Self>) -> Self {
        Self { place: Place::Shared(way.clone()), role: Role::Plain, sentence, causes }
    }

    /// "No": nobody asks why.
    pub(super) fn silent() -> Self {
        Self { place: Place::Known(String::new()), role: Role::Plain, sentence: String::new(), causes: Vec::new() }
    }

    pub(super) fn because(self, causes: Vec<Self>) -> Self {
        Self { causes, ..self }
    }

    /// The causes of a group, or the failure itself.
    pub(super) fn parts(self) -> Vec<Self> {
        if self.role == Role::Group { self.causes } else { vec![self] }
    }

    fn display(&self, indent: usize, out: &mut String) {
        let hidden = self.role == Role::Reference && self.causes.len() == 1;
        let below = if hidden { indent } else { indent + 1 };
        if !hidden {
            let place = match &self.place {
                Place::Known(text) => text.clone(),
                Place::Shared(way) => way.pointer(),
            };
            out.push_str(&format!("\n{}- at {}: {}", "  ".repeat(indent), quote(&place), self.sentence));
        }
        self.causes.iter().for_each(|cause| cause.display(below, out));
    }
}

/// All that is wrong, as one text with a line each.
pub(super) fn report(schema: &str, failures: &[Failure]) -> String {
    let mut out = format!("jsonschema validation failed with {}", quote(schema));
    failures.iter().for_each(|f| f.display(0, &mut out));
    out
}

/// In single quotes.
pub(super) fn quote(text: &str) -> String {
    let text = value::quote(text.as_bytes()).replace("\\\"", "\"").replace('\'', "\\'");
    format!("'{}'", &text[1..text.len() - 1])
}

pub(super) fn quote_all<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().map(quote).collect::<Vec<_>>().join(", ")
}

/// `keyword: got A, want B`.
pub(super) fn bound(keyword: &str, got: usize, want: i64) -> String {
    format!("{keyword}: got {}, want {}", english(got), english(want))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_share_memory_as_slices_do() {
        let list = Way::new().with("list");
        let first = list.with("0");
        list.with("1");
        assert_eq!(first.pointer(), "/list/1");
        let deep = (0..8).fold(Way::new(), |way, i| way.with(&i.to_string()));
        let a = deep.with("a~/");
        deep.with("b");
        assert_eq!(a.pointer(), "/0/1/2/3/4/5/6/7/a~0~1");
    }
}
