//! Bytes, and a small tokenizer file written here.
