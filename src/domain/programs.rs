//! Programs that are started: the operator's gateway, the machine's mailer.

/// What a program is given of our environment, where it is set. Nothing else: `BILLING_STRIPE_KEY`
/// and `BILLING_SMTP_PASSWORD` stand there too.
pub const ENVIRONMENT: [&str; 3] = ["PATH", "HOME", "LANG"];
