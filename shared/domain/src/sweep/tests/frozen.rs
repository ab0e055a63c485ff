//! The ids of the tasks of the sweep files that come with Basin: a store full of their results stays of use.

use super::shipped::{ALWAYS_QUICK, SHIPPED, shipped};
use crate::digest::Digest;

/// A digest of the ids of all tasks of each file, in order, in full and quick, on the file's data and on CIFAR-10.
const FROZEN: &[(&str, &str, usize, &str)] = &[
    ("homework.toml", "", 200, "33d3c80f45"),
    ("homework.toml", "quick", 192, "4f54bddf78"),
    ("homework.toml", "cifar10", 200, "5f026d8407"),
    ("homework.toml", "quickcifar10", 192, "e3d30e496b"),
    ("deep-vs-shallow-function.toml", "", 20, "2952473c75"),
    ("deep-vs-shallow-function.toml", "quick", 12, "7fb19eb6bf"),
    ("deep-vs-shallow-images.toml", "", 6, "4cb3ad7f46"),
    ("deep-vs-shallow-images.toml", "quick", 6, "ef06218dd6"),
    ("deep-vs-shallow-images.toml", "cifar10", 6, "e19b3eca1a"),
    ("deep-vs-shallow-images.toml", "quickcifar10", 6, "c0401ba73c"),
    ("weight-trajectories.toml", "", 8, "4fe0745241"),
    ("weight-trajectories.toml", "quick", 8, "1a25804b30"),
    ("weight-trajectories.toml", "cifar10", 8, "c86ff0f0bf"),
    ("weight-trajectories.toml", "quickcifar10", 8, "89e5307bbc"),
    ("gradient-norm.toml", "", 3, "672b89ee08"),
    ("gradient-norm.toml", "quick", 3, "bfab1bc35a"),
    ("gradient-norm.toml", "cifar10", 3, "87c4a10236"),
    ("gradient-norm.toml", "quickcifar10", 3, "2fec376248"),
    ("critical-points.toml", "", 100, "bfb467a404"),
    ("random-labels.toml", "", 15, "5083a98b23"),
    ("random-labels.toml", "quick", 15, "2f98ad72f1"),
    ("random-labels.toml", "cifar10", 15, "dd2b6c9e8a"),
    ("random-labels.toml", "quickcifar10", 15, "81dc14dec6"),
    ("parameters-against-generalisation.toml", "", 30, "61a69387bd"),
    ("parameters-against-generalisation.toml", "quick", 30, "dea205eb0f"),
    ("parameters-against-generalisation.toml", "cifar10", 30, "b2e42cb9ce"),
    ("parameters-against-generalisation.toml", "quickcifar10", 30, "3fa7ebdd0a"),
    ("flatness-against-generalisation.toml", "", 18, "8b2333ca76"),
    ("flatness-against-generalisation.toml", "quick", 18, "e86f8328e8"),
    ("flatness-against-generalisation.toml", "cifar10", 18, "fb3b71eb19"),
    ("flatness-against-generalisation.toml", "quickcifar10", 18, "ec92efa16f"),
    ("beyond.toml", "", 71, "2ddb89adf1"),
    ("beyond.toml", "quick", 65, "6db6a87d0c"),
    ("beyond.toml", "cifar10", 71, "6f26a42926"),
    ("beyond.toml", "quickcifar10", 65, "dfc5e4aa87"),
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
