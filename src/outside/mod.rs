//! What is not ours and is called all the same: programs of the operator's, and servers over HTTP. How
//! they are called is one thing, for gateways and hooks alike; what they are asked is the caller's.

pub mod http;
pub mod program;
pub mod run;
