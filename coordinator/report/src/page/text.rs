//! Text from outside, as part of a page.

use basin_charts::escape::escape;
use maud::PreEscaped;

/// `text`, escaped: as SVG has it, so that characters that no document can hold become U+FFFD here too.
pub(super) fn text(text: &str) -> PreEscaped<String> {
    PreEscaped(escape(text))
}
