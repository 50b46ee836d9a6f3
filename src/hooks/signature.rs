//! The signature by which a receiver knows that a message is ours.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use ring::hmac;

/// How a secret begins.
const PREFIX: &str = "whsec_";

/// How a signature begins: the version of its scheme, HMAC-SHA256.
const VERSION: &str = "v1";

/// Takes what others wrote with or without `=` at its end.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The keys that messages are signed with: one, or two while one replaces the other. Never shown.
pub struct Keys(Vec<hmac::Key>);

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Keys({})", self.0.len())
    }
}

impl Keys {
    /// The keys of secrets as they are written: `whsec_` and base64.
    ///
    /// # Errors
    /// In words, and without the secret: one is none.
    pub fn parse(secrets: &[String]) -> Result<Keys, String> {
        let key = |secret: &String| {
            let bytes = secret.strip_prefix(PREFIX).and_then(|text| BASE64.decode(text).ok());
            let bytes = bytes.filter(|bytes| !bytes.is_empty());
            let bytes = bytes.ok_or("a secret is whsec_ and then base64")?;
            Ok(hmac::Key::new(hmac::HMAC_SHA256, &bytes))
        };
        secrets.iter().map(key).collect::<Result<_, String>>().map(Keys)
    }

    /// The signature of a message that leaves at a Unix time: one by each key, apart by spaces.
    pub fn sign(&self, id: &str, timestamp: i64, body: &str) -> String {
        let signed = format!("{id}.{timestamp}.{body}");
        let sign = |key| {
            let tag = hmac::sign(key, signed.as_bytes());
            format!("{VERSION},{}", BASE64.encode(tag))
        };
        self.0.iter().map(sign).collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(secrets: &[&str]) -> Result<Keys, String> {
        Keys::parse(&secrets.iter().map(|&secret| secret.to_owned()).collect::<Vec<_>>())
    }

    /// The example that every library of the standard is tested with.
    #[test]
    fn a_message_is_signed_as_the_standard_has_it() {
        let signs = |secret: &str| {
            let keys = keys(&[secret]).unwrap();
            let (id, at) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330);
            keys.sign(id, at, "{\"test\": 2432232314}")
        };
        let expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(signs("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), expected);
        let other = signs("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSx");
        assert_ne!(other, expected);
    }

    #[test]
    fn while_a_secret_is_replaced_both_sign() {
        let (old, new) = ("whsec_b2xkIHNlY3JldA==", "whsec_bmV3IHNlY3JldA");
        let sign = |secrets: &[&str]| keys(secrets).unwrap().sign("evt_88", 1, "{}");
        assert_eq!(sign(&[old, new]), format!("{} {}", sign(&[old]), sign(&[new])));
    }

    #[test]
    fn what_is_no_secret_is_refused_and_never_shown() {
        for bad in ["MfKQ9r8GKYqrTwjU", "whsec_", "whsec_!!!!", "sk_live_1", ""] {
            assert_eq!(keys(&[bad]).unwrap_err(), "a secret is whsec_ and then base64", "{bad}");
        }
        let shown = format!("{:?}", keys(&["whsec_MfKQ9r8GKYqrTwjU"]).unwrap());
        assert_eq!(shown, "Keys(1)");
    }
}
