//! Experiments of kinds that a program brings, read by their declarations; and what reads other runs beside its own parameters.

use super::*;
use crate::custom_kind::{Declaration, InvalidParameter, KindDeclaration, ParameterType, RecordedSeries};
use crate::experiment::Experiment;
use crate::metrics::Axis;

fn declaration() -> Declaration {
    Declaration::new("hopfield", 3)
        .parameter("neurons", ParameterType::integer(2..=1000))
        .parameter_or("noise.share", ParameterType::number(0.0..=0.5), 0)
        .parameter_or("rule", ParameterType::choice(["hebb", "storkey"]), "hebb")
        .records("overlap", RecordedSeries::against(Axis::Iteration, "overlap"))
        .records("patterns", RecordedSeries::number("patterns"))
        .work_is_product_of(["neurons", "neurons"])
}

fn with_kind(text: &str, declared: Declaration) -> Source {
    Source { kinds: vec![KindDeclaration::new(declared).unwrap()], ..source(text) }
}

/// A sweep of the kind with these lines, which begin on line 5.
fn hopfield(lines: &str) -> Source {
    with_kind(
        &format!("name = \"h\"\n[[experiment]]\nid = \"h\"\nkind = \"hopfield\"\n{lines}\n"),
        declaration(),
    )
}

#[test]
fn a_task_has_all_parameters_in_one_form_however_they_are_written() {
    let spec = |lines: &str| plan(&hopfield(lines)).unwrap().tasks[0].spec.clone();
    let plain = spec("neurons = 64");
    assert_eq!(
        plain.canonical(),
        r#"{"experiment":{"kind":"custom","name":"hopfield","version":3,"parameters":{"neurons":64,"noise":{"share":0.0},"rule":"hebb"},"work":12},"version":3,"seed":0}"#
    );
    let read: crate::task::TaskSpec = serde_json::from_str(&plain.canonical()).unwrap();
    assert_eq!(read, plain);
    for same in ["neurons = 64\nnoise.share = 0", "neurons = 64\nnoise = { share = -0.0 }\nrule = \"hebb\""] {
        assert_eq!(spec(same).id(), plain.id(), "{same}");
    }
    assert_ne!(spec("neurons = 64\nnoise.share = 0.1").id(), plain.id());
    let later = Declaration { version: 4, ..declaration() };
    let text = hopfield("neurons = 64").text;
    assert_ne!(plan(&with_kind(&text, later)).unwrap().tasks[0].id, plain.id());
    let renamed =
        declaration().records("overlap", RecordedSeries::against(Axis::Epoch, "m").in_unit("spins"));
    assert_eq!(plan(&with_kind(&text, renamed)).unwrap().tasks[0].id, plain.id());
}

#[test]
fn its_keys_vary_are_drawn_and_set_like_all_others() {
    let lines = "neurons = 8\ngrid = { \"noise.share\" = [0.1, 0.2], rule = [\"hebb\", \"storkey\"] }\nseeds = 2\n\
                 [[figure]]\nkind = \"curves\"\nexperiment = \"h\"\ny = [\"overlap\"]\ngroup = \"rule\"";
    let planned = plan(&hopfield(lines)).unwrap();
    assert_eq!((planned.tasks.len(), planned.figures.len()), (8, 1));
    assert_eq!(planned.tasks[7].point["noise.share"].to_string(), "0.2");
    let needs = planned.needs.values().next().unwrap();
    assert_eq!(needs.to_string(), "version 3 of the kind hopfield, which its program must have");
    let set = Source { overrides: vec!["neurons=16".to_owned()], ..hopfield("neurons = 8") };
    let Experiment::Custom(it) = plan(&set).unwrap().tasks.remove(0).spec.experiment else { panic!() };
    assert_eq!((it.parameters_json().contains("16"), it.work), (true, 8));
}

#[test]
fn what_is_wrong_is_said_at_its_line() {
    for (lines, error) in [
        ("", "x.toml:2: experiment \"h\" (hopfield) needs `neurons`\nhint: neurons = 2"),
        (
            "neurons = 1",
            "x.toml:5: `neurons` must be a whole number from 2 to 1000, not 1\nhint: neurons = 2",
        ),
        (
            "neurons = [2, 3]",
            "x.toml:5: `neurons` must be a whole number from 2 to 1000, not [2, 3]\nhint: grid = { neurons = [2, 3] } makes a run of each",
        ),
        (
            "neurons = 8\nrule = \"oja\"",
            "x.toml:6: `rule` must be one of \"hebb\", \"storkey\", not \"oja\"\nhint: without `rule` its default hebb holds",
        ),
        ("neurons = 8\nnoise = 0.1", "x.toml:6: `noise` is a table with the keys share"),
        (
            "neurons = 8\nepochs = 3",
            "x.toml:6: unknown key `epochs` in experiment \"h\" (hopfield)\nhint: hopfield knows neurons, noise.share, rule",
        ),
        (
            "neurons = 8\nnuerons = 3",
            "x.toml:6: unknown key `nuerons` in experiment \"h\" (hopfield); did you mean `neurons`?\nhint: hopfield knows neurons, noise.share, rule",
        ),
        (
            "neurons = 8\n[[figure]]\nkind = \"curves\"\nexperiment = \"h\"\ny = [\"loss\"]",
            "x.toml:9: experiment \"h\" doesn't record \"loss\"\nhint: it records overlap",
        ),
    ] {
        assert_eq!(shown(&plan(&hopfield(lines)).unwrap_err()), error, "{lines}");
    }
    let unknown = plan(&Source { kinds: Vec::new(), ..hopfield("neurons = 8") }).unwrap_err();
    assert!(
        shown(&unknown)
            .starts_with("x.toml:4: unknown kind of experiment \"hopfield\"\nhint: known are fit-function")
    );
    let text = hopfield("").text.replace("\"hopfield\"", "\"hopfeild\"");
    let near = plan(&with_kind(&text, declaration())).unwrap_err();
    assert!(shown(&near).contains("did you mean \"hopfield\"?"), "{}", shown(&near));
}

