//! The built files of the dashboard: scripts, WebAssembly, styles, fonts, icons.
//!
//! Only files below the site root, only by GET and HEAD, precompressed ones where the browser takes them. A file whose
//! name carries its hash never changes, so it may be kept for a year; the others are asked for again each time.

use axum::{
    Router,
    extract::Request,
    http::{HeaderValue, header},
    middleware::{Next, from_fn},
    response::Response,
};
use leptos::config::LeptosOptions;
use std::path::PathBuf;
use tower_http::services::ServeDir;

const IMMUTABLE: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");

/// The options that leptos needs, from the build and from where the files lie.
#[must_use]
pub fn options(configured: Option<PathBuf>) -> LeptosOptions {
    let root = configured
        .or_else(|| std::env::var_os("LEPTOS_SITE_ROOT").map(PathBuf::from))
        .or_else(beside_the_executable)
        .unwrap_or_else(|| PathBuf::from("target/site"));
    LeptosOptions::builder()
        .output_name(env!("LEPTOS_OUTPUT_NAME"))
        .site_root(root.display().to_string())
        .site_pkg_dir("pkg")
        .hash_files(has_hashes())
        .build()
}

fn beside_the_executable() -> Option<PathBuf> {
    let site = std::env::current_exe().ok()?.parent()?.join("site");
    site.is_dir().then_some(site)
}

/// leptos reads the hashes from `hash.txt` beside the executable; where the build wrote none, names are plain.
fn has_hashes() -> bool {
    let wanted = std::env::var("LEPTOS_HASH_FILES").map_or(true, |text| text == "true");
    let written = std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.join("hash.txt").is_file()));
    wanted && written.unwrap_or(false)
}

/// Serves the directory.
#[must_use]
pub fn directory(options: &LeptosOptions) -> ServeDir {
    ServeDir::new(&*options.site_root)
        .append_index_html_on_directories(false)
        .precompressed_br()
        .precompressed_gzip()
}

/// The places where built files lie, apart from the dashboard: a file needs no session, so none is looked up.
pub fn router(options: &LeptosOptions) -> Router {
    let mut router = Router::new();
    for place in ["/pkg/{*file}", "/fonts/{*file}", "/favicon.svg"] {
        router = router.route_service(place, directory(options));
    }
    router.layer(from_fn(keep))
}

/// Says how long a file may be kept.
pub async fn keep(request: Request, next: Next) -> Response {
    let hashed = is_hashed(request.uri().path());
    let mut response = next.run(request).await;
    if response.status().is_success() || response.status() == axum::http::StatusCode::NOT_MODIFIED {
        let value = if hashed { IMMUTABLE } else { ASK_AGAIN };
        response.headers_mut().insert(header::CACHE_CONTROL, value);
    }
    response
}

/// `/pkg/paddock.Yx3-bA9_….wasm`: cargo-leptos puts the hash between name and kind.
fn is_hashed(path: &str) -> bool {
    let Some(name) = path.strip_prefix("/pkg/") else { return false };
    let mut parts = name.split('.');
    let (_, hash) = (parts.next(), parts.next());
    let is_hash =
        |h: &str| h.len() >= 16 && h.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    hash.is_some_and(is_hash) && parts.next().is_some()
}

#[cfg(test)]
mod tests {
    use super::is_hashed;

    #[test]
    fn only_hashed_names_are_kept() {
        assert!(is_hashed("/pkg/paddock.ZmFzdGVyIGhhc2g_-w.js"));
        for path in [
            "/pkg/paddock.js",
            "/pkg/paddock.wasm",
            "/pkg/a/paddock.css",
            "/favicon.svg",
            "/pkg/",
            "/x.0123456789abcdef.js",
        ] {
            assert!(!is_hashed(path), "{path}");
        }
    }
}
