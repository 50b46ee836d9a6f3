use super::*;

fn read(text: &str) -> Result<Config> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("billing.toml");
    std::fs::write(&path, text).unwrap();
    Config::read(&path)
}

#[test]
fn an_empty_file_means_the_defaults() {
    let config = read("").unwrap();
    assert_eq!(config.currency, Currency::XOF);
    let p = config.dunning_policy();
    assert_eq!((p.friendly_days, p.urgent_days, p.warning_days, p.suspension_days), (3, 7, 15, 30));
    assert_eq!(config.invoicing.number_format.as_str(), NumberFormat::DEFAULT);
}

#[test]
fn what_is_not_understood_is_refused_with_its_line() {
    for (text, line, says) in [
        ("\n[dunning]\nfriendly = 3\n", ":3", "unknown field"),
        ("[dunning]\nfriendly_days = \"three\"\n", ":2", "invalid type"),
        ("currency = \"EURO\"\n", ":1", "EURO"),
        ("timezone = \"Dakar\"\n", ":1", "time zone"),
        ("[invoicing]\ntax_rate = \"118\"\n", ":2", "percentage"),
        ("[invoicing]\nnumber_format = \"INV\"\n", ":2", "number format"),
        ("[dunning]\nstart_on = \"1 March\"\n", ":2", "date"),
        ("[dunning]\nurgent_days = 2\n", "", "friendly_days = 3 must be less than urgent_days = 2"),
        ("[mail]\ntransport = \"smtp\"\n", "", "host is missing"),
        ("[company]\nemail = \"nobody\"\n", ":1", "no e-mail address"),
        ("currency = \n", ":1", ""),
        ("[mail]\nfrom = \"nobody\"\n", "", "from is no address"),
        ("[mail]\nreply_to = \"A <été@exemple.fr>\"\n", "", "reply_to is no address"),
        ("[payments.stripe]\nsecret_key = \"sk_1\"\n", ":2", "unknown field"),
        ("[payments.stripe]\nbase_url = \"api.stripe.com\"\n", ":2", "no address such as"),
    ] {
        let refusal = read(text).expect_err("a bad setting");
        let Some(Unusable::Setting { place, message }) = refusal.of() else { panic!("{text}") };
        assert!(place.ends_with(&format!("billing.toml{line}")), "{text}: {place}");
        assert!(message.contains(says), "{text}: {message}");
    }
}

#[test]
fn a_secret_goes_in_the_clear_to_this_machine_alone() {
    let stripe = |url: &str| read(&format!("[payments.stripe]\nbase_url = \"{url}\"\n"));
    for url in [
        "https://api.stripe.com",
        "https://api.stripe.com/",
        "https://192.0.2.7:8443",
        "http://127.0.0.1:8420",
        "http://127.1.2.3",
        "http://[::1]:8420/",
        "http://[::1]",
    ] {
        assert_eq!(stripe(url).unwrap().payments.stripe.base_url, url);
    }
    for (url, says) in [
        ("http://api.stripe.com", "in the clear"),
        ("http://192.0.2.7:80", "in the clear"),
        // A name may lead anywhere.
        ("http://localhost:8420", "in the clear"),
        ("http://127.0.0.1.example.com", "in the clear"),
        ("http://127.0.0.1@example.com", "no address"),
        ("https://user:word@api.stripe.com", "no address"),
        ("https://api.stripe.com/v1", "no address"),
        ("https://api.stripe.com?x", "no address"),
        ("ftp://api.stripe.com", "no address"),
        ("https://", "no address"),
        ("", "no address"),
    ] {
        let refusal = stripe(url).expect_err("a bad setting");
        let Some(Unusable::Setting { place, message }) = refusal.of() else { panic!("{url}") };
        assert!(place.ends_with(":2") && message.contains(says), "{url}: {place}: {message}");
    }
}

#[test]
fn the_secret_key_stands_in_a_file_of_its_own_that_nobody_else_reads() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let (path, key) = (folder.path().join("billing.toml"), folder.path().join("stripe-key"));
    std::fs::write(&path, "").unwrap();
    let config = Config::read(&path).unwrap();
    let refusal = config.stripe_secret_key().expect_err("a bad setting");
    let Some(Unusable::Setting { message, .. }) = refusal.of() else { panic!() };
    assert!(message.contains("secret_key_file") && message.contains("BILLING_STRIPE_KEY"));

    std::fs::write(&path, "[payments.stripe]\nsecret_key_file = \"stripe-key\"\n").unwrap();
    std::fs::write(&key, "sk_test_1\n").unwrap();
    let config = Config::read(&path).unwrap();
    for (mode, readable) in [(0o600, true), (0o640, false), (0o604, false)] {
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode)).unwrap();
        match config.stripe_secret_key() {
            Ok(token) => assert!(readable && token.reveal() == "sk_test_1", "{mode:o}"),
            Err(refusal) => {
                let text = format!("{refusal:?}");
                assert!(!readable && text.contains("chmod 600"), "{mode:o}: {text}");
                assert!(!text.contains("sk_test"), "{text}");
            }
        }
    }
}

#[test]
fn dates_are_written_as_toml_or_as_text() {
    for text in ["[dunning]\nstart_on = 2026-03-01\n", "[dunning]\nstart_on = \"2026-03-01\"\n"] {
        assert_eq!(read(text).unwrap().dunning.start_on, "2026-03-01".parse().ok(), "{text}");
    }
}
