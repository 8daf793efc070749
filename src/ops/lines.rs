//! Lines of an input that may be slow, endless or one line alone, read on a thread of its own.
//! Not here: what a line means.

use crate::ops::job::trimmed;
use crate::wire::job::VALUE_BYTES_MAX;
use bytes::Bytes;
use std::io::{self, BufRead};
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// Lines read ahead.
const AHEAD: usize = 64;

/// A line that is not blank.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// From 1, blank ones counted.
    pub number: u64,
    /// None: it is longer than any job may be.
    pub text: Option<Bytes>,
}

/// Reads until the end, a failure, or until nobody listens. The thread is not waited for: it may hang in a read from a
/// terminal for as long as the process lives.
pub(super) fn read<R: BufRead + Send + 'static>(reader: R) -> io::Result<Receiver<io::Result<Line>>> {
    let (sender, receiver) = channel(AHEAD);
    let body = move || send_all(reader, &sender);
    drop(std::thread::Builder::new().name("sluicegate-input".to_owned()).spawn(body)?);
    Ok(receiver)
}

fn send_all(mut reader: impl BufRead, sender: &Sender<io::Result<Line>>) {
    for number in 1.. {
        let line = match next(&mut reader) {
            Ok(None) => return,
            Ok(Some(Text::Whole(text))) if text.is_empty() => continue,
            Ok(Some(Text::Whole(text))) => Ok(Line { number, text: Some(text) }),
            Ok(Some(Text::TooLong)) => Ok(Line { number, text: None }),
            Err(error) => Err(error),
        };
        let failed = line.is_err();
        if sender.blocking_send(line).is_err() || failed {
            return;
        }
    }
}

enum Text {
    Whole(Bytes),
    TooLong,
}

/// The next line without its end and without space around it; what is too long is passed over, not kept.
fn next(reader: &mut impl BufRead) -> io::Result<Option<Text>> {
    let (mut line, mut too_long, mut started) = (Vec::new(), false, false);
    loop {
        let part = match reader.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            other => other?,
        };
        if part.is_empty() {
            break;
        }
        started = true;
        let end = part.iter().position(|it| *it == b'\n');
        let text = part.get(..end.unwrap_or(part.len())).unwrap_or_default();
        too_long |= VALUE_BYTES_MAX < line.len().saturating_add(text.len());
        if !too_long {
            line.extend_from_slice(text);
        }
        let used = text.len().saturating_add(usize::from(end.is_some()));
        reader.consume(used);
        if end.is_some() {
            break;
        }
    }
    Ok(match (started, too_long) {
        (false, _) => None,
        (true, true) => Some(Text::TooLong),
        (true, false) => Some(Text::Whole(trimmed(&Bytes::from(line)))),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test panics on purpose")]
    use super::*;
    use std::io::{BufReader, Cursor, Read};

    fn all(input: impl Read + Send + 'static, buffer: usize) -> Vec<(u64, Option<Vec<u8>>)> {
        let mut lines = read(BufReader::with_capacity(buffer, input)).unwrap();
        let mut all = Vec::new();
        while let Some(line) = lines.blocking_recv() {
            let line = line.unwrap();
            all.push((line.number, line.text.map(|it| it.to_vec())));
        }
        all
    }

    #[test]
    fn blank_lines_are_counted_and_passed_over_and_the_last_needs_no_end() {
        let text = b"\xEF\xBB\xBFa\r\n\n  \nb \n\nc";
        let expected = [(1, Some(b"a".to_vec())), (4, Some(b"b".to_vec())), (6, Some(b"c".to_vec()))];
        for buffer in [1, 2, 3, 64] {
            assert_eq!(all(&text[..], buffer), expected);
        }
        assert_eq!(all(&b""[..], 8), []);
        assert_eq!(all(&b"\n\n"[..], 8), []);
    }

    #[test]
    fn a_line_without_end_costs_no_more_memory_than_a_job_and_the_next_is_read() {
        let long = io::repeat(b'x').take(3 * 1024 * 1024);
        let lines = all(long.chain(Cursor::new(b"\nshort\n".to_vec())), 8192);
        assert_eq!(lines, [(1, None), (2, Some(b"short".to_vec()))]);
        let whole = io::repeat(b'x').take(VALUE_BYTES_MAX as u64);
        assert_eq!(all(whole, 8192)[0].1.as_ref().unwrap().len(), VALUE_BYTES_MAX);
    }

    #[test]
    fn a_failure_of_the_input_is_told_after_what_was_read() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("gone"))
            }
        }
        let mut lines = read(BufReader::new(Cursor::new(b"a\n".to_vec()).chain(Broken))).unwrap();
        assert_eq!(lines.blocking_recv().unwrap().unwrap().number, 1);
        assert!(lines.blocking_recv().unwrap().is_err());
        assert!(lines.blocking_recv().is_none());
    }
}
