//! `gs://bucket/prefix`: Google Cloud Storage.
//!
//! Credentials come from `GOOGLE_SERVICE_ACCOUNT`, `GOOGLE_SERVICE_ACCOUNT_KEY` or `GOOGLE_APPLICATION_CREDENTIALS`, from
//! what `gcloud auth application-default login` left, or from the machine's metadata.

use object_store::ClientConfigKey;
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};

use super::address::Address;
use super::environment::Environment;
use super::opened::{IfMissing, OpenedStore};
use super::remote::{self, Credentials};
use crate::{Provider, Result};

/// Opens `gs://…`. Whether the bucket is there is seen by the first call.
pub(super) fn open_url(url: &str, _: IfMissing) -> Result<OpenedStore> {
    open(Address::parse(url)?, &Environment::of_process())
}

fn open(address: Address, environment: &Environment) -> Result<OpenedStore> {
    let store = address.url.clone();
    let mut builder = GoogleCloudStorageBuilder::new();
    let mut client: Vec<(ClientConfigKey, String)> = Vec::new();
    let mut plain_http = false;
    if let Some(file) = environment.get("SERVICE_ACCOUNT") {
        builder = builder.with_service_account_path(file);
    }
    for (name, value) in environment.beginning_with("GOOGLE_") {
        match name.parse() {
            Ok(GoogleConfigKey::Client(key)) => client.push((key, value.to_owned())),
            // The URL says which.
            Ok(GoogleConfigKey::Bucket) => {}
            Ok(key) => {
                if matches!(key, GoogleConfigKey::BaseUrl) {
                    plain_http = remote::is_plain_http(&store, "GOOGLE_BASE_URL", value)?;
                }
                builder = builder.with_config(key, value);
            }
            Err(_) => {}
        }
    }
    let builder = builder
        .with_bucket_name(address.bucket.as_str())
        .with_client_options(remote::client(&store, environment, plain_http, &client)?)
        .with_retry(remote::one_try());
    let cannot = |error| remote::rejected(&store, &error, Provider::Google);
    let found = builder.clone().build().map_err(cannot)?;
    let objects = builder.with_credentials(Credentials::of(found.credentials())).build().map_err(cannot)?;
    Ok(remote::opened(objects, address))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Misconfiguration, StorageError};

    fn opened(variables: &[(&str, &str)]) -> Result<OpenedStore> {
        open(Address::parse("gs://bucket/prefix").unwrap(), &Environment::of(variables))
    }

    #[test]
    fn it_opens_with_a_token_and_with_a_server_of_ones_own() {
        let variables = [("GOOGLE_BEARER_TOKEN", "t"), ("GOOGLE_BASE_URL", "http://127.0.0.1:4443")];
        assert_eq!(opened(&variables).unwrap().url, "gs://bucket/prefix");
    }

    #[test]
    fn credentials_that_cannot_be_read_are_named() {
        let Err(error) = opened(&[("GOOGLE_SERVICE_ACCOUNT", "/nowhere.json")]) else {
            panic!("no such file")
        };
        let StorageError::Unconfigured { problem, .. } = error else { panic!("{error}") };
        assert!(
            matches!(problem, Misconfiguration::Rejected { provider: Provider::Google, .. }),
            "{problem}"
        );
    }
}
