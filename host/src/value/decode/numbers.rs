//! The source text of the numbers in a JSON text. The JSON reader rounds numbers that are no 64-bit integer to a float;
//! this finds their digits.

/// Follows the JSON reader through the numbers of a text, in order.
#[derive(Debug)]
pub(super) struct Numbers<'j> {
    rest: &'j [u8],
    /// Numbers read since the last call of [`Numbers::current`].
    skipped: usize,
}

impl<'j> Numbers<'j> {
    /// `json` is scanned once, from its start to the first error.
    pub(super) fn new(json: &'j [u8]) -> Self {
        Self { rest: json, skipped: 0 }
    }

    /// Call this after the reader has read a number whose text is not needed.
    pub(super) fn skip(&mut self) {
        self.skipped += 1;
    }

    /// The text of the number that the reader has just read.
    pub(super) fn current(&mut self) -> Option<&'j str> {
        for _ in 0..std::mem::take(&mut self.skipped) {
            self.next()?;
        }
        self.next()
    }

    fn next(&mut self) -> Option<&'j str> {
        loop {
            match self.rest.first()? {
                b'"' => self.skip_string()?,
                b'-' | b'0'..=b'9' => break,
                _ => self.rest = self.rest.get(1..)?,
            }
        }
        let is_part = |byte: &u8| byte.is_ascii_digit() || b"+-.eE".contains(byte);
        let end = self.rest.iter().position(|byte| !is_part(byte)).unwrap_or(self.rest.len());
        let (number, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        std::str::from_utf8(number).ok()
    }

    fn skip_string(&mut self) -> Option<()> {
        self.rest = self.rest.get(1..)?;
        loop {
            let end = self.rest.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
            let escaped = usize::from(self.rest.get(end) == Some(&b'\\'));
            self.rest = self.rest.get(end + 1 + escaped..)?;
            if escaped == 0 {
                return Some(());
            }
        }
    }
}
