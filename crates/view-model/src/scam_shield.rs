//! Two looks at pasted text that cost a moment and save a wallet. No word list and no keys: whoever shows a text field asks.
//!
//! In: text as it was pasted. Out: whether it looks like recovery words, or like another address than the one copied. The
//! text is neither kept nor repeated.

use types::Hotkey;

/// Lengths of the lists that wallets use.
const COUNTS: [usize; 5] = [12, 15, 18, 21, 24];
/// Shortest and longest word of the lists.
const LETTERS: std::ops::RangeInclusive<usize> = 3..=8;

/// Whether a text looks like recovery words: 12, 15, 18, 21 or 24 words of 3 to 8 letters, in upper or lower case, with
/// nothing but white space between them. To be asked wherever something is pasted but where a wallet is restored.
pub fn looks_like_phrase(text: &str) -> bool {
    let word = |word: &str| LETTERS.contains(&word.len()) && word.bytes().all(|letter| letter.is_ascii_alphabetic());
    // Longer texts are no phrase, and are not read to their end.
    let words = text.split_whitespace().take(COUNTS[COUNTS.len() - 1] + 1);
    let mut count = 0;
    for found in words {
        if !word(found) {
            return false;
        }
        count += 1;
    }
    COUNTS.contains(&count)
}

/// Whether the clipboard was changed on its way: `expected` was copied as an address, and what was `pasted` is another
/// address. Programs that do this wait for addresses of money. Text that is no address at all is no such change.
pub fn clipboard_changed_address(pasted: &str, expected: &str) -> bool {
    // Hotkeys and coldkeys are written alike.
    let address = |text: &str| text.trim().parse::<Hotkey>().ok();
    match (address(pasted), address(expected)) {
        (Some(pasted), Some(expected)) => pasted != expected,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: &str = "legal winner thank year wave sausage worth useful legal winner thank yellow";
    const ALICE: &str = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
    const BOB: &str = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty";

    #[test]
    fn recovery_words_are_known_by_their_look() {
        assert!(looks_like_phrase(WORDS));
        assert!(looks_like_phrase(&format!("  {}\n", WORDS.replace(' ', "\n  ").to_uppercase())));
        assert!(looks_like_phrase(&format!("{WORDS} {WORDS}")));
        for other in ["", "legal winner thank", "12345", ALICE, "https://example.org/a", &WORDS.replace("year", "ye4r")]
        {
            assert!(!looks_like_phrase(other), "{other}");
        }
        assert!(!looks_like_phrase(&format!("{WORDS} once")), "13 words");
        assert!(!looks_like_phrase(&"word ".repeat(100_000)));
        assert!(!looks_like_phrase("this is a longer sentence about why something in the settings went wrong"));
    }

    #[test]
    fn an_address_that_was_swapped_on_the_clipboard_is_seen() {
        assert!(clipboard_changed_address(BOB, ALICE));
        assert!(clipboard_changed_address(&format!(" {BOB}\n"), ALICE));
        assert!(!clipboard_changed_address(&format!(" {ALICE}\n"), ALICE));
        assert!(!clipboard_changed_address("something else", ALICE));
        assert!(!clipboard_changed_address(BOB, "something else"));
    }
}
