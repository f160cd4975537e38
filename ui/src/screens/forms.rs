//! What the screens with forms are made of: fields, secrets, settings being changed.

mod draft;
mod kit;
mod letters;
mod secret_field;
mod secret_text;

pub(crate) use draft::Draft;
pub(crate) use kit::{
    Field, Limit, address, choice, fact, indented, new_passphrase, pick, secret_row, slide, text_field, tick,
};
pub(crate) use letters::{advance, paint};
pub(crate) use secret_text::SecretText;
