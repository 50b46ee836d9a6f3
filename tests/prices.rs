//! Prices: how they are typed and stored, what they print, what the audit trail says of them, and what
//! subscriptions that have one are billed, today and after it was archived.
mod support;

use billing::clock::Clock;
use billing::domain::price::{Model, PriceTerms, Tier, Tiers};
use billing::domain::{Currency, Refusal, Result, plan};
use billing::failure::Failure;
use billing::store::{Access, Store};
use support::Shop;

/// The code with which something is refused.
fn code<T: std::fmt::Debug>(result: Result<T>) -> &'static str {
    Failure::from(&result.expect_err("a refusal")).code
}

#[test]
fn what_is_wrong_with_tiers_is_told() {
    let read = |tiers: &[&str]| -> Result<Tiers> {
        let tier = |text: &&str| Tier::parse(text, Currency::EUR, str::to_owned);
        Tiers::of(tiers.iter().map(tier).collect::<Result<_>>()?)
    };
    assert!(read(&["10:5.00", "inf:4.00:20"]).is_ok());
    for (tiers, expected) in [
        (["10:5.00", "inf"], "bad_tier"),
        (["10:5.00", "10:4.00"], "tiers_out_of_order"),
        (["inf:5.00", "20:4.00"], "tiers_out_of_order"),
        (["10:5.00", "20:4.00"], "tiers_without_end"),
        (["10:5.00", "inf:0.0000000000001"], "too_many_decimals"),
        (["10:5.00", "inf:1:0.001"], "too_many_decimals"),
    ] {
        assert_eq!(code(read(&tiers)), expected, "{tiers:?}");
    }
}

/// As it is read again, so it was written; where all are archived, nobody can subscribe.
#[test]
fn a_plan_has_one_live_price_a_currency() {
    let shop = Shop::new();
    shop.plan("team", "9", "1", &[]);
    let clock = Clock::new(Some("2026-01-01"), chrono_tz::UTC).expect("a date");
    let mut store = Store::open(&shop.path("billing.db"), Access::Write).expect("the database");
    let tier = |text| Tier::parse(text, Currency::EUR, str::to_owned).expect("a tier");
    let tiers = Tiers::of(vec![tier("10:5.00"), tier("inf:0.0004:20")]).expect("tiers");
    let mut terms = PriceTerms::plain(Model::Volume { tiers });
    terms.included = 3;
    let new = plan::NewPrice { currency: Currency::XOF, terms };
    let act = clock.act("test");
    let written = store.write(|db| {
        let team = db.plan("team")?;
        db.insert_price(&act, team.id, &team.code, &new)?;
        let again = db.insert_price(&act, team.id, &team.code, &new);
        assert!(matches!(again, Err(Refusal::PriceExists { .. })), "{again:?}");
        assert_eq!(code(again), "price_exists");
        assert_eq!(db.plan_in("team", Currency::XOF)?.price.terms, new.terms);
        for listed in db.prices(team.id)? {
            db.plan("team")?.check_offered()?;
            db.archive_price(&act, listed.price.id)?;
        }
        assert_eq!(code(db.plan("team")?.check_offered()), "no_price");
        // It was the last one.
        assert_eq!(db.plan("team")?.price.terms, new.terms);
        Ok(())
    });
    written.expect("prices");
}
