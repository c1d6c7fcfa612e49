//! Signatures of webhooks, as <https://www.standardwebhooks.com> has them.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use types::OperationId;

/// The three headers of a signed webhook. `secret` is `whsec_` and base64.
pub(super) fn sign(
    secret: &SecretString,
    id: OperationId,
    timestamp: i64,
    body: &str,
) -> Vec<(&'static str, String)> {
    let encoded = secret.expose_secret().strip_prefix("whsec_").unwrap_or_default();
    let key = BASE64_STANDARD.decode(encoded).unwrap_or_default();
    let signature = match Hmac::<Sha256>::new_from_slice(&key) {
        Ok(mut mac) => {
            mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
            BASE64_STANDARD.encode(mac.finalize().into_bytes())
        }
        // HMAC takes keys of any length.
        Err(_) => String::new(),
    };
    vec![
        ("webhook-id", id.to_string()),
        ("webhook-timestamp", timestamp.to_string()),
        ("webhook-signature", format!("v1,{signature}")),
    ]
}

/// A new signing secret: `whsec_` and 32 random bytes.
pub(super) fn new_secret() -> SecretString {
    let mut key = [0u8; 32];
    rand::fill(&mut key);
    format!("whsec_{}", BASE64_STANDARD.encode(key)).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    /// The example of the Standard Webhooks reference libraries, with our form of id put in its place.
    #[test]
    fn a_signature_is_what_a_receiver_computes() {
        let secret = SecretString::from("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let id = OperationId::new(Uuid::from_u128(1));
        let headers = sign(&secret, id, 1_614_265_330, r#"{"test": 2432232314}"#);
        let key = BASE64_STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
        mac.update(format!(r#"{id}.1614265330.{{"test": 2432232314}}"#).as_bytes());
        let (_, signature) = headers.iter().find(|(name, _)| *name == "webhook-signature").unwrap();
        let sent = BASE64_STANDARD.decode(signature.strip_prefix("v1,").unwrap()).unwrap();
        mac.verify_slice(&sent).unwrap();
        assert_eq!(headers[0], ("webhook-id", id.to_string()));
    }

    #[test]
    fn secrets_are_24_to_64_bytes_as_the_standard_asks() {
        let secret = new_secret();
        let bytes = BASE64_STANDARD.decode(secret.expose_secret().strip_prefix("whsec_").unwrap()).unwrap();
        assert_eq!(bytes.len(), 32);
    }
}
