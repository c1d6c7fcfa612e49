//! A command that follows what is typed into its form: made anew at every change by the function that the server made it
//! with. A password that is typed goes nowhere; that there is one is all that counts.

use types::command::Typed;
use web_sys::{Element, FormData, HtmlFormElement};

/// Brings the command of `form` up to date; a form without one is left alone.
pub fn follow(form: &HtmlFormElement) {
    let Ok(Some(fold)) = form.query_selector("[data-follows]") else { return };
    let typed = fold.get_attribute("data-follows").and_then(|text| serde_json::from_str::<Typed>(&text).ok());
    let (Some(typed), Ok(data)) = (typed, FormData::new_with_form(form)) else { return };
    let Some(command) = typed.command(|name| data.get(name).as_string()) else {
        // What is typed cannot be written as a command.
        drop(fold.set_attribute("hidden", ""));
        return;
    };
    drop(fold.remove_attribute("hidden"));
    write(&fold, "api", &command.api);
    if let Some(sql) = command.sql {
        write(&fold, "sql", &sql.text);
    }
}

fn write(fold: &Element, part: &str, text: &str) {
    if let Ok(Some(code)) = fold.query_selector(&format!("[data-part={part}] pre code")) {
        code.set_text_content(Some(text));
    }
}
