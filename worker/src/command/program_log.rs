//! The outputs of a program on their way into the log of its executor.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::process::ChildStderr;
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The longest line that is kept, in bytes; longer ones are cut into several.
const LONGEST_LINE: usize = 4096;
/// The lines that a failure's message quotes.
const LAST_LINES: usize = 10;
/// How long the end of a program's outputs is waited for: what it started may hold them open.
const END_TIMEOUT: Duration = Duration::from_millis(500);

/// The log of a program: a thread copies it to the standard error of this process, line by line.
#[derive(Debug)]
pub(super) struct ProgramLog {
    last: Arc<Mutex<VecDeque<String>>>,
    /// Ends with the thread.
    ended: Receiver<()>,
}

impl ProgramLog {
    /// Follows the outputs of a program.
    pub(super) fn follow(outputs: Option<ChildStderr>) -> Self {
        let last = Arc::new(Mutex::new(VecDeque::with_capacity(LAST_LINES)));
        let (sender, ended) = mpsc::channel();
        let lines = Arc::clone(&last);
        std::thread::spawn(move || {
            if let Some(outputs) = outputs {
                copy(outputs, &lines);
            }
            drop(sender);
        });
        Self { last, ended }
    }

    /// The last lines, once all are there.
    pub(super) fn last_lines(&mut self) -> String {
        let _ = self.ended.recv_timeout(END_TIMEOUT);
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.iter().map(String::as_str).collect::<Vec<_>>().join("\n")
    }
}

fn copy(mut outputs: impl Read, last: &Mutex<VecDeque<String>>) {
    let mut buffer = [0; 8192];
    let mut line = Vec::new();
    while let Ok(read) = outputs.read(&mut buffer) {
        if read == 0 {
            break;
        }
        for &byte in &buffer[..read] {
            // A bar of progress ends its lines by going back to their beginning.
            let ends = matches!(byte, b'\n' | b'\r');
            if !ends {
                line.push(byte);
            }
            if ends || line.len() == LONGEST_LINE {
                end_line(&mut line, last);
            }
        }
    }
    end_line(&mut line, last);
}

fn end_line(line: &mut Vec<u8>, last: &Mutex<VecDeque<String>>) {
    if line.is_empty() {
        return;
    }
    let text = String::from_utf8_lossy(line).into_owned();
    line.clear();
    // Whoever reads the log may be gone.
    let _ = writeln!(io::stderr(), "{text}");
    let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
    if last.len() == LAST_LINES {
        last.pop_front();
    }
    last.push_back(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_kept_and_endless_ones_cut() {
        let last = Mutex::default();
        let text: String = (0..20).map(|number| format!("line {number}\r")).collect();
        copy((text + &"x".repeat(LONGEST_LINE + 1)).as_bytes(), &last);
        let last = last.into_inner().unwrap();
        assert_eq!((last.len(), last[0].as_str(), last[7].as_str()), (10, "line 12", "line 19"));
        assert_eq!((last[8].len(), last[9].len()), (LONGEST_LINE, 1));
    }

    fn last(outputs: &[u8]) -> Vec<String> {
        let last = Mutex::default();
        copy(outputs, &last);
        last.into_inner().unwrap().into()
    }

    #[test]
    fn empty_lines_are_left_out_and_bytes_that_are_no_text_do_no_harm() {
        assert_eq!(last(b""), [""; 0]);
        assert_eq!(last(b"\n\r\r\n\n"), [""; 0]);
        assert_eq!(last(b"one\r\ntwo\xff\n\nno end"), ["one", "two\u{fffd}", "no end"]);
    }

    #[test]
    fn a_line_as_long_as_a_piece_is_one_piece() {
        let line = "x".repeat(LONGEST_LINE);
        assert_eq!(last(format!("{line}\nnext").as_bytes()), [line.as_str(), "next"]);
    }

    #[test]
    fn outputs_that_somebody_holds_open_are_waited_for_no_longer_than_it_takes() {
        let mut child = std::process::Command::new("/bin/sh")
            .args(["-c", "echo words >&2; exec sleep 1000"])
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = ProgramLog::follow(child.stderr.take());
        while log.last.lock().unwrap().is_empty() {
            std::thread::sleep(Duration::from_millis(1));
        }
        let began = std::time::Instant::now();
        assert_eq!(log.last_lines(), "words");
        assert!(began.elapsed() >= END_TIMEOUT, "{:?}", began.elapsed());
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(ProgramLog::follow(None).last_lines(), "");
    }
}
