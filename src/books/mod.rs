//! The verbs that change more than one noun in one transaction: issuing, redeeming, paying,
//! suspending, subscribing. A command, an import and a task call the same verb.

pub mod issue;
pub mod redeem;
pub mod settle;
pub mod subscribe;
