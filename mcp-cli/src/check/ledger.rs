//! What was found: which rules are kept, which are broken and how, which could not be looked at.

use std::collections::BTreeMap;

use super::rule::{Rule, Severity};

/// The outcome of all probes so far.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// By the rule's name and the protocol version.
    entries: BTreeMap<(&'static str, String), Entry>,
    version: String,
}

#[derive(Debug)]
struct Entry {
    rule: &'static Rule,
    kept: bool,
    /// How the rule was broken, each way once.
    broken: Vec<String>,
    left_out: usize,
}

/// A rule that was broken.
#[derive(Debug)]
pub(crate) struct Finding<'a> {
    pub(crate) rule: &'static Rule,
    pub(crate) detail: &'a str,
    /// The protocol versions in which it was seen.
    pub(crate) versions: Vec<&'a str>,
}

impl Ledger {
    /// What follows was seen under this protocol version.
    pub(crate) fn speak(&mut self, version: &str) {
        self.version = version.to_owned();
    }

    /// Notes that a rule was kept this time.
    pub(crate) fn keep(&mut self, rule: &'static Rule) {
        self.entry(rule).kept = true;
    }

    /// Notes that a rule was broken.
    pub(crate) fn fail(&mut self, rule: &'static Rule, detail: impl Into<String>) {
        let detail = detail.into();
        let entry = self.entry(rule);
        match entry.broken.contains(&detail) {
            true => {}
            false if entry.broken.len() < MOST_DETAILS => entry.broken.push(detail),
            false => entry.left_out += 1,
        }
    }

    /// Notes whether a rule was kept.
    pub(crate) fn hold(
        &mut self,
        rule: &'static Rule,
        kept: bool,
        detail: impl FnOnce() -> String,
    ) -> bool {
        match kept {
            true => self.keep(rule),
            false => self.fail(rule, detail()),
        }
        kept
    }

    /// What was broken, the worst first, with the versions in which it was.
    pub(crate) fn findings(&self) -> Vec<Finding<'_>> {
        let mut findings: Vec<Finding<'_>> = Vec::new();
        for ((_, version), entry) in &self.entries {
            for detail in &entry.broken {
                let same = |one: &&mut Finding<'_>| {
                    std::ptr::eq(one.rule, entry.rule) && one.detail == detail
                };
                match findings.iter_mut().find(same) {
                    Some(finding) => finding.versions.push(version),
                    None => {
                        let versions = vec![version.as_str()];
                        findings.push(Finding { rule: entry.rule, detail, versions });
                    }
                }
            }
        }
        findings.sort_by_key(|finding| (finding.rule.severity, finding.rule.id));
        findings
    }

    /// How many ways of breaking rules are not among the findings, because there are too many.
    pub(crate) fn left_out(&self) -> usize {
        self.entries.values().map(|entry| entry.left_out).sum()
    }

    /// The rules that were looked at and not broken.
    pub(crate) fn kept(&self) -> Vec<&'static str> {
        let mut kept: Vec<_> = self.entries.keys().map(|(id, _)| *id).collect();
        kept.dedup();
        kept.retain(|id| {
            let mut all = self.entries.iter().filter(|((one, _), _)| one == id);
            all.all(|(_, entry)| entry.kept && entry.broken.is_empty())
        });
        kept
    }

    /// How many findings are of a severity.
    pub(crate) fn count(&self, severity: Severity) -> usize {
        self.findings().iter().filter(|finding| finding.rule.severity == severity).count()
    }

    fn entry(&mut self, rule: &'static Rule) -> &mut Entry {
        let key = (rule.id, self.version.clone());
        self.entries.entry(key).or_insert_with(|| Entry {
            rule,
            kept: false,
            broken: Vec::new(),
            left_out: 0,
        })
    }
}

/// How many ways of breaking one rule are told.
const MOST_DETAILS: usize = 12;

#[cfg(test)]
mod tests {
    use super::super::rule::{INVALID_CURSOR, PING, TOOL_DESCRIPTION};
    use super::*;

    #[test]
    fn the_worst_comes_first_and_nothing_twice() {
        let mut ledger = Ledger::default();
        for version in ["2025-11-25", "2026-07-28"] {
            ledger.speak(version);
            ledger.fail(&TOOL_DESCRIPTION, "`a`");
            ledger.fail(&TOOL_DESCRIPTION, "`a`");
        }
        ledger.fail(&PING, "silence");
        ledger.keep(&INVALID_CURSOR);
        let findings = ledger.findings();
        let ids: Vec<_> = findings.iter().map(|finding| finding.rule.id).collect();
        assert_eq!(ids, ["ping", "tool-description"]);
        assert_eq!(findings[1].versions, ["2025-11-25", "2026-07-28"]);
        assert_eq!(ledger.kept(), ["invalid-cursor"]);
        assert_eq!((ledger.count(Severity::Error), ledger.count(Severity::Warning)), (1, 0));
    }

    #[test]
    fn one_rule_does_not_drown_the_others() {
        let mut ledger = Ledger::default();
        (0..1000).for_each(|n| ledger.fail(&PING, n.to_string()));
        assert_eq!((ledger.findings().len(), ledger.left_out()), (12, 988));
    }
}
