// SPDX-License-Identifier: MIT OR Apache-2.0
//! The page, read with a browser's parser: it is well-formed, everything is in it, and nothing of a user's became markup.

mod bounds;

use super::*;
use crate::chain::{Checkpoint, Digest};
use crate::read::{Filter, Found};
use crate::record::{Entry, Event, Record, SCHEMA, Severity};
use crate::samples::{blocked, entry, execution, samples};
use crate::text::Text;
use crate::verify::{Finding, Wrong};
use html5ever::tendril::TendrilSink as _;
use markup5ever_rcdom::{Handle, NodeData, RcDom};

/// What users choose to break a page with.
const HOSTILE: [&str; 6] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onclick='alert(1)",
    "</code></td></style><style>*{display:none}",
    "&lt;b&gt;&#60;i&#62;",
    "\u{1b}[2J\u{202e}\u{0}<!--",
];

pub(super) fn found(number: u64, entry: Entry) -> Found {
    let record = Record {
        schema: SCHEMA,
        number,
        previous: Digest::NONE.to_string(),
        host: "web1".into(),
        boot_id: String::new(),
        entry,
    };
    let line = serde_json::to_vec(&record).unwrap();
    Found { record, line }
}

pub(super) fn collect(filter: Filter, entries: Vec<Entry>) -> Collected {
    let mut collected = Collected::new(filter);
    (1..).zip(entries).for_each(|(number, entry)| collected.add(found(number, entry)));
    collected
}

pub(super) fn about() -> About {
    let end = Some(Checkpoint { number: 24, digest: Digest::of(b"end") });
    About {
        made: samples().last().unwrap().time,
        zone: TimeZone::UTC,
        version: "0.1.0".into(),
        verification: Ok(verify::Report {
            files: 1,
            records: 24,
            end,
            checkpoints_met: 2,
            ..verify::Report::default()
        }),
        checkpoints: 2,
    }
}

/// A page as a browser reads it. Whatever it complains about is a failure.
pub(super) fn parse(page: &str) -> RcDom {
    let dom = html5ever::parse_document(RcDom::default(), Default::default()).one(page);
    assert_eq!(*dom.errors.borrow(), Vec::<std::borrow::Cow<'_, str>>::new());
    dom
}

/// All elements: their names, attributes and text.
pub(super) struct Element {
    pub(super) name: String,
    pub(super) attributes: Vec<(String, String)>,
    pub(super) text: String,
}

impl Element {
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(is, _value)| is == name).map(|(_name, value)| value.as_str())
    }
}

fn text_of(node: &Handle) -> String {
    let own = match &node.data {
        NodeData::Text { contents } => contents.borrow().to_string(),
        _ => String::new(),
    };
    own + &node.children.borrow().iter().map(text_of).collect::<String>()
}

fn walk(node: &Handle, all: &mut Vec<Element>) {
    if let NodeData::Element { name, attrs, .. } = &node.data {
        let attributes = attrs.borrow();
        let attributes =
            attributes.iter().map(|of| (of.name.local.to_string(), of.value.to_string())).collect();
        all.push(Element { name: name.local.to_string(), attributes, text: text_of(node) });
    }
    assert!(!matches!(node.data, NodeData::Comment { .. }), "a comment");
    node.children.borrow().iter().for_each(|child| walk(child, all));
}

pub(super) fn elements(page: &str) -> Vec<Element> {
    let mut all = Vec::new();
    walk(&parse(page).document, &mut all);
    all
}

fn named<'e>(elements: &'e [Element], name: &str) -> Vec<&'e Element> {
    elements.iter().filter(|element| element.name == name).collect()
}

#[test]
fn all_events_are_in_a_page_that_a_browser_takes_without_complaint() {
    let page = render(&about(), &collect(Filter::default(), samples()));
    assert!(page.starts_with(BEGINNING));
    let elements = elements(&page);
    for text in [
        "Sessions on web1",
        "7f3a",
        "alice",
        "192.0.2.7",
        "/usr/bin/ls -l /srv/www",
        "exit 0 after 2ms",
        "contractors.yaml:9",
        "delete /srv/www/index.html",
        "root (uid 0) by sudo",
        "by root: incident 4711",
        "contractors, night",
        "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
        "12 by kernel",
        "night.yaml:4: `hour` is not a key",
        "policy contractors allows 2 sessions, and 2 are open",
        "root granted alice /usr/bin/tcpdump",
        "a policy file was changed by uid 1001",
        "carol is logged in past SAC",
        "record-000000090011.torn",
        "Records 1 to 81920 are removed",
        "The record is sound",
        "SAC 0.1.0 started",
        "login uid 1001, audit session 42",
        "2026-09-21 14:13:26.000",
        &Digest::of(b"end").to_string(),
    ] {
        assert!(elements[0].text.contains(text), "no {text}");
    }
    // Whatever was blocked is a row of the table of what was, and red.
    for entry in samples() {
        let number = samples().iter().position(|of| *of == entry).unwrap() + 1;
        let is_blocked =
            matches!(entry.event, Event::Blocked(_) | Event::Operation(_) | Event::SessionRefused { .. });
        let rows = elements.iter().filter(|row| {
            row.attribute("class") == Some("blocked")
                && row.attribute("data-number") == Some(&number.to_string())
        });
        assert_eq!(rows.count() > 0, is_blocked, "{number}");
    }
}

