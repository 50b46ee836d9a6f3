use chrono::TimeDelta;
use proptest::prelude::*;

use super::*;

const SECRET: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

fn claims(purpose: Purpose) -> Claims {
    Claims {
        purpose,
        tenant: TenantId(7),
        invoice: Some(InvoiceId(42)),
        expires_at: at(1_800_000_000),
        generation: 3,
        subject: Subject::form("cookie", "pay"),
    }
}

#[test]
fn a_token_says_what_was_signed_until_it_expires() {
    let signer = Signer::from_secret(SECRET);
    for purpose in Purpose::ALL {
        let token = signer.sign(&claims(purpose));
        assert!(token.len() == TOKEN_LENGTH && token.len() <= 120, "{token}");
        assert!(token.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)), "{token}");
        assert_eq!(signer.verify(purpose, &token, at(1_799_999_999)), Ok(claims(purpose)));
        assert_eq!(signer.verify(purpose, &token, at(1_800_000_000)), Err(Bad::Expired));
        assert_eq!(signer.sign(&claims(purpose)), token, "the same claims, the same token");
    }
}

/// What was signed once is in e-mails that are kept: a token of today is read for as long as it holds.
#[test]
fn a_token_stays_what_it_is() {
    let token = Signer::from_secret(SECRET).sign(&claims(Purpose::Invoice));
    let expected = "AgAAAAAAAAAHAAAAAAAAACoAAAAAa0nSAAAAAAAAAAAD";
    assert!(token.starts_with(expected), "{token}");
}

#[test]
fn a_token_is_for_one_purpose() {
    let signer = Signer::from_secret(SECRET);
    for made_for in Purpose::ALL {
        let token = signer.sign(&claims(made_for));
        for purpose in Purpose::ALL {
            let read = signer.verify(purpose, &token, at(0));
            assert_eq!(read.is_ok(), purpose == made_for, "{made_for:?} as {purpose:?}");
        }
        // Nor by writing another purpose over it.
        let mut bytes = BASE64.decode(&token).unwrap();
        for purpose in Purpose::ALL.into_iter().filter(|purpose| *purpose != made_for) {
            bytes[0] = purpose.byte();
            let read = signer.verify(purpose, &BASE64.encode(&bytes), at(0));
            assert_eq!(read, Err(Bad::Forged));
        }
        assert_eq!(signer.verify_any(&Purpose::ALL, &token, at(0)), Ok(claims(made_for)));
        assert_eq!(signer.verify_any(&[], &token, at(0)), Err(Bad::Forged));
    }
}

#[test]
fn a_secret_can_be_replaced_by_another() {
    let two = |first: &str, second: &str| {
        let secrets = [first, second].map(|secret| Token::new(secret.to_owned()));
        Signer::from_secrets(&secrets).unwrap()
    };
    let (old, new) = (SECRET, SECRET.to_uppercase());
    let before = Signer::from_secret(old).sign(&claims(Purpose::Portal));
    let meanwhile = two(&new, old);
    assert!(meanwhile.verify(Purpose::Portal, &before, at(0)).is_ok());
    let after = meanwhile.sign(&claims(Purpose::Portal));
    assert!(Signer::from_secret(&new).verify(Purpose::Portal, &after, at(0)).is_ok());
    let gone = Signer::from_secret(&new).verify(Purpose::Portal, &before, at(0));
    assert_eq!(gone, Err(Bad::Forged));
    assert!(Signer::from_secrets(&[]).is_none());
    assert_eq!(format!("{meanwhile:?}"), "Signer(…)");
}

/// A form is of one session and one name; where one part ends and the next begins is hashed too.
#[test]
fn a_subject_tells_its_parts_apart() {
    let forms = [("a", "bc"), ("ab", "c"), ("abc", ""), ("", "abc")];
    let subjects: Vec<_> = forms.iter().map(|(s, f)| Subject::form(s, f)).collect();
    for (at, subject) in subjects.iter().enumerate() {
        assert!(!subjects[..at].contains(subject) && *subject != Subject::NONE);
    }
    assert_eq!(Subject::address("Awa@Shop.example"), Subject::address("awa@shop.example"));
    assert_ne!(Subject::address("awa@shop.example"), Subject::address("awa@shop.exemple"));
}

