//! Mutations: create an input from others.

/// Longest input, in bytes: longer ones are slow, and only repeat the same code.
const INPUT_BYTES_MAX: usize = 1 << 20;

/// Bytes on which parsers branch.
const SPECIAL: [u8; 12] = [0, 1, 9, 10, 13, 32, 0x22, 0x7f, 0x80, 0xc0, 0xfe, 0xff];

/// A small generator (splitmix64).
#[derive(Debug)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; 0 when that is 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % (end.max(1) as u64)).unwrap_or(0)
    }

    fn byte(&mut self) -> u8 {
        match self.below(2) {
            0 => SPECIAL.get(self.below(SPECIAL.len())).copied().unwrap_or(0),
            _ => self.next().to_le_bytes()[0],
        }
    }
}

/// An input that combines parts of `corpus`, which is not empty, and of `words`.
pub(crate) fn input(random: &mut Random, corpus: &[Vec<u8>], words: &[&[u8]]) -> Vec<u8> {
    let any = |random: &mut Random| corpus.get(random.below(corpus.len())).cloned().unwrap_or_default();
    let mut input = any(random);
    for _ in 0..1 + random.below(6) {
        let at = random.below(input.len() + 1);
        let longest = 1 << random.below(8);
        let end = (at + 1 + random.below(longest)).min(input.len());
        let bit = u32::try_from(random.below(8)).unwrap_or(0);
        match random.below(9) {
            0 => input.get_mut(at).into_iter().for_each(|byte| *byte ^= 1_u8.rotate_left(bit)),
            1 => input.get_mut(at).into_iter().for_each(|byte| *byte = random.byte()),
            2 => input.insert(at, random.byte()),
            3 => drop(input.drain(at..end.max(at))),
            4 => {
                let copied = input.get(at..end).unwrap_or_default().to_vec();
                let to = random.below(input.len() + 1);
                drop(input.splice(to..to, copied));
            }
            5 => {
                let copied = input.get(at..end).unwrap_or_default().to_vec();
                let times = 1 << random.below(12);
                if copied.len() * times < INPUT_BYTES_MAX {
                    drop(input.splice(at..at, copied.repeat(times)));
                }
            }
            6 => {
                let other = any(random);
                let from = random.below(other.len() + 1);
                input.truncate(at);
                input.extend_from_slice(other.get(from..).unwrap_or_default());
            }
            7 if !words.is_empty() => {
                let word = words.get(random.below(words.len())).copied().unwrap_or_default();
                let replaced = if random.below(2) == 0 { end.max(at) } else { at };
                drop(input.splice(at..replaced, word.iter().copied()));
            }
            _ => {
                // A number of some bytes, in either byte order.
                let number = (random.next() >> random.below(64)).to_le_bytes();
                input.iter_mut().skip(at).zip(number).for_each(|(byte, new)| *byte = new);
            }
        }
    }
    input.truncate(INPUT_BYTES_MAX);
    input
}
