//! Building, tearing and resuming.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::TempDir;
use types::manifest::TokenizerKind;

use super::*;
use crate::TOKENIZER_FILE;
use crate::story::Stories;

/// A folder to read from and one to write to.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        fs::create_dir(place.text()).unwrap();
        place
    }

    fn text(&self) -> PathBuf {
        self.0.path().join("text")
    }

    fn out(&self) -> PathBuf {
        self.0.path().join("out")
    }

    fn put(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.text().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    /// Sequences of 16 bytes, four to a shard, one held out.
    fn options(&self) -> BuildOptions {
        let mut options = BuildOptions::new(vec![self.text()], self.out(), Tokenizer::bytes());
        (options.sequence_tokens, options.shard_tokens, options.held_out_sequences) = (16, 64, 1);
        options
    }

    fn build(&self) -> Result<BuildReport, BuildError> {
        build(&self.options(), &mut |_| {})
    }
}

/// All tokens of a set, held-out part included.
fn tokens_of(dir: &Path) -> Vec<u32> {
    let set = Dataset::open_verified(dir).unwrap();
    let (mut all, mut row) = (Vec::new(), Vec::new());
    for index in 0..set.sequences() {
        set.sequence(index, &mut row).unwrap();
        all.extend_from_slice(&row);
    }
    for index in 0..set.held_out_sequences() {
        set.held_out(index, &mut row).unwrap();
        all.extend_from_slice(&row);
    }
    all
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut gz = GzEncoder::new(Vec::new(), Compression::best());
    gz.write_all(text).unwrap();
    gz.finish().unwrap()
}

fn whole(tokens: &[u32]) -> &[u32] {
    &tokens[..tokens.len() / 16 * 16]
}

#[test]
fn documents_follow_each_other_in_the_order_of_their_names() {
    let place = Place::new();
    place.put("b/one.txt", "the second document, thirty-one.");
    place.put("a.txt", "the first document");
    place.put("c.jsonl", "{\"text\":\"third\",\"id\":[1,{\"x\":2}]}\n\n{\"id\":9,\"text\":\"f\\u00f6urth\"}\n");
    place.put("z.md.gz", gzip(b"the last one, and it is compressed"));
    place.put("picture.png", [0xff; 100]);
    let report = place.build().unwrap();
    let mut want = Vec::new();
    let documents = ["the first document", "the second document, thirty-one.", "third", "föurth"];
    for document in documents.iter().chain(&["the last one, and it is compressed"]) {
        want.extend(Tokenizer::bytes().encode(document).unwrap());
    }
    assert_eq!(tokens_of(&place.out()), whole(&want));
    assert_eq!((report.counts.documents, report.skipped_files, report.unchanged), (5, 1, false));
    assert_eq!(report.hash, Dataset::open(place.out()).unwrap().hash());
}

#[test]
fn the_same_text_makes_the_same_set_wherever_it_lies() {
    let hash = |prefix: &str| {
        let place = Place::new();
        for i in 0..9 {
            place.put(&format!("{prefix}{i}.txt"), format!("document {i}, which is not very long"));
        }
        let mut options = place.options();
        options.inputs = (0..9).rev().map(|i| place.text().join(format!("{prefix}{i}.txt"))).collect();
        build(&options, &mut |_| {}).unwrap().hash
    };
    assert_eq!(hash(""), hash("deeper/"));
}

#[test]
fn a_second_run_does_nothing() {
    let place = Place::new();
    place.put("a.txt", "x".repeat(500));
    let first = place.build().unwrap();
    let written = |name: &str| fs::metadata(place.out().join(name)).unwrap().modified().unwrap();
    let before = (written("shard-00000.bin"), written(MANIFEST_FILE));
    let second = place.build().unwrap();
    assert!(second.unchanged && !first.unchanged);
    assert_eq!((second.hash, second.counts), (first.hash, first.counts));
    assert_eq!((written("shard-00000.bin"), written(MANIFEST_FILE)), before);
}

