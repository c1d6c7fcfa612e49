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
            <span class="plan-for">
                {if is_current { "The plan that it has.".to_owned() } else { note.unwrap_or(plan.description) }}
            </span>
        </label>
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
    let parts: Vec<_> = parts.into_iter().flatten().collect();
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
}
