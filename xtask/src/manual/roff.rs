// SPDX-License-Identifier: MIT OR Apache-2.0
//! From Markdown to a page of the manual: the part of Markdown that the documentation uses, in the part of roff that every
//! viewer of such pages knows (`man(7)` macros, no preprocessors).
//!
//! Tables become lists: a page is 80 columns wide, and what a key means does not fit beside its name. The first cell is the
//! entry, the second what is said about it, and each further one follows its column's heading.

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

/// Where lines of the page's source are wrapped.
const WIDTH: usize = 78;

/// What a page says about itself.
#[derive(Clone, Copy, Debug)]
pub struct Page<'p> {
    /// What it is about, as one asks `man` for it.
    pub name: &'p str,
    /// The manual's section.
    pub section: u8,
    /// What it is, in less than a line.
    pub about: &'p str,
    /// Its day, `YYYY-MM-DD`.
    pub date: &'p str,
    /// Other pages, and their sections.
    pub see_also: &'p [(&'p str, u8)],
}

/// Makes a page of a text in Markdown. The text's title is left out, because the page has its own.
#[must_use]
pub fn page(page: &Page<'_>, markdown: &str) -> String {
    let mut writer = Writer { out: header(page), ..Writer::default() };
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
        writer.event(event);
    }
    let others: Vec<_> = page
        .see_also
        .iter()
        .map(|(name, section)| format!("\\fB{}\\fR({section})", escaped(name, Kind::Code)))
        .collect();
    writer.line(".SH SEE ALSO");
    writer.text(&others.join(", "));
    writer.out
}

fn header(page: &Page<'_>) -> String {
    let Page { name, section, about, date, .. } = page;
    let (shown, about) = (escaped(name, Kind::Code), escaped(about, Kind::Prose));
    format!(
        ".\\\" Made by `cargo xtask dist`; changes here are lost.\n\
         .TH {shown} {section} {date} \"sac {}\" \"SAC: Server Access Control\"\n\
         .SH NAME\n{shown} \\- {about}\n.SH DESCRIPTION\n",
        env!("CARGO_PKG_VERSION")
    )
}

/// How a text is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Words, in which a hyphen is one.
    Prose,
    /// What is typed, in which it is a minus sign.
    Code,
}

/// A text without anything that roff would act upon.
fn escaped(text: &str, kind: Kind) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\\' => escaped.push_str("\\e"),
            '-' if kind == Kind::Code => escaped.push_str("\\-"),
            '\'' if kind == Kind::Code => escaped.push_str("\\(aq"),
            '`' => escaped.push_str("\\(ga"),
            '^' => escaped.push_str("\\(ha"),
            '~' => escaped.push_str("\\(ti"),
            '"' => escaped.push_str("\\(dq"),
            character if character.is_ascii() => escaped.push(character),
            character => escaped.push_str(&format!("\\[u{:04X}]", u32::from(character))),
        }
    }
    escaped
}

/// A list that is being written.
#[derive(Clone, Copy, Debug)]
enum List {
    Bullets,
    /// The next number.
    Numbers(u64),
}

/// Writes the page as the text goes by.
#[derive(Default)]
struct Writer {
    out: String,
    /// The paragraph, heading or cell that is being read, escaped already.
    inline: String,
    /// The lists that this is in.
    lists: Vec<List>,
    /// Whether the next paragraph begins an entry of a list, which has its macro already.
    begins_entry: bool,
    is_code: bool,
    /// Headings of the page are in capitals.
    is_heading: bool,
    headings: Vec<String>,
    cells: Vec<String>,
}

impl Writer {
    fn line(&mut self, line: &str) {
        self.out.push_str(line);
        self.out.push('\n');
    }

