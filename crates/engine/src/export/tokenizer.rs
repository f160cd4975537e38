//! `tokenizer.json` of the byte tokenizer, in the format of the `tokenizers` library.
//!
//! In: nothing. Out: a byte-level BPE whose vocabulary is the 256 byte characters with id = byte, and no merges. No
//! special token is declared: its text would be cut out of user text that happens to contain it.

use serde_json::{Map, Value, json};

pub(super) fn byte_level() -> Value {
    let byte_level =
        json!({ "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false });
    let vocab: Map<String, Value> = byte_characters().zip(0..).map(|(c, byte)| (c.to_string(), json!(byte))).collect();
    json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": [],
        "normalizer": null,
        "pre_tokenizer": byte_level,
        "post_processor": null,
        "decoder": byte_level,
        "model": {
            "type": "BPE",
            "dropout": null,
            "unk_token": null,
            "continuing_subword_prefix": null,
            "end_of_word_suffix": null,
            "fuse_unk": false,
            "byte_fallback": false,
            "ignore_merges": false,
            "vocab": vocab,
            "merges": [],
        },
    })
}

pub(super) fn config() -> Value {
    json!({ "tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": false })
}

/// The character that stands for each byte in byte-level vocabularies: printable Latin-1 characters for themselves, all
/// others in order from U+0100 (Radford et al. 2019, GPT-2).
fn byte_characters() -> impl Iterator<Item = char> {
    let printable = |byte: u32| (0x21..=0x7E).contains(&byte) || (0xA1..=0xAC).contains(&byte) || byte >= 0xAE;
    let mut next = 0x100u32;
    (0u32..256).map(move |byte| {
        let code = if printable(byte) {
            byte
        } else {
            next += 1;
            next - 1
        };
        char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_byte_has_its_own_character_and_its_own_id() {
        let json = byte_level();
        let vocab = json["model"]["vocab"].as_object().unwrap();
        assert_eq!(vocab.len(), 256);
        for (character, id) in [("A", 65), ("Ġ", 32), ("Ċ", 10), ("Ā", 0), ("ÿ", 255), ("Ń", 0xAD)] {
            assert_eq!(vocab[character], id, "{character}");
        }
    }
}
