//! A kind's words without its type: what pages need of it, by the labels that are stored.

use super::{About, Kind};
use durable::typed::{label, step};
use serde_json::Value;

/// A moment in the life of an operation, for what can truly be said in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment<S> {
    /// This step is run, or comes next.
    At(S),
    /// What was made is being taken back.
    TakingBack,
    /// It is done.
    Succeeded,
    /// It failed and was taken back.
    Failed,
    /// It stopped at this step and waits for a person.
    Stuck(S),
    /// It was cancelled and taken back.
    Cancelled,
}

impl<S> Moment<S> {
    fn map<T>(self, to: impl FnOnce(S) -> Option<T>) -> Option<Moment<T>> {
        Some(match self {
            Self::At(step) => Moment::At(to(step)?),
            Self::Stuck(step) => Moment::Stuck(to(step)?),
            Self::TakingBack => Moment::TakingBack,
            Self::Succeeded => Moment::Succeeded,
            Self::Failed => Moment::Failed,
            Self::Cancelled => Moment::Cancelled,
        })
    }
}

/// The words of one kind.
pub(crate) struct Told {
    /// Labels of the road forward, in order.
    pub(crate) forward: Vec<String>,
    /// Labels of taking back.
    pub(crate) unwinding: Vec<String>,
    pub(crate) title: fn(&About) -> String,
    step_title: fn(&str, &About) -> Option<String>,
    safety: fn(Moment<&str>, &About) -> Option<String>,
    on_cancel: fn(&str) -> Option<String>,
    needs: fn(&str, &Value) -> bool,
}

impl Told {
    pub(super) fn of<K: Kind>() -> Self {
        Self {
            forward: K::FORWARD.iter().copied().map(label).collect(),
            unwinding: K::UNWINDING.iter().copied().map(label).collect(),
            title: K::title,
            step_title: |name, about| Some(K::step_title(step(name)?, about)),
            safety: |moment, about| Some(K::safety(moment.map(step)?, about)),
            on_cancel: |name| K::on_cancel(step(name)?).map(label),
            needs: |name, params| step(name).is_none_or(|step| K::needs(step, params)),
        }
    }

    /// What people read for a step; a label that this version does not know speaks for itself.
    pub(crate) fn step_title(&self, name: &str, about: &About) -> String {
        (self.step_title)(name, about).unwrap_or_else(|| name.replace('_', " "))
    }

    /// What is safe and what people can do.
    pub(crate) fn safety(&self, moment: Moment<&str>, about: &About) -> String {
        (self.safety)(moment, about).unwrap_or_default()
    }

    /// What was asked for needs this step.
    pub(crate) fn needs(&self, name: &str, params: &Value) -> bool {
        (self.needs)(name, params)
    }

