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

const PORTAL: &str =
    "[portal]\nbase_url = \"https://a.example\"\nsecret_file = \"portal-secret\"\n";

#[test]
fn a_portal_is_there_where_it_is_configured() {
    assert!(read("").unwrap().portal.is_none());
    let portal = read(PORTAL).unwrap().portal.unwrap();
    assert!(portal.secret_file.is_absolute() && portal.session_hours == 12);
    let allows = |action: PortalAction| portal.allows(action);
    let may: Vec<_> = PortalAction::ALL.iter().filter(|action| allows(**action)).collect();
    assert!(may.len() == 6 && !allows(PortalAction::Dispute));
    assert!(portal.offers("pro"));
    let few = format!("{PORTAL}allow = [\"pay\"]\nplans = [\"pro\"]\nsession_hours = 720\n");
    let portal = read(&few).unwrap().portal.unwrap();
    assert!(portal.allows(PortalAction::Pay) && !portal.allows(PortalAction::Cancel));
    assert!(portal.offers("pro") && !portal.offers("starter"));
}

#[test]
fn what_is_wrong_with_a_portal_is_refused() {
    for (text, says) in [
        ("[portal]\nsecret_file = \"s\"\n", "base_url"),
        (&format!("{PORTAL}allow = [\"pya\"]\n"), "did you mean \"pay\""),
        (&format!("{PORTAL}allow = [\"everything\"]\n"), "not one of pay, change"),
        (&format!("{PORTAL}plans = [\"Pro Plan\"]\n"), "no code of a plan"),
        (&format!("{PORTAL}session_hours = 0\n"), "between 1 and 720"),
        (&format!("{PORTAL}session_hours = 721\n"), "between 1 and 720"),
        (&format!("{PORTAL}sesion_hours = 2\n"), "unknown field"),
    ] {
        let refusal = read(text).expect_err("a bad setting");
        let Some(Unusable::Setting { message, .. }) = refusal.of() else { panic!("{text}") };
        assert!(message.contains(says), "{text}: {message}");
    }
}

#[test]
fn the_address_of_a_portal_has_no_slash_at_its_end() {
    for (url, kept) in [
        ("https://a.example", "https://a.example"),
        ("https://a.example/", "https://a.example"),
        ("https://Pay.Example:443/Shop", "https://pay.example/Shop"),
        ("http://127.0.0.1:80", "http://127.0.0.1"),
        ("https://a.example:8443/shop/billing/", "https://a.example:8443/shop/billing"),
        ("http://127.0.0.1:8420/", "http://127.0.0.1:8420"),
        ("http://[::1]:8420", "http://[::1]:8420"),
        ("http://localhost:8420", "http://localhost:8420"),
    ] {
        assert_eq!(portal::base_url(url).as_deref(), Ok(kept));
    }
    for (url, says) in [
        ("http://a.example", "https is needed"),
        ("http://localhost.a.example", "https is needed"),
        ("http://127.0.0.1@a.example", "no address"),
        ("https://user:word@a.example", "no address"),
        ("https://a.example/?x", "no address"),
        ("https://a.example/#x", "no address"),
        ("https://a.example/a//b", "no address"),
        ("https://a.example/../b", "no address"),
        ("https://a.example/%41", "no address"),
        ("https://", "no address"),
        ("https:///a", "no address"),
        ("ftp://a.example", "no address"),
        ("a.example", "no address"),
        ("", "no address"),
    ] {
        assert!(portal::base_url(url).is_err_and(|why| why.contains(says)), "{url}");
    }
}

#[test]
fn what_signs_links_stands_in_a_file_that_nobody_else_reads() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let (path, secret) = (folder.path().join("billing.toml"), folder.path().join("portal-secret"));
    std::fs::write(&path, PORTAL).unwrap();
    let config = Config::read(&path).unwrap();
    let (old, new) = ("0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210");
    let told = |written: &str, mode: u32| {
        std::fs::write(&secret, written).unwrap();
        std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(mode)).unwrap();
        let secrets = config.portal_secrets();
        secrets.map(|secrets| secrets.iter().map(|s| s.reveal().to_owned()).collect::<Vec<_>>())
    };
    assert_eq!(told(&format!("{old}\n"), 0o600).unwrap(), [old]);
    assert_eq!(told(&format!("{new}\r\n\n{old}"), 0o400).unwrap(), [new, old]);
    for (written, mode, says) in [
        (format!("{old}\n"), 0o640, "chmod 600"),
        (format!("{old}\n"), 0o604, "chmod 600"),
        (String::new(), 0o600, "holds no secret"),
        (format!("{new}\n{}\n", &old[1..]), 0o600, "less than 32"),
        (format!("{new}\n{old}\n{new}\n"), 0o600, "more than two"),
    ] {
        let text = format!("{:?}", told(&written, mode).expect_err("a bad file"));
        assert!(text.contains(says) && !text.contains("0123456789"), "{text}");
    }
    std::fs::remove_file(&secret).unwrap();
    assert!(config.portal_secrets().is_err());
}

