//! What can go wrong with a bucket, in words that say what to do.
//!
//! In: errors of the S3 client, which carry the line's own ([`LineError`]) inside. Out: [`BucketError`]. Nothing that a
//! server wrote is repeated but its error code, of which letters and digits are kept.

use std::error::Error;
use std::io;

use crate::line::LineError;

/// Why something with a bucket did not work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BucketError {
    /// No connection.
    #[error("the bucket's server cannot be reached: {0}")]
    Unreachable(String),
    /// It said nothing for too long.
    #[error("the bucket's server did not answer in time")]
    TimedOut,
    /// It asks to come back later.
    #[error("the bucket's server is busy (HTTP {status} {code})")]
    Busy {
        /// HTTP status.
        status: u16,
        /// S3's error code.
        code: String,
    },
    /// The time that the caller gave is over.
    #[error("the deadline passed; last: {last}")]
    Deadline {
        /// What happened last.
        last: String,
    },
    /// The key is not known, or its secret is wrong.
    #[error(
        "the bucket's server does not accept this key (HTTP {status} {code}): its id or secret is wrong, or it was revoked"
    )]
    WrongKey {
        /// HTTP status.
        status: u16,
        /// S3's error code.
        code: String,
    },
    /// The key was good once.
    #[error("this key of the bucket has expired")]
    ExpiredKey,
    /// The key is known, but not for this.
    #[error("this key is not allowed to do that in the bucket (HTTP {status} {code})")]
    NotPermitted {
        /// HTTP status.
        status: u16,
        /// S3's error code.
        code: String,
    },
    /// Given as the key that writes.
    #[error("this key can only read the bucket: publishing needs one that may write to it")]
    ReadOnlyKey,
    /// Given as the key that everybody may have.
    #[error(
        "this key can write to the bucket: whoever knows it could overwrite or delete everything; make one that can only read"
    )]
    WritableKey,
    /// This machine's clock.
    #[error("this computer's clock differs from the bucket's by {seconds} s, more than S3 allows: set it right")]
    ClockSkew {
        /// How much the server is ahead.
        seconds: i64,
    },
    /// There is no such bucket at this endpoint.
    #[error("there is no bucket of this name at this endpoint")]
    NoSuchBucket,
    /// There is no such object.
    #[error("the bucket does not have it")]
    NotFound,
    /// Something else lies under this name.
    #[error("what the bucket has under this name has {got} bytes, not {expected}")]
    WrongSize {
        /// Bytes wanted.
        expected: u64,
        /// Bytes there are.
        got: u64,
    },
    /// What was to be published is something else than its manifest says.
    #[error("what is to be published is not what its manifest says: {0}")]
    Rotten(String),
    /// Elsewhere, it says; that is not followed, since the key would go there too.
    #[error("the bucket's server sends elsewhere (HTTP {0}), which is not followed: is endpoint or region wrong?")]
    Redirected(u16),
    /// More than an honest answer has.
    #[error("the bucket's server answered with more than {0} bytes")]
    TooLong(usize),
    /// Anything else it says.
    #[error("the bucket's server refuses (HTTP {status} {code})")]
    Refused {
        /// HTTP status.
        status: u16,
        /// S3's error code.
        code: String,
    },
    /// It does not speak S3 as it should.
    #[error("the bucket's server does not keep to S3: {0}")]
    Protocol(String),
    /// The disk, at a blob or at the notes of an unfinished upload.
    #[error("cannot read or write on disk: {0}")]
    Disk(#[from] io::Error),
    /// The connection cannot be set up at all.
    #[error("TLS cannot be set up on this computer: {0}")]
    Tls(String),
}

impl BucketError {
    /// Whether the same may work a moment later.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::TimedOut | Self::Busy { .. })
    }

    /// What the S3 client's error is about.
    pub(crate) fn of(error: &object_store::Error) -> Self {
        let mut cause: Option<&(dyn Error + 'static)> = Some(error);
        while let Some(at) = cause {
            if let Some(line) = at.downcast_ref::<LineError>() {
                return line.clone().into();
            }
            cause = at.source();
        }
        // Not from the line, so it is about an answer that was let through and does not read. In S3, an answer may say
        // 200 and bring an error that is worth another try.
        let text = error.to_string();
        if ["SlowDown", "InternalError"].iter().any(|code| text.contains(code)) {
            return Self::Busy { status: 200, code: "InternalError".to_owned() };
        }
        Self::Protocol("an answer does not read".to_owned())
    }
}

impl From<LineError> for BucketError {
    fn from(error: LineError) -> Self {
        match error {
            LineError::Unreachable(why) => Self::Unreachable(why),
            LineError::TimedOut => Self::TimedOut,
            LineError::TooLong(max) => Self::TooLong(max),
            LineError::NoRange => Self::Protocol("it does not serve ranges".to_owned()),
            LineError::Address => Self::Protocol("an address does not read".to_owned()),
            LineError::Redirected(status) => Self::Redirected(status),
            LineError::Refused { status, code, skew } => match (status, code.as_str()) {
                (_, "NoSuchBucket") => Self::NoSuchBucket,
                (_, "RequestTimeTooSkewed") => Self::ClockSkew { seconds: skew },
                (_, "ExpiredToken" | "TokenExpired" | "RequestExpired") => Self::ExpiredKey,
                (_, "InvalidAccessKeyId" | "SignatureDoesNotMatch" | "NotSignedUp" | "InvalidToken") | (401, _) => {
                    Self::WrongKey { status, code }
                }
                (403, _) => Self::NotPermitted { status, code },
                (404, _) => Self::NotFound,
                (501, _) => Self::Refused { status, code },
                (408 | 429 | 500.., _) | (_, "RequestTimeout" | "SlowDown" | "OperationAborted") => {
                    Self::Busy { status, code }
                }
                _ => Self::Refused { status, code },
            },
        }
    }
}
