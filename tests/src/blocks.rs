//! The code of documentation pages.

/// The page's blocks that begin with this fence, one after the other.
pub fn blocks(page: &str, fence: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut inside: Option<String> = None;
    for line in page.lines() {
        match &mut inside {
            Some(block) if line == "```" => {
                found.push(std::mem::take(block));
                inside = None;
            }
            Some(block) => *block += &format!("{line}\n"),
            None if line == fence => inside = Some(String::new()),
            None => {}
        }
    }
    found
}
