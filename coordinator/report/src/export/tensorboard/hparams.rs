//! What TensorBoard's tab of hyperparameters knows of a run: `plugin_data.proto` of its plugin. Runs that differ in their seed alone are
//! one group there, over whose runs it averages.

use std::collections::BTreeMap;

use basin_domain::value::Value;
use prost::Message;

use super::super::exported_run::ExportedRun;
use super::events::{Metadata, PluginData, Scalar, Summary};

/// `STATUS_SUCCESS`.
const SUCCESS: i32 = 1;

#[derive(Clone, PartialEq, Message)]
struct Content {
    #[prost(message, optional, tag = "3")]
    started: Option<SessionStart>,
    #[prost(message, optional, tag = "4")]
    ended: Option<SessionEnd>,
}

#[derive(Clone, PartialEq, Message)]
struct SessionStart {
    #[prost(btree_map = "string, message", tag = "1")]
    hparams: BTreeMap<String, Hparam>,
    #[prost(string, tag = "4")]
    group_name: String,
    #[prost(double, tag = "5")]
    start_time_secs: f64,
}

#[derive(Clone, PartialEq, Message)]
struct SessionEnd {
    #[prost(int32, tag = "1")]
    status: i32,
    #[prost(double, tag = "2")]
    end_time_secs: f64,
}

/// A `google.protobuf.Value`: one of these is given.
#[derive(Clone, PartialEq, Message)]
struct Hparam {
    #[prost(double, optional, tag = "2")]
    number: Option<f64>,
    #[prost(string, optional, tag = "3")]
    text: Option<String>,
    #[prost(bool, optional, tag = "4")]
    truth: Option<bool>,
}

/// The parameters of a run that begins.
pub(super) fn started(run: &ExportedRun<'_>) -> Summary {
    let mut hparams: BTreeMap<String, Hparam> =
        run.parameters.iter().map(|(name, value)| (name.clone(), hparam(value))).collect();
    let experiment = Value::Text(run.run.task.experiment.to_string());
    hparams.entry("experiment".to_owned()).or_insert_with(|| hparam(&experiment));
    let started = SessionStart {
        hparams,
        group_name: run.point.clone(),
        start_time_secs: run.started_unix_ms as f64 / 1000.0,
    };
    summary("_hparams_/session_start_info", &Content { started: Some(started), ended: None })
}

/// The end of a run. One that diverged has a result like others.
pub(super) fn ended(run: &ExportedRun<'_>) -> Summary {
    let ended = SessionEnd { status: SUCCESS, end_time_secs: run.finished() };
    summary("_hparams_/session_end_info", &Content { started: None, ended: Some(ended) })
}

fn summary(tag: &str, content: &Content) -> Summary {
    let plugin = PluginData { plugin_name: "hparams".to_owned(), content: content.encode_to_vec() };
    let metadata = Metadata { plugin: Some(plugin), summary_description: String::new() };
    Summary { value: vec![Scalar { tag: tag.to_owned(), simple_value: None, metadata: Some(metadata) }] }
}

fn hparam(value: &Value) -> Hparam {
    let none = Hparam { number: None, text: None, truth: None };
    match value {
        Value::Boolean(truth) => Hparam { truth: Some(*truth), ..none },
        Value::Integer(number) => Hparam { number: Some(*number as f64), ..none },
        Value::Float(number) => Hparam { number: Some(*number), ..none },
        Value::Text(text) => Hparam { text: Some(text.clone()), ..none },
        Value::List(_) => Hparam { text: Some(value.to_string()), ..none },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    fn content(summary: &Summary) -> Content {
        let plugin = summary.value[0].metadata.as_ref().unwrap().plugin.as_ref().unwrap();
        assert_eq!(plugin.plugin_name, "hparams");
        Content::decode(&plugin.content[..]).unwrap()
    }

    #[test]
    fn seeds_of_a_point_are_one_group_and_values_keep_their_types() {
        let runs = samples::functions(2);
        let exported = ExportedRun::all(&runs);
        let [first, second, third] = [0, 1, 2].map(|run| content(&started(&exported[run])).started.unwrap());
        assert_eq!(first.group_name, "functions function=sin hidden=[32,64]");
        assert_eq!((&first.group_name, &first.hparams), (&second.group_name, &second.hparams));
        assert_ne!(first.group_name, third.group_name);
        assert_eq!(first.hparams["hidden"], hparam(&Value::Text("[32, 64]".to_owned())));
        assert_eq!(first.hparams["batch_size"].number, Some(32.0));
        assert_eq!(first.hparams["experiment"].text.as_deref(), Some("functions"));
        assert!(!first.hparams.contains_key("seed"));
        assert_eq!(first.start_time_secs, 1_700_000_000.0);
        let end = content(&ended(&exported[0])).ended.unwrap();
        assert_eq!((end.status, end.end_time_secs), (1, 1_700_000_012.5));
    }
}
