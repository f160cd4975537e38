//! Built-in stories: endless, seeded, English-like text for rehearsals on machines without a corpus.
//!
//! In: a seed. Out: short stories, the same ones for the same seed for ever (a golden test holds them). A story keeps its
//! hero, place and thing from sentence to sentence, so that there is something to learn beyond letters and words. It is
//! no substitute for a real corpus and says nothing about real losses.

use crate::rng::Pcg64;

const NAMES: &[&str] = &[
    "Anna", "Tom", "Mira", "Oskar", "Lily", "Ben", "Nora", "Sam", "Ida", "Max", "Ella", "Jonas", "Ruth", "Leo",
    "Clara", "Finn", "Greta", "Paul", "Vera", "Hugo",
];
const ANIMALS: &[&str] = &[
    "fox", "hare", "crow", "bear", "mouse", "owl", "otter", "goat", "hen", "frog", "badger", "wren", "pony", "toad",
    "heron", "mole",
];
const ADJECTIVES: &[&str] = &[
    "small", "old", "clever", "quiet", "hungry", "brave", "sleepy", "curious", "kind", "proud", "lonely", "cheerful",
    "careful", "stubborn", "gentle", "restless",
];
const PLACES: &[&str] = &[
    "forest",
    "village",
    "mill",
    "river",
    "harbour",
    "meadow",
    "castle",
    "orchard",
    "market",
    "mountain",
    "garden",
    "bridge",
    "lighthouse",
    "valley",
    "barn",
    "island",
];
const THINGS: &[&str] = &[
    "lantern", "key", "basket", "bell", "letter", "ring", "book", "drum", "rope", "coin", "map", "flute", "cloak",
    "mirror", "kettle", "wheel",
];
const COLOURS: &[&str] = &["red", "blue", "green", "golden", "silver", "white", "black", "brown"];
const WEATHERS: &[&str] = &["snow", "rain", "wind", "fog", "sun", "thunder"];
const FOUND: &[&str] = &["found", "lost", "carried", "hid", "mended", "sold", "borrowed", "painted"];
const WENT: &[&str] = &["walked", "ran", "wandered", "hurried", "crept", "rode", "climbed", "sailed"];
const SAID: &[&str] = &["said", "whispered", "cried", "answered", "laughed", "sighed"];
const TIMES: &[&str] = &[
    "In the morning",
    "At noon",
    "Late in the evening",
    "The next day",
    "That night",
    "A week later",
    "In winter",
    "Before sunrise",
];
const REASONS: &[&str] = &[
    "nobody else dared to",
    "the way was long",
    "a friend had asked for it",
    "it had grown dark",
    "there was no bread left",
    "the old song said so",
    "the door stood open",
    "a promise is a promise",
];
const MORALS: &[&str] = &[
    "Who shares the road shares the bread",
    "A small light is better than a long complaint",
    "What many carry is not heavy",
    "He who asks the way does not get lost",
    "Patience opens more doors than a hammer",
    "The last step is as long as the first",
];

/// An endless iterator of stories, a few hundred to two thousand bytes each.
#[derive(Debug, Clone)]
pub struct Stories {
    rng: Pcg64,
}

/// What stays the same through one story.
struct Cast {
    hero: String,
    they: &'static str,
    friend: String,
    place: &'static str,
    thing: String,
    weather: &'static str,
}

impl Stories {
    /// The stories of a seed.
    pub fn new(seed: u64) -> Self {
        Self { rng: Pcg64::new(seed) }
    }

    fn pick(&mut self, words: &[&'static str]) -> &'static str {
        words[self.rng.bounded(words.len() as u64 - 1) as usize]
    }

    fn cast(&mut self) -> Cast {
        let hero = if self.rng.bounded(1) == 0 {
            self.pick(NAMES).to_owned()
        } else {
            format!("the {} {}", self.pick(ADJECTIVES), self.pick(ANIMALS))
        };
        let they = if hero.starts_with("the ") { "it was" } else { "they were" };
        Cast {
            hero,
            they,
            friend: format!("the {} {}", self.pick(ADJECTIVES), self.pick(ANIMALS)),
            place: self.pick(PLACES),
            thing: format!("{} {}", self.pick(COLOURS), self.pick(THINGS)),
            weather: self.pick(WEATHERS),
        }
    }

    fn opening(&mut self, cast: &Cast) -> String {
        let Cast { hero, place, thing, .. } = cast;
        match self.rng.bounded(2) {
            0 => format!("Once upon a time {hero} lived near the {place}."),
            1 => format!("Far away, behind the {place}, {hero} kept a {thing}."),
            _ => format!("There was a {place} where everybody knew {hero}."),
        }
    }

    fn sentence(&mut self, cast: &Cast) -> String {
        let Cast { hero, they, friend, place, thing, weather } = cast;
        match self.rng.bounded(9) {
            0 => format!("{} {hero} {} to the {place}.", self.pick(TIMES), self.pick(WENT)),
            1 => format!("{} {} the {thing}, because {}.", capital(hero), self.pick(FOUND), self.pick(REASONS)),
            2 => format!("\"Have you seen my {thing}?\" {} {friend}.", self.pick(SAID)),
            3 => format!("\"The {weather} is coming,\" {} {hero}, and {they} right.", self.pick(SAID)),
            4 => format!("{} there was {weather} over the {place}.", self.pick(TIMES)),
            5 => {
                let steps = self.rng.bounded(17) + 2;
                format!("{} counted {steps} steps, then {} more, and that made {}.", capital(hero), 2, steps + 2)
            }
            6 => format!("{} and {hero} looked for the {thing} until {}.", capital(friend), self.pick(REASONS)),
            7 => format!("Nobody in the {} had ever {} a {thing}.", self.pick(PLACES), self.pick(FOUND)),
            8 => format!("{} {friend} {} home with the {thing}.", self.pick(TIMES), self.pick(WENT)),
            _ => format!("So {hero} {} on, {} and {}.", self.pick(WENT), self.pick(ADJECTIVES), self.pick(ADJECTIVES)),
        }
    }
}

impl Iterator for Stories {
    type Item = String;

    /// Never `None`.
    fn next(&mut self) -> Option<String> {
        let cast = self.cast();
        let mut story = self.opening(&cast);
        for paragraph in 0..=self.rng.bounded(3) {
            for sentence in 0..=self.rng.bounded(5) + 1 {
                story.push_str(if sentence == 0 && paragraph > 0 { "\n\n" } else { " " });
                story.push_str(&self.sentence(&cast));
            }
        }
        story.push_str(&format!("\n\n{}.\n", self.pick(MORALS)));
        Some(story)
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stories_are_the_same_for_ever() {
        let first = Stories::new(7).next().unwrap();
        assert_eq!(first, include_str!("../fixtures/story-7.txt"));
        let text: String = Stories::new(7).take(1000).collect();
        assert_eq!(types::Hash32::of(text.as_bytes()).short(), "7ab2be5f");
    }

    #[test]
    fn every_seed_tells_other_stories() {
        let of = |seed| Stories::new(seed).take(20).collect::<Vec<_>>();
        assert_ne!(of(1), of(2));
        let mut stories = of(3);
        stories.sort();
        stories.dedup();
        assert_eq!(stories.len(), 20);
    }
}
