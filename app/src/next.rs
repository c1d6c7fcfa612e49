//! Where to go after signing in: only pages of this dashboard, so that a link cannot send people elsewhere.

#[cfg(feature = "ssr")]
use crate::error::AppError;
#[cfg(feature = "ssr")]
use leptos::server_fn::error::ServerFnUrlError;

/// Where people land when nothing better is known.
pub const HOME: &str = "/apps";

/// `next` if it is a path of this dashboard, else [`HOME`].
///
/// Refused: other hosts (`https://…`, `//…`, and `/\…`, which browsers read as `//…`), control characters, which
/// browsers drop, and the addresses that are doors and not pages.
#[must_use]
pub fn safe(next: &str) -> &str {
    let path = next.strip_prefix('/');
    let local = path.is_some_and(|rest| !rest.starts_with(['/', '\\']));
    let plain = next.len() <= 512 && next.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    let page = !["/do/", "/login", "/account/confirm", "/setup", "/v1/", "/api/", "/events/", "/downloads/"]
        .iter()
        .any(|door| next.starts_with(door));
    if local && plain && page { next } else { HOME }
}

/// The login page that comes back to `page`.
#[must_use]
pub fn login(page: &str) -> String {
    match safe(page) {
        HOME | "/" => "/login".into(),
        next => format!("/login?next={}", encode(next)),
    }
}

/// The page that asks for the password again and comes back to `page`. `act`: the form of that page that was sent.
#[must_use]
pub fn confirm(page: &str, act: Option<&str>) -> String {
    let act = act.map(|act| format!("&act={}", encode(act))).unwrap_or_default();
    format!("/account/confirm?next={}{act}", encode(safe(page)))
}

/// `page` where the form `act` stands, told there with `error`: nothing of it was done, and it keeps what was typed.
#[cfg(feature = "ssr")]
#[must_use]
pub fn told(page: &str, act: &str, error: AppError) -> String {
    let page = safe(page);
    if !act.starts_with("/do/") {
        return page.into();
    }
    const HOST: &str = "http://paddock";
    let url = ServerFnUrlError::new(act, error).to_url(&format!("{HOST}{page}"));
    url.ok().and_then(|url| Some(url.as_str().strip_prefix(HOST)?.to_owned())).unwrap_or_else(|| page.into())
}

/// `text` as the value of a query parameter.
#[must_use]
pub fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~' | b'/') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_this_dashboard_are_kept() {
        for page in ["/apps", "/databases/ad-1?dialog=connect&format=psql", "/invitations/x", "/"] {
            assert_eq!(safe(page), page);
        }
    }

    #[test]
    fn nothing_leads_elsewhere() {
        let bad =
            ["", "apps", "//evil.example", "/\\evil.example", "https://evil.example", "/\t/evil.example"];
        let doors =
            ["/login?next=/login", "/do/sign_out", "/downloads/x", "/a\nb", "/é", "javascript:alert(1)"];
        for next in bad.into_iter().chain(doors) {
            assert_eq!(safe(next), HOME, "{next:?}");
        }
    }

    #[cfg(feature = "ssr")]
    #[test]
    fn a_form_is_told_on_its_page() {
        let error = || AppError::field("x", "a & b");
        let told = told("/apps/x?dialog=delete", "/do/delete_app", error());
        let (page, at) = told.split_once("&__err=").unwrap();
        assert_eq!(page, "/apps/x?dialog=delete&__path=%2Fdo%2Fdelete_app");
        assert_eq!(ServerFnUrlError::<AppError>::decode_err(&at.replace("%3D", "=")), error());
        assert_eq!(super::told("//evil.example", "", error()), HOME);
        assert_eq!(super::told("//evil.example", "/do/x", error()).split('?').next(), Some(HOME));
    }

    #[test]
    fn the_way_back_survives_the_address() {
        assert_eq!(login("/apps/x?view=resolved&a=b"), "/login?next=/apps/x%3Fview%3Dresolved%26a%3Db");
        assert_eq!(login("/apps"), "/login");
    }
}
