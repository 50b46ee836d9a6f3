//! E-invoices against what they are made of: exact pieces of XML, every lack, and sums that hold.
mod chance;
mod fixtures;
mod lacks;
mod matrix;
mod pieces;
mod sums;
