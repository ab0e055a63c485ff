//! The variables of the environment that say whether there is a collector, where it is, and what it is told:
//! <https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/>.

use std::ops::RangeInclusive;
use std::time::Duration;

use http::Uri;
use http::header::HeaderName;
use opentelemetry_sdk::trace::Sampler;

/// Those of traces alone count before those of all that a program may tell a collector.
const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];
const PROTOCOLS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"];
const COMPRESSIONS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "OTEL_EXPORTER_OTLP_COMPRESSION"];
const HEADERS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"];
const TIMEOUTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"];
/// Files of certificates, which would be missed if they went unread.
const CERTIFICATES: [&str; 6] = [
    "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE",
    "OTEL_EXPORTER_OTLP_CERTIFICATE",
    "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE",
    "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
    "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY",
    "OTEL_EXPORTER_OTLP_CLIENT_KEY",
];
const DISABLED: &str = "OTEL_SDK_DISABLED";
const EXPORTER: &str = "OTEL_TRACES_EXPORTER";
const SAMPLER: &str = "OTEL_TRACES_SAMPLER";
const RATIO: &str = "OTEL_TRACES_SAMPLER_ARG";
const SERVICE: &str = "OTEL_SERVICE_NAME";
const RESOURCE: &str = "OTEL_RESOURCE_ATTRIBUTES";
const QUEUE: &str = "OTEL_BSP_MAX_QUEUE_SIZE";
const BATCH: &str = "OTEL_BSP_MAX_EXPORT_BATCH_SIZE";
const DELAY: &str = "OTEL_BSP_SCHEDULE_DELAY";

/// Where traces go by the one endpoint of all that a program may tell a collector.
const PATH: &str = "/v1/traces";
/// The longest span of time that a variable may give, in milliseconds: an hour.
const LONGEST: u64 = 3_600_000;

/// A variable's value can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable} {why}")]
pub struct InvalidVariable {
    /// The variable.
    pub variable: &'static str,
    /// What is wrong with it. Where it may hold a secret, the value isn't repeated.
    pub why: String,
}

/// Where spans go, and which of them.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The collector's URL for traces.
    pub(crate) endpoint: String,
    /// How long it may take to take some spans.
    pub(crate) timeout: Duration,
    pub(crate) sampler: Sampler,
    /// The most spans that wait.
    pub(crate) queue: usize,
    /// The most spans that are sent together.
    pub(crate) batch: usize,
    /// How long a span waits for others to be sent with.
    pub(crate) delay: Duration,
    /// The environment has a name for this process.
    pub(crate) names_service: bool,
}

/// The environment, without variables that are there and empty, which the standard has for unset.
struct Environment<F>(F);

impl Settings {
    /// The settings of an environment, which `variable` looks up; none, if it names no collector or wants no traces.
    ///
    /// # Errors
    /// A value can't be used. Where there is no collector, nothing is held against the others.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Option<Self>, InvalidVariable> {
        let environment = Environment(variable);
        if environment.first_of(&ENDPOINTS).is_none() || !environment.wants_traces()? {
            return Ok(None);
        }
        environment.is_understood()?;
        let Some(endpoint) = environment.endpoint()? else { return Ok(None) };
        let number = |variable, default, range| environment.number(variable, default, range);
        let timeout = match environment.first_of(&TIMEOUTS) {
            Some((variable, _)) => environment.number(variable, 10_000, 1..=LONGEST)?,
            None => 10_000,
        };
        let resource = environment.get(RESOURCE).unwrap_or_default();
        Ok(Some(Self {
            endpoint,
            timeout: Duration::from_millis(timeout),
            sampler: environment.sampler()?,
            queue: size(number(QUEUE, 2_048, 1..=1_000_000)?),
            batch: size(number(BATCH, 512, 1..=100_000)?),
            delay: Duration::from_millis(number(DELAY, 5_000, 1..=LONGEST)?),
            names_service: environment.get(SERVICE).is_some()
                || resource.split(',').any(|pair| pair.trim_start().starts_with("service.name=")),
        }))
    }
}

