//! The Content-Security-Policy of pages and of everything else.
//!
//! A page may run its own scripts only: files of this origin, and inline scripts that carry this response's nonce.
//! There is no `'strict-dynamic'`: it would refuse the module that Leptos preloads by a link without a nonce. Nothing of
//! this origin but our own files is served as a script.
//! `'wasm-unsafe-eval'` lets WebAssembly be compiled and nothing else be evaluated.

/// For whatever is not a page: it may do nothing at all if a browser shows it.
pub const NOTHING: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// For a page whose inline scripts carry `nonce`.
#[must_use]
pub fn page(nonce: &str) -> String {
    format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self'; \
         img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; \
         base-uri 'none'; object-src 'none'; frame-ancestors 'none'"
    )
}
