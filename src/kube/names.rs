//! The shapes of names, labels and ports, with the API server's sentences.
//! upstream: apimachinery/pkg/util/validation

const LABEL_FORMAT: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const SUBDOMAIN_FORMAT: &str = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";
const UNDERSCORE_FORMAT: &str = r"_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?(\._?[a-z0-9]([-_a-z0-9]*[a-z0-9])?)*";
const KEY_FORMAT: &str = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const KEY_WORDS: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";

fn shape_error(words: &str, format: &str, examples: &[&str]) -> String {
    let examples: Vec<String> = examples.iter().map(|e| format!("'{e}', ")).collect();
    let examples = if examples.is_empty() { String::new() } else { format!("e.g. {}", examples.join(" or ")) };
    format!("{words} ({examples}regex used for validation is '{format}')")
}

fn is_label(text: &str) -> bool {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    edge(text.chars().next())
        && edge(text.chars().next_back())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

fn is_key(text: &str) -> bool {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    edge(text.chars().next())
        && edge(text.chars().next_back())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

/// Whether all parts between dots are labels.
fn is_subdomain(text: &str) -> bool {
    let mut last = b'.';
    for b in text.bytes() {
        let fits = match b {
            b'a'..=b'z' | b'0'..=b'9' => true,
            b'-' => last != b'.',
            b'.' => last != b'.' && last != b'-',
            _ => false,
        };
        if !fits {
            return false;
        }
        last = b;
    }
    last != b'.' && last != b'-'
}

/// A lowercase RFC 1123 label.
pub fn dns1123_label(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    if text.len() > 63 {
        out.push("must be no more than 63 characters".to_owned());
    }
    if !is_label(text) {
        if text.split('.').all(is_label) {
            out.push("must not contain dots".to_owned());
        } else {
            let words = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character";
            out.push(shape_error(words, LABEL_FORMAT, &["my-name", "123-abc"]));
        }
    }
    out
}

/// A lowercase RFC 1123 subdomain.
pub fn dns1123_subdomain(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    if text.len() > 253 {
        out.push("must be no more than 253 characters".to_owned());
    }
    if !is_subdomain(text) {
        let words = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";
        out.push(shape_error(words, SUBDOMAIN_FORMAT, &["example.com"]));
    }
    out
}

/// A wildcard subdomain such as `*.example.com`.
pub fn wildcard_subdomain(text: &str) -> Vec<String> {
    if text.strip_prefix("*.").is_some_and(|rest| rest.split('.').all(is_label)) {
        return Vec::new();
    }
    let words = "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character";
    vec![shape_error(words, &format!(r"\*\.{SUBDOMAIN_FORMAT}"), &["*.example.com"])]
}

/// A key such as `example.com/name`.
pub fn qualified_name(text: &str) -> Vec<String> {
    let (prefix, name) = text.split_once('/').unwrap_or(("a", text));
    if prefix.len() <= 253 && name.len() <= 63 && is_key(name) && is_subdomain(prefix) {
        return Vec::new();
    }
    let examples = ["MyName", "my.name", "123-abc"];
    let mut out = Vec::new();
    let parts: Vec<&str> = text.split('/').collect();
    let name = match parts.as_slice() {
        [name] => *name,
        [prefix, name] => {
            if prefix.is_empty() {
                out.push("prefix part must be non-empty".to_owned());
            } else {
                out.extend(
                    dns1123_subdomain(prefix).into_iter().map(|m| format!("prefix part {}", m.replace("253 characters", "253 bytes"))),
                );
            }
            *name
        }
        _ => {
            let shape = shape_error(KEY_WORDS, KEY_FORMAT, &examples);
            return vec![format!("a valid label key {shape} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')")];
        }
    };
    if name.is_empty() {
        out.push("name part must be non-empty".to_owned());
    } else if name.len() > 63 {
        out.push("name part must be no more than 63 bytes".to_owned());
    }
    if !is_key(name) {
        out.push(format!("name part {}", shape_error(KEY_WORDS, KEY_FORMAT, &examples)));
    }
    out
}

/// A label's value.
pub fn label_value(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    if text.len() > 63 {
        out.push("must be no more than 63 bytes".to_owned());
    }
    if !text.is_empty() && !is_key(text) {
        let words = format!("a valid label must be an empty string or consist of {}", &KEY_WORDS["must consist of ".len()..]);
        out.push(shape_error(&words, &format!("({KEY_FORMAT})?"), &["MyValue", "my_value", "12345"]));
    }
    out
}

/// A key of a ConfigMap or Secret.
pub fn config_key(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    if text.len() > 253 {
        out.push("must be no more than 253 characters".to_owned());
    }
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.')) {
        let words = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'";
        out.push(shape_error(words, "[-._a-zA-Z0-9]+", &["key.name", "KEY_NAME", "key-name"]));
    }
    out.extend(above(text));
    out
}

/// What is wrong with a text that names a directory above. upstream: hasChDirPrefix
fn above(text: &str) -> Option<String> {
    match text {
        "." => Some("must not be '.'".to_owned()),
        ".." => Some("must not be '..'".to_owned()),
        _ if text.starts_with("..") => Some("must not start with '..'".to_owned()),
        _ => None,
    }
}

/// The name of an environment variable as clients take it. upstream: validation.IsEnvVarName
pub fn plain_env_name(text: &str) -> Vec<String> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    let mut out = Vec::new();
    if !text.bytes().all(allowed) || text.bytes().next().is_none_or(|b| b.is_ascii_digit()) {
        let words = "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', and must not start with a digit";
        out.push(shape_error(words, "[-._a-zA-Z][-._a-zA-Z0-9]*", &["my.env-name", "MY_ENV.NAME", "MyEnvName1"]));
    }
    out.extend(above(text));
    out
}

