//! Regular expressions as Go compiles them, ready at once: most patterns of charts are held against a few short texts, where to
//! prepare them takes longer than all they are used for.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use regex_automata::meta::{Config, Regex};
use regex_automata::util::syntax;

use crate::value::Str;
use crate::value::go_regex::translate;

/// A pattern in Go's syntax.
#[derive(Debug)]
pub(crate) struct Pattern {
    source: Str,
    translated: String,
    /// For texts of ASCII, without what makes long searches quick; absent where a pattern means other characters.
    short: Option<Regex>,
    /// For all texts.
    any: OnceLock<Option<Regex>>,
    /// How many bytes were searched so far.
    searched: AtomicUsize,
}

/// After so many bytes quick searches are worth their preparation.
const MUCH: usize = 64 * 1024;

/// For so many threads a pattern keeps memory to search with; more threads have to make their own each time.
const THREADS: usize = 16;

/// The greatest size of a compiled pattern, in bytes.
const MAX_SIZE: usize = 10 << 20;

impl Pattern {
    /// Compiles a pattern; the error is Go's sentence.
    pub(crate) fn compile(pattern: &[u8]) -> Result<Self, String> {
        let translated = translate(pattern)?;
        let short = short(&translated);
        let pattern = Self { source: Str::from(pattern), translated, short, any: OnceLock::new(), searched: AtomicUsize::new(0) };
        if pattern.short.is_none() {
            pattern.any()?;
        }
        Ok(pattern)
    }

    /// What searches this text.
    pub(crate) fn on(&self, text: &[u8]) -> Result<&Regex, String> {
        match &self.short {
            Some(short) if text.is_ascii() && self.searched.fetch_add(text.len(), Ordering::Relaxed) < MUCH => Ok(short),
            _ => self.any(),
        }
    }

    /// Whether it matches somewhere in a text.
    pub(crate) fn is_match(&self, text: &[u8]) -> bool {
        self.on(text).is_ok_and(|regex| regex.is_match(text))
    }

    fn any(&self) -> Result<&Regex, String> {
        let any = self.any.get_or_init(|| build(&self.translated, true));
        any.as_ref().ok_or_else(|| format!("error parsing regexp: expression too large: `{}`", self.source))
    }
}

/// For texts of ASCII characters are bytes, and what is not ASCII is never there.
fn short(translated: &str) -> Option<Regex> {
    // A class of characters may have some of ASCII, and a letter may be another one's capital.
    let other = !translated.is_ascii() || translated.contains(r"\p") || translated.contains(r"\P");
    if other { None } else { build(translated, false) }
}

fn build(translated: &str, any: bool) -> Option<Regex> {
    // How many threads search at once is not asked of the system, which has to read files for that.
    let config = Config::new().utf8_empty(false).nfa_size_limit(Some(MAX_SIZE)).pool_capacity(THREADS);
    let config = if any { config } else { config.hybrid(false).dfa(false).onepass(false).auto_prefilter(false) };
    Regex::builder().syntax(syntax::Config::new().utf8(false).unicode(any)).configure(config).build(translated).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_find_the_same_in_texts_of_ascii() {
        let patterns = [
            "",
            "a|b",
            "^[a-z]+$",
            r"[^a-z\d\-]+",
            r"\W",
            ".",
            "(?s).",
            "(?i)ab",
            "(?i)[k-s]",
            r"\bfoo\b",
            r"\B",
            r"\x41|\x{e9}",
            "(a)(?P<x>b)?",
            "a{2,3}?",
            "[[:^alpha:]]",
            r"\pL",
            "[^é]",
            "(?m)^b$",
            r"\Qa.b\E",
            "(?U)a+",
            "$",
            "-r\\d+$|sha256:",
            "ſ|K",
            "(?i)ſ",
        ];
        let texts = ["", "a", "b", "ab", "aab", "foo bar", "a.b", "A\nb\n", "K", "s-r1", "x sha256:0", "\u{7f}", "é"];
        for source in patterns {
            let pattern = Pattern::compile(source.as_bytes()).unwrap();
            for text in texts {
                let spans = |regex: &Regex| {
                    let groups = |at: usize| {
                        let mut captures = regex.create_captures();
                        regex.captures(regex_automata::Input::new(text).range(at..), &mut captures);
                        captures.iter().collect::<Vec<_>>()
                    };
                    (0..=text.len()).map(groups).collect::<Vec<_>>()
                };
                let any = regex::bytes::Regex::new(&pattern.translated).unwrap();
                assert_eq!(pattern.is_match(text.as_bytes()), any.is_match(text.as_bytes()), "{source} in {text}");
                assert_eq!(spans(pattern.on(text.as_bytes()).unwrap()), spans(pattern.any().unwrap()), "{source} in {text}");
            }
        }
        assert!(Pattern::compile("(?i)ſ".as_bytes()).unwrap().short.is_none());
    }
}
