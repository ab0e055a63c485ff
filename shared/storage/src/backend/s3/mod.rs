//! `s3://bucket/prefix`: S3, and whatever speaks its protocol.
//!
//! Settings beside the URL come from where the vendor's own tools look: the environment, then a profile of
//! `~/.aws/credentials` and `~/.aws/config`, then the machine (a token file and a role, a container's or an instance's
//! metadata). Buckets are addressed by path, as nearly every server outside of AWS expects.

mod profile;

use object_store::ClientConfigKey;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};

use self::profile::Profile;
use super::address::Address;
use super::environment::Environment;
use super::opened::{IfMissing, OpenedStore};
use super::remote::{self, Credentials};
use crate::{Misconfiguration, Provider, Result, StorageError};

/// The endpoint's variables; the first that is set counts.
const ENDPOINTS: [&str; 3] = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"];

/// Opens `s3://…`. Whether the bucket is there is seen by the first call.
pub(super) fn open_url(url: &str, _: IfMissing) -> Result<OpenedStore> {
    open(Address::parse(url)?, &Environment::of_process())
}

fn open(address: Address, environment: &Environment) -> Result<OpenedStore> {
    let store = address.url.clone();
    let builder = configure(&address, environment)?;
    let cannot = |error| remote::rejected(&store, &error, Provider::S3);
    // Built twice: the first one finds out where the credentials come from.
    let found = builder.clone().build().map_err(cannot)?;
    let objects = builder.with_credentials(Credentials::of(found.credentials())).build().map_err(cannot)?;
    Ok(remote::opened(objects, address))
}