/// The name of an environment variable, as the server has allowed it since 1.34.
pub fn env_name(text: &str) -> Vec<String> {
    let printable = !text.is_empty() && text.chars().all(|c| (' '..='~').contains(&c) && c != '=');
    if printable {
        return Vec::new();
    }
    vec!["a valid environment variable name must consist only of printable ASCII characters other than '='".to_owned()]
}

/// A port's number.
pub fn port_number(number: i64) -> Vec<String> {
    if (1..=65535).contains(&number) { Vec::new() } else { vec!["must be between 1 and 65535, inclusive".to_owned()] }
}

/// A port's name.
pub fn port_name(text: &str) -> Vec<String> {
    let mut out: Vec<&str> = Vec::new();
    if text.len() > 15 {
        out.push("must be no more than 15 characters");
    }
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
        out.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
    }
    if !text.bytes().any(|b| b.is_ascii_lowercase()) {
        out.push("must contain at least one letter (a-z)");
    }
    if text.contains("--") {
        out.push("must not contain consecutive hyphens");
    }
    if text.starts_with('-') || text.ends_with('-') {
        out.push("must not begin or end with a hyphen");
    }
    out.into_iter().map(str::to_owned).collect()
}

/// A name that is one segment of a URL path.
pub fn path_segment(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    if text == "." || text == ".." {
        return vec![format!("may not be '{text}'")];
    }
    for illegal in ["/", "%"] {
        if text.contains(illegal) {
            out.push(format!("may not contain '{illegal}'"));
        }
    }
    out
}

/// A label that starts with a letter (RFC 1035).
pub fn dns1035_label(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    if text.len() > 63 {
        out.push("must be no more than 63 characters".to_owned());
    }
    if !is_label(text) || !text.starts_with(|c: char| c.is_ascii_lowercase()) {
        let words = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character";
        out.push(shape_error(words, "[a-z]([-a-z0-9]*[a-z0-9])?", &["my-name", "abc-123"]));
    }
    out
}

/// The name of a variable in C.
pub fn c_identifier(text: &str) -> Vec<String> {
    let starts = text.starts_with(|c: char| c == '_' || c.is_ascii_alphabetic());
    if starts && text.bytes().all(|b| b == b'_' || b.is_ascii_alphanumeric()) {
        return Vec::new();
    }
    let words = "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_'";
    vec![shape_error(words, "[A-Za-z_][A-Za-z0-9_]*", &["my_name", "MY_NAME", "MyName"])]
}

/// A lowercase RFC 1123 subdomain in which underscores may stand, as in DNS search paths.
pub fn dns1123_subdomain_with_underscore(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    if text.len() > 253 {
        out.push("must be no more than 253 characters".to_owned());
    }
    let edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let label = |l: &str| {
        let l = l.strip_prefix('_').unwrap_or(l);
        l.starts_with(edge) && l.ends_with(edge) && l.chars().all(|c| edge(c) || matches!(c, '-' | '_'))
    };
    if !text.split('.').all(label) {
        let words = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character";
        out.push(shape_error(words, UNDERSCORE_FORMAT, &["example.com"]));
    }
    out
}

/// A percentage such as `25%`.
pub fn percent(text: &str) -> Vec<String> {
    if text.strip_suffix('%').is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit())) {
        return Vec::new();
    }
    vec![shape_error("a valid percent string must be a numeric string followed by an ending '%'", "[0-9]+%", &["1%", "93%"])]
}

/// The name of an HTTP header.
pub fn http_header(text: &str) -> Vec<String> {
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        return Vec::new();
    }
    vec![shape_error("a valid HTTP header must consist of alphanumeric characters or '-'", "[-A-Za-z0-9]+", &["X-Header-Name"])]
}

/// The id of a user or a group.
pub fn user_id(id: i64) -> Vec<String> {
    if (0..=i64::from(i32::MAX)).contains(&id) { Vec::new() } else { vec!["must be between 0 and 2147483647, inclusive".to_owned()] }
}