fn size(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn invalid<T>(variable: &'static str, why: impl Into<String>) -> Result<T, InvalidVariable> {
    Err(InvalidVariable { variable, why: why.into() })
}

impl<F: Fn(&str) -> Option<String>> Environment<F> {
    fn get(&self, variable: &str) -> Option<String> {
        (self.0)(variable).filter(|value| !value.trim().is_empty())
    }

    /// The first of these that is set, with its value.
    fn first_of(&self, variables: &[&'static str]) -> Option<(&'static str, String)> {
        variables.iter().find_map(|variable| Some((*variable, self.get(variable)?)))
    }

    fn wants_traces(&self) -> Result<bool, InvalidVariable> {
        match self.get(DISABLED).map(|value| value.to_ascii_lowercase()).as_deref() {
            Some("true") => return Ok(false),
            Some("false") | None => {}
            Some(other) => return invalid(DISABLED, format!("must be `true` or `false`, not `{other}`")),
        }
        match self.get(EXPORTER).as_deref() {
            Some("none") => Ok(false),
            Some("otlp") | None => Ok(true),
            Some(other) => invalid(EXPORTER, format!("must be `otlp` or `none`, not `{other}`")),
        }
    }

    /// Whether the collector is to be spoken to as it can be.
    fn is_understood(&self) -> Result<(), InvalidVariable> {
        match self.first_of(&PROTOCOLS) {
            Some((variable, protocol)) if protocol != "http/protobuf" => {
                let why = format!(
                    "can't be `{protocol}`: traces are sent by `http/protobuf`, for which collectors listen on port 4318 as a rule"
                );
                return invalid(variable, why);
            }
            Some(_) | None => {}
        }
        match self.first_of(&COMPRESSIONS) {
            Some((variable, compression)) if !compression.eq_ignore_ascii_case("none") => {
                return invalid(
                    variable,
                    format!("can't be `{compression}`: traces are sent as they are, `none`"),
                );
            }
            Some(_) | None => {}
        }
        if let Some((variable, _)) = self.first_of(&CERTIFICATES) {
            let why = "isn't read here: authorities beside the system's are named by SSL_CERT_FILE, and no certificate is shown";
            return invalid(variable, why);
        }
        match self.first_of(&HEADERS) {
            Some((variable, text)) => headers(variable, &text),
            None => Ok(()),
        }
    }

    /// Where traces go, if there is a collector.
    fn endpoint(&self) -> Result<Option<String>, InvalidVariable> {
        let Some((variable, text)) = self.first_of(&ENDPOINTS) else { return Ok(None) };
        let text = text.trim();
        let uri: Uri = match text.parse() {
            Ok(uri) => uri,
            Err(error) => return invalid(variable, format!("is no URL: {error}")),
        };
        if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.host().is_none_or(str::is_empty) {
            return invalid(variable, "must be a URL with its host, as http://HOST:4318");
        }
        if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return invalid(
                variable,
                "may have no password in it: OTEL_EXPORTER_OTLP_HEADERS has what the collector wants to see",
            );
        }
        if variable == ENDPOINTS[0] {
            return Ok(Some(text.to_owned()));
        }
        match uri.query() {
            None => Ok(Some(format!("{}{PATH}", text.trim_end_matches('/')))),
            Some(_) => invalid(variable, format!("may have no `?`: {PATH} is put behind it")),
        }
    }

    fn number(
        &self,
        variable: &'static str,
        default: u64,
        range: RangeInclusive<u64>,
    ) -> Result<u64, InvalidVariable> {
        let Some(text) = self.get(variable) else { return Ok(default) };
        match text.trim().parse::<u64>().ok().filter(|number| range.contains(number)) {
            Some(number) => Ok(number),
            None => {
                let (least, most) = range.into_inner();
                invalid(variable, format!("must be a whole number from {least} to {most}, not `{text}`"))
            }
        }
    }

    fn sampler(&self) -> Result<Sampler, InvalidVariable> {
        let parent_based = |root: Sampler| Sampler::ParentBased(Box::new(root));
        Ok(match self.get(SAMPLER).as_deref() {
            Some("parentbased_always_on") | None => parent_based(Sampler::AlwaysOn),
            Some("parentbased_always_off") => parent_based(Sampler::AlwaysOff),
            Some("parentbased_traceidratio") => parent_based(Sampler::TraceIdRatioBased(self.ratio()?)),
            Some("always_on") => Sampler::AlwaysOn,
            Some("always_off") => Sampler::AlwaysOff,
            Some("traceidratio") => Sampler::TraceIdRatioBased(self.ratio()?),
            Some(other) => {
                let why = format!(
                    "can't be `{other}`: it is parentbased_always_on, parentbased_always_off, parentbased_traceidratio, always_on, \
                     always_off or traceidratio"
                );
                return invalid(SAMPLER, why);
            }
        })
    }

    /// The share of traces that are kept.
    fn ratio(&self) -> Result<f64, InvalidVariable> {
        let Some(text) = self.get(RATIO) else { return Ok(1.0) };
        match text.trim().parse::<f64>().ok().filter(|ratio| (0.0..=1.0).contains(ratio)) {
            Some(ratio) => Ok(ratio),
            None => invalid(RATIO, format!("must be a number from 0 to 1, not `{text}`")),
        }
    }
}

/// Whether headers are those of a call, `NAME=VALUE,NAME=VALUE`. They hold keys, and aren't repeated.
fn headers(variable: &'static str, text: &str) -> Result<(), InvalidVariable> {
    for (number, pair) in (1..).zip(text.split_terminator(',')) {
        let name = pair.split_once('=').map(|(name, _)| name.trim());
        if name.is_none_or(|name| name.parse::<HeaderName>().is_err()) {
            return invalid(
                variable,
                format!("has no NAME=VALUE as its number {number}; there are commas between them"),
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Option<Settings>, InvalidVariable> {
        Settings::read(|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    fn set(variables: &[(&str, &str)]) -> Settings {
        read(variables).unwrap().unwrap()
    }

    #[test]
    fn without_a_collector_there_are_no_traces_whatever_else_is_set() {
        assert!(read(&[]).unwrap().is_none());
        assert!(
            read(&[("OTEL_TRACES_SAMPLER", "nonsense"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")])
                .unwrap()
                .is_none()
        );
        assert!(read(&[("OTEL_EXPORTER_OTLP_ENDPOINT", " ")]).unwrap().is_none());
        let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318");
        assert!(read(&[endpoint, ("OTEL_SDK_DISABLED", "TRUE")]).unwrap().is_none());
        assert!(read(&[endpoint, ("OTEL_TRACES_EXPORTER", "none")]).unwrap().is_none());
    }

    #[test]
    fn a_collector_is_named_once_for_all_or_for_traces_alone() {
        let all = ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://c:4318/base/");
        let settings = set(&[all]);
        assert_eq!(settings.endpoint, "https://c:4318/base/v1/traces");
        assert_eq!((settings.queue, settings.batch), (2_048, 512));
        assert_eq!((settings.timeout, settings.delay), (Duration::from_secs(10), Duration::from_secs(5)));
        assert!(!settings.names_service);
        let alone = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://t/x?y=1");
        assert_eq!(set(&[all, alone]).endpoint, "http://t/x?y=1");
        assert!(set(&[all, ("OTEL_SERVICE_NAME", "lab")]).names_service);
        assert!(set(&[all, ("OTEL_RESOURCE_ATTRIBUTES", "a=b, service.name=lab")]).names_service);
        let numbers = [
            all,
            ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "250"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "never read"),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "7"),
            ("OTEL_BSP_SCHEDULE_DELAY", "20"),
        ];
        let settings = set(&numbers);
        assert_eq!((settings.timeout, settings.queue), (Duration::from_millis(250), 7));
    }

    #[test]
    fn the_share_of_traces_is_that_of_the_standards_samplers() {
        let sampler = |more: &[(&str, &str)]| {
            let settings = set(&[&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318")], more].concat());
            format!("{:?}", settings.sampler)
        };
        assert_eq!(sampler(&[]), "ParentBased(AlwaysOn)");
        let ratio =
            [("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", "0.25")];
        assert_eq!(sampler(&ratio), "ParentBased(TraceIdRatioBased(0.25))");
        assert_eq!(sampler(&[("OTEL_TRACES_SAMPLER", "always_off")]), "AlwaysOff");
    }

    #[test]
    fn a_value_that_cannot_be_used_is_refused_by_its_variables_name_and_no_secret_is_repeated() {
        let cases = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "c:4318"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "grpc://c:4317"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://user:hunter2@c:4318"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318/?key=hunter2"),
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http:// c"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json"),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
            ("OTEL_EXPORTER_OTLP_CERTIFICATE", "ca.pem"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "hunter2"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "a=b,c d=hunter2"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "0"),
            ("OTEL_SDK_DISABLED", "yes"),
            ("OTEL_TRACES_EXPORTER", "zipkin"),
            ("OTEL_TRACES_SAMPLER", "jaeger_remote"),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "-1"),
            ("OTEL_BSP_SCHEDULE_DELAY", "1e3"),
        ];
        let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318");
        for (variable, value) in cases {
            let error = read(&[(variable, value), endpoint]).unwrap_err();
            assert_eq!(error.variable, variable, "{error}");
            assert!(
                error.to_string().starts_with(variable) && !error.to_string().contains("hunter2"),
                "{error}"
            );
        }
        for ratio in ["1.5", "-0.1", "NaN", "half"] {
            let error = read(&[
                endpoint,
                ("OTEL_TRACES_SAMPLER", "traceidratio"),
                ("OTEL_TRACES_SAMPLER_ARG", ratio),
            ]);
            assert_eq!(error.unwrap_err().variable, "OTEL_TRACES_SAMPLER_ARG", "{ratio}");
        }
    }
}
