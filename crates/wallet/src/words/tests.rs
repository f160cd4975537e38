//! Words against independent oracles, and what is refused.

use std::collections::BTreeSet;

use types::Signer as _;

use super::*;

const TWELVE: &str = "bottom drive obey lake curtain smoke basket hold race lonely fit walk";

fn address(words: &str, path: &str) -> String {
    RecoveryWords::parse(words).unwrap().signer(&DerivationPath::parse(path).unwrap()).hotkey().ss58()
}

#[test]
fn words_and_paths_give_the_keys_that_other_wallets_give() {
    // bittensor-wallet 4.1.1, bittensor-core 0.1.5 and py-sr25519-bindings 0.2.4 agree on each of these.
    let oracle = [
        ("", "5DfhGyQdFobKM8NsWvEeAKk5EQQgYe9AydgJ7rMB6E1EqRzV"),
        ("//Alice", "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"),
        ("//hotkey//0", "5HbSHhmSkhinS1pKMPyoWeyEwjXkXwrDWSJfpdQM4KDiPXP5"),
        ("//polkadot/soft/1///hunter2 ☃", "5H8YH2j3xjRQN5ScMtSQm8SD1W9DGRWA2bmQCR5xTEeFfSZq"),
        ("/soft", "5F4g82upwXKNJWdotdSwkALpdNRNnuNBLQeZ6YUYBoSK3rcj"),
        ("///pass word", "5FbnLzHXG7nvAq5CGGYyjh5SmD5vgQ2bybBu5FrxeLmCEL1R"),
        (
            "//a-very-long-junction-name-that-is-over-thirty-two-bytes/9///x",
            "5DwMGQDNZGCQxk2D1pS2iQDurMTax6GfDAbK8bxho8X7Wqib",
        ),
    ];
    for (path, expected) in oracle {
        assert_eq!(address(TWELVE, path), expected, "{path}");
    }
    let twenty_four = format!("{}art", "abandon ".repeat(23));
    assert_eq!(address(&twenty_four, ""), "5EPCUjPxiHAcNooYipQFWr9NmmXJKpNG5RhcntXwbtUySrgH");
}

#[test]
fn typed_words_may_have_capitals_and_any_space_between_them() {
    let typed = TWELVE.to_uppercase().replace(' ', "\n \t");
    assert_eq!(address(&typed, ""), address(TWELVE, ""));
    assert_eq!(address(&format!("{}{TWELVE}", " ".repeat(5000)), ""), address(TWELVE, ""));
}

#[test]
fn wrong_words_are_refused_without_repeating_them() {
    let error = |text: &str| RecoveryWords::parse(text).err().unwrap();
    assert_eq!(error(""), WordsError::Count(0));
    assert_eq!(error(&"abandon ".repeat(13)), WordsError::Count(13));
    assert_eq!(error(&TWELVE.replace("walk", "fit")), WordsError::Checksum);
    assert_eq!(error(&TWELVE.replace("obey", "obeyy")), WordsError::Unknown(3));
    assert!(!error(&TWELVE.replace("obey", "obeyy")).to_string().contains("obey"));
    assert_eq!(error(&TWELVE.replace("walk", &"w".repeat(100_000))), WordsError::Unknown(12));
    assert_eq!(error(&TWELVE.replace("walk", "wälk")), WordsError::Unknown(12));
}

#[test]
fn new_words_are_read_back_and_never_repeat() {
    for (count, number) in [(WordCount::Twelve, 12), (WordCount::TwentyFour, 24)] {
        let mut seen = BTreeSet::new();
        for _ in 0..20 {
            let words = RecoveryWords::generate(count).unwrap();
            let text = words.reveal().collect::<Vec<_>>().join(" ");
            assert_eq!(text.split(' ').count(), number);
            let path = DerivationPath::default();
            let back = RecoveryWords::parse(&text).unwrap();
            assert_eq!(back.signer(&path).hotkey(), words.signer(&path).hotkey());
            assert!(seen.insert(text));
        }
    }
}

#[test]
fn the_quiz_asks_three_words_and_takes_only_the_right_ones() {
    let words = RecoveryWords::parse(TWELVE).unwrap();
    let all: Vec<&str> = TWELVE.split(' ').collect();
    for _ in 0..50 {
        let quiz = words.quiz().unwrap();
        let numbers: Vec<usize> = quiz.numbers().collect();
        assert!(numbers.len() == 3 && numbers.windows(2).all(|pair| pair[0] < pair[1]));
        let right: Vec<&str> = numbers.iter().map(|number| all[number - 1]).collect();
        assert!(quiz.passes(&words, &right));
        let shouted = right[0].to_uppercase();
        assert!(quiz.passes(&words, &[&shouted, &format!(" {} ", right[1]), right[2]]));
        assert!(!quiz.passes(&words, &[right[0], right[2], right[1]]));
        assert!(!quiz.passes(&words, &right[..2]));
        assert!(!quiz.passes(&words, &[]));
    }
}

#[test]
fn words_wipe_themselves() {
    // Compiles only while the words wipe themselves.
    fn wipes<T: zeroize::ZeroizeOnDrop>() {}
    wipes::<Mnemonic>();
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_is_words_or_a_typed_error(text in "\\PC{0,300}") {
            if let Ok(words) = RecoveryWords::parse(&text) {
                prop_assert!(matches!(words.reveal().count(), 12 | 24));
            }
        }

        #[test]
        fn one_changed_word_is_refused_or_another_key(place in 0usize..12, other in 0usize..2048) {
            let list = Language::English.word_list();
            let mut all: Vec<&str> = TWELVE.split(' ').collect();
            prop_assume!(all[place] != list[other]);
            all[place] = list[other];
            match RecoveryWords::parse(&all.join(" ")) {
                Err(error) => prop_assert_eq!(error, WordsError::Checksum),
                Ok(words) => {
                    let path = DerivationPath::default();
                    prop_assert_ne!(words.signer(&path).hotkey().ss58(), address(TWELVE, ""));
                }
            }
        }

        #[test]
        fn any_path_text_is_a_path_or_a_typed_error(text in "[/a0☃]{0,60}") {
            if let Ok(path) = DerivationPath::parse(&text) {
                RecoveryWords::parse(TWELVE).unwrap().signer(&path);
            }
        }
    }
}
