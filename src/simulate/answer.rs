//! Answers of simulations as headings, tables, sentences and pictures, for people (text, Markdown, HTML) and programs.

use serde_json::Value;

/// One part of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    /// A heading; plain text shows none.
    Heading(String),
    /// A table.
    Table {
        /// The names of the columns.
        header: Vec<String>,
        /// The rows.
        rows: Vec<Vec<String>>,
    },
    /// Lines of text.
    Lines(Vec<String>),
    /// A line over what follows; only plain text shows it, where there are no headings.
    Label(String),
    /// A picture in characters; HTML shows pictures instead.
    Sketch(Vec<String>),
    /// An SVG picture; only HTML and SVG show it.
    Picture(String),
}

/// What a simulation answers.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// For people.
    pub blocks: Vec<Block>,
    /// For programs.
    pub json: Value,
}

impl Answer {
    /// Adds a heading.
    pub fn heading(&mut self, text: &str) {
        self.blocks.push(Block::Heading(text.to_owned()));
    }

    /// Adds a table unless it is empty.
    pub fn table(&mut self, header: &[&str], rows: Vec<Vec<String>>) {
        if !rows.is_empty() {
            self.blocks.push(Block::Table { header: header.iter().map(|h| (*h).to_owned()).collect(), rows });
        }
    }

    /// Adds lines unless there are none.
    pub fn lines(&mut self, lines: Vec<String>) {
        if !lines.is_empty() {
            self.blocks.push(Block::Lines(lines));
        }
    }
}

/// Cells in columns.
pub fn columns(header: &[String], rows: &[Vec<String>]) -> String {
    let all = || std::iter::once(header).chain(rows.iter().map(Vec::as_slice));
    let width = |i: usize| all().filter_map(|r| r.get(i)).map(|c| c.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let mut out = String::new();
    for row in all() {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, w)| format!("{cell:<w$}")).collect();
        out += cells.join("   ").trim_end();
        out.push('\n');
    }
    out
}

/// Tables in columns, as kubectl prints them.
pub fn text(answer: &Answer) -> String {
    let parts: Vec<String> = answer
        .blocks
        .iter()
        .filter_map(|block| match block {
            Block::Table { header, rows } => Some(columns(header, rows)),
            Block::Lines(lines) | Block::Sketch(lines) => Some(lines.iter().map(|l| format!("{l}\n")).collect()),
            Block::Label(text) => Some(format!("{text}\n")),
            Block::Heading(_) | Block::Picture(_) => None,
        })
        .collect();
    parts.join("\n")
}

/// For issues, pull requests and chats.
pub fn markdown(answer: &Answer) -> String {
    let cell = |c: &String| c.replace('\\', "\\\\").replace('|', "\\|").replace('\n', " ").replace('<', "&lt;");
    let row = |cells: &[String]| format!("| {} |\n", cells.iter().map(cell).collect::<Vec<_>>().join(" | "));
    let parts: Vec<String> = answer
        .blocks
        .iter()
        .filter_map(|block| match block {
            Block::Heading(text) => Some(format!("## {text}\n")),
            Block::Table { header, rows } => {
                let rule = format!("|{}\n", " --- |".repeat(header.len()));
                Some(row(header) + &rule + &rows.iter().map(|r| row(r)).collect::<String>())
            }
            Block::Lines(lines) => Some(lines.iter().map(|l| format!("- {}\n", cell(l))).collect()),
            Block::Sketch(lines) => Some(format!("```text\n{}\n```\n", lines.join("\n"))),
            Block::Label(_) | Block::Picture(_) => None,
        })
        .collect();
    parts.join("\n")
}

/// Escapes text for HTML and SVG.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A page that stands alone.
pub fn html(answer: &Answer, title: &str) -> String {
    const STYLE: &str = "body{font:14px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem;color:#1b1f24;\
        background:#fff}h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}div.t{overflow-x:auto}\
        table{border-collapse:collapse;font-variant-numeric:tabular-nums}th,td{text-align:left;padding:.3rem .8rem;\
        border-bottom:1px solid #d0d7de;vertical-align:top}th{font-weight:600;white-space:nowrap}td:first-child{white-space:nowrap}td:last-child{min-width:11rem}li{overflow-wrap:anywhere}\
        @media(prefers-color-scheme:dark){body{background:#0d1117;color:#e6edf3}th,td{border-color:#30363d}}";
    let cells = |row: &[String], tag: &str| -> String {
        let all: String = row.iter().map(|c| format!("<{tag}>{}</{tag}>", escape(c))).collect();
        format!("<tr>{all}</tr>\n")
    };
    let body: String = in_order_of_weight(&answer.blocks)
        .into_iter()
        .map(|block| match block {
            Block::Heading(text) => format!("<h2>{}</h2>\n", escape(text)),
            Block::Table { header, rows } => {
                let rows: String = rows.iter().map(|r| cells(r, "td")).collect();
                format!("<div class=\"t\"><table>\n<thead>{}</thead>\n<tbody>\n{rows}</tbody></table></div>\n", cells(header, "th"))
            }
            Block::Lines(lines) => {
                format!("<ul>\n{}</ul>\n", lines.iter().map(|l| format!("<li>{}</li>\n", escape(l))).collect::<String>())
            }
            Block::Label(_) | Block::Sketch(_) => String::new(),
            // Text in a picture that is shrunk to a phone cannot be read: it scrolls, as tables do.
            Block::Picture(svg) => format!("<div class=\"t\">{svg}</div>\n"),
        })
        .collect();
    let title = escape(title);
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <title>{title}</title><style>{STYLE}</style></head>\n<body>\n<h1>{title}</h1>\n{body}</body></html>\n"
    )
}

/// The sections of a page: the outcome and its lines first, then pictures, then tables that may be long.
fn in_order_of_weight(blocks: &[Block]) -> Vec<&Block> {
    let mut sections: Vec<Vec<&Block>> = vec![Vec::new()];
    for block in blocks {
        match block {
            Block::Heading(_) => sections.push(vec![block]),
            _ => sections.last_mut().expect("there is a first section").push(block),
        }
    }
    let weight = |section: &Vec<&Block>| match section.first() {
        Some(Block::Heading(text)) if matches!(text.as_str(), "Changes" | "Workloads" | "Pending" | "What would help" | "More nodes") => 0,
        Some(Block::Heading(text)) if text == "Findings" => 1,
        _ if section.iter().any(|b| matches!(b, Block::Picture(_))) => 2,
        _ => 3,
    };
    sections.sort_by_key(weight);
    sections.concat()
}

/// The first picture; `None` when there is none.
pub fn svg(answer: &Answer) -> Option<&str> {
    answer.blocks.iter().find_map(|b| match b {
        Block::Picture(svg) => Some(svg.as_str()),
        _ => None,
    })
}
