//! The sweep file that a sweep from another program becomes.

use std::fmt::Write;

use basin_domain::escape::line;

use super::imported_sweep::{Draw, Goal, ImportedSweep, Metric, Space};
use super::note::{Fate, Note};
use super::setting::{Setting, key};

impl ImportedSweep {
    /// The text of the sweep file called `file`.
    pub(super) fn to_toml(&self, file: &str) -> String {
        let mut text = self.head(file);
        let (name, command) = (&self.name, &self.command);
        let _ = write!(text, "name = \"{name}\"\n\n[[experiment]]\nid = \"sweep\"\nkind = \"command\"\n");
        let _ = writeln!(text, "command = \"{command}\"");
        match &self.metric {
            Some(metric) => {
                let _ = writeln!(
                    text,
                    "records = {{ {} = \"epoch\" }}   # against epochs; or \"iteration\", or \"once\" for a single number",
                    metric.name
                );
            }
            None => text.push_str(
                "# records = { loss = \"epoch\" }   # what the program measures, which figures and claims name\n",
            ),
        }
        if !self.fixed.is_empty() {
            text.push_str("\n[experiment.parameters]\n");
            for (name, value) in &self.fixed {
                let _ = writeln!(text, "{} = {value}", key(name));
            }
        }
        text.push_str(&self.space.to_toml());
        text.push_str(&self.claim());
        text
    }

    fn head(&self, file: &str) -> String {
        let command = &self.command;
        let mut text = format!("# From {}.\n", line(&self.origin));
        if let Some(description) = &self.description {
            let _ = writeln!(text, "# {}", line(description));
        }
        let path = match &self.program {
            Some(program) if !program.contains('/') => format!("./{program}"),
            Some(program) => program.clone(),
            None => "PATH".to_owned(),
        };
        let _ = write!(
            text,
            "#
# Its program runs as the command `{command}`. It gets no arguments: its parameters are JSON in the file $BASIN_TASK_PARAMETERS, and what it
# measures are lines of JSON that it appends to $BASIN_TASK_METRICS (docs/command.md; docs/neighbours.md has what stands in between).
#
#   basin run {} --allow-command {command}={}
",
            line(file),
            line(&path)
        );
        for (fate, title) in
            [(Fate::LeftOut, "Not carried over:"), (Fate::Changed, "Carried over as something else:")]
        {
            let notes: Vec<&Note> = self.notes.iter().filter(|note| note.fate == fate).collect();
            if !notes.is_empty() {
                let _ = writeln!(text, "#\n# {title}");
            }
            for note in notes {
                let _ = writeln!(text, "# - {}", line(&note.to_string()));
            }
        }
        text
    }

    /// A claim to begin with, as a comment: what is to be claimed is known once there are results.
    fn claim(&self) -> String {
        let Some(Metric { name, goal }) = &self.metric else { return String::new() };
        let (best, direction) = match goal {
            Goal::Minimize => ("lowest", "falls"),
            Goal::Maximize => ("highest", "rises"),
        };
        let (sentence, check) = match &self.space {
            Space::Grid(axes) if !axes.is_empty() => {
                let point = axes.iter().filter_map(|(name, values)| {
                    let value = values.first().filter(|value| !matches!(value, Setting::Table(_)))?;
                    Some(format!("parameters.{} = {value}", key(name)))
                });
                let of: Vec<String> =
                    ["experiment = \"sweep\"".to_owned()].into_iter().chain(point).collect();
                let check = format!(
                    "{{ kind = \"best\", of = {{ {} }}, y = \"{name}\", best = \"{best}\" }}",
                    of.join(", ")
                );
                (format!("This point has the {best} {name}"), check)
            }
            Space::Random { draws, .. } => {
                let number = |draw: &Draw| match draw {
                    Draw::Choice(values) => values.iter().all(|value| value.number().is_some()),
                    Draw::Uniform(..) | Draw::LogUniform(..) => true,
                };
                let Some((x, _)) = draws.iter().find(|(_, draw)| number(draw)) else { return String::new() };
                let check = format!(
                    "{{ kind = \"correlation\", of = {{ experiment = \"sweep\" }}, x = {}, y = \"{name}\", direction = \"{direction}\" }}",
                    Setting::Text(format!("parameters.{x}"))
                );
                (format!("The larger {x}, the better {name}"), check)
            }
            Space::Grid(_) => return String::new(),
        };
        format!("\n# [[claim]]\n# text = {}\n# check = {check}\n", Setting::Text(sentence))
    }
}

impl Space {
    fn to_toml(&self) -> String {
        let mut text = String::new();
        if self.names().is_empty() {
            return text;
        }
        match self {
            Self::Grid(axes) => {
                text.push_str("\n[experiment.grid]\n");
                for (name, values) in axes {
                    let _ = writeln!(text, "parameters.{} = {}", key(name), Setting::List(values.clone()));
                }
            }
            Self::Random { count, draws } => {
                let _ = write!(text, "\n[experiment.random]\ncount = {count}\nseed = 0\n");
                for table in ["choice", "uniform", "log_uniform"] {
                    let of_table: Vec<_> = draws
                        .iter()
                        .map(|(name, draw)| (name, draw.written()))
                        .filter(|(_, (of, _))| *of == table)
                        .collect();
                    if !of_table.is_empty() {
                        let _ = writeln!(text, "\n[experiment.random.{table}]");
                    }
                    for (name, (_, written)) in of_table {
                        let _ = writeln!(text, "parameters.{} = {written}", key(name));
                    }
                }
            }
        }
        text
    }
}

impl Draw {
    /// The table of `random` that it belongs into, and how it is written there.
    fn written(&self) -> (&'static str, String) {
        match self {
            Self::Choice(values) => ("choice", Setting::List(values.clone()).to_string()),
            Self::Uniform(low, high) => ("uniform", format!("[{low}, {high}]")),
            Self::LogUniform(low, high) => ("log_uniform", format!("[{low:?}, {high:?}]")),
        }
    }
}
