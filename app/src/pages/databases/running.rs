//! The line under a database's name while something runs on it: how far it is, and the way to its page.

use crate::live::{Live, follow};
use crate::ui::Progress;
use leptos::prelude::*;
use types::operation::OperationView;

/// Follows the operation; when it has ended, the page is loaded again, for what it did.
#[island]
pub fn RunningLine(
    /// The operation as the page found it.
    first: OperationView,
) -> impl IntoView {
    let (title, href) = (first.title.clone(), format!("/operations/{}", first.id));
    let Live { view, .. } = follow(first, || drop(window().location().reload()));
    let percent = Memo::new(move |_| view.with(OperationView::percent));
    let sentence = Memo::new(move |_| view.with(OperationView::sentence));
    view! {
        <div class="running">
            <Progress percent label=title.clone() />
            <p>
                <span role="status">{title} " – " {sentence}</span>
                " "
                <a href=href>"Follow"</a>
            </p>
        </div>
    }
}