/// Whatever is sent is read without a panic, and nothing of it is taken.
#[test]
fn what_nobody_signed_is_refused() {
    let signer = Signer::from_secret(SECRET);
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };
    const LETTERS: &[u8] =
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=+/.% \0";
    for round in 0..100_000 {
        let any = next();
        let text: String = match round % 4 {
            // Any text, of any length.
            0 => (0..any % 200).filter_map(|_| char::from_u32(next() as u32 % 0x11_0000)).collect(),
            // Letters of tokens, and some others.
            1 => (0..any % 200).map(|_| LETTERS[next() as usize % LETTERS.len()] as char).collect(),
            // The right length and the right letters.
            2 => (0..TOKEN_LENGTH).map(|_| LETTERS[next() as usize % 64] as char).collect(),
            // Bytes of the right length.
            _ => BASE64.encode((0..CLAIMS + MAC).map(|_| next() as u8).collect::<Vec<_>>()),
        };
        let read = signer.verify_any(&Purpose::ALL, &text, at(0));
        assert!(matches!(read, Err(Bad::Malformed | Bad::Forged)), "{text:?}");
    }
}

fn any_claims() -> impl Strategy<Value = Claims> {
    let purpose = (0..Purpose::ALL.len()).prop_map(|at| Purpose::ALL[at]);
    let invoice = proptest::option::of((1..i64::MAX).prop_map(InvoiceId));
    let subject = prop_oneof![
        Just(Subject::NONE),
        any::<(String, String)>().prop_map(|(session, form)| Subject::form(&session, &form)),
    ];
    (purpose, 1..i64::MAX, invoice, 1_i64..8_000_000_000, 0..i64::MAX, subject).prop_map(
        |(purpose, tenant, invoice, expires_at, generation, subject)| Claims {
            purpose,
            tenant: TenantId(tenant),
            invoice,
            expires_at: at(expires_at),
            generation,
            subject,
        },
    )
}

proptest! {
    #[test]
    fn whatever_is_signed_is_read_again(claims in any_claims()) {
        let signer = Signer::from_secret(SECRET);
        let now = claims.expires_at - TimeDelta::seconds(1);
        prop_assert_eq!(signer.verify(claims.purpose, &signer.sign(&claims), now), Ok(claims));
    }

    #[test]
    fn a_flipped_bit_is_refused(claims in any_claims(), bit in 0..(CLAIMS + MAC) * 8) {
        let signer = Signer::from_secret(SECRET);
        let mut bytes = BASE64.decode(signer.sign(&claims)).unwrap();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let read = signer.verify_any(&Purpose::ALL, &BASE64.encode(bytes), at(0));
        prop_assert_eq!(read, Err(Bad::Forged));
    }

    #[test]
    fn another_letter_is_refused(claims in any_claims(), place in 0..TOKEN_LENGTH, letter in "[A-Za-z0-9_=.~ -]") {
        let signer = Signer::from_secret(SECRET);
        let token = signer.sign(&claims);
        let mut other = token.clone();
        other.replace_range(place..=place, &letter);
        prop_assume!(other != token);
        prop_assert!(signer.verify(claims.purpose, &other, at(0)).is_err());
    }

    #[test]
    fn a_cut_or_longer_token_is_refused(claims in any_claims(), length in 0..TOKEN_LENGTH, more in "[A-Za-z0-9_=%-]{1,8}") {
        let signer = Signer::from_secret(SECRET);
        let token = signer.sign(&claims);
        for other in [&token[..length], &token[length + 1..], &format!("{token}{more}"), &format!("{more}{token}")] {
            prop_assert_eq!(signer.verify(claims.purpose, other, at(0)), Err(Bad::Malformed));
        }
    }
}
