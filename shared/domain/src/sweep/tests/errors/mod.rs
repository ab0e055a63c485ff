//! Errors of files that are wrong: whole texts.

mod figures;
mod keys;
mod spaces;
mod text;
mod values;

use super::{VALID, error_of};

const KNOWN_TO_CLASSIFY: &str = "hint: classify knows model.conv, model.kernel, model.dense, batch_size, epochs, data.name, \
    data.train_limit, data.test_limit, data.label_noise, optimizer, learning_rate, weight_decay, beta1, beta2, epsilon, \
    momentum, record.gradient_norm, record.weights_every, probes, probe.every, probe.train_examples, \
    probe.test_examples, probe.epsilon, probe.ascent_steps, probe.lanczos_steps, probe.vectors";

/// The error of the valid file with `right` replaced by `wrong`.
fn error_with(right: &str, wrong: &str) -> String {
    assert!(VALID.contains(right), "the valid file has no {right}");
    error_of(&VALID.replacen(right, wrong, 1))
}

fn each_has_the_error(cases: &[(&str, &str, &str)]) {
    let mut differences = String::new();
    for (right, wrong, expected) in cases {
        let error = error_with(right, wrong);
        if error != *expected {
            differences += &format!("\n{right} -> {wrong}\nerror: {error}\nexpected: {expected}\n");
        }
    }
    assert!(differences.is_empty(), "{differences}");
}

#[test]
fn the_valid_file_is_valid() {
    assert_eq!(error_of(VALID), "nothing");
}
