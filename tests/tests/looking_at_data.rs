//! Looking at data: what an import found, the list, and examples as a data set or a task's network has them, through the whole program.

#![allow(clippy::unwrap_used, reason = "a test that can't go on says where")]

use basin_tests::Sandbox;
use serde_json::json;

const SWEEP: &str = r#"name = "looks"

[[experiment]]
id = "noisy"
kind = "classify"
data = { name = "shapes", train_limit = 64, test_limit = 32, label_noise = 0.9 }
augmentation = { crop = 4, flip = true }
model = { conv = [4], dense = [8] }
batch_size = 32
epochs = 1
optimizer = "adam"
learning_rate = 1e-3

[[experiment]]
id = "sums"
kind = "classify"
data = { name = "modular-addition", modulus = 7 }
model = { family = "transformer", depth = 1, width = 8, heads = 2 }
batch_size = 8
epochs = 1
optimizer = "adam"
learning_rate = 1e-3
"#;

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new(env!("CARGO_BIN_EXE_basin-under-test"));
    sandbox.write("looks.toml", SWEEP);
    sandbox.write("houses.csv", "rooms,area,price\n1,30.5,100\n2,55,180\n3,80,250\n4,104,310\n5,130,400\n");
    sandbox
}

/// Width and height that a PNG says of itself.
fn png_size(sandbox: &Sandbox, name: &str) -> (u32, u32) {
    let bytes = std::fs::read(sandbox.path().join(name)).unwrap();
    assert_eq!(&bytes[1..4], b"PNG");
    let word = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
    (word(16), word(20))
}

#[test]
fn images_are_drawn_and_those_of_one_class_alone() {
    let sandbox = sandbox();
    let shown = sandbox.basin(&["data", "show", "shapes", "--out", "all.png"]).succeeded();
    for part in
        ["20000 training and 4000 test images of 3×32×32, 10 classes", "16 of 20000 training", "all.png"]
    {
        assert!(shown.out.contains(part), "{part}: {}", shown.out);
    }
    assert!(!shown.out.contains('\u{1b}'), "no colours where there is no terminal");
    assert_eq!(png_size(&sandbox, "all.png").0, 1_440);
    let how = ["--json", "data", "show", "shapes", "--class", "3", "--split", "test", "--seed", "5"];
    let value = sandbox.basin(&how).succeeded().json();
    let examples = value["examples"].as_array().unwrap();
    assert_eq!((examples.len(), &value["split"], &value["picture"]), (16, &json!("test"), &json!(null)));
    assert!(examples.iter().all(|example| example["label"] == 3 && example["label_before"].is_null()));
    let classes = value["summary"]["classes"].as_array().unwrap();
    assert_eq!((classes.len(), &value["drawn_from"]), (10, &classes[3]["test"]));
    let unknown = sandbox.basin(&["data", "show", "shapes", "--class", "hexagram"]);
    assert_eq!(unknown.code, Some(1));
    assert!(unknown.err.contains("shapes has no class `hexagram`"), "{}", unknown.err);
    let other = sandbox.basin(&["data", "show", "nowhere", "--store", "basin-store"]);
    assert!(other.code.is_some_and(|code| code > 0) && other.err.starts_with("error: "), "{}", other.err);
}

#[test]
fn a_sweep_file_shows_examples_as_its_networks_get_them() {
    let sandbox = sandbox();
    let ask = |more: &[&str]| sandbox.basin(&[&["--json", "data", "show", "looks.toml"], more].concat());
    let noisy = ask(&["--experiment", "noisy", "--out", "noisy.png"]).succeeded().json();
    assert_eq!((&noisy["drawn_from"], png_size(&sandbox, "noisy.png").0), (&json!(64), 1_440));
    let corrupted = |value: &serde_json::Value| {
        let examples = value["examples"].as_array().unwrap();
        examples.iter().filter(|example| !example["label_before"].is_null()).count()
    };
    assert!(corrupted(&noisy) > 4, "{noisy}");
    let clean = ask(&["--experiment", "noisy", "--set", "data.label_noise=0"]).succeeded().json();
    assert_eq!(corrupted(&clean), 0);
    let sums = ask(&["--experiment", "sums"]).succeeded().json();
    for example in sums["examples"].as_array().unwrap() {
        let token = |at: usize| example["tokens"][at].as_u64().unwrap();
        assert_eq!(example["label"], (token(0) + token(1)) % 7);
    }
    let text = sandbox.basin(&["data", "show", "looks.toml", "--experiment", "sums"]).succeeded().out;
    assert!(text.contains("as the network of sums gets it with seed") && text.contains("tokens"), "{text}");
    let several = ask(&[]);
    assert_eq!(several.code, Some(1));
    assert!(several.err.contains("--experiment ID, one of noisy, sums"), "{}", several.err);
    let drawn = ask(&["--experiment", "sums", "--out", "sums.png"]);
    assert!(drawn.code == Some(1) && drawn.err.contains("only images can be drawn"), "{}", drawn.err);
    let unrelated = sandbox.basin(&["data", "show", "shapes", "--experiment", "noisy"]);
    assert!(unrelated.code == Some(1) && unrelated.err.contains("is no sweep file"), "{}", unrelated.err);
    let made = sandbox.basin(&["data", "show", "modular-addition"]);
    assert!(made.code == Some(1) && made.err.contains("SWEEP.toml --experiment ID"), "{}", made.err);
}

#[test]
fn an_import_says_what_it_found_and_the_list_has_columns() {
    let sandbox = sandbox();
    let how = ["data", "import", "houses", "houses.csv", "--predict", "price", "--test-share", "0"];
    let text = sandbox.basin(&how).succeeded().out;
    for part in
        ["houses ", "5 training and 0 test 2 numbers each, a value to predict", "input 1", "30.5", "value 0"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    let again = sandbox.basin(&[&["--json"], &how[..]].concat()).succeeded().json();
    let found = &again["found"];
    assert_eq!(found["summary"]["inputs"][0]["maximum"], 5.0);
    assert_eq!(found["summary"]["values"][0]["mean"], 248.0);
    assert_eq!(found["examples"].as_array().unwrap().len(), 5);
    let list = sandbox.basin(&["data", "list"]).succeeded().out;
    let mut lines = list.lines();
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(
        words(lines.next().unwrap()),
        ["name", "version", "is", "examples", "targets", "train", "test", "size", "since"]
    );
    let houses = lines.find(|line| line.starts_with("houses")).unwrap();
    assert_eq!(
        words(houses)[2..14].join(" "),
        "current 2 numbers each a value to predict 5 0 0.0 MiB",
        "{houses}"
    );
    let listed = sandbox.basin(&["--json", "data", "list"]).succeeded().json();
    assert_eq!(
        (&listed[0]["shape"], &listed[0]["classes"], &listed[0]["train"]),
        (&json!([2, 1, 1]), &json!(null), &json!(5))
    );
    let digest = listed[0]["digest"].as_str().unwrap();
    let named = sandbox.basin(&["data", "show", &format!("houses@{}", &digest[..8])]).succeeded().out;
    assert!(named.contains("30.5"), "{named}");
}