#[test]
fn a_finished_set_is_not_overwritten_by_another() {
    let place = Place::new();
    place.put("a.txt", "x".repeat(500));
    let hash = place.build().unwrap().hash;
    place.put("b.txt", "y".repeat(500));
    assert!(matches!(place.build(), Err(BuildError::Occupied { .. })));
    assert_eq!(Dataset::open_verified(place.out()).unwrap().hash(), hash);
}

/// Unwinds out of the progress callback once `shards` are finished: what a kill leaves behind.
fn torn_after(place: &Place, shards: u64) {
    let options = place.options();
    let torn = std::panic::catch_unwind(|| {
        build(&options, &mut |progress| {
            if progress.shards >= shards {
                std::panic::resume_unwind(Box::new("killed"));
            }
        })
    });
    assert!(torn.is_err());
    assert!(Dataset::open(place.out()).is_err(), "a torn build opens");
}

fn five_files(place: &Place) {
    for i in 0..5 {
        let stories: String = Stories::new(i).take(2).collect();
        place.put(&format!("{i}.txt"), &stories.as_bytes()[..150 + 37 * i as usize]);
    }
}

#[test]
fn a_killed_build_goes_on_behind_its_last_finished_shard() {
    let straight = Place::new();
    five_files(&straight);
    let want = straight.build().unwrap();
    assert!(want.manifest.shards.len() > 12);
    for shards in 1..want.manifest.shards.len() as u64 - 1 {
        let place = Place::new();
        five_files(&place);
        torn_after(&place, shards);
        let first = place.out().join("shard-00000.bin");
        let written = fs::metadata(&first).unwrap().modified().unwrap();
        let report = place.build().unwrap();
        assert!(report.resumed_shards >= shards, "{} < {shards}", report.resumed_shards);
        assert_eq!(fs::metadata(&first).unwrap().modified().unwrap(), written, "a finished shard was written again");
        assert_eq!((report.hash, report.counts), (want.hash, want.counts), "torn after {shards}");
        Dataset::open_verified(place.out()).unwrap();
    }
}

#[test]
fn a_shard_that_rotted_between_two_runs_is_made_again_with_all_behind_it() {
    let place = Place::new();
    five_files(&place);
    torn_after(&place, 5);
    let path = place.out().join("shard-00002.bin");
    let mut bytes = fs::read(&path).unwrap();
    bytes[5] ^= 1;
    fs::write(&path, bytes).unwrap();
    let report = place.build().unwrap();
    assert_eq!(report.resumed_shards, 2);
    Dataset::open_verified(place.out()).unwrap();
}

#[test]
fn a_torn_journal_costs_only_what_it_lost() {
    let place = Place::new();
    five_files(&place);
    torn_after(&place, 4);
    let path = place.out().join("build.jsonl");
    let journal = fs::read(&path).unwrap();
    for cut in (0..journal.len()).step_by(61) {
        fs::write(&path, &journal[..cut]).unwrap();
        let report = place.build().unwrap();
        assert!(report.resumed_shards <= 4);
        Dataset::open_verified(place.out()).unwrap();
        fs::remove_file(place.out().join(MANIFEST_FILE)).unwrap();
    }
}

