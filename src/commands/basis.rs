//! `--tax-inclusive` and `--tax-exclusive`: whether an amount that is typed is with tax.

use crate::config::Config;
use crate::domain::tax::TaxBasis;

/// The flags.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Basis {
    /// The amount is with tax; as the config says where neither is given
    #[arg(long, conflicts_with = "tax_exclusive")]
    tax_inclusive: bool,
    /// The amount is without tax
    #[arg(long)]
    tax_exclusive: bool,
}

impl Basis {
    /// What was typed, else what the config says.
    pub fn get(&self, config: &Config) -> TaxBasis {
        match (self.tax_inclusive, self.tax_exclusive) {
            (true, _) => TaxBasis::Inclusive,
            (_, true) => TaxBasis::Exclusive,
            _ => config.invoicing.basis(),
        }
    }
}
