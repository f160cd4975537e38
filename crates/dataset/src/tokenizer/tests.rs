//! Bytes, and a small tokenizer file written here.

use super::*;

/// A word-level tokenizer whose pattern looks ahead, as those of real tokenizers do.
pub(crate) const SMALL: &str = r#"{"version":"1.0","truncation":{"direction":"Right","max_length":2,"strategy":"LongestFirst",
"stride":0},"padding":null,"added_tokens":[{"id":6,"content":"<|endoftext|>","single_word":false,"lstrip":false,
"rstrip":false,"normalized":false,"special":true}],"normalizer":null,"pre_tokenizer":{"type":"Split","pattern":
{"Regex":"\\s+(?!\\S)|\\s|[^\\s]+"},"behavior":"Isolated","invert":false},"post_processor":null,"decoder":{"type":"Fuse"},
"model":{"type":"WordLevel","vocab":{"[UNK]":0,"the":1,"fox":2,"ran":3," ":4,"\n":5},"unk_token":"[UNK]"}}"#;

fn small() -> Tokenizer {
    Tokenizer::from_json(SMALL.as_bytes().to_vec()).unwrap()
}

#[test]
fn a_byte_document_ends_with_zero_and_holds_none() {
    let tokens = Tokenizer::bytes().encode("a\0é").unwrap();
    assert_eq!(tokens, [97, 32, 0xc3, 0xa9, 0]);
    assert_eq!((Tokenizer::bytes().vocab(), Tokenizer::bytes().end()), (256, 0));
    assert_eq!(Tokenizer::bytes().kind(), TokenizerKind::Bytes);
}

#[test]
fn decoding_never_fails() {
    let bytes = Tokenizer::bytes();
    assert_eq!(bytes.decode(&[104, 105, 0, 0xc3, 0xa9, 0xff, 999]), "hi\né\u{fffd}");
    assert_eq!(small().decode(&[1, 4, 2, 6, 3, 4_000_000]), "the fox\nran");
}

#[test]
fn a_file_encodes_whole_documents_and_one_end_token() {
    let tokenizer = small();
    // Its truncation to two tokens is an inference setting and does not count here.
    assert_eq!(tokenizer.encode("the fox ran\nwell").unwrap(), [1, 4, 2, 4, 3, 5, 0, 6]);
    assert_eq!((tokenizer.vocab(), tokenizer.end()), (7, 6));
    assert_eq!(tokenizer.kind(), TokenizerKind::File { hash: Hash32::of(SMALL.as_bytes()) });
}

#[test]
fn the_file_named_is_the_file_taken() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tokenizer.json");
    std::fs::write(&path, SMALL).unwrap();
    let hash = Hash32::of(SMALL.as_bytes());
    assert!(Tokenizer::of_kind(&TokenizerKind::File { hash }, &path).is_ok());
    let other = Tokenizer::of_kind(&TokenizerKind::File { hash: Hash32::default() }, &path).unwrap_err();
    assert!(matches!(other, TokenizerError::Other { got, .. } if got == hash));
    assert!(matches!(Tokenizer::from_file(dir.path().join("none")), Err(TokenizerError::Io { .. })));
}

#[test]
fn what_is_no_tokenizer_is_refused() {
    let refused = |text: String| Tokenizer::from_json(text.into_bytes()).unwrap_err();
    assert!(matches!(refused(String::new()), TokenizerError::Syntax(_)));
    assert!(matches!(refused("{}".to_owned()), TokenizerError::Syntax(_)));
    assert!(matches!(refused(SMALL.replace("<|endoftext|>", "<|other|>")), TokenizerError::NoEndToken));
    let huge = SMALL.replace("\"fox\":2", "\"fox\":4294967290");
    assert!(matches!(refused(huge), TokenizerError::Syntax(_)));
}

#[test]
fn a_file_of_bytes_is_the_byte_tokenizer() {
    let printable = |byte: u32| (0x21..=0x7E).contains(&byte) || (0xA1..=0xAC).contains(&byte) || byte >= 0xAE;
    let mut next = 0xFF;
    let vocab: Vec<String> = (0..256u32)
        .map(|byte| {
            next += u32::from(!printable(byte));
            let letter = char::from_u32(if printable(byte) { byte } else { next }).unwrap();
            format!("{}:{byte}", serde_json::Value::from(letter.to_string()))
        })
        .collect();
    let level = r#"{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":false,"use_regex":false}"#;
    let file = |vocab: &[String]| {
        let vocab = vocab.join(",");
        let text = format!(
            r#"{{"version":"1.0","truncation":null,"padding":null,"added_tokens":[],"normalizer":null,"pre_tokenizer":{level},
            "post_processor":null,"decoder":{level},"model":{{"type":"BPE","dropout":null,"unk_token":null,
            "continuing_subword_prefix":null,"end_of_word_suffix":null,"fuse_unk":false,"byte_fallback":false,
            "ignore_merges":false,"vocab":{{{vocab}}},"merges":[]}}}}"#
        );
        Tokenizer::from_json(text.into_bytes())
    };
    assert_eq!(file(&vocab).unwrap().kind(), TokenizerKind::Bytes);
    let swapped: Vec<String> = vocab.iter().map(|pair| pair.replace("\"A\":65", "\"A\":66")).collect();
    let swapped: Vec<String> = swapped.iter().map(|pair| pair.replace("\"B\":66", "\"B\":65")).collect();
    assert!(matches!(file(&swapped), Err(TokenizerError::NoEndToken)));
}
