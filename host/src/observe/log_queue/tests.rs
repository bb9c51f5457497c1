use super::*;

/// A log output that fails for a while, and may recover.
struct Reader {
    read: Vec<u8>,
    is_gone: bool,
}

impl Write for Reader {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.is_gone {
            true => Err(io::ErrorKind::BrokenPipe.into()),
            false => self.read.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn dropped(queue: &LogQueue) -> u64 {
    queue.state().dropped
}

#[test]
fn lines_are_written_in_their_order() {
    let (queue, mut reader) = (LogQueue::default(), Reader { read: Vec::new(), is_gone: false });
    queue.push(b"one\n");
    queue.push(b"two\n");
    queue.write_waiting(&mut reader);
    assert_eq!((&*reader.read, dropped(&queue)), (&b"one\ntwo\n"[..], 0));
    queue.flush(Duration::ZERO);
}

#[test]
fn nobody_waits_when_nothing_is_read_and_what_does_not_fit_is_dropped_whole_and_counted() {
    let (queue, mut reader) = (LogQueue::default(), Reader { read: Vec::new(), is_gone: false });
    let line = [b'x'; 1000];
    let fit = LOG_QUEUE_BYTES_MAX / line.len();
    for _ in 0..fit + 5 {
        queue.push(&line);
    }
    assert_eq!(dropped(&queue), 5);
    queue.flush(Duration::from_millis(1));
    queue.write_waiting(&mut reader);
    assert_eq!((reader.read.len(), dropped(&queue)), (fit * line.len(), 0), "the drop was reported");
}

#[test]
fn a_reader_that_is_gone_costs_its_lines_and_no_more() {
    let (queue, mut reader) = (LogQueue::default(), Reader { read: Vec::new(), is_gone: true });
    queue.push(b"one\n");
    queue.push(b"two\n");
    queue.write_waiting(&mut reader);
    assert_eq!(dropped(&queue), 2);
    reader.is_gone = false;
    queue.push(b"three\n");
    queue.write_waiting(&mut reader);
    assert_eq!((&*reader.read, dropped(&queue)), (&b"three\n"[..], 0));
}
