//! The requirements of experiments on workers.

use super::{VALID, plan, shown, source, with_overrides};
use crate::id::ExperimentId;

fn needs(text: &str, overrides: &[&str]) -> Vec<(String, String)> {
    let plan = plan(&with_overrides(text, overrides)).unwrap_or_else(|error| panic!("{error}"));
    plan.needs.iter().map(|(id, needs)| (id.to_string(), needs.to_string())).collect()
}

fn refused(needs: &str) -> String {
    let text = VALID.replace("[defaults]", &format!("[defaults]\nneeds = {needs}"));
    shown(&plan(&source(&text)).unwrap_err())
}

#[test]
fn needs_are_an_experiments_own_or_the_defaults_and_change_no_id() {
    let own =
        VALID.replace("epochs = 10", "epochs = 10\nneeds = { memory = \"8GiB\", labels = { zone = \"a\" } }");
    assert_eq!(needs(&own, &[]), [("function".to_owned(), "8 GiB of memory, label zone=a".to_owned())]);
    let both = needs(&own, &["needs.device=\"cuda\""]);
    assert_eq!(both.iter().map(|(_, needs)| needs.as_str()).collect::<Vec<_>>(), ["device cuda"; 2]);
    let defaults = own.replace("[defaults]", "[defaults]\nneeds = { device = \"cpu\" }");
    assert_eq!(needs(&defaults, &[])[1], ("images".to_owned(), "device cpu".to_owned()));
    assert_eq!(needs(&defaults, &[])[0].1, "8 GiB of memory, label zone=a");
    let (plain, needy) = (plan(&source(VALID)).unwrap(), plan(&source(&own)).unwrap());
    assert_eq!((plain.id, plain.tasks), (needy.id, needy.tasks));
    assert!(plain.needs.is_empty() && needy.needs.contains_key(&ExperimentId::new("function").unwrap()));
}

#[test]
fn needs_that_no_worker_can_have_are_refused_with_their_place() {
    assert_eq!(
        refused("{ devise = \"cuda\" }"),
        "x.toml:5: unknown key `devise` in `needs`; did you mean `device`?\nhint: the keys here are device, memory, labels"
    );
    assert!(refused("{ device = \"tpu\" }").starts_with("x.toml:5: unknown device \"tpu\""));
    assert!(
        refused("{ memory = \"8GB\" }").contains("give a whole number and KiB, MiB, GiB or TiB, like 8GiB")
    );
    assert!(refused("{ memory = 8 }").starts_with("x.toml:5: `needs.memory` must be text, not 8"));
    assert!(refused("{ labels = { zone = 1 } }").contains("the label `zone` must be a text"));
    assert!(refused("\"cuda\"").contains("`needs` must be a table"));
}
