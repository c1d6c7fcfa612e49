//! What was there before a restore: it waits in the server, and can come back or be dropped.

use super::acts::{BringBackReplaced, DropReplaced};
use crate::ui::{Confirm, ErrorSummary, Panel, RowForm, Variant, problem};
use leptos::prelude::*;
use types::AddonId;

/// The panel.
#[component]
pub fn Replaced(
    /// The database.
    id: AddonId,
    /// Its name.
    name: String,
    /// Puts it back.
    bring_back: ServerAction<BringBackReplaced>,
    /// Drops it.
    let_go: ServerAction<DropReplaced>,
) -> impl IntoView {
    let fields = vec![("id", id.to_string())];
    let (same, object) = (fields.clone(), name.clone());
    view! {
        <ErrorSummary problem=problem(bring_back) />
        <ErrorSummary problem=problem(let_go) />
        <Panel title="What was there before the restore">
            <div class="stack">
                <p>
                    "The data that the restore replaced waits in the server, where nobody reaches it, for three days after the restore. It takes disk until then."
                </p>
                <div class="actions">
                    <Confirm
                        verb="Bring it back"
                        object=object
                        consequence="Connections are closed for a moment. What is there now waits in its place, so this can be taken back as well."
                        main=true
                    >
                        <RowForm action=bring_back fields=same variant=Variant::Primary large=true>
                            "Bring it back now"
                        </RowForm>
                    </Confirm>
                    <Confirm
                        verb="Drop it"
                        object=name
                        consequence="It is gone for good; the safety backup that was made before the restore stays. Its disk is free again."
                        main=true
                    >
                        <RowForm action=let_go fields variant=Variant::Danger large=true>
                            "Drop it now"
                        </RowForm>
                    </Confirm>
                </div>
            </div>
        </Panel>
    }
}
