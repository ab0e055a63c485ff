//! The log, on standard error: `tracing` events, each on its own line, whatever their fields hold.

mod as_json;

use std::fmt;
use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicBool, Ordering};

use basin_domain::escape;
use tracing::field::Field;
use tracing_subscriber::field::{MakeExt, RecordFields};
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::{self, Writer};

use self::as_json::AsJson;
use super::arguments::LogFormat;

/// Writes the log to standard error from now on, as much of it as was asked for.
pub(super) fn to_stderr(verbose: u8, format: LogFormat) {
    let level = match verbose {
        // The rasteriser's warnings are about pictures that Basin itself has written: nothing that a user could act on.
        0 => "warn,basin=warn,usvg=error,resvg=error,tiny_skia=error,fontdb=error",
        1 => "info,usvg=error,resvg=error,tiny_skia=error,fontdb=error",
        _ => "debug,h2=info,hyper=info,tower=info",
    };
    let filter = tracing_subscriber::EnvFilter::try_from_env("BASIN_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(level));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).fmt_fields(OnOneLine);
    match format {
        LogFormat::Text => {
            let colour = std::env::var_os("NO_COLOR").is_none() && io::stderr().is_terminal();
            log.with_ansi(colour).init();
        }
        LogFormat::Json => log.with_ansi(false).event_format(AsJson).init(),
    }
}

/// Whether a screen is shown.
static HAS_SCREEN: AtomicBool = AtomicBool::new(false);

/// While this lives, nothing of the log is written to a terminal: a screen is shown there.
pub(super) struct Silence(());

impl Silence {
    pub(super) fn begin() -> Self {
        HAS_SCREEN.store(true, Ordering::Relaxed);
        Self(())
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        HAS_SCREEN.store(false, Ordering::Relaxed);
    }
}

fn writer() -> Box<dyn io::Write> {
    match HAS_SCREEN.load(Ordering::Relaxed) && io::stderr().is_terminal() {
        true => Box::new(io::sink()),
        false => Box::new(io::stderr()),
    }
}

/// Formats fields as `tracing` does by default, with everything escaped that isn't merely seen.
#[derive(Debug, Clone, Copy)]
struct OnOneLine;

impl<'writer> FormatFields<'writer> for OnOneLine {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'writer>, fields: R) -> fmt::Result {
        format::debug_fn(field).delimited(" ").format_fields(writer, fields)
    }
}

fn field(writer: &mut Writer<'_>, field: &Field, value: &dyn fmt::Debug) -> fmt::Result {
    let value = format!("{value:?}");
    match field.name() {
        "message" => writer.write_str(&escape::line(&value)),
        name => write!(writer, "{}={}", name.strip_prefix("r#").unwrap_or(name), escape::line(&value)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// What was logged.
    #[derive(Clone, Default)]
    pub(super) struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Kept {
        pub(super) fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn an_event_is_one_line_whatever_is_in_it() {
        let kept = Kept::default();
        let writer = kept.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(move || writer.clone())
            .with_ansi(false)
            .without_time()
            .with_target(false)
            .fmt_fields(OnOneLine)
            .finish();
        let hostile = "a\u{1b}[2J\nERROR b\u{9b}\u{202e}";
        let error = io::Error::other(hostile);
        tracing::subscriber::with_default(subscriber, || {
            let span = tracing::info_span!("span", host = %hostile);
            let _inside = span.enter();
            tracing::warn!(host = %hostile, text = hostile, error = &error as &dyn std::error::Error, "said {hostile}");
        });
        let said = kept.text();
        assert_eq!(said.lines().count(), 1, "{said}");
        assert_eq!(escape::line(said.trim_end()), said.trim_end());
        assert!(said.contains("said a\\u{1b}[2J\\nERROR b\\u{9b}\\u{202e} host=a\\u{1b}[2J"), "{said}");
    }
}
