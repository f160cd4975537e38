//! Where a bucket is: endpoint, name, region, and how its name goes into addresses.
//!
//! In: text from a user, a file or a chain. Out: a [`BucketPlace`] that makes one well-formed address and no other.
//! Refused: plain HTTP to another machine, addresses with a user, path, query or fragment, names that no S3 server allows.

use reqwest::Url;
use serde::{Deserialize, Serialize};

use crate::limits::MAX_ENDPOINT_CHARS;

/// Where a bucket is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Raw", into = "Raw")]
pub struct BucketPlace {
    endpoint: Url,
    bucket: String,
    region: String,
    path_style: bool,
}

/// The same, unchecked.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    endpoint: String,
    bucket: String,
    region: String,
    #[serde(default = "yes")]
    path_style: bool,
}

fn yes() -> bool {
    true
}

/// Why this is no place of a bucket.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlaceError {
    /// The endpoint is no address, or says more than one should.
    #[error("the endpoint must be an address such as https://s3.example.org, without user, path, query or fragment")]
    Endpoint,
    /// Anybody on the way could read and change what is sent.
    #[error("the endpoint must be https:// (http:// only to this machine)")]
    Insecure,
    /// No S3 server allows such a name.
    #[error(
        "a bucket's name has 3 to 63 lower-case letters, digits, `.` and `-`, and begins and ends with none of the last two"
    )]
    Bucket,
    /// A certificate covers one level of names.
    #[error("a bucket with a dot in its name can only be reached with path_style")]
    Dotted,
    /// No such region.
    #[error("a region has 1 to 32 lower-case letters, digits and `-` (`auto` for Cloudflare R2)")]
    Region,
    /// Not Cloudflare's.
    #[error("a Cloudflare account id has 32 lower-case letters and digits")]
    Account,
}

impl BucketPlace {
    /// Any S3-compatible server: MinIO, Garage, Ceph, a provider's. With `path_style` the name stands behind the endpoint
    /// (most servers); without, before it (AWS).
    ///
    /// # Errors
    /// [`PlaceError`].
    pub fn at(endpoint: &str, bucket: &str, region: &str, path_style: bool) -> Result<Self, PlaceError> {
        if endpoint.len() > MAX_ENDPOINT_CHARS {
            return Err(PlaceError::Endpoint);
        }
        let url = Url::parse(endpoint).map_err(|_| PlaceError::Endpoint)?;
        let plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
        if !plain || url.fragment().is_some() || url.path() != "/" || url.host_str().is_none() {
            return Err(PlaceError::Endpoint);
        }
        match url.scheme() {
            "https" => {}
            "http" if is_this_machine(&url) => {}
            _ => return Err(PlaceError::Insecure),
        }
        if !is_bucket_name(bucket) {
            return Err(PlaceError::Bucket);
        }
        if !path_style && bucket.contains('.') {
            return Err(PlaceError::Dotted);
        }
        let fine = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if !(1..=32).contains(&region.len()) || !region.bytes().all(fine) {
            return Err(PlaceError::Region);
        }
        Ok(Self { endpoint: url, bucket: bucket.to_owned(), region: region.to_owned(), path_style })
    }

    /// Cloudflare R2, by account id.
    ///
    /// # Errors
    /// [`PlaceError`].
    pub fn r2(account: &str, bucket: &str) -> Result<Self, PlaceError> {
        if account.len() != 32 || !account.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()) {
            return Err(PlaceError::Account);
        }
        Self::at(&format!("https://{account}.r2.cloudflarestorage.com"), bucket, "auto", true)
    }

    /// Amazon S3.
    ///
    /// # Errors
    /// [`PlaceError`].
    pub fn aws(region: &str, bucket: &str) -> Result<Self, PlaceError> {
        // The region is checked before it becomes part of an address that could mean something else.
        Self::at("https://s3.amazonaws.com", bucket, region, true)?;
        Self::at(&format!("https://s3.{region}.amazonaws.com"), bucket, region, bucket.contains('.'))
    }

    /// The bucket's name.
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// Region that requests are signed for.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Machine that is asked.
    pub fn host(&self) -> &str {
        self.endpoint.host_str().unwrap_or_default()
    }

    /// Whether the server is on this machine.
    pub(crate) fn is_local(&self) -> bool {
        is_this_machine(&self.endpoint)
    }

    /// Whether the name stands behind the endpoint in addresses, and not before it.
    pub(crate) fn path_style(&self) -> bool {
        self.path_style
    }

    /// The address that object names are put behind, after the bucket's name with `path_style`.
    pub(crate) fn address(&self) -> String {
        let port = self.endpoint.port().map(|port| format!(":{port}")).unwrap_or_default();
        let (scheme, host) = (self.endpoint.scheme(), self.host());
        let before = if self.path_style { String::new() } else { format!("{}.", self.bucket) };
        format!("{scheme}://{before}{host}{port}")
    }
}