/// Everything but where credentials come from if neither the environment nor a profile has them.
pub(super) fn configure(address: &Address, environment: &Environment) -> Result<AmazonS3Builder> {
    let url = address.url.as_str();
    let mut builder = AmazonS3Builder::new();
    let mut client: Vec<(ClientConfigKey, String)> = Vec::new();
    for (name, value) in environment.beginning_with("AWS_") {
        match name.parse() {
            Ok(AmazonS3ConfigKey::Client(key)) => client.push((key, value.to_owned())),
            // The URL says which, and the endpoint is chosen below.
            Ok(AmazonS3ConfigKey::Bucket | AmazonS3ConfigKey::Endpoint | AmazonS3ConfigKey::S3Endpoint) => {}
            Ok(key) => builder = builder.with_config(key, value),
            // AWS_PROFILE and others that are none of object_store's.
            Err(_) => {}
        }
    }
    let profile = Profile::of(url, environment)?;
    let has_keys = |builder: &AmazonS3Builder| {
        builder.get_config_value(&AmazonS3ConfigKey::AccessKeyId).is_some()
            || builder.get_config_value(&AmazonS3ConfigKey::SecretAccessKey).is_some()
    };
    let has_identity = environment.get("AWS_WEB_IDENTITY_TOKEN_FILE").is_some();
    if !has_keys(&builder) && !has_identity {
        profile.check_usable(url)?;
        for (key, value) in profile.credentials() {
            builder = builder.with_config(key, value);
        }
    }
    let unconfigured = |problem| StorageError::Unconfigured { store: url.to_owned(), problem };
    for (key, missing, given) in [
        (AmazonS3ConfigKey::AccessKeyId, "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
        (AmazonS3ConfigKey::SecretAccessKey, "AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID"),
    ] {
        if has_keys(&builder) && builder.get_config_value(&key).is_none() {
            return Err(unconfigured(Misconfiguration::HalfAKey { missing, given }));
        }
    }
    if has_identity && environment.get("AWS_ROLE_ARN").is_none() {
        return Err(unconfigured(Misconfiguration::NoRole));
    }
    let named = ENDPOINTS.iter().find_map(|name| Some((*name, environment.get(name)?)));
    let endpoint = named.or_else(|| Some(("endpoint_url of the profile", profile.endpoint()?)));
    let mut plain_http = false;
    if let Some((name, endpoint)) = endpoint {
        plain_http = remote::is_plain_http(url, name, endpoint)?;
        builder = builder.with_endpoint(endpoint);
    }
    if builder.get_config_value(&AmazonS3ConfigKey::Region).is_none() {
        match (profile.region(), endpoint) {
            (Some(region), _) => builder = builder.with_region(region),
            // Servers other than AWS either don't care or take this one.
            (None, Some(_)) => builder = builder.with_region("us-east-1"),
            (None, None) => return Err(unconfigured(Misconfiguration::NoRegion)),
        }
    }
    let mut options = remote::client(url, environment, plain_http, &client)?;
    if let Some(file) = environment.get("AWS_CA_BUNDLE") {
        options = remote::trusting(options, url, "AWS_CA_BUNDLE", file)?;
    }
    Ok(builder
        .with_bucket_name(address.bucket.as_str())
        .with_client_options(options)
        .with_retry(remote::one_try()))
}

#[cfg(test)]
mod real;

#[cfg(test)]
mod tests {
    use super::*;

    fn configured(variables: &[(&str, &str)]) -> Result<AmazonS3Builder> {
        configure(&Address::parse("s3://bucket/prefix").unwrap(), &Environment::of(variables))
    }

    fn value(builder: &AmazonS3Builder, key: AmazonS3ConfigKey) -> Option<String> {
        builder.get_config_value(&key)
    }

    #[track_caller]
    fn complaint(variables: &[(&str, &str)]) -> (String, Misconfiguration) {
        let error = configured(variables).unwrap_err();
        let said = error.to_string();
        let StorageError::Unconfigured { problem, .. } = error else { panic!("{said}") };
        (said, problem)
    }

    const KEYS: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", "AK"), ("AWS_SECRET_ACCESS_KEY", "SK")];

    #[test]
    fn a_server_of_ones_own_is_addressed_by_path_and_needs_no_region() {
        let builder = configured(&[&KEYS[..], &[("AWS_ENDPOINT_URL", "http://127.0.0.1:9000")]].concat());
        let builder = builder.unwrap();
        assert_eq!(value(&builder, AmazonS3ConfigKey::Endpoint).unwrap(), "http://127.0.0.1:9000");
        assert_eq!(value(&builder, AmazonS3ConfigKey::Region).unwrap(), "us-east-1");
        assert_eq!(value(&builder, AmazonS3ConfigKey::Bucket).unwrap(), "bucket");
        assert_eq!(value(&builder, AmazonS3ConfigKey::VirtualHostedStyleRequest).unwrap(), "false");
        let http = AmazonS3ConfigKey::Client(ClientConfigKey::AllowHttp);
        assert_eq!(value(&builder, http).unwrap(), "true");
    }

    #[test]
    fn the_endpoint_of_s3_alone_goes_before_that_of_all_services_and_https_stays_https() {
        let builder = configured(&[
            ("AWS_ENDPOINT_URL", "http://other:1"),
            ("AWS_ENDPOINT_URL_S3", "https://s3.example.org"),
            ("AWS_BUCKET", "another"),
        ]);
        let builder = builder.unwrap();
        assert_eq!(value(&builder, AmazonS3ConfigKey::Endpoint).unwrap(), "https://s3.example.org");
        assert_eq!(value(&builder, AmazonS3ConfigKey::Bucket).unwrap(), "bucket");
        let http = AmazonS3ConfigKey::Client(ClientConfigKey::AllowHttp);
        assert_eq!(value(&builder, http).unwrap(), "false");
    }

    #[test]
    fn what_is_missing_is_named() {
        assert_eq!(
            complaint(&KEYS),
            (
                "the store s3://bucket/prefix can't be opened: no region is set, and no endpoint".to_owned(),
                Misconfiguration::NoRegion
            )
        );
        let half = [("AWS_REGION", "eu-west-1"), ("AWS_ACCESS_KEY_ID", "AK")];
        let (missing, given) = ("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID");
        assert_eq!(complaint(&half).1, Misconfiguration::HalfAKey { missing, given });
        let no_scheme = [("AWS_ENDPOINT_URL", "localhost:9000")];
        assert!(complaint(&no_scheme).0.contains("AWS_ENDPOINT_URL is `localhost:9000`"));
        let no_role = [("AWS_REGION", "eu-west-1"), ("AWS_WEB_IDENTITY_TOKEN_FILE", "/token")];
        assert!(complaint(&no_role).0.contains("AWS_ROLE_ARN"));
        let no_bundle = [("AWS_REGION", "eu-west-1"), ("AWS_CA_BUNDLE", "/nowhere.pem")];
        assert!(complaint(&no_bundle).0.contains("/nowhere.pem"));
    }

    #[test]
    fn a_profile_fills_in_what_the_environment_leaves_open() {
        let folder = tempfile::tempdir().unwrap();
        let (credentials, config) = (folder.path().join("credentials"), folder.path().join("config"));
        std::fs::write(&credentials, "[site]\naws_access_key_id = PK\naws_secret_access_key = PS\n").unwrap();
        std::fs::write(&config, "[profile site]\nregion = eu-1\nendpoint_url = http://10.0.0.1:7480\n")
            .unwrap();
        let files = [
            ("AWS_SHARED_CREDENTIALS_FILE", credentials.to_str().unwrap()),
            ("AWS_CONFIG_FILE", config.to_str().unwrap()),
            ("AWS_PROFILE", "site"),
        ];
        let builder = configured(&files).unwrap();
        for (key, expected) in [
            (AmazonS3ConfigKey::AccessKeyId, "PK"),
            (AmazonS3ConfigKey::SecretAccessKey, "PS"),
            (AmazonS3ConfigKey::Region, "eu-1"),
            (AmazonS3ConfigKey::Endpoint, "http://10.0.0.1:7480"),
        ] {
            assert_eq!(value(&builder, key).as_deref(), Some(expected));
        }
        let over = configured(&[&files[..], &KEYS[..], &[("AWS_REGION", "us-2")]].concat()).unwrap();
        assert_eq!(value(&over, AmazonS3ConfigKey::AccessKeyId).unwrap(), "AK");
        assert_eq!(value(&over, AmazonS3ConfigKey::Region).unwrap(), "us-2");
    }

    #[test]
    fn errors_and_debug_output_hold_no_secret() {
        let secret = [
            ("AWS_ACCESS_KEY_ID", "AK"),
            ("AWS_SECRET_ACCESS_KEY", "do-not-tell"),
            ("AWS_SESSION_TOKEN", "do-not-tell"),
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
        ];
        let opened = open(Address::parse("s3://bucket").unwrap(), &Environment::of(&secret)).unwrap();
        assert!(!format!("{} {:?}", opened.objects, opened.url).contains("do-not-tell"));
    }
}
