//! `az://container/prefix`: Azure Blob Storage, in the account that `AZURE_STORAGE_ACCOUNT_NAME` names.
//!
//! Credentials come from `AZURE_STORAGE_ACCOUNT_KEY`, `AZURE_STORAGE_SAS_TOKEN`, a client and its secret, a federated token
//! file, or the machine's identity.

use object_store::ClientConfigKey;
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};

use super::address::Address;
use super::environment::Environment;
use super::opened::{IfMissing, OpenedStore};
use super::remote::{self, Credentials};
use crate::{Misconfiguration, Provider, Result, StorageError};

/// Opens `az://…`. Whether the container is there is seen by the first call.
pub(super) fn open_url(url: &str, _: IfMissing) -> Result<OpenedStore> {
    open(Address::parse(url)?, &Environment::of_process())
}

fn open(address: Address, environment: &Environment) -> Result<OpenedStore> {
    let store = address.url.clone();
    let mut builder = MicrosoftAzureBuilder::new();
    let mut client: Vec<(ClientConfigKey, String)> = Vec::new();
    let mut plain_http = false;
    if let Some(endpoint) = environment.get("IDENTITY_ENDPOINT") {
        builder = builder.with_msi_endpoint(endpoint);
    }
    // The name that the vendor's own tools use.
    if let Some(account) = environment.get("AZURE_STORAGE_ACCOUNT") {
        builder = builder.with_account(account);
    }
    for (name, value) in environment.beginning_with("AZURE_") {
        match name.parse() {
            Ok(AzureConfigKey::Client(key)) => client.push((key, value.to_owned())),
            // The URL says which.
            Ok(AzureConfigKey::ContainerName) => {}
            Ok(key) => {
                if matches!(key, AzureConfigKey::Endpoint) {
                    plain_http = remote::is_plain_http(&store, "AZURE_STORAGE_ENDPOINT", value)?;
                }
                builder = builder.with_config(key, value);
            }
            Err(_) => {}
        }
    }
    let is_emulator = builder.get_config_value(&AzureConfigKey::UseEmulator).as_deref() == Some("true");
    if !is_emulator && builder.get_config_value(&AzureConfigKey::AccountName).is_none() {
        return Err(StorageError::Unconfigured { store, problem: Misconfiguration::NoAccount });
    }
    let options = remote::client(&store, environment, plain_http, &client)?;
    let builder = builder
        .with_container_name(address.bucket.as_str())
        .with_client_options(options)
        .with_retry(remote::one_try());
    let cannot = |error| remote::rejected(&store, &error, Provider::Azure);
    let found = builder.clone().build().map_err(cannot)?;
    // The emulator has credentials of its own, and takes no others.
    let builder =
        if is_emulator { builder } else { builder.with_credentials(Credentials::of(found.credentials())) };
    Ok(remote::opened(builder.build().map_err(cannot)?, address))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(variables: &[(&str, &str)]) -> Result<OpenedStore> {
        open(Address::parse("az://box/prefix").unwrap(), &Environment::of(variables))
    }

    #[test]
    fn it_opens_with_an_account_and_its_key() {
        for account in ["AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_ACCOUNT"] {
            let variables = [(account, "acc"), ("AZURE_STORAGE_ACCOUNT_KEY", "a2V5")];
            assert_eq!(opened(&variables).unwrap().url, "az://box/prefix");
        }
        assert!(opened(&[("AZURE_STORAGE_USE_EMULATOR", "true")]).is_ok());
    }

    #[test]
    fn a_missing_account_and_a_broken_key_are_named_and_the_key_is_not_shown() {
        let Err(error) = opened(&[]) else { panic!("no account is set") };
        let no_account = Misconfiguration::NoAccount;
        assert!(matches!(error, StorageError::Unconfigured { problem, .. } if problem == no_account));
        let broken = [("AZURE_STORAGE_ACCOUNT_NAME", "acc"), ("AZURE_STORAGE_ACCOUNT_KEY", "do-not-tell!")];
        let Err(error) = opened(&broken) else { panic!("the key is none") };
        assert!(matches!(error, StorageError::Unconfigured { .. }));
        assert!(!format!("{error} {error:?}").contains("do-not-tell"), "{error}");
    }

    /// Against Microsoft's own emulator, Azurite, which `BASIN_TEST_AZURE` names a container of (`.ci/azurite`).
    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn a_real_server_conforms() {
        let Ok(url) = std::env::var("BASIN_TEST_AZURE") else {
            eprintln!(
                "NOT RUN: BASIN_TEST_AZURE names no container; `.ci/azurite up DIR PORT` starts a server"
            );
            return;
        };
        let variables = ["AZURE_STORAGE_USE_EMULATOR", "AZURITE_BLOB_STORAGE_URL"];
        let variables = variables.map(|name| (name.to_owned(), std::env::var(name).unwrap()));
        let address = Address::parse(&format!("{url}/{}", uuid::Uuid::new_v4())).unwrap();
        let store = crate::Store::of(open(address, &variables.clone().into_iter().collect()).unwrap());
        crate::testing::conformance::run(&store).await;
        let missing = Address::parse("az://no-such-container").unwrap();
        let missing = crate::Store::of(open(missing, &variables.into_iter().collect()).unwrap());
        for error in [missing.check_reachable().await.unwrap_err(), missing.probe().await.unwrap_err()] {
            assert!(matches!(error, StorageError::NoBucket { .. }), "{error:?}");
        }
    }
}