#[test]
fn other_inputs_start_over() {
    let place = Place::new();
    five_files(&place);
    torn_after(&place, 4);
    place.put("6.txt", "one more");
    let report = place.build().unwrap();
    assert_eq!(report.resumed_shards, 0);
    let names = fs::read_dir(place.out()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let shards = names.filter(|name| name.starts_with("shard-")).count();
    assert_eq!(shards, report.manifest.shards.len());
}

#[test]
fn one_folder_takes_one_build_at_a_time() {
    let place = Place::new();
    place.put("a.txt", "x".repeat(500));
    let mut tried = 0;
    let options = place.options();
    build(&options, &mut |_| {
        assert!(matches!(place.build(), Err(BuildError::Busy { .. })));
        tried += 1;
    })
    .unwrap();
    assert!(tried > 0);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_leaves_nothing_that_opens() {
    let place = Place::new();
    five_files(&place);
    torn_after(&place, 2);
    // `/dev/full` takes no byte, like a full disk.
    let full = place.out().join("build.partial");
    std::os::unix::fs::symlink("/dev/full", &full).unwrap();
    let error = place.build().unwrap_err();
    assert!(
        matches!(&error, BuildError::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull),
        "{error:?}"
    );
    assert!(Dataset::open(place.out()).is_err());
    fs::remove_file(full).unwrap();
    assert!(place.build().unwrap().resumed_shards >= 2);
}

#[test]
fn what_is_not_utf8_is_kept_and_counted() {
    let place = Place::new();
    place.put("latin.txt", b"caf\xe9 au lait, and then some more of it");
    place.put("mark.txt", b"\xef\xbb\xbfwith a byte order mark in front");
    let report = place.build().unwrap();
    assert_eq!(report.counts.lossy_pieces, 1);
    let text = Tokenizer::bytes().decode(&tokens_of(&place.out()));
    assert!(text.starts_with("caf\u{fffd} au lait") && text.contains("it\nwith a byte"), "{text}");
}

#[test]
fn long_documents_are_cut_and_joined_without_a_seam() {
    for unit in ["a line of text\n", "no line break ", "é", "\u{1d11e}x"] {
        let place = Place::new();
        let text = unit.repeat((2 << 20) / unit.len() + 3);
        place.put("long.txt", &text);
        place.put("long.jsonl", format!("{}\n", serde_json::json!({ "text": text })));
        let mut options = place.options();
        options.shard_tokens = 1 << 22;
        let report = build(&options, &mut |_| {}).unwrap();
        let mut want = Tokenizer::bytes().encode(&text).unwrap();
        want.extend(want.clone());
        assert!(tokens_of(&place.out()) == whole(&want), "{unit:?}");
        assert_eq!((report.counts.documents, report.counts.lossy_pieces), (2, 0));
    }
}

#[test]
fn a_tokenizer_file_travels_with_the_set() {
    let place = Place::new();
    place.put("a.txt", "the fox ran ".repeat(50));
    let mut options = place.options();
    options.tokenizer = Tokenizer::from_json(crate::tokenizer::tests::SMALL.as_bytes().to_vec()).unwrap();
    build(&options, &mut |_| {}).unwrap();
    let set = Dataset::open_verified(place.out()).unwrap();
    assert!(matches!(set.manifest().tokenizer, TokenizerKind::File { .. }));
    assert_eq!(set.tokenizer().unwrap().decode(&tokens_of(&place.out())[..5]), "the fox ran");
    fs::write(place.out().join(TOKENIZER_FILE), "{}").unwrap();
    assert!(matches!(set.tokenizer(), Err(OpenError::Tokenizer(_))));
}

#[test]
fn a_dictzip_file_in_several_members_reads_like_its_text() {
    let place = Place::new();
    let (first, second) = ("a dictionary's first part, ", "and the second part of it");
    // dictzip keeps its chunk table in gzip's extra field: set the flag and put four bytes behind the header.
    let mut bytes = gzip(first.as_bytes());
    bytes[3] |= 4;
    bytes.splice(10..10, [4, 0, b'R', b'A', 0, 0]);
    bytes.extend(gzip(second.as_bytes()));
    place.put("words.dict.dz", bytes);
    place.build().unwrap();
    let want = Tokenizer::bytes().encode(&[first, second].concat()).unwrap();
    assert_eq!(tokens_of(&place.out()), whole(&want));
}

#[test]
fn a_gzip_bomb_is_stopped() {
    let place = Place::new();
    let path = place.put("bomb.txt.gz", gzip(&vec![b'a'; 40 << 20]));
    let mut options = place.options();
    (options.sequence_tokens, options.shard_tokens) = (1 << 12, 1 << 26);
    let error = build(&options, &mut |_| {}).unwrap_err();
    let limit = 200 * fs::metadata(&path).unwrap().len() + (16 << 20);
    assert!(matches!(&error, BuildError::Expansion { limit: l, .. } if *l == limit), "{error}");
    options.max_expansion = 2000;
    assert_eq!(build(&options, &mut |_| {}).unwrap().counts.text_bytes, 40 << 20);
}

#[test]
fn a_broken_gzip_is_an_error_and_not_an_end() {
    let place = Place::new();
    let mut bytes = gzip(&"text ".repeat(1000).into_bytes());
    bytes.truncate(bytes.len() - 9);
    place.put("broken.txt.gz", bytes);
    assert!(matches!(place.build(), Err(BuildError::Io { action: "read", .. })));
}

#[test]
fn errors_say_what_is_missing() {
    let place = Place::new();
    assert!(matches!(place.build(), Err(BuildError::NoText)));
    let mut options = place.options();
    options.inputs.push(place.text().join("nothing"));
    assert!(matches!(build(&options, &mut |_| {}), Err(BuildError::NoSuchInput { .. })));
    place.put("a.txt", "short, but it has two");
    let error = place.build().unwrap_err();
    assert!(matches!(error, BuildError::TooLittleText { sequences: 1, sequence_tokens: 16, held_out: 1 }), "{error}");
    assert!(Dataset::open(place.out()).is_err());
    let mut options = place.options();
    options.sequence_tokens = 1;
    assert!(matches!(
        build(&options, &mut |_| {}),
        Err(BuildError::Set(OpenError::Field { field: "sequence_tokens", .. }))
    ));
    options = place.options();
    options.name = String::new();
    assert!(matches!(build(&options, &mut |_| {}), Err(BuildError::Set(OpenError::Field { field: "name", .. }))));
}

#[test]
fn a_bad_line_is_named() {
    for (lines, record) in [
        ("{\"text\":\"a\"}\n{\"text\":3}\n", 2),
        ("\n\n{\"body\":\"a\"}", 3),
        ("[]", 1),
        ("{\"text\":\"a\"} {}", 1),
        ("{\"text\":null}", 1),
    ] {
        let place = Place::new();
        place.put("a.jsonl", lines);
        let error = place.build().unwrap_err();
        assert!(matches!(&error, BuildError::Record { record: r, .. } if *r == record), "{lines}: {error}");
    }
}

#[cfg(not(feature = "parquet"))]
#[test]
fn parquet_is_refused_by_name_without_the_feature() {
    let place = Place::new();
    place.put("a.parquet", "PAR1");
    assert!(matches!(place.build(), Err(BuildError::Unsupported { .. })));
}

#[test]
fn stories_fill_exactly_what_is_asked_for() {
    let place = Place::new();
    let mut options = place.options();
    options.shard_tokens = 1 << 12;
    let report = build_stories(&options, 5, 10_000, &mut |_| {}).unwrap();
    assert_eq!(report.manifest.total_tokens, 10_000);
    let text = Tokenizer::bytes().decode(&tokens_of(&place.out()));
    let want: String = Stories::new(5).take(50).map(|story| story + "\n").collect();
    assert_eq!(text, want[..text.len()]);
    assert!(build_stories(&options, 5, 10_000, &mut |_| {}).unwrap().unchanged);
    assert!(matches!(build_stories(&options, 6, 10_000, &mut |_| {}), Err(BuildError::Occupied { .. })));
}

#[test]
fn max_tokens_stops_in_the_middle() {
    let place = Place::new();
    place.put("a.txt", "0123456789abcdef".repeat(100));
    let mut options = place.options();
    options.max_tokens = Some(100);
    assert_eq!(build(&options, &mut |_| {}).unwrap().manifest.total_tokens, 96);
}
