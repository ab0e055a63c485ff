//! Where a run's own files lie within a folder of results.

use basin_domain::task::Task;

/// The longest part of such a name that says the point.
const LONGEST_POINT: usize = 120;

/// The folder of a task's own files: `EXPERIMENT/POINT-seed-N-ID`.
pub fn run_folder(task: &Task) -> String {
    let mut name = String::new();
    for (parameter, value) in &task.point {
        let short = parameter.rsplit('.').next().unwrap_or(parameter);
        name.push_str(&format!("{short}={value}-"));
    }
    let mut name: String = name
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| if c.is_ascii_alphanumeric() || "=-_.,".contains(c) { c } else { '_' })
        .take(LONGEST_POINT)
        .collect();
    name.push_str(&format!("seed-{}-{}", task.spec.seed, task.id.short()));
    format!("{}/{name}", task.experiment)
}

#[cfg(test)]
mod tests {
    use basin_domain::value::Value;

    use super::*;
    use crate::samples;

    #[test]
    fn a_name_says_the_point_and_leads_out_of_no_folder() {
        let mut task = samples::functions(1).remove(0).task;
        let id = task.id.short();
        assert_eq!(run_folder(&task), format!("functions/function=sin-hidden=_32,64_-seed-0-{id}"));
        task.point = [("parameters.path".to_owned(), Value::Text("../../etc \u{1b}x".repeat(20)))].into();
        let name = run_folder(&task);
        assert!(name.starts_with("functions/path=.._.._etc_x.._"), "{name}");
        assert_eq!(name.split('/').count(), 2);
        assert!(name.len() < 200, "{}", name.len());
    }
}
