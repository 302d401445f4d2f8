//! Elastic tabstops as Go's text/tabwriter lays them out. upstream: text/tabwriter

/// Lays out text whose cells end in tabs: a column is as wide as the widest cell of adjoining lines that have it, plus
/// `padding`, and at least `minimum` wide. A form feed ends a block.
pub fn align(text: &str, minimum: usize, padding: usize) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let mut blocks = text.split('\u{c}').peekable();
    while let Some(block) = blocks.next() {
        let ended = block.ends_with('\n') || block.is_empty();
        let body = block.strip_suffix('\n').unwrap_or(block);
        let lines: Vec<Vec<&str>> = if block.is_empty() { Vec::new() } else { body.split('\n').map(|l| l.split('\t').collect()).collect() };
        let mut widths = Vec::new();
        format(&lines, &mut widths, minimum, padding, &mut out);
        // Lines are written with their line break; the last one had none.
        if !ended {
            out.pop();
        }
        if blocks.peek().is_some() && !ended {
            out.push('\n');
        }
    }
    out
}

fn width(cell: &str) -> usize {
    cell.chars().count()
}

fn format(lines: &[Vec<&str>], widths: &mut Vec<usize>, minimum: usize, padding: usize, out: &mut String) {
    let column = widths.len();
    let mut first = 0;
    let mut this = 0;
    while this < lines.len() {
        if column + 1 >= lines[this].len() {
            this += 1;
            continue;
        }
        write(&lines[first..this], widths, out);
        first = this;
        let mut wide = minimum;
        while this < lines.len() && column + 1 < lines[this].len() {
            wide = wide.max(width(lines[this][column]) + padding);
            this += 1;
        }
        // Lines have few cells, so that the recursion is shallow; beyond that the rest is written as it is.
        if column < 500 {
            widths.push(wide);
            format(&lines[first..this], widths, minimum, padding, out);
            widths.pop();
        } else {
            write(&lines[first..this], widths, out);
        }
        first = this;
    }
    write(&lines[first..], widths, out);
}

fn write(lines: &[Vec<&str>], widths: &[usize], out: &mut String) {
    for line in lines {
        for (i, cell) in line.iter().enumerate() {
            out.push_str(cell);
            if let Some(wide) = widths.get(i) {
                out.extend(std::iter::repeat_n(' ', wide.saturating_sub(width(cell))));
            }
        }
        out.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::align;

    #[test]
    fn columns_end_where_a_line_has_none() {
        assert_eq!(align("a\tb\tc\nlonger\tx\n", 0, 2), "a       b  c\nlonger  x\n");
        assert_eq!(align("Name:\tx\nplain\nNamespace:\ty\n", 0, 2), "Name:  x\nplain\nNamespace:  y\n");
        assert_eq!(align("a\t1", 6, 3), "a     1");
    }
}
