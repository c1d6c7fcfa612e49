//! What the address of the environment page asks for, and the addresses of its other looks.

use serde::{Deserialize, Serialize};

/// What the address asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// Name of the app.
    pub app: String,
    /// References are replaced by what they refer to.
    pub resolved: bool,
    /// Secrets are shown.
    pub reveal: bool,
    /// The id of the variable that is being changed, or nothing.
    pub edit: String,
}

impl Look {
    /// The address of another look at the same app.
    #[must_use]
    pub fn href(&self, resolved: bool, reveal: bool, edit: &str) -> String {
        let view = resolved.then_some("view=resolved");
        let reveal = reveal.then_some("reveal=1");
        let edit = (!edit.is_empty()).then(|| format!("edit={}", crate::next::encode(edit)));
        let query: Vec<_> = view.into_iter().chain(reveal).map(ToOwned::to_owned).chain(edit).collect();
        let page = super::super::href(&self.app, "environment");
        if query.is_empty() { page } else { format!("{page}?{}", query.join("&")) }
    }
}

#[cfg(test)]
mod tests {
    use super::Look;

    #[test]
    fn a_look_has_an_address() {
        let look = Look { app: "my-app".into(), resolved: false, reveal: false, edit: String::new() };
        assert_eq!(look.href(false, false, ""), "/apps/my-app/environment");
        assert_eq!(
            look.href(true, true, "va-1"),
            "/apps/my-app/environment?view=resolved&reveal=1&edit=va-1"
        );
    }
}
