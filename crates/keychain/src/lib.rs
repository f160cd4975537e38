//! The OS keychain as the keeper of a vault's wrapping key.
