//! Answers with more than anybody wants.

pub(crate) fn text_of(bytes: u32) -> String {
    "x".repeat(bytes as usize)
}

pub(crate) fn list_of(items: u32) -> Vec<u8> {
    vec![7; items as usize]
}
