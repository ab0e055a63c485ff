//! A profile of `~/.aws/credentials` and `~/.aws/config`, which `object_store` doesn't read.
//!
//! Format: AWS SDKs and Tools Reference Guide, "Shared config and credentials files". Read are access keys, region,
//! endpoint, and a token file with its role; a profile that gets its credentials in another way is named as such.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use object_store::aws::AmazonS3ConfigKey;
use secrecy::{ExposeSecret, SecretString};

use super::super::environment::Environment;
use crate::{Misconfiguration, Result, StorageError};

/// The longest file that makes sense, in bytes.
const FILE_LIMIT: u64 = 1 << 20;

/// How a profile may say that its credentials come from elsewhere.
const ELSEWHERE: [&str; 5] =
    ["sso_session", "sso_start_url", "credential_process", "source_profile", "credential_source"];

/// Values by name.
type Settings = BTreeMap<String, SecretString>;

/// The settings of a profile, any of which may be a secret.
#[derive(Debug)]
pub(super) struct Profile {
    name: String,
    settings: Settings,
}

impl Profile {
    /// The profile that `AWS_PROFILE` names, or `default`, which may be missing.
    pub(super) fn of(url: &str, environment: &Environment) -> Result<Self> {
        let named = environment.get("AWS_PROFILE");
        let name = named.unwrap_or("default");
        let home = environment.get("HOME").or_else(|| environment.get("USERPROFILE")).map(PathBuf::from);
        let file = |variable: &str, name: &str| match environment.get(variable) {
            Some(path) => Some(PathBuf::from(path)),
            None => Some(home.as_ref()?.join(".aws").join(name)),
        };
        let credentials = file("AWS_SHARED_CREDENTIALS_FILE", "credentials");
        let config = file("AWS_CONFIG_FILE", "config");
        let section = |path: &Option<PathBuf>, names: &[String]| -> Result<Option<Settings>> {
            let Some(path) = path else { return Ok(None) };
            let text = read(path).map_err(|error| unreadable(url, path, &error))?;
            Ok(text.and_then(|text| settings(&text, names)))
        };
        let of_config = if name == "default" {
            section(&config, &["default".to_owned(), "profile default".to_owned()])?
        } else {
            section(&config, &[format!("profile {name}")])?
        };
        let of_credentials = section(&credentials, &[name.to_owned()])?;
        if let (None, None, Some(name)) = (&of_config, &of_credentials, named) {
            let files = [credentials, config].into_iter().flatten().collect();
            let problem = Misconfiguration::NoProfile { name: name.to_owned(), files };
            return Err(StorageError::Unconfigured { store: url.to_owned(), problem });
        }
        let mut settings = of_config.unwrap_or_default();
        // Where both say something, the file of credentials counts.
        settings.extend(of_credentials.unwrap_or_default());
        Ok(Self { name: name.to_owned(), settings })
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.settings.get(name).map(ExposeSecret::expose_secret).filter(|value| !value.is_empty())
    }

    /// The region.
    pub(super) fn region(&self) -> Option<&str> {
        self.get("region")
    }

    /// The endpoint.
    pub(super) fn endpoint(&self) -> Option<&str> {
        self.get("endpoint_url")
    }

    /// Its access key, or its token file and role.
    pub(super) fn credentials(&self) -> Vec<(AmazonS3ConfigKey, &str)> {
        [
            ("aws_access_key_id", AmazonS3ConfigKey::AccessKeyId),
            ("aws_secret_access_key", AmazonS3ConfigKey::SecretAccessKey),
            ("aws_session_token", AmazonS3ConfigKey::Token),
            ("web_identity_token_file", AmazonS3ConfigKey::WebIdentityTokenFile),
            ("role_arn", AmazonS3ConfigKey::RoleArn),
            ("role_session_name", AmazonS3ConfigKey::RoleSessionName),
        ]
        .into_iter()
        .filter_map(|(name, key)| Some((key, self.get(name)?)))
        .collect()
    }

    /// Refuses a profile whose credentials only the vendor's own tools can get.
    pub(super) fn check_usable(&self, url: &str) -> Result<()> {
        if self.get("aws_access_key_id").is_some() {
            return Ok(());
        }
        match ELSEWHERE.into_iter().find(|name| self.get(name).is_some()) {
            None => Ok(()),
            Some(how) => Err(StorageError::Unconfigured {
                store: url.to_owned(),
                problem: Misconfiguration::ForeignProfile { name: self.name.clone(), how },
            }),
        }
    }
}

/// A file's text; none if there is no such file.
fn read(path: &Path) -> std::io::Result<Option<String>> {
    let file = match std::fs::File::open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let mut text = String::new();
    if file.take(FILE_LIMIT).read_to_string(&mut text)? as u64 == FILE_LIMIT {
        return Err(std::io::Error::other("it is longer than a MiB"));
    }
    Ok(Some(text))
}

