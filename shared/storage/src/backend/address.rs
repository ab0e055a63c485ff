//! `scheme://bucket/prefix`: where a store on the network is.

use object_store::path::Path;

use crate::{Result, StorageError, key};

/// The longest name of a bucket, in bytes: that of the oldest buckets of S3.
const LONGEST_BUCKET: usize = 255;

/// A bucket and what every key in it begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    /// The bucket; Azure calls it a container.
    pub(super) bucket: String,
    /// The prefix of every key, if the store isn't the whole bucket.
    pub(super) prefix: Option<Path>,
    /// The URL, as short as it can be written.
    pub(super) url: String,
}

impl Address {
    /// Takes a URL apart. Nothing of it is decoded or resolved: a prefix is held to the rules of keys, so that no URL
    /// means another prefix than it says.
    pub(super) fn parse(url: &str) -> Result<Self> {
        let bad = |why: &str| StorageError::BadUrl { url: url.to_owned(), why: why.to_owned() };
        let (scheme, rest) = url.split_once("://").ok_or_else(|| bad("it has no scheme"))?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() {
            return Err(bad(&format!("a bucket is expected after `{scheme}://`")));
        }
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if bucket.len() > LONGEST_BUCKET
            || !bucket.bytes().all(is_plain)
            || bucket.bytes().all(|byte| byte == b'.')
        {
            return Err(bad(
                "the name of a bucket has letters, digits, `-`, `_` and `.` alone; an endpoint, a user or a port have \
                 no place here",
            ));
        }
        let prefix = match prefix {
            "" => None,
            _ => {
                Some(key::path(prefix.strip_suffix('/').unwrap_or(prefix)).map_err(|error| match error {
                    StorageError::InvalidKey { why, .. } => bad(&format!("its prefix can't be one: {why}")),
                    error => error,
                })?)
            }
        };
        let url = match &prefix {
            Some(prefix) => format!("{scheme}://{bucket}/{prefix}"),
            None => format!("{scheme}://{bucket}"),
        };
        Ok(Self { bucket: bucket.to_owned(), prefix, url })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_may_be_followed_by_a_prefix() {
        for (url, bucket, prefix, short) in [
            ("s3://bucket", "bucket", None, "s3://bucket"),
            ("s3://bucket/", "bucket", None, "s3://bucket"),
            ("s3://my.bucket-1/a/b", "my.bucket-1", Some("a/b"), "s3://my.bucket-1/a/b"),
            ("az://box/a/", "box", Some("a"), "az://box/a"),
        ] {
            let address = Address::parse(url).unwrap();
            let found = address.prefix.as_ref().map(ToString::to_string);
            assert_eq!(
                (address.bucket.as_str(), found.as_deref(), address.url.as_str()),
                (bucket, prefix, short)
            );
        }
    }

    #[test]
    fn what_could_mean_another_place_is_refused() {
        for url in [
            "s3://",
            "s3:///a",
            "s3://..",
            "s3://b/..",
            "s3://b/a/../c",
            "s3://b//",
            "s3://b//a",
            "s3://b/a//",
            "s3://b/%2e%2e",
            "s3://b?x=1",
            "s3://b/a?x=1",
            "s3://b/#a",
            "s3://key:secret@b/a",
            "s3://host:9000/b",
            "s3://b/a b",
            "s3://bücket",
        ] {
            assert!(matches!(Address::parse(url), Err(StorageError::BadUrl { .. })), "{url}");
        }
    }
}