    /// Some text in lines that are short, and of which none is taken for a macro.
    fn text(&mut self, text: &str) {
        let mut line = String::new();
        for word in text.split_whitespace() {
            if !line.is_empty() && line.len() + 1 + word.len() > WIDTH {
                self.line(&std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            } else if word.starts_with(['.', '\'']) {
                line.push_str("\\&");
            }
            line.push_str(word);
        }
        if !line.is_empty() {
            self.line(&line);
        }
    }

    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(&tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) if self.is_code => {
                for line in text.lines() {
                    let escaped = escaped(line, Kind::Code);
                    let guard = if escaped.starts_with('.') { "\\&" } else { "" };
                    self.line(&format!("{guard}{escaped}"));
                }
            }
            Event::Text(text) => {
                let capitals = self.is_heading.then(|| text.to_uppercase());
                self.inline.push_str(&escaped(capitals.as_deref().unwrap_or(&text), Kind::Prose));
            }
            Event::Code(code) => {
                self.inline.push_str(&format!("\\fB{}\\fR", escaped(&code, Kind::Code)));
            }
            Event::SoftBreak | Event::HardBreak => self.inline.push(' '),
            // What looks like HTML is a placeholder that somebody wrote without backticks.
            Event::Html(text) | Event::InlineHtml(text) => {
                self.inline.push_str(&escaped(&text, Kind::Prose));
            }
            Event::Rule => self.line(".PP"),
            _ => {}
        }
    }

    fn start(&mut self, tag: &Tag<'_>) {
        match tag {
            Tag::List(first) => {
                // What has been read of the entry that this list is in.
                self.flush_entry();
                if !self.lists.is_empty() {
                    self.line(".RS 4");
                }
                self.lists.push(first.map_or(List::Bullets, List::Numbers));
            }
            Tag::Item => {
                let mark = match self.lists.last_mut() {
                    Some(List::Numbers(number)) => {
                        *number += 1;
                        format!(".IP {}. 4", *number - 1)
                    }
                    _ => ".IP \\(bu 2".to_owned(),
                };
                self.line(&mark);
                self.begins_entry = true;
            }
            Tag::CodeBlock(kind) => {
                self.flush_entry();
                let indent = if matches!(kind, CodeBlockKind::Fenced(_)) { 4 } else { 2 };
                self.paragraph();
                self.line(&format!(".RS {indent}\n.nf"));
                self.is_code = true;
            }
            Tag::Heading { level, .. } => self.is_heading = *level == HeadingLevel::H2,
            Tag::Emphasis => self.inline.push_str("\\fI"),
            Tag::Strong => self.inline.push_str("\\fB"),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(level) => {
                let heading = std::mem::take(&mut self.inline);
                self.is_heading = false;
                match level {
                    HeadingLevel::H1 => {}
                    HeadingLevel::H2 => self.line(&format!(".SH \"{}\"", heading)),
                    _ => self.line(&format!(".SS \"{heading}\"")),
                }
            }
            TagEnd::Paragraph => {
                let text = std::mem::take(&mut self.inline);
                if !std::mem::take(&mut self.begins_entry) {
                    self.paragraph();
                }
                self.text(&text);
            }
            TagEnd::Item => self.flush_entry(),
            TagEnd::List(_) => {
                self.lists.pop();
                if !self.lists.is_empty() {
                    self.line(".RE");
                }
            }
            TagEnd::CodeBlock => {
                self.is_code = false;
                self.line(".fi\n.RE");
            }
            TagEnd::Emphasis | TagEnd::Strong => self.inline.push_str("\\fR"),
            TagEnd::TableCell => {
                let cell = std::mem::take(&mut self.inline);
                self.cells.push(cell);
            }
            TagEnd::TableHead => self.headings = std::mem::take(&mut self.cells),
            TagEnd::TableRow => self.row(),
            _ => {}
        }
    }

    /// Begins a paragraph, where a heading has not done so already.
    fn paragraph(&mut self) {
        let last = self.out.lines().next_back().unwrap_or_default();
        match self.lists.is_empty() {
            true if last.starts_with(".SH ") || last.starts_with(".SS ") => {}
            true => self.line(".PP"),
            false => self.line(".IP"),
        }
    }

    /// The text of an entry of a list that has no paragraphs.
    fn flush_entry(&mut self) {
        let text = std::mem::take(&mut self.inline);
        self.begins_entry = false;
        self.text(&text);
    }

    /// A row of a table.
    fn row(&mut self) {
        let cells = std::mem::take(&mut self.cells);
        let headings = std::mem::take(&mut self.headings);
        let mut filled = cells.iter().zip(&headings).filter(|(cell, _)| !cell.is_empty());
        if let Some((entry, _)) = filled.next() {
            // It has to be on one line, however long that is.
            let guard = if entry.starts_with(['.', '\'']) { "\\&" } else { "" };
            let entry = format!(".TP\n{guard}{entry}");
            self.line(&entry);
        }
        let mut said = String::new();
        for (index, (cell, heading)) in filled.enumerate() {
            if index == 0 {
                said.push_str(cell);
            } else {
                let stop = if said.ends_with('.') { "" } else { "." };
                said.push_str(&format!("{stop} {heading}: {cell}"));
            }
        }
        self.text(&said);
        self.headings = headings;
    }
}
