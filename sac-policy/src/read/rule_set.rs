// SPDX-License-Identifier: MIT OR Apache-2.0
//! Rule sets: rules that several policies share.

use super::language::RULE_SET;
use super::{Reader, RuleSet};
use crate::yaml::Node;
use std::sync::Arc;

impl Reader<'_> {
    pub(super) fn rule_set(&mut self, root: &Node) -> Option<RuleSet> {
        let [name, description, inherits, programs, files, connections] =
            self.fields(root, &RULE_SET, "a rule set")?;
        let name_span = name.map_or(root.span, |node| node.span);
        let name = name.and_then(|node| self.name(node, "a rule set's name"));
        if let Some(node) = description {
            self.description(node);
        }
        let inherits = inherits.map(|list| self.inherits(list)).unwrap_or_default();
        let mut rules = Vec::new();
        if let Some(node) = programs {
            self.shared_programs(node, &mut rules);
        }
        if let Some(node) = files {
            self.files(node, &mut rules);
        }
        if let Some(node) = connections {
            self.shared_connections(node, &mut rules);
        }
        self.finish(&mut rules);
        Some(RuleSet {
            name: name.unwrap_or_default(),
            name_span,
            source: Arc::clone(self.source),
            inherits,
            rules,
        })
    }
}
