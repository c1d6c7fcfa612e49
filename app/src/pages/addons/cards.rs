//! Plans as cards with one radio button each: for a new database and for a change of plan.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use types::Plan;

/// The plan that the address names under `key`, or the first with backups' worth of disk: the second of the list.
pub fn chosen_plan(plans: &[Plan], key: &'static str) -> Memo<String> {
    let names: Vec<_> = plans.iter().map(|plan| plan.name.clone()).collect();
    let query = use_query_map();
    Memo::new(move |_| {
        let asked = query.read().get(key).filter(|plan| names.contains(plan));
        asked.or_else(|| names.get(1).or_else(|| names.first()).cloned()).unwrap_or_default()
    })
}

/// One card per plan, of which one is chosen.
#[component]
pub fn PlanCards(
    /// Id of the group, for the link of an error.
    id: &'static str,
    /// Name of the radio buttons.
    name: &'static str,
    /// The plans, in order.
    plans: Vec<Plan>,
    /// Name of the chosen one.
    chosen: Memo<String>,
    /// The plan that the database has: it cannot be chosen, and the others say what differs.
    #[prop(optional_no_strip)]
    current: Option<Plan>,
) -> impl IntoView {
    let cards = plans
        .into_iter()
        .map(|plan| view! { <PlanCard name plan chosen current=current.clone() /> })
        .collect_view();
    view! {
        <fieldset class="plans" id=id tabindex="-1">
            <legend>"Plan"</legend>
            <div class="plan-cards">{cards}</div>
        </fieldset>
    }
}

#[component]
fn PlanCard(name: &'static str, plan: Plan, chosen: Memo<String>, current: Option<Plan>) -> impl IntoView {
    let own = StoredValue::new(plan.name.clone());
    let picked = move || own.with_value(|name| chosen.with(|chosen| chosen == name));
    let is_current = current.as_ref().is_some_and(|current| current.name == plan.name);
    let note = current.filter(|_| !is_current).map(|current| difference(&current, &plan));
    view! {
        <label class="plan" data-current=is_current>
            <input type="radio" name=name value=plan.name.clone() checked=move || picked() && !is_current disabled=is_current />
            <span class="plan-name">{plan.display_name.clone()}</span>
            <span class="plan-line">
                <b>{plan.memory()}</b>
                " memory"
            </span>
            <span class="plan-line">
                <b>{plan.connections()}</b>
                " connections"
            </span>
            <span class="plan-line">
                <b>{plan.disk()}</b>
                " disk"
            </span>
            <span class="plan-line">{plan.cpu()}</span>
            <span class="plan-line">{ways_back(&plan)}</span>
            <span class="plan-for">
                {if is_current { "The plan that it has.".to_owned() } else { note.unwrap_or(plan.description) }}
            </span>
        </label>
    }
}

/// "Backups: 7 daily, 4 weekly. Any moment of 7 days": how a plan keeps what was.
fn ways_back(plan: &Plan) -> String {
    match (plan.backups().as_str(), moments(plan)) {
        ("none", None) => "No backups".into(),
        ("none", Some(moments)) => format!("No backups. Any moment of {moments}"),
        (backups, None) => format!("Backups: {backups}"),
        (backups, Some(moments)) => format!("Backups: {backups}. Any moment of {moments}"),
    }
}

/// `7 days`; nothing where the plan has no point-in-time recovery.
fn moments(plan: &Plan) -> Option<String> {
    match plan.pitr_days {
        0 => None,
        1 => Some("1 day".into()),
        n => Some(format!("{n} days")),
    }
}

/// "2 × memory, 2 × disk", "half the memory": what differs, as people would say it.
fn difference(current: &Plan, plan: &Plan) -> String {
    let factor = |old: u32, new: u32, what: &str| match (old, new) {
        (0, _) | (_, 0) => None,
        (old, new) if old == new => None,
        (old, new) if new > old => Some(format!("{} × {what}", times(new, old))),
        (old, new) => Some(format!("{what} ÷ {}", times(old, new))),
    };
    let parts = [
        factor(current.memory_mib, plan.memory_mib, "memory"),
        factor(current.disk_mib, plan.disk_mib, "disk"),
        factor(current.cpu_milli, plan.cpu_milli, "CPU"),
    ];
    let known = current.memory_mib > 0;
    let rules = |old: String, new: String, what: &str| match new.as_str() {
        _ if !known || old == new => None,
        "none" => Some(format!("no {what}")),
        new => Some(format!("{what}: {new}")),
    };
    let days = |plan: &Plan| moments(plan).unwrap_or_else(|| "none".into());
    let kept = [
        rules(current.backups(), plan.backups(), "backups"),
        rules(days(current), days(plan), "point-in-time recovery"),
    ];
    let parts: Vec<_> = parts.into_iter().chain(kept).flatten().collect();
    if parts.is_empty() { "The same limits.".into() } else { parts.join(", ") }
}

/// `2`, `1.5`, `20`.
fn times(more: u32, less: u32) -> String {
    let tenths = (u64::from(more) * 10 + u64::from(less) / 2) / u64::from(less);
    if tenths.is_multiple_of(10) {
        (tenths / 10).to_string()
    } else {
        format!("{}.{}", tenths / 10, tenths % 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_reads_naturally() {
        let plans = Plan::defaults();
        assert_eq!(difference(&plans[1], &plans[2]), "2 × memory, 2 × disk, 2 × CPU");
        assert_eq!(difference(&plans[2], &plans[1]), "memory ÷ 2, disk ÷ 2, CPU ÷ 2");
        assert_eq!(difference(&plans[2], &plans[3]), "2 × memory, 2 × disk, 1.5 × CPU");
        assert_eq!(difference(&plans[1], &plans[1]), "The same limits.");
    }

    #[test]
    fn rules_for_backups_are_compared_and_shown() {
        let plans = Plan::defaults();
        let down = difference(&plans[1], &plans[0]);
        assert!(down.ends_with(", no backups, no point-in-time recovery"), "{down}");
        let up = difference(&plans[0], &plans[1]);
        assert!(
            up.ends_with(", backups: 7 daily, 4 weekly, 10 manual, point-in-time recovery: 7 days"),
            "{up}"
        );
        let unknown = Plan { memory_mib: 0, disk_mib: 0, cpu_milli: 0, ..plans[0].clone() };
        assert_eq!(difference(&unknown, &plans[1]), "The same limits.", "of it nothing is known");
        assert_eq!(ways_back(&plans[0]), "No backups");
        assert_eq!(ways_back(&plans[1]), "Backups: 7 daily, 4 weekly, 10 manual. Any moment of 7 days");
    }
}
