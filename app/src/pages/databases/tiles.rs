//! The figures of a running database: value, limit, meter, and what is counted.

use crate::ui::Meter;
use leptos::{either::Either, prelude::*};
use types::{
    plan::size,
    view::{DatabaseView, Figures},
};

/// Connections and disk.
#[component]
pub fn Tiles(
    /// The database.
    view: DatabaseView,
) -> impl IntoView {
    let included = u64::from(view.addon.plan.disk_mib) * 1024 * 1024;
    let tiles = match &view.figures {
        Some(figures) => Either::Left((connections(figures), disk(figures, included))),
        None => {
            let why = "The server does not run, so there is nothing to read.";
            let disk = format!("{} are included.", size(included));
            Either::Right((unknown("Connections", why.to_owned()), unknown("Disk", disk)))
        }
    };
    view! { <div class="grid g2">{tiles}</div> }
}

fn connections(figures: &Figures) -> impl IntoView + use<> {
    let (used, limit) = (f64::from(figures.connections), f64::from(figures.max_connections));
    view! {
        <dl class="panel tile">
            <dt>"Connections"</dt>
            <dd class="v">{figures.connections} <small>" of " {figures.max_connections}</small></dd>
            <dd class="sub">"Clients that are connected now, idle ones included: they are your pool."</dd>
            <dd>
                <Meter value=used of=limit label="Connections used" />
            </dd>
        </dl>
    }
}

#[expect(clippy::cast_precision_loss, reason = "a meter of a hundred pixels")]
fn disk(figures: &Figures, included: u64) -> impl IntoView + use<> {
    let note = format!(
        "{} of it are tables and indexes; the rest is WAL and the server's own files.",
        size(figures.data_bytes)
    );
    view! {
        <dl class="panel tile">
            <dt>"Disk"</dt>
            <dd class="v">{size(figures.disk_bytes)} <small>" of " {size(included)}</small></dd>
            <dd class="sub">{note}</dd>
            <dd>
                <Meter value=figures.disk_bytes as f64 of=included as f64 label="Disk used" />
            </dd>
        </dl>
    }
}

fn unknown(name: &'static str, why: String) -> impl IntoView {
    view! {
        <dl class="panel tile">
            <dt>{name}</dt>
            <dd class="v">"—"</dd>
            <dd class="sub">{why}</dd>
        </dl>
    }
}
