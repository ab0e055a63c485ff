//! The reference's pages that are made of types: every command as clap has it, and every series as its kind declares it. `basin man
//! --markdown` writes them; those of `docs/reference/` are kept, and a test holds them against the types.

mod commands;
mod markdown;
mod series;

/// A page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReferencePage {
    /// Its file's name.
    pub(crate) file: &'static str,
    /// Its text, in Markdown.
    pub(crate) text: String,
}

/// The pages: of this command line, and of what runs record.
pub(crate) fn pages(command: &clap::Command) -> [ReferencePage; 2] {
    [
        ReferencePage { file: "commands.md", text: commands::page(command) },
        ReferencePage { file: "series.md", text: series::page() },
    ]
}

#[cfg(all(test, feature = "worker"))]
mod tests {
    use std::path::Path;

    use basin_domain::failure::FailureKind;
    use basin_domain::outage::OutageKind;

    use super::*;
    use crate::arguments::typed_command;

    /// The docs' folder of pages about everything there is to look up.
    const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference");

    #[test]
    fn the_kept_pages_are_what_the_types_say() {
        for ReferencePage { file, text } in pages(&typed_command()) {
            let kept = Path::new(FOLDER).join(file);
            if std::env::var_os("BASIN_WRITE_REFERENCE").is_some() {
                std::fs::write(&kept, &text).unwrap();
                continue;
            }
            let page = std::fs::read_to_string(&kept).unwrap_or_default();
            assert!(
                page == text,
                "{} isn't what the types say: BASIN_WRITE_REFERENCE=1 cargo test --release -p basin-cli --lib reference",
                kept.display()
            );
        }
    }

    #[test]
    fn the_page_of_failures_names_every_cause_and_every_outage() {
        let page = std::fs::read_to_string(Path::new(FOLDER).join("exit-codes.md")).unwrap();
        let causes = FailureKind::ALL.map(FailureKind::as_str);
        let outages = OutageKind::ALL.map(OutageKind::as_str);
        for word in causes.into_iter().chain(outages) {
            assert!(page.contains(&format!("| `{word}` |")), "{word}");
        }
    }
}