fn unreadable(url: &str, path: &Path, error: &std::io::Error) -> StorageError {
    let problem = Misconfiguration::ProfileFile { file: path.to_owned(), why: error.to_string() };
    StorageError::Unconfigured { store: url.to_owned(), problem }
}

/// The settings of the sections of these names, later ones over earlier ones; none if there is no such section.
fn settings(text: &str, names: &[String]) -> Option<Settings> {
    let mut found = None;
    let mut inside = false;
    for line in text.lines() {
        let is_nested = line.starts_with([' ', '\t']);
        let line = without_comment(line).trim();
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            // `[profile  x]` is `[profile x]`.
            let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
            inside = names.contains(&name);
            if inside {
                found.get_or_insert_with(BTreeMap::new);
            }
        } else if let (true, false, Some((key, value))) = (inside, is_nested, line.split_once('=')) {
            // Nested lines belong to a setting that has parts (`s3 =`), of which none is needed.
            let settings = found.get_or_insert_with(BTreeMap::new);
            settings.insert(key.trim().to_ascii_lowercase(), value.trim().into());
        }
    }
    found
}

/// A line up to its comment: `#` or `;` at its beginning or after a space.
fn without_comment(line: &str) -> &str {
    let begins = |(at, _): &(usize, &str)| *at == 0 || line[..*at].ends_with([' ', '\t']);
    match line.match_indices(['#', ';']).find(begins) {
        Some((at, _)) => &line[..at],
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(credentials: &str, config: &str, name: Option<&str>) -> Result<Profile> {
        let folder = tempfile::tempdir().unwrap();
        let aws = folder.path().join(".aws");
        std::fs::create_dir(&aws).unwrap();
        std::fs::write(aws.join("credentials"), credentials).unwrap();
        std::fs::write(aws.join("config"), config).unwrap();
        let home = [("HOME", folder.path().to_str().unwrap()), ("AWS_PROFILE", name.unwrap_or(""))];
        Profile::of("s3://bucket", &Environment::of(&home))
    }

    const CREDENTIALS: &str = "\
# keys
[default]
aws_access_key_id=DK
aws_secret_access_key = a+b/c=d#e  # not a part of it

[site]
AWS_ACCESS_KEY_ID = SK
aws_secret_access_key = ss
aws_session_token =
";
    const CONFIG: &str = "\
[default]
region = eu-central-1
s3 =
    region = nested
    addressing_style = path
[profile  site]
region = us-west-2
; region = no
endpoint_url = https://s3.site
[site]
region = not-a-profile
[profile sso]
sso_session = corp
";

    #[test]
    fn keys_come_from_one_file_and_settings_from_the_other() {
        let default = profile(CREDENTIALS, CONFIG, None).unwrap();
        assert_eq!(default.region(), Some("eu-central-1"));
        let keys =
            [(AmazonS3ConfigKey::AccessKeyId, "DK"), (AmazonS3ConfigKey::SecretAccessKey, "a+b/c=d#e")];
        assert_eq!(default.credentials(), keys);
        let site = profile(CREDENTIALS, CONFIG, Some("site")).unwrap();
        assert_eq!((site.region(), site.endpoint()), (Some("us-west-2"), Some("https://s3.site")));
        let keys = [(AmazonS3ConfigKey::AccessKeyId, "SK"), (AmazonS3ConfigKey::SecretAccessKey, "ss")];
        assert_eq!(site.credentials(), keys);
    }

    #[test]
    fn the_default_profile_may_be_missing_and_a_named_one_may_not() {
        assert!(profile("", "", None).unwrap().credentials().is_empty());
        let Err(error) = profile(CREDENTIALS, CONFIG, Some("sight")) else {
            panic!("there is no such profile")
        };
        assert!(error.to_string().contains("`sight`"), "{error}");
        assert!(Profile::of("s3://bucket", &Environment::of(&[])).unwrap().credentials().is_empty());
    }

    #[test]
    fn a_profile_that_logs_in_elsewhere_is_said_to() {
        let sso = profile(CREDENTIALS, CONFIG, Some("sso")).unwrap();
        let error = sso.check_usable("s3://bucket").unwrap_err();
        assert!(error.to_string().contains("`sso_session`"), "{error}");
        profile(CREDENTIALS, CONFIG, None).unwrap().check_usable("s3://bucket").unwrap();
    }

    #[test]
    fn lines_that_are_no_settings_are_passed_over() {
        let odd = "=\n[default\nx\n[]\n[default]\n= 1\nregion\n[default] # again\nregion = r ; why\n";
        assert_eq!(profile("", odd, None).unwrap().region(), Some("r"));
    }
}
