//! Lines with levels and tabs, aligned at the end. upstream: kubectl/pkg/describe PrefixWriter, tabbedString

use serde_json::Value;

use super::super::api::Nanos;
use super::super::tabwriter;
use super::super::times;
use crate::simulate::scheduler::json::{list, scalar, text};

/// What describe writes into.
pub(super) struct Out {
    done: String,
    block: String,
    /// The virtual time.
    pub(super) now: Nanos,
}

impl Out {
    pub(super) fn new(now: Nanos) -> Self {
        Self { done: String::new(), block: String::new(), now }
    }

    /// Writes text at a level: two blanks for each, also in the middle of a line.
    pub(super) fn put(&mut self, level: usize, text: &str) {
        for _ in 0..level {
            self.block.push_str("  ");
        }
        self.block.push_str(text);
    }

    /// A whole line.
    pub(super) fn line(&mut self, level: usize, text: &str) {
        self.put(level, text);
        self.block.push('\n');
    }

    /// `Name:\tvalue`.
    pub(super) fn field(&mut self, level: usize, name: &str, value: impl std::fmt::Display) {
        self.line(level, &format!("{name}:\t{value}"));
    }

    /// Ends the block: what follows has columns of its own.
    pub(super) fn flush(&mut self) {
        self.done.push_str(&tabwriter::align(&self.block, 0, 2));
        self.block.clear();
    }

    /// What was written since the last block, not aligned.
    pub(super) fn raw(&self) -> &str {
        &self.block
    }

    /// All that was written.
    pub(super) fn finish(mut self) -> String {
        self.flush();
        self.done
    }

    /// How long ago.
    pub(super) fn since(&self, time: &Value) -> String {
        times::since(time, self.now)
    }

    /// `Labels:  a=b`, one a line. upstream: printLabelsMultilineWithIndent
    pub(super) fn labels(&mut self, title: &str, labels: &Value) {
        self.labels_at("", title, labels);
    }

    /// As [`Out::labels`], with an indent before each line.
    pub(super) fn labels_at(&mut self, indent: &str, title: &str, labels: &Value) {
        self.multiline(indent, title, &super::super::labels::pairs(labels));
    }

    /// A title and one value a line. upstream: the print…Multiline functions
    pub(super) fn multiline(&mut self, indent: &str, title: &str, values: &[String]) {
        self.put(0, &format!("{indent}{title}:\t"));
        if values.is_empty() {
            self.line(0, "<none>");
        }
        for (i, value) in values.iter().enumerate() {
            if i != 0 {
                self.put(0, &format!("{indent}\t"));
            }
            self.line(0, value);
        }
    }

    /// Annotations: long ones on lines of their own. upstream: printAnnotationsMultiline
    pub(super) fn annotations(&mut self, title: &str, annotations: &Value) {
        const LONGEST: usize = 140;
        self.put(0, &format!("{title}:\t"));
        let mut any = false;
        for (key, value) in annotations.as_object().into_iter().flatten() {
            if key == "kubectl.kubernetes.io/last-applied-configuration" {
                continue;
            }
            if any {
                self.put(0, "\t");
            }
            any = true;
            let value = scalar(value);
            let value = value.strip_suffix('\n').unwrap_or(&value);
            if value.len() + key.len() + 2 > LONGEST || value.contains('\n') {
                self.line(0, &format!("{key}:"));
                for part in value.split('\n') {
                    self.line(0, &format!("\t  {}", shorten(part, LONGEST - 2)));
                }
            } else {
                self.line(0, &format!("{key}: {value}"));
            }
        }
        if !any {
            self.line(0, "<none>");
        }
    }

    /// Name, namespace, labels and annotations.
    pub(super) fn head(&mut self, object: &Value) {
        self.field(0, "Name", text(object, &["metadata", "name"]));
        self.field(0, "Namespace", text(object, &["metadata", "namespace"]));
        self.labels("Labels", &object["metadata"]["labels"]);
        self.annotations("Annotations", &object["metadata"]["annotations"]);
    }

    /// Conditions with the columns `Type Status Reason`.
    pub(super) fn short_conditions(&mut self, object: &Value) {
        let all = list(object, &["status", "conditions"]);
        if all.is_empty() {
            return;
        }
        self.line(0, "Conditions:");
        self.line(0, "  Type\tStatus\tReason");
        self.line(1, "----\t------\t------");
        for c in all {
            self.line(1, &format!("{} \t{}\t{}", text(c, &["type"]), text(c, &["status"]), text(c, &["reason"])));
        }
    }
}

/// At most so many bytes. upstream: shorten
fn shorten(given: &str, longest: usize) -> String {
    if given.len() <= longest {
        return given.to_owned();
    }
    let mut end = longest;
    while !given.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}...", given.get(..end).unwrap_or(given))
}

/// A list in Go's `%v`: `[a b]`.
pub(super) fn go_list(values: &[Value]) -> String {
    format!("[{}]", values.iter().map(scalar).collect::<Vec<_>>().join(" "))
}

/// A quantity in its canonical form; zero where there is none.
pub(super) fn amount(value: &Value) -> String {
    if value.is_null() { "0".to_owned() } else { crate::value::quantity::canonical(&scalar(value)) }
}

/// A date; Go's zero time where there is none.
pub(super) fn date(value: &Value) -> String {
    times::rfc1123(value)
}

/// Text, or what stands for none.
pub(super) fn or<'a>(value: &'a str, other: &'a str) -> &'a str {
    if value.is_empty() { other } else { value }
}

/// A boolean that may be absent.
pub(super) fn flag(value: &Value) -> bool {
    *value == true
}

/// `True`, `False` or `<unset>`. upstream: printBoolPtr
pub(super) fn bool_or_unset(value: &Value) -> &'static str {
    match value {
        Value::Bool(true) => "True",
        Value::Bool(false) => "False",
        _ => "<unset>",
    }
}

/// A scalar, or `<unset>`.
pub(super) fn or_unset(value: &Value) -> String {
    if value.is_null() { "<unset>".to_owned() } else { scalar(value) }
}
