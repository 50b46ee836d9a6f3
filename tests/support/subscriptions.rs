//! Subscribers for the tests of recurring billing.

use serde_json::Value;

use super::{Prepared, Shop};

/// What bills.
pub const GENERATE: &str = "generate-recurring-invoices";
/// What ends trials.
pub const CLEANUP: &str = "cleanup-expired-trials";

impl Shop {
    /// A tenant of that name.
    pub fn tenant(&self, slug: &str) {
        let email = format!("{slug}@clients.example");
        self.ok(&["tenant", "create", slug, "--name", slug, "--email", &email]);
    }

    /// A plan that is billed each so many months.
    pub fn plan(&self, code: &str, price: &str, months: &str, more: &[&str]) {
        let args = ["plan", "create", code, "--name", code, "--price", price];
        let each = ["--interval", "month", "--interval-count", months];
        self.ok(&[&args[..], &each[..], more].concat());
    }

    /// A subscription that is made on that day, by its id.
    pub fn subscribe(&self, tenant: &str, plan: &str, day: &str, more: &[&str]) -> String {
        let args = ["subscription", "create", "--tenant", tenant, "--plan", plan, "--as-of", day];
        text(&self.json(&[&args[..], more].concat())["id"])
    }

    /// A method by which the tenant pays by itself.
    pub fn pays_by_itself(&self, tenant: &str) {
        let args = ["payment-method", "create", "--tenant", tenant, "--kind", "card"];
        self.ok(&[&args[..], &["--token", "tok_ok", "--default"]].concat());
    }

    /// A subscription as it stands on that day.
    pub fn subscription(&self, id: &str, day: &str) -> Value {
        self.json(&["subscription", "show", id, "--as-of", day])
    }

    /// The live invoices of a tenant's subscriptions, as `(start, end, total)`, oldest first.
    pub fn billed(&self, tenant: &str) -> Vec<(String, String, String)> {
        let list = self.json(&["invoice", "list", "--tenant", tenant]);
        let live = list.as_array().expect("a list").iter().filter(|i| i["status"] != "void");
        let mut billed: Vec<_> = live
            .map(|i| (text(&i["period_start"]), text(&i["period_end"]), text(&i["total"])))
            .collect();
        billed.sort();
        billed
    }
}

/// The text of a value that is one.
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

/// Thirty tenants with a subscription each, every interval by either anchor, with between none and
/// two periods due on 2026-03-16. Who comes later finds others due: the anchors lie on as many days.
pub fn subscribers() -> Prepared {
    let shop = Shop::new();
    let plans = [("monthly", "10", "1"), ("quarterly", "28", "3"), ("yearly", "100", "12")];
    for (code, price, months) in plans {
        shop.plan(code, price, months, &[]);
    }
    let mut tenants = "slug,name,email,tax_rate\n".to_owned();
    for n in 1..=30 {
        tenants.push_str(&format!("t{n},Tenant {n},t{n}@clients.example,{}\n", n % 3 * 10));
    }
    shop.write("tenants.csv", &tenants);
    shop.ok(&["import", "tenants", "tenants.csv", "--quiet"]);
    std::fs::remove_file(shop.path("tenants.csv")).expect("the file");
    for n in 1..=30 {
        let (plan, _, _) = plans[n % 3];
        let anchor = if n % 2 == 0 { "calendar" } else { "anniversary" };
        let (day, quantity) = (format!("2026-01-{n:02}"), (n % 4 + 1).to_string());
        let more = ["--anchor", anchor, "--quantity", &quantity];
        // Every fifth leaves its first invoice to the task.
        let more = if n % 5 == 0 { [&more[..], &["--no-invoice"]].concat() } else { more.to_vec() };
        shop.subscribe(&format!("t{n}"), plan, &day, &more);
    }
    shop.ok(&["tasks", "deliver-emails", "--as-of", "2026-02-01"]);
    shop.check();
    std::fs::remove_dir_all(shop.path("mail")).expect("the mail folder");
    shop.prepared()
}

/// A few subscriptions with something for every branch of a run on 2026-03-16: one period due and
/// several, one never billed before, a change that waits, two cancellations (one with a period to
/// be billed before its end), one that is suspended, and one that is not due.
pub fn due() -> Prepared {
    let shop = Shop::new();
    shop.plan("monthly", "10", "1", &[]);
    shop.plan("quarterly", "28", "3", &[]);
    for tenant in ["one", "several", "first", "changed", "ended", "ending", "suspended", "later"] {
        shop.tenant(tenant);
    }
    let on_its_day = ["--anchor", "anniversary"];
    shop.subscribe("one", "monthly", "2026-02-16", &on_its_day);
    shop.subscribe("several", "monthly", "2025-12-31", &on_its_day);
    shop.subscribe("first", "monthly", "2026-03-10", &["--no-invoice"]);
    let changed = shop.subscribe("changed", "monthly", "2026-02-10", &on_its_day);
    let ended = shop.subscribe("ended", "monthly", "2026-02-12", &on_its_day);
    let ending = shop.subscribe("ending", "monthly", "2026-01-12", &on_its_day);
    shop.subscribe("suspended", "monthly", "2026-01-14", &[]);
    shop.subscribe("later", "quarterly", "2026-03-01", &[]);
    let day = ["--as-of", "2026-02-20"];
    let change = ["subscription", "change", &changed, "--plan", "quarterly", "--quantity", "3"];
    shop.ok(&[&change[..], &day].concat());
    for id in [&ended, &ending] {
        shop.ok(&[&["subscription", "cancel", id][..], &day].concat());
    }
    shop.ok(&[&["tenant", "suspend", "suspended", "--reason", "abuse"][..], &day].concat());
    shop.ok(&["tasks", "deliver-emails", "--as-of", "2026-03-12"]);
    shop.check();
    std::fs::remove_dir_all(shop.path("mail")).expect("the mail folder");
    shop.prepared()
}

/// Trials with something for every branch of a run on 2026-03-16: some that become paid, some that
/// do not (one of a tenant with another subscription), one that was canceled, two that are about
/// to end, and one that goes on.
pub fn trials() -> Prepared {
    let shop = Shop::with_config("[trials]\non_end = \"convert\"\n");
    shop.plan("monthly", "10", "1", &[]);
    shop.plan("yearly", "100", "12", &[]);
    let tenants = ["paid", "paid-late", "left", "left-one", "quit", "warned", "warned-2", "young"];
    for tenant in tenants {
        shop.tenant(tenant);
    }
    for tenant in ["paid", "paid-late", "warned-2"] {
        shop.pays_by_itself(tenant);
    }
    let start = |tenant, day, days| {
        shop.subscribe(tenant, "monthly", day, &["--trial-days", days, "--anchor", "anniversary"])
    };
    start("paid", "2026-03-01", "15");
    // It ended long ago: two periods at once.
    start("paid-late", "2026-01-20", "14");
    start("left", "2026-03-01", "15");
    start("left-one", "2026-03-01", "15");
    shop.subscribe("left-one", "yearly", "2026-03-01", &[]);
    let quit = start("quit", "2026-03-01", "15");
    start("warned", "2026-03-03", "14");
    start("warned-2", "2026-03-05", "14");
    start("young", "2026-03-10", "30");
    shop.ok(&["subscription", "cancel", &quit, "--as-of", "2026-03-05"]);
    shop.ok(&["tasks", "deliver-emails", "--as-of", "2026-03-12"]);
    shop.check();
    std::fs::remove_dir_all(shop.path("mail")).expect("the mail folder");
    shop.prepared()
}