    /// It can be cancelled before this step.
    pub(crate) fn cancellable(&self, name: &str) -> bool {
        (self.on_cancel)(name).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::{
        backup::Backup, base_backup::Base, delete::Delete, pitr_restore::PitrRestore,
        prove_backup::ProveBackup, provision::Provision, restart::Restart, restore::Restore,
        restore_backup::RestoreBackup, start::Start, stop::Stop,
    };
    use durable::OnFailure;
    use std::collections::BTreeSet;
    use types::PgVersion;

    /// Begin and end, as diagrams write them.
    const OUTSIDE: &str = "[*]";

    type Edges = BTreeSet<(String, String, String)>;

    /// The arrows that follow from the code.
    fn edges<K: Kind>() -> Edges {
        let mut edges = Edges::new();
        let mut add = |from: &str, to: &str, why: &str| edges.insert((from.into(), to.into(), why.into()));
        let road: Vec<_> = K::FORWARD.iter().copied().map(label).collect();
        let back: Vec<_> = K::UNWINDING.iter().copied().map(label).collect();
        for pair in road.windows(2).chain(back.windows(2)) {
            add(&pair[0], &pair[1], "");
        }
        add(OUTSIDE, &road[0], "");
        add(&road[road.len() - 1], OUTSIDE, "succeeded");
        if let Some(last) = back.last() {
            add(last, OUTSIDE, "taken back");
        }
        for (from, to, why) in K::DETOURS {
            add(&label(*from), &label(*to), why);
        }
        for step in K::FORWARD.iter().copied() {
            match K::on_failure(step) {
                OnFailure::Unwind(to) => add(&label(step), &label(to), "fails"),
                OnFailure::Human => add(&label(step), OUTSIDE, "waits for a person"),
                OnFailure::Forward => true,
            };
        }
        edges
    }

    /// The arrows of the first diagram in a document: `from --> to : why`.
    fn drawn(document: &str) -> Edges {
        let diagram =
            document.split("```mermaid\nstateDiagram-v2\n").nth(1).unwrap().split("```").next().unwrap();
        let arrow = |line: &str| {
            let (from, rest) = line.trim().split_once(" --> ")?;
            let (to, why) = rest.split_once(" : ").unwrap_or((rest, ""));
            Some((from.to_owned(), to.to_owned(), why.to_owned()))
        };
        diagram.lines().filter(|line| !line.trim().is_empty()).map(|line| arrow(line).unwrap()).collect()
    }

    fn check<K: Kind>() {
        let path = format!("{}/../../docs/operations/{}.md", env!("CARGO_MANIFEST_DIR"), K::KIND);
        let document = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        assert_eq!(drawn(&document), edges::<K>(), "{path} differs from the code");
        for step in K::STEPS {
            let row = format!("| `{}` |", label(*step));
            assert!(document.contains(&row), "{path} has no row for {step:?}");
        }
        assert_eq!(K::STEPS, [K::FORWARD, K::UNWINDING].concat(), "{}", K::KIND);
        let about =
            About { database: "my_app_4553".into(), version: PgVersion::new(17, 11), app: "my-app".into() };
        let told = crate::ops::told(K::KIND).unwrap();
        for step in K::STEPS.iter().copied() {
            assert!(!told.step_title(&label(step), &about).is_empty());
            for moment in [Moment::At(step), Moment::Stuck(step), Moment::TakingBack, Moment::Failed] {
                let safety = K::safety(moment, &about);
                assert!(safety.ends_with('.') && !safety.contains('!'), "{safety}");
            }
        }
    }

    #[test]
    fn documents_draw_what_the_code_does() {
        check::<Provision>();
        check::<Delete>();
        check::<Restore>();
        check::<Start>();
        check::<Stop>();
        check::<Restart>();
        check::<Backup>();
        check::<ProveBackup>();
        check::<RestoreBackup>();
        check::<Base>();
        check::<PitrRestore>();
    }

    /// Labels are in people's stores: a new one is added here, an old one is never changed.
    #[test]
    fn labels_are_never_renamed() {
        let stored = [
            ("provision", "place configure start create_database fill verify publish call_hook clean_up"),
            ("delete", "stop withdraw trash call_hook"),
            ("restore", "untrash configure start verify publish call_hook put_back"),
            ("start", "configure start verify call_hook stop_again"),
            ("stop", "stop"),
            ("restart", "stop configure start verify call_hook"),
            ("change_plan", "check configure checkpoint restart limit verify record call_hook put_back"),
            ("change_password", "open_login verify publish call_hook close_old discard"),
            ("backup", "dump discard"),
            ("prove_backup", "restore give_up"),
            ("restore_backup", "save load switch call_hook discard"),
            ("base_backup", "copy leave"),
            (
                "pitr_restore",
                "archive copy replay look close stop promote switch open put_away call_hook reopen discard",
            ),
        ];
        for (kind, labels) in stored {
            let told = crate::ops::told(kind).unwrap();
            let now = [told.forward, told.unwinding].concat().join(" ");
            assert_eq!(now, labels, "{kind}");
        }
    }
}