#[test]
fn it_needs_nothing_else_and_runs_nothing() {
    let page = render(&about(), &collect(Filter::default(), samples()));
    let elements = elements(&page);
    for name in ["script", "link", "img", "iframe", "object", "embed", "form", "base"] {
        assert!(named(&elements, name).is_empty(), "{name}");
    }
    let csp = named(&elements, "meta").into_iter().find_map(|meta| {
        (meta.attribute("http-equiv") == Some("Content-Security-Policy"))
            .then(|| meta.attribute("content"))?
    });
    assert!(csp.unwrap().starts_with("default-src 'none'; style-src 'unsafe-inline'"));
    assert!(!named(&elements, "style")[0].text.contains("url("));
    let ids: Vec<_> = elements.iter().filter_map(|element| element.attribute("id")).collect();
    for element in &elements {
        for (name, value) in &element.attributes {
            assert!(!name.starts_with("on") && name != "src" && name != "style", "{name}={value}");
            if name == "href" {
                assert!(ids.contains(&value.strip_prefix('#').unwrap()), "{value} leads nowhere");
            }
        }
    }
}

#[test]
fn who_cannot_see_it_can_read_it() {
    let page = render(&about(), &collect(Filter::default(), samples()));
    let elements = elements(&page);
    assert_eq!(named(&elements, "html")[0].attribute("lang"), Some("en"));
    assert_eq!(named(&elements, "h1").len(), 1);
    let ids: Vec<_> = elements.iter().filter_map(|element| element.attribute("id")).collect();
    let mut unique = ids.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), ids.len(), "an id is there twice");
    for element in &elements {
        for label in element.attribute("aria-labelledby").into_iter().flat_map(str::split_whitespace) {
            assert!(ids.contains(&label), "{label} is no label");
        }
    }
    assert!(
        named(&elements, "th").iter().all(|head| head.attribute("scope").is_some() && !head.text.is_empty())
    );
    let svg = named(&elements, "svg")[0];
    assert_eq!(svg.attribute("role"), Some("img"));
    assert!(svg.text.starts_with("When what happened in each session"));
    // Colour is never all there is.
    for row in elements.iter().filter(|element| element.name == "tr") {
        match row.attribute("class") {
            Some("blocked") => {
                assert!(row.text.contains("BLOCKED") || row.text.contains("REFUSED"), "{}", row.text)
            }
            Some("would") => assert!(row.text.to_lowercase().contains("would b"), "{}", row.text),
            _ => {}
        }
    }
}

/// Every text of a user's in every place that it can have.
fn hostile(text: &str) -> Vec<Entry> {
    let mut all = samples();
    for entry in &mut all {
        if let Some(session) = &mut entry.session {
            session.user = text.into();
            session.service = text.into();
            session.from = text.into();
            session.id = text.into();
        }
        match &mut entry.event {
            Event::Executed(execution) | Event::Blocked(execution) => {
                execution.file.path = text.into();
                execution.typed = format!("x{text}").as_str().into();
                execution.arguments = vec!["x".into(), text.into(), Text::from_bytes(b"\xff<b>")];
                execution.process.comm = text.into();
                execution.verdict.rule = text.into();
                execution.verdict.policy = Some(text.into());
            }
            Event::Operation(operation) => {
                operation.file.as_mut().unwrap().path = text.into();
                operation.operation = text.into();
                operation.verdict.rule = text.into();
            }
            Event::SessionOpened { policies, tty, groups, .. } => {
                *policies = vec![text.into()];
                *tty = text.into();
                *groups = vec![text.into()];
            }
            Event::SessionRefused { user, service, from, reason } => {
                *user = text.into();
                *service = text.into();
                *from = text.into();
                *reason = text.into();
            }
            Event::SessionControlled { by, reason, .. } => {
                *by = text.into();
                *reason = text.into();
            }
            Event::Forked { comm, .. } => *comm = text.into(),
            Event::Tamper { what } => *what = text.into(),
            Event::PolicyRefused { reason } => *reason = text.into(),
            Event::PolicyLoaded { policies, digest } => {
                *policies = vec![text.into()];
                *digest = text.into();
            }
            Event::PolicyChanged { to_policies, .. } => *to_policies = vec![text.into()],
            Event::Granted(grant) | Event::GrantEnded { grant, .. } => {
                grant.user = text.into();
                grant.program = text.into();
                grant.reason = text.into();
            }
            _ => {}
        }
    }
    all
}

