//! The ids of the tasks of the sweep files that come with Basin: a store full of their results stays of use.

use super::shipped::{ALWAYS_QUICK, SHIPPED, shipped};
use crate::digest::Digest;

/// A digest of the ids of all tasks of each file, in order, in full and quick, on the file's data and on CIFAR-10.
const FROZEN: &[(&str, &str, usize, &str)] = &[
    ("homework.toml", "", 200, "5e3ca47353"),
    ("homework.toml", "quick", 192, "c30fe7e03b"),
    ("homework.toml", "cifar10", 200, "7bfd7fa74d"),
    ("homework.toml", "quickcifar10", 192, "28be10482b"),
    ("deep-vs-shallow-function.toml", "", 20, "fd20f969df"),
    ("deep-vs-shallow-function.toml", "quick", 12, "e33bb3e8d8"),
    ("deep-vs-shallow-images.toml", "", 6, "a10d1e8e2f"),
    ("deep-vs-shallow-images.toml", "quick", 6, "0f3e52671b"),
    ("deep-vs-shallow-images.toml", "cifar10", 6, "b4807b4f78"),
    ("deep-vs-shallow-images.toml", "quickcifar10", 6, "dfa7a852e1"),
    ("weight-trajectories.toml", "", 8, "e70aa4254a"),
    ("weight-trajectories.toml", "quick", 8, "58b397538b"),
    ("weight-trajectories.toml", "cifar10", 8, "3f3eebeebd"),
    ("weight-trajectories.toml", "quickcifar10", 8, "9b409291a7"),
    ("gradient-norm.toml", "", 3, "881c1b1957"),
    ("gradient-norm.toml", "quick", 3, "b5c5fe450e"),
    ("gradient-norm.toml", "cifar10", 3, "23e29be2bc"),
    ("gradient-norm.toml", "quickcifar10", 3, "787d2b0542"),
    ("critical-points.toml", "", 100, "32481bf908"),
    ("random-labels.toml", "", 15, "d3a5f9f1af"),
    ("random-labels.toml", "quick", 15, "50492ba279"),
    ("random-labels.toml", "cifar10", 15, "c24e9fe9f4"),
    ("random-labels.toml", "quickcifar10", 15, "a6a0234e00"),
    ("parameters-against-generalisation.toml", "", 30, "cf0a634547"),
    ("parameters-against-generalisation.toml", "quick", 30, "746bd7d40f"),
    ("parameters-against-generalisation.toml", "cifar10", 30, "a5da7b8752"),
    ("parameters-against-generalisation.toml", "quickcifar10", 30, "14ec939c0f"),
    ("flatness-against-generalisation.toml", "", 18, "7df6cbf8ac"),
    ("flatness-against-generalisation.toml", "quick", 18, "cb3241378d"),
    ("flatness-against-generalisation.toml", "cifar10", 18, "5e1e9b5faf"),
    ("flatness-against-generalisation.toml", "quickcifar10", 18, "d88a76e50c"),
    ("beyond.toml", "", 71, "c9205c8a0c"),
    ("beyond.toml", "quick", 65, "5ba07db351"),
    ("beyond.toml", "cifar10", 71, "dac3859cf1"),
    ("beyond.toml", "quickcifar10", 65, "f7a9fcb74a"),
];

#[test]
fn the_tasks_of_the_shipped_sweeps_keep_their_ids() {
    let mut found = String::new();
    for (file, _) in SHIPPED {
        for (profile, overrides) in
            [("", &[][..]), ("quick", &[]), ("", &["data.name=cifar10"]), ("quick", &["data.name=cifar10"])]
        {
            let is_quick = profile == "quick";
            if is_quick && ALWAYS_QUICK.contains(&file) || !overrides.is_empty() && file.contains("critical")
            {
                continue;
            }
            if !overrides.is_empty() && file.contains("function") {
                continue;
            }
            let plan = shipped(file, is_quick.then_some(profile), overrides);
            let ids: String = plan.tasks.iter().map(|task| task.id.to_string()).collect();
            let data = if overrides.is_empty() { "" } else { "cifar10" };
            let digest = Digest::of(ids.as_bytes()).short();
            found += &format!("{:?}\n", (file, format!("{profile}{data}"), plan.tasks.len(), digest));
        }
    }
    let frozen: String = FROZEN.iter().map(|it| format!("{it:?}\n")).collect();
    assert_eq!(found, frozen, "\n{found}");
}
