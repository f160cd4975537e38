//! The words the app and the peer exchange, their framing and version.