#[test]
fn its_own_code_is_asked_about_every_point_and_blames_a_line() {
    let file = SweepFile::parse(&hopfield("noise.share = 0.1\ngrid = { neurons = [8, 9] }")).unwrap();
    assert!(file.check_custom(|_| Ok(())).is_ok());
    let odd = |custom: &crate::experiment::Custom| match custom.parameters_json().contains(":9,") {
        true => Err(InvalidParameter::new("neurons", "must be even")),
        false => Ok(()),
    };
    assert_eq!(shown(&file.check_custom(odd).unwrap_err()), "x.toml:6: `neurons` must be even");
    let of_default = |_: &crate::experiment::Custom| Err(InvalidParameter::new("rule", "is slow"));
    assert_eq!(shown(&file.check_custom(of_default).unwrap_err()), "x.toml:2: `rule` is slow");
}

#[test]
fn it_reads_data_and_other_runs_where_it_says_so() {
    let reading = Declaration::new("probe", 1).reading_data().input("net");
    let text = |lines: &str| {
        format!(
            "{}\n[[experiment]]\nid = \"p\"\nkind = \"probe\"\n{lines}\n",
            VALID.split("[[figure]]").next().unwrap()
        )
    };
    let given = "net = { experiment = \"images\", optimizer = \"sgd\" }";
    let planned = plan(&with_kind(&text(given), reading.clone())).unwrap();
    let (last, trained) = (planned.tasks.last().unwrap(), &planned.tasks[1]);
    assert_eq!(last.spec.inputs["net"], trained.id);
    assert_eq!(last.spec.data, trained.spec.data);
    let error = |lines: &str| shown(&plan(&with_kind(&text(lines), reading.clone())).unwrap_err());
    assert!(error("").contains("needs `net`"), "{}", error(""));
    let made = error(&format!("{given}\ndata.name = \"spirals\""));
    assert!(made.contains("spirals is made from parameters"), "{made}");
}

#[test]
fn a_program_reads_runs_by_any_names_and_of_their_seeds() {
    let text = |lines: &str| {
        let first = "[[experiment]]\nid = \"first\"\nkind = \"command\"\ncommand = \"train\"\nseeds = [3, 5]\nparameters.a = 1\n";
        format!(
            "name = \"r\"\n{first}[[experiment]]\nid = \"second\"\nkind = \"command\"\ncommand = \"look\"\n{lines}\n"
        )
    };
    let planned = planned(&text("inputs = { one = { experiment = \"first\" } }"));
    let seeds: Vec<u64> = planned.tasks.iter().map(|task| task.spec.seed).collect();
    assert_eq!(seeds, [3, 5, 3, 5]);
    assert_eq!(planned.tasks[3].spec.inputs["one"], planned.tasks[1].id);
    let error = |lines: &str| shown(&plan(&source(&text(lines))).unwrap_err());
    for (lines, said) in [
        ("inputs.one = 3", "x.toml:12: `inputs.one` must be a table, not 3"),
        ("inputs.one.parameters.a = 1", "x.toml:12: `inputs.one` names no experiment"),
        (
            "inputs.one = { experiment = \"frist\" }",
            "x.toml:12: there is no experiment \"frist\"; did you mean \"first\"?",
        ),
        (
            "inputs.one = { experiment = \"first\", parameters.a = 2 }",
            "x.toml:12: experiment \"first\" has no run with parameters.a = 2",
        ),
        (
            "inputs.one = { experiment = \"second\" }",
            "x.toml:12: experiment \"second\" (command) reads other runs itself, and can't be read",
        ),
        (
            "inputs.one = { experiment = \"first\" }\nseeds = 1",
            "x.toml:12: seed 0 is read from experiment \"first\", which doesn't have it",
        ),
        ("inputs.\"a b\".experiment = \"first\"", "x.toml:12: `inputs.a b` is no name of an input"),
    ] {
        assert!(error(lines).starts_with(said), "{lines}: {}", error(lines));
    }
}
