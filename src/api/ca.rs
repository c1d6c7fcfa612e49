//! The certificate of the CA that signs the databases' certificates: public, so that `sslmode=verify-full` works.

use super::{Api, error::Result};
use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};

/// The CA certificate, PEM.
#[utoipa::path(
    get, path = "/api/ca_certificate", tag = "databases", security(()),
    responses((status = 200, body = String, content_type = "application/x-pem-file"))
)]
pub async fn certificate(State(api): State<Api>) -> Result<Response> {
    let pem = api.control.ca_certificate().await?;
    let headers = [
        (header::CONTENT_TYPE, "application/x-pem-file"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"paddock-ca.pem\""),
    ];
    Ok((headers, pem).into_response())
}
