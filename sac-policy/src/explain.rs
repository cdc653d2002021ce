// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a policy says about something that somebody does, and why.
//!
//! The verdict is the one of [`sac_abi::decide()`], [`sac_abi::decide::decide_arguments`] and
//! [`sac_abi::decide::decide_address`] over the compiled policy: the functions and the entries that the kernel half has. The
//! steps to it are read from the same entries. A path that does not exist is explained as if a file appeared there. Of an
//! operation that amounts to several, as renaming does, the strictest verdict counts, and so it does of a program's verdict and that
//! of [`sac_abi::decide::decide_content`] on its content.
//!
//! The verdict is the one for anybody. What `confined_root` keeps from privileged processes in addition is one more step after those
//! to the verdict.
//!
//! One thing is simpler than in the kernel: directories are gone through by their paths, so below a bind mount those are seen
//! that the mount hides.

mod addresses;
mod arguments;
mod content;
mod object;
mod root;
mod steps;
mod words;

use crate::compile::{Compiled, Situation};
use crate::files::Files;
use crate::policy::{Gravity, Policy, Request};
use sac_abi::decide::Verdict;
use sac_abi::rule::Contents;
use sac_abi::{Action, Operation, RuleKey, RuleValue, Rules};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// How many interpreters of interpreters the kernel follows; `exec_binprm` in `fs/exec.c`.
const INTERPRETERS_MAX: u32 = 5;

/// What a policy says about a request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Explanation {
    /// The request in words, such as `execute /usr/bin/df`.
    pub request: String,
    /// What is done, as the kernel half decides it.
    pub verdict: Verdict,
    /// Who says so.
    pub decider: Decider,
    /// What was looked at, in order.
    pub steps: Vec<Step>,
    /// Why the decider is the one, and whether root is denied what others are not, in one sentence.
    pub conclusion: String,
    /// What the user is told in addition where it is blocked: the rule's message, then the policy's.
    pub messages: Vec<String>,
    /// How grave it is for an auditor.
    pub severity: Gravity,
}

/// Who decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decider {
    /// A rule.
    Rule(RuleReference),
    /// The policy's default.
    Default,
    /// A grant.
    Grant,
    /// Something cannot be told that a rule may depend on, so nothing is allowed.
    Unknown,
}

/// A rule, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleReference {
    /// Its number in the policy.
    pub number: u32,
    /// The file that it stands in.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: u32,
    /// What it does, under the policy's mode.
    pub action: Action,
    /// Whether it comes before rules that deny.
    pub overrides: bool,
    /// What it is about, in words.
    pub subject: String,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What was looked at.
    pub looked_at: String,
    /// What it said, in one sentence.
    pub said: String,
    /// The rule that it led to.
    pub rule: Option<RuleReference>,
    /// Whether it is this that decides.
    pub decides: bool,
}

/// Explains what `policy` says about `request`. `compiled` is the policy for `situation`.
#[must_use]
pub fn explain(
    policy: &Policy,
    compiled: &Compiled,
    files: &impl Files,
    request: &Request,
    situation: &Situation,
) -> Explanation {
    let mut judge = Judge { policy, compiled, files, situation, steps: Vec::new() };
    judge.times();
    let (asked, ruling, of_root) = match request {
        Request::Execute { path, arguments } => {
            let verdict = judge.execute(path, arguments.as_deref(), INTERPRETERS_MAX);
            (Operation::Execute, judge.ruling(Operation::Execute, verdict), None)
        }
        Request::File { operation, path } => {
            let located = judge.locate(*operation, path);
            (*operation, judge.all_of(*operation, &located), judge.of_root(*operation, &located))
        }
        Request::Connect { address } => {
            let verdict = judge.connect(*address);
            (Operation::Connect, judge.ruling(Operation::Connect, verdict), None)
        }
    };
    judge.explanation(request, asked, ruling, of_root)
}

/// What is done, and where it was found out.
#[derive(Clone, Debug)]
struct Ruling {
    /// The operation that this is about: the one that was asked about, or one that it amounts to.
    operation: Operation,
    verdict: Verdict,
    /// The steps to it.
    steps: Range<usize>,
}