impl std::fmt::Display for BucketPlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} at {}", self.bucket, self.host())
    }
}

impl TryFrom<Raw> for BucketPlace {
    type Error = PlaceError;

    fn try_from(raw: Raw) -> Result<Self, PlaceError> {
        Self::at(&raw.endpoint, &raw.bucket, &raw.region, raw.path_style)
    }
}

impl From<BucketPlace> for Raw {
    fn from(place: BucketPlace) -> Self {
        let endpoint = place.endpoint.as_str().trim_end_matches('/').to_owned();
        Self { endpoint, bucket: place.bucket, region: place.region, path_style: place.path_style }
    }
}

fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

fn is_bucket_name(name: &str) -> bool {
    let letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let ends = name.bytes().next().is_some_and(letter) && name.bytes().last().is_some_and(letter);
    (3..=63).contains(&name.len())
        && ends
        && name.bytes().all(|b| letter(b) || b == b'-' || b == b'.')
        && !name.contains("..")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn presets_make_the_providers_addresses() {
        let account = "0123456789abcdef0123456789abcdef";
        let r2 = BucketPlace::r2(account, account).unwrap();
        assert_eq!(r2.address(), format!("https://{account}.r2.cloudflarestorage.com"));
        assert_eq!((r2.region(), r2.path_style()), ("auto", true));
        assert_eq!(BucketPlace::aws("eu-west-1", "runs").unwrap().address(), "https://runs.s3.eu-west-1.amazonaws.com");
        assert_eq!(BucketPlace::aws("eu-west-1", "my.runs").unwrap().address(), "https://s3.eu-west-1.amazonaws.com");
        let minio = BucketPlace::at("http://127.0.0.1:9000", "runs", "us-east-1", true).unwrap();
        assert_eq!(minio.address(), "http://127.0.0.1:9000");
    }

    #[test]
    fn places_that_leak_or_lead_elsewhere_are_refused() {
        let endpoint = |endpoint: &str| BucketPlace::at(endpoint, "runs", "auto", true).unwrap_err();
        assert_eq!(endpoint("http://s3.example.org"), PlaceError::Insecure);
        assert_eq!(endpoint("http://localhost.example.org"), PlaceError::Insecure);
        assert_eq!(endpoint("ftp://s3.example.org"), PlaceError::Insecure);
        for wrong in ["https://u:p@s3.example.org", "https://s3.example.org/x", "https://s3.example.org/?a", "s3", ""] {
            assert_eq!(endpoint(wrong), PlaceError::Endpoint, "{wrong}");
        }
        let bucket = |name: &str| BucketPlace::at("https://s3.example.org", name, "auto", true).unwrap_err();
        for wrong in ["", "ab", "Runs", "-runs", "runs.", "a/b", "a..b", "../x", &"a".repeat(64)] {
            assert_eq!(bucket(wrong), PlaceError::Bucket, "{wrong}");
        }
        assert_eq!(BucketPlace::at("https://s3.example.org", "a.b", "auto", false), Err(PlaceError::Dotted));
        assert_eq!(BucketPlace::aws("evil.example.org/", "runs"), Err(PlaceError::Region));
        assert_eq!(BucketPlace::r2("0123", "runs"), Err(PlaceError::Account));
    }

    #[test]
    fn a_file_is_checked_like_an_argument() {
        let text = r#"{"endpoint":"https://s3.example.org:9000","bucket":"runs","region":"auto","path_style":false}"#;
        let place: BucketPlace = serde_json::from_str(text).unwrap();
        assert_eq!(place.address(), "https://runs.s3.example.org:9000");
        assert_eq!(serde_json::to_string(&place).unwrap(), text);
        assert!(serde_json::from_str::<BucketPlace>(&text.replace("https", "http")).is_err());
        assert!(serde_json::from_str::<BucketPlace>(&text.replace("region", "reg")).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_a_place_that_survives_or_refused(endpoint in ".{0,60}", bucket in "[a-z.-]{0,9}", path_style: bool) {
            if let Ok(place) = BucketPlace::at(&endpoint, &bucket, "auto", path_style) {
                let json = serde_json::to_string(&place).unwrap();
                prop_assert_eq!(serde_json::from_str::<BucketPlace>(&json).unwrap(), place);
            }
        }
    }
}
