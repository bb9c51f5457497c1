//! Any bytes, read as a segment of the journal and as one record: they are read or refused, and nothing else happens.
#![no_main]

use libfuzzer_sys::fuzz_target;
use switchyard::journal::{End, Frames, Record};

fuzz_target!(|data: &[u8]| {
    // The checksums of a frame keep most inputs out of its record, so the record is tried by itself too.
    let _ = Record::decode(data);
    let Ok(mut frames) = Frames::read(data) else { return };
    let mut last = frames.next_number();
    for (number, body) in frames.by_ref() {
        assert_eq!(number, last);
        last.0 += 1;
        let _ = Record::decode(&body);
    }
    let end = frames.end();
    assert!(frames.offset() <= data.len());
    assert!(end != End::Clean || data[frames.offset()..].iter().all(|byte| *byte == 0));
});
