//! A summary of a report, for the command line.

use std::fmt;
use std::path::PathBuf;

use basin_domain::id::FigureId;
use serde::Serialize;

use super::claims::{ClaimResult, Verdict};
use super::runs::Counts;

/// A report that was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReportSummary {
    /// The page to open.
    pub page: PathBuf,
    /// How many runs ended how.
    pub counts: Counts,
    /// The tables.
    pub tables: Vec<PathBuf>,
    /// The figures.
    pub figures: Vec<FigureSummary>,
    /// The claims with their verdicts.
    pub claims: Vec<ClaimSummary>,
}

/// A figure that was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FigureSummary {
    /// Its id.
    pub id: FigureId,
    /// Its title.
    pub title: String,
    /// How many runs it sums up, and what is missing.
    pub note: String,
    /// Its files: SVG, PNG, CSV, PDF.
    pub files: Vec<PathBuf>,
}

/// A claim with its verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClaimSummary {
    /// The sentence.
    pub text: String,
    /// Whether it holds.
    pub verdict: Verdict,
    /// Whether that is evidence: the sweep's profile isn't one that is too small to say anything.
    pub evidence: bool,
    /// What an undecided verdict depends on, if the claim varies settings of its analysis on which it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub depends_on: Option<String>,
}

impl ClaimSummary {
    pub(super) fn of(claim: &ClaimResult) -> Self {
        Self {
            text: claim.text.clone(),
            verdict: claim.verdict,
            evidence: claim.evidence,
            depends_on: claim.depends_on().map(str::to_owned),
        }
    }
}

impl fmt::Display for ClaimSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<12}  {}", self.verdict.words(), self.text)?;
        if let Some(depends_on) = &self.depends_on {
            write!(f, "  ({depends_on})")?;
        }
        if self.evidence { Ok(()) } else { f.write_str("  (no evidence: a first look)") }
    }
}

impl fmt::Display for FigureSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}  {} ({})", self.id, self.title, self.note.trim_end_matches('.'))
    }
}
