//! Inputs of several parts.

/// The parts of an input: two bytes of length, the least significant first, then so many bytes, as far as there are some. Every
/// input has parts.
pub fn parts(mut input: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (length, rest) = input.split_at_checked(2)?;
        let length = usize::from(u16::from_le_bytes([length[0], length[1]])).min(rest.len());
        let (part, rest) = rest.split_at(length);
        input = rest;
        Some(part)
    })
}

/// The input of these parts.
///
/// # Panics
/// If a part is longer than 65,535 bytes.
pub fn joined<P: AsRef<[u8]>>(parts: impl IntoIterator<Item = P>) -> Vec<u8> {
    let mut input = Vec::new();
    for part in parts {
        let part = part.as_ref();
        let length = u16::try_from(part.len()).expect("a part of a seed is short");
        input.extend_from_slice(&length.to_le_bytes());
        input.extend_from_slice(part);
    }
    input
}
