//! "Did you mean": the valid name that is nearest to what was written.

/// How alike two words must be (Jaro and Winkler, 1 is equal) for one to be taken for the other.
const ALIKE: f64 = 0.85;

/// How alike a word is to a key of a table that has its name.
const WITHIN_A_TABLE: f64 = 0.95;

/// Longer words are compared by their beginning, so that a comparison's cost is bounded.
const COMPARED: usize = 80;

/// Names that mean something of their own elsewhere: whoever writes one made no slip, and means nothing that is near.
const KNOWN_ELSEWHERE: [&str; 26] = [
    "adadelta",
    "adafactor",
    "adagrad",
    "adamax",
    "amsgrad",
    "asgd",
    "lamb",
    "lars",
    "lbfgs",
    "nadam",
    "prodigy",
    "radam",
    "rprop",
    "shampoo",
    "soap",
    "sophia",
    "exponential",
    "plateau",
    "polynomial",
    "elu",
    "selu",
    "mish",
    "hardswish",
    "hinge",
    "huber",
    "imagenet",
];

/// The candidate that was most probably meant by `word`.
fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = shortened(word);
    if KNOWN_ELSEWHERE.contains(&word.to_lowercase().as_str()) {
        return None;
    }
    let mut best = None;
    for candidate in candidates {
        let likeness = match candidate.rsplit_once('.') {
            // A key of the same name within a table is meant less probably than one outside with an ending left out (`epoch`).
            Some((_, last)) if last == word => WITHIN_A_TABLE,
            _ => strsim::jaro_winkler(&word, candidate),
        };
        if likeness >= ALIKE && best.is_none_or(|(most, _)| likeness > most) {
            best = Some((likeness, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// `; did you mean "adam"?` where a candidate is near, for values.
pub(super) fn value<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, candidates).map(|near| format!("; did you mean \"{near}\"?")).unwrap_or_default()
}

/// ``; did you mean `epochs`?`` where a candidate is near, for keys.
pub(super) fn key<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, candidates).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default()
}

/// A word, cut to a length that fits into a message.
pub(super) fn shortened(word: &str) -> String {
    match word.char_indices().nth(COMPARED) {
        Some((end, _)) => format!("{}…", &word[..end]),
        None => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_recognised() {
        let optimisers = ["adam", "sgd"];
        assert_eq!(nearest("adm", optimisers), Some("adam"));
        assert_eq!(nearest("sdg", optimisers), None);
        assert_eq!(nearest("rmsprop", optimisers), None);
        assert_eq!(nearest("cifar", ["cifar10", "shapes"]), Some("cifar10"));
        assert_eq!(nearest("epoch", ["epochs", "hidden"]), Some("epochs"));
    }

    #[test]
    fn a_name_that_is_known_elsewhere_is_no_slip() {
        let optimisers = ["adam", "sgd", "adamw", "rmsprop"];
        assert_eq!(["adamax", "NAdam", "rprop"].map(|word| nearest(word, optimisers)), [None, None, None]);
        assert_eq!(nearest("adamm", optimisers), Some("adam"));
    }

    #[test]
    fn the_last_part_of_a_dotted_name_is_enough() {
        assert_eq!(nearest("conv", ["model.dense", "model.conv", "convex"]), Some("model.conv"));
        assert_eq!(nearest("epoch", ["start.epoch", "epochs"]), Some("epochs"));
    }

    #[test]
    fn long_words_are_cut_between_characters() {
        assert_eq!(shortened(&"ä".repeat(200)).chars().count(), COMPARED + 1);
    }
}
