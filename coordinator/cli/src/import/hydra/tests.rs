use super::super::yaml;
use super::*;

fn imported(yaml: Option<&str>, overrides: &[&str]) -> Result<ImportedSweep, String> {
    let naming = Naming::of_file("conf/config.yaml", None).unwrap();
    let root = yaml.map(|yaml| yaml::parse(yaml).unwrap());
    let overrides: Vec<String> = overrides.iter().map(|&text| text.to_owned()).collect();
    read(root.as_ref(), &overrides, &naming).map_err(|error| error.to_string())
}

/// The parameters of a sweep, the fixed ones first.
fn written(sweep: &ImportedSweep) -> Vec<String> {
    let fixed = sweep.fixed.iter().map(|(name, value)| format!("{name}={value}"));
    let varied: Vec<String> = match &sweep.space {
        Space::Grid(axes) => {
            axes.iter().map(|(name, values)| format!("{name}={}", Setting::List(values.clone()))).collect()
        }
        Space::Random { count, draws } => [count.to_string()]
            .into_iter()
            .chain(draws.iter().map(|(name, draw)| format!("{name}={draw:?}")))
            .collect(),
    };
    fixed.chain(varied).collect()
}

fn notes(sweep: &ImportedSweep) -> Vec<String> {
    sweep.notes.iter().map(Note::to_string).collect()
}

const CONFIG: &str = "\
defaults:
  - _self_
  - db: mysql
lr: 0.1
model:
  depth: 2
  width: 8
hydra:
  mode: MULTIRUN
  job: {name: my app}
  sweeper:
    params:
      lr: 0.1,0.01
      model.depth: range(1,4)
";

#[test]
fn a_configuration_is_swept_over_as_it_says_and_as_is_typed() {
    let sweep = imported(Some(CONFIG), &["model.depth=5,6", "+seed=range(2)", "model.width=16"]).unwrap();
    assert_eq!(sweep.name.as_str(), "my-app");
    assert_eq!(written(&sweep), ["model.width=16", "lr=[0.1, 0.01]", "model.depth=[5, 6]", "seed=[0, 1]"]);
    assert_eq!(notes(&sweep), ["line 3, `db: mysql`: the parameters in that file are the program's alone"]);
}

#[test]
fn overrides_alone_are_a_sweep() {
    let sweep = imported(None, &["a=1,2", "b=x"]).unwrap();
    assert_eq!(written(&sweep), ["b=\"x\"", "a=[1, 2]"]);
    assert!(sweep.is_complete());
    assert_eq!(imported(None, &[]).unwrap_err(), "it has no parameters");
}

#[test]
fn groups_are_names_and_their_files_the_programs() {
    let sweep =
        imported(Some(CONFIG), &["db=mysql,postgresql", "hydra/launcher=joblib", "aux/log@x=a,b"]).unwrap();
    let notes = notes(&sweep);
    assert_eq!(
        notes[1..],
        [
            "`db`: it chooses a file of a config group: the program gets its name, and composes what is in it",
            "`hydra/launcher`: how runs are started and logged is Basin's own",
            "`aux/log@x`: it chooses a file of a config group: the program gets its name, and composes what is in it",
        ]
    );
    assert!(written(&sweep).contains(&"db=[\"mysql\", \"postgresql\"]".to_owned()));
}

#[test]
fn intervals_and_other_sweepers_are_drawn_at_random() {
    let sweep =
        imported(None, &["lr=tag(log,interval(1e-4,1e-1))", "n=1,2", "hydra.sweeper.n_trials=7"]).unwrap();
    assert!(matches!(&sweep.space, Space::Random { count: 7, draws } if draws.len() == 2));
    let yaml = "defaults: [{override hydra/sweeper: optuna}]\nhydra: {sweeper: {n_trials: 50, direction: minimize, params: {x: 'choice(1,2)'}}}\n";
    let sweep = imported(Some(yaml), &[]).unwrap();
    assert_eq!(written(&sweep)[0], "2", "there are two points");
    let notes = notes(&sweep);
    assert!(notes.iter().any(|note| note.contains("`hydra/sweeper: optuna`: points are drawn at random")));
    assert!(notes.iter().any(|note| note.contains("`hydra.sweeper.direction`")), "{notes:?}");
}

#[test]
fn what_only_hydra_can_resolve_is_left_out_and_named() {
    let yaml = "a: ${b}\nb: 1\nc: ???\nd: null\ne: {}\nf: [{x: 1}]\n";
    let sweep = imported(Some(yaml), &["g=glob(*)", "h=1,null", "~b", "~z", "c=2"]).unwrap();
    assert_eq!(written(&sweep), ["c=2", "h=[1]"]);
    assert_eq!(
        notes(&sweep),
        [
            "line 1, `a`: its value is an interpolation, which is resolved by Hydra alone",
            "line 4, `d`: its value is null, which TOML doesn't have",
            "line 5, `e`: its value is a table without entries",
            "line 6, `f`: its value is a list of tables",
            "`g`: glob(…) chooses among the files of a config group, which aren't read",
            "`h`: of its values, null, which TOML doesn't have",
            "`~z`: there is no such parameter in the file",
        ]
    );
    assert!(!sweep.is_complete());
}

#[test]
fn a_table_that_is_chosen_leaves_what_it_does_not_give() {
    let sweep = imported(Some("m: {a: 1, b: 2, c: 3}\n"), &["m={a: 5, b: 6},{a: 7}"]).unwrap();
    assert_eq!(written(&sweep), ["m.b=2", "m.c=3", "m=[{ a = 5, b = 6 }, { a = 7 }]"]);
}

#[test]
fn what_hydra_would_not_take_is_an_error() {
    for (overrides, expected) in [
        (&["a"][..], "`a`: it is no `key=value`"),
        (&["a=range(1,2,0)"], "`a`: range(…) has the step 0"),
        (&["a=interval(2,1)"], "`a`: its interval has no numbers"),
        (&["a=[1"], "`a=[1`: a `,` is missing"),
    ] {
        let error = imported(None, overrides).unwrap_err();
        assert!(error.starts_with(expected), "{error}");
    }
}
