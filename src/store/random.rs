//! Randomness that nobody can guess.

use crate::domain::{Refusal, Result};

/// Bytes of the system's secure source, taken some hundred at a time.
#[derive(Debug, Default)]
pub struct Random {
    bytes: Vec<u8>,
}

impl Random {
    /// The next byte.
    ///
    /// # Errors
    /// No randomness to be had.
    pub fn byte(&mut self) -> Result<u8> {
        if let Some(byte) = self.bytes.pop() {
            return Ok(byte);
        }
        self.bytes.resize(1024, 0);
        let filled = getrandom::fill(&mut self.bytes);
        filled.map_err(|e| Refusal::NoRandomness { message: e.to_string() })?;
        self.byte()
    }

    /// The next bytes.
    ///
    /// # Errors
    /// As [`Random::byte`].
    pub fn take<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut taken = [0; N];
        for byte in &mut taken {
            *byte = self.byte()?;
        }
        Ok(taken)
    }
}