/// Goes the way of a verdict and writes down what it meets.
struct Judge<'j, F> {
    policy: &'j Policy,
    compiled: &'j Compiled,
    files: &'j F,
    situation: &'j Situation,
    steps: Vec<Step>,
}

impl<F: Files> Judge<'_, F> {
    /// What the policy has for an operation.
    fn contents(&self, operation: Operation) -> Contents {
        RuleValue::from_bits(self.compiled.get(&RuleKey::policy(operation))).contents()
    }

    /// A program, and if it is a script, its interpreter after it.
    fn execute(&mut self, path: &Path, arguments: Option<&[String]>, interpreters_left: u32) -> Verdict {
        let located = self.locate(Operation::Execute, path);
        let by_content = self.content(&located);
        let decision = self.file(Operation::Execute, &located);
        let interpreter = self.files.head(&located.path).and_then(|head| object::interpreter(&head));
        let verdict = match (&interpreter, decision.group) {
            (_, 0) => decision.verdict,
            (None, group) => self.arguments(group, decision.verdict, arguments),
            (Some(_), _) => self.arguments_of_script(),
        };
        let verdict =
            by_content.filter(|by_content| by_content.action() > verdict.action()).unwrap_or(verdict);
        let Some((interpreter, own_arguments)) = interpreter else {
            return verdict;
        };
        if verdict.action().blocks() || interpreters_left == 0 {
            return verdict;
        }
        self.step(
            path.display().to_string(),
            format!("it is a script, so its interpreter {} has to be allowed, too", interpreter.display()),
            None,
        );
        let script = path.to_string_lossy().into_owned();
        let all = own_arguments.into_iter().chain([script]).chain(arguments.unwrap_or_default().to_vec());
        let of_interpreter =
            self.execute(&interpreter, Some(&all.collect::<Vec<_>>()), interpreters_left - 1);
        // The kernel half judges both; the second is not asked where the first blocks.
        if of_interpreter.action() > verdict.action() { of_interpreter } else { verdict }
    }

    /// A verdict that all steps so far led to.
    fn ruling(&self, operation: Operation, verdict: Verdict) -> Ruling {
        Ruling { operation, verdict, steps: 0..self.steps.len() }
    }

    /// `of_root` is what holds for root on top, if that restricts.
    fn explanation(
        mut self,
        request: &Request,
        asked: Operation,
        ruling: Ruling,
        of_root: Option<Verdict>,
    ) -> Explanation {
        let verdict = ruling.verdict;
        let rule = self.policy.rule(verdict.rule);
        let decider = match (verdict.rule, rule) {
            (_, Some(rule)) => Decider::Rule(self.reference(rule)),
            (0, None) => Decider::Default,
            (Verdict::RULE_GRANT, None) => Decider::Grant,
            _ => Decider::Unknown,
        };
        let mut conclusion = self.conclusion(asked, &ruling, &decider);
        self.mark(ruling);
        if let Some(of_root) = of_root {
            self.root_step(of_root);
            conclusion += &self.root_note(verdict, of_root);
        }
        let own_message = rule.and_then(|rule| rule.message.clone());
        Explanation {
            request: words::request(request),
            verdict,
            decider,
            steps: self.steps,
            conclusion,
            messages: own_message.into_iter().chain(self.policy.message.clone()).collect(),
            severity: rule.and_then(|rule| rule.severity).unwrap_or(self.policy.severity),
        }
    }

    /// Marks the step that decides: the first one that led to the verdict's rule, or the last that has none.
    fn mark(&mut self, ruling: Ruling) {
        let number = |step: &Step| step.rule.as_ref().map(|rule| rule.number);
        let wanted = self.policy.rule(ruling.verdict.rule).map(|rule| rule.number);
        let mut steps = self.steps.get_mut(ruling.steps).unwrap_or_default().iter_mut();
        let step = match wanted {
            Some(_) => steps.find(|step| number(step) == wanted),
            None => steps.rev().find(|step| step.rule.is_none()),
        };
        if let Some(step) = step {
            step.decides = true;
        }
    }
}

#[cfg(test)]
mod tests;