#[test]
fn nothing_of_a_users_becomes_markup() {
    let shape = |page: &str| -> Vec<(String, Vec<String>)> {
        let names = |element: &Element| element.attributes.iter().map(|(name, _)| name.clone()).collect();
        elements(page).iter().map(|element| (element.name.clone(), names(element))).collect()
    };
    let harmless = render(&about(), &collect(Filter::default(), hostile("harmless")));
    for text in HOSTILE {
        let finding =
            Finding { file: text.into(), line: 1, number: None, wrong: Wrong::NotARecord(text.into()) };
        let report = verify::Report { findings: vec![finding], ..verify::Report::default() };
        let with = |verification| About { version: text.into(), verification, ..about() };
        let page = render(&with(about().verification), &collect(Filter::default(), hostile(text)));
        assert_eq!(shape(&page), shape(&harmless), "{text}");
        for control in ['\u{1b}', '\u{202e}', '\u{0}'] {
            assert!(!page.contains(control), "{control:?}");
        }
        assert!(elements(&page)[0].text.contains(&Text::from(text).to_string()), "{text} is not shown");
        for verification in [Ok(report), Err(text.to_owned())] {
            parse(&render(&with(verification), &collect(Filter::default(), hostile(text))));
        }
    }
}

#[test]
fn a_report_of_a_session_has_what_concerned_it_and_nothing_of_others() {
    let mut entries = samples();
    let other = entry(9, Some("9999"), Severity::Info, Event::Executed(execution(1, 2, &["others"])));
    entries.insert(9, other);
    let filter = Filter { session: Some("7f3a".into()), ..Filter::default() };
    let text = &elements(&render(&about(), &collect(filter, entries)))[0].text;
    assert!(text.contains("Session 7f3a of alice"));
    // The policy that was in force before it, and nothing that came after its last record.
    assert!(text.contains("In force since 2026-09-21 14:13:21.000: contractors, night"));
    for others in ["others", "9999", "198.51.100.9", "carol", "incident 4711 (grant"] {
        assert!(!text.contains(others), "{others}");
    }
}

#[test]
fn what_is_wrong_with_the_record_is_said() {
    let finding = Finding {
        file: "record-1.jsonl".into(),
        line: 7,
        number: Some(7),
        wrong: Wrong::Missing { from: 5, to: 6 },
    };
    let report =
        verify::Report { findings: vec![finding], findings_left_out: 3, ..verify::Report::default() };
    let with = |verification| {
        let about = About { verification, checkpoints: 0, ..about() };
        elements(&render(&about, &collect(Filter::default(), samples()))).swap_remove(0).text
    };
    let text = with(Ok(report));
    for part in
        ["✗ not sound", "4 findings", "record-1.jsonl:7: records 5 to 6 are missing here", "and 3 more"]
    {
        assert!(text.contains(part), "no {part}");
    }
    // It is the first thing that is said.
    assert!(
        text.find("The record is not sound. What stands here").unwrap() < text.find("In numbers").unwrap()
    );
    assert!(with(Err("no space".into())).contains("could not be verified: no space"));
    assert!(with(Ok(verify::Report::default())).contains("There was no checkpoint to compare with"));
}

#[test]
fn what_would_be_blocked_is_not_what_was() {
    let mut audited = blocked(2, 1, &["wget"]);
    audited.verdict.action = "audit".into();
    let entries = vec![entry(0, Some("a"), Severity::Low, Event::Blocked(audited))];
    let elements = elements(&render(&about(), &collect(Filter::default(), entries)));
    let class = |class| {
        elements.iter().filter(|row| row.name == "tr" && row.attribute("class") == Some(class)).count()
    };
    assert_eq!((class("blocked"), class("would")), (0, 2));
}