#[test]
fn a_hook_has_a_name_and_goes_to_one_place() {
    let app = "name = \"app\"\n";
    let url = "url = \"https://app.example/hooks?token=s3cret\"\nsecret_file = \"hook-secret\"\n";
    let config = read(&format!("[[hooks]]\n{app}{url}kinds = [\"tenant_*\"]\n")).unwrap();
    let [hook] = config.hooks.as_slice() else { panic!("one hook") };
    assert_eq!((hook.name.as_str(), hook.timeout.as_secs()), ("app", 15));
    assert_eq!(hook.target.shown(), "https://app.example/hooks?…");
    let Target::Url { secret_file, .. } = &hook.target else { panic!("a url") };
    // Beside the config, wherever billing is started.
    assert!(secret_file.is_absolute() && secret_file.ends_with("hook-secret"));

    let program = "command = [\"/usr/local/bin/on-billing\", \"-v\"]\n";
    for (lines, says) in [
        (format!("{app}{url}{program}"), "hook app: it has url or command, not both"),
        (app.to_owned(), "hook app: it has neither url nor command"),
        (format!("{app}url = \"https://a.example\"\n"), "secret_file is missing, which url needs"),
        (format!("{app}{program}secret_file = \"s\"\n"), "secret_file goes with url"),
        (format!("{app}{url}pass_env = [\"A\"]\n"), "pass_env goes with command"),
        (format!("{app}command = []\n"), "command names no program"),
        (format!("name = \"My app\"\n{program}"), "lower-case letters, digits and hyphens: My app"),
        (program.to_owned(), "missing field"),
        (format!("{app}{program}kinds = [\"tenant_suspend\"]\n"), "did you mean tenant_suspended?"),
        (format!("{app}{program}timeout_seconds = 0\n"), "between 1 and 60"),
        (format!("{app}{program}colour = 1\n"), "unknown field"),
    ] {
        let refusal = read(&format!("\n[[hooks]]\n{lines}")).expect_err(&lines);
        let Some(Unusable::Setting { place, message }) = refusal.of() else { panic!("{lines}") };
        assert!(message.contains(says), "{lines}: {message}");
        assert!(place.contains("billing.toml:"), "{lines}: {place}");
    }
    let twice = format!("[[hooks]]\n{app}{program}");
    let refusal = read(&format!("{twice}{twice}")).unwrap_err();
    let Some(Unusable::Setting { message, .. }) = refusal.of() else { panic!("{refusal:?}") };
    assert_eq!(message, "two [[hooks]] have the name app");
}

#[test]
fn a_hook_goes_in_the_clear_to_this_machine_alone() {
    let hook = |url: &str| {
        read(&format!("[[hooks]]\nname = \"a\"\nurl = \"{url}\"\nsecret_file = \"s\"\n"))
    };
    for url in [
        "https://app.example",
        "https://app.example:8443/hooks?a=b",
        "http://127.0.0.1:8080/hooks",
        "http://localhost:8080",
        "http://[::1]:8080/",
    ] {
        assert!(hook(url).is_ok(), "{url}");
    }
    for (url, says) in [
        ("http://app.example/hooks", "in the clear"),
        ("http://127.0.0.1.example/", "in the clear"),
        ("http://localhost.example/", "in the clear"),
        ("https://user:s3cret@app.example/", "a user or a password"),
        ("https://app.example/a b", "no address of a receiver has"),
        ("https://app.example/#a", "no address of a receiver has"),
        ("ftp://app.example", "no address such as"),
        ("app.example", "no address such as"),
        ("https:///hooks", "no address such as"),
    ] {
        let refusal = hook(url).expect_err(url);
        let Some(Unusable::Setting { message, .. }) = refusal.of() else { panic!("{url}") };
        assert!(message.contains(says) && !message.contains("s3cret"), "{url}: {message}");
    }
}

#[test]
fn the_secrets_of_a_hook_are_one_line_or_two_that_nobody_else_reads() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("billing.toml");
    let hook = "[[hooks]]\nname = \"a\"\nurl = \"https://a.example\"\nsecret_file = \"s\"\n";
    std::fs::write(&config, hook).unwrap();
    let config = Config::read(&config).unwrap();
    let path = folder.path().join("s");
    let secrets = |text: &str, mode| {
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        config.hook_secrets(&config.hooks[0])
    };
    assert_eq!(secrets("whsec_YQ==\n", 0o600).unwrap(), ["whsec_YQ=="]);
    assert_eq!(secrets("\nwhsec_YQ== \r\nwhsec_Yg==\n\n", 0o400).unwrap().len(), 2);
    assert!(secrets("whsec_YQ==\n", 0o640).is_err());
    assert!(secrets("\n", 0o600).is_err());
    assert!(secrets("a\nb\nc\n", 0o600).is_err());
}
