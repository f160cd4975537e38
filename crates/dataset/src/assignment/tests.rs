//! The vectors of protocol.md §11, more made with numpy 2.x, and the properties every assignment has.

use proptest::prelude::*;

use super::*;

fn check(seed: u64, n: u64, size: usize, first: &[u64], sum: u64) {
    let drawn = choice(seed, n, size);
    assert_eq!(drawn.len(), size.min(n as usize));
    assert_eq!(&drawn[..first.len()], first, "choice({n}, {size}) with seed {seed}");
    assert_eq!(drawn.iter().sum::<u64>(), sum, "choice({n}, {size}) with seed {seed}");
}

#[test]
fn seeds_are_the_reference_codes() {
    let check = |uid, round, seed| assert_eq!(assignment_seed(Uid(uid), Round(round)), seed);
    check(0, 0, 0);
    check(7, 51_462, 6_948_563);
    check(123, 62_834, 122_954_563);
}

#[test]
fn raw_words_are_numpys() {
    let words = |seed| {
        let mut rng = Pcg64::new(seed);
        [rng.next_u64(), rng.next_u64(), rng.next_u64()]
    };
    assert_eq!(words(6_948_563), [9_441_767_365_928_966_617, 5_678_981_281_071_317_750, 2_926_599_735_224_250_749]);
    assert_eq!(words(0), [11_749_869_230_777_074_271, 4_976_686_463_289_251_617, 755_828_109_848_996_024]);
}

#[test]
fn floyd_branch_is_numpys() {
    let shard = 52_428_800;
    let first = [26_502_006, 48_032_177, 24_706_980, 15_349_263, 45_485_962, 19_530_138, 22_347_831, 14_840_256];
    check(6_948_563, shard, 30_720, &first, 810_665_709_386);
    assert_eq!(choice(6_948_563, shard, 30_720).last(), Some(&1_318_847));
    let first = [13_750_694, 51_896_223, 2_128_312, 1_565_641, 31_328_516, 24_950_559, 44_316_568, 30_979_767];
    check(0, shard, 30_720, &first, 804_000_341_278);
}

#[test]
fn tail_shuffle_branch_is_numpys() {
    let first = [833_943, 422_548, 183_665, 12_908, 965_004, 127_980, 842_757, 856_880];
    check(6_948_563, 1_000_000, 30_720, &first, 15_449_532_221);
    assert_eq!(choice(6_948_563, 1_000_000, 30_720).last(), Some(&39_342));
}

#[test]
fn edges_are_numpys() {
    check(5, 10, 10, &[1, 5, 6, 4, 9, 8], 45);
    check(5, 10, 3, &[7, 5, 0], 12);
    check(1, 1, 1, &[0], 0);
    check(9, 20_000, 401, &[95, 15_715, 9071, 1482, 2724, 3388], 4_223_959);
    check(9, 20_000, 400, &[8406, 8341, 7963, 7121, 10_852, 16_478], 4_186_855);
    check(9, 20_000, 20_000, &[8487, 6152, 18_596, 926, 18_766, 18_283], 199_990_000);
    check(3, 5_000_000_000, 5, &[4_006_372_324, 428_245_835, 2_910_810_179, 470_643_211, 1_184_052_532], 9_000_124_081);
    check(77, 4_294_967_296, 4, &[2_726_065_002, 3_375_553_560, 256_794_232, 2_367_265_524], 8_725_678_318);
    check(77, 4_294_967_297, 4, &[3_375_553_561, 256_794_232, 1_047_491_830, 2_726_065_003], 7_405_904_626);
    check(12_345_678_901_234, 100, 4, &[87, 48, 2, 39], 176);
}

#[test]
fn a_small_data_set_is_assigned_whole() {
    let mut pool = assignment(Uid(3), Round(8), 100, 30_720);
    pool.sort_unstable();
    assert_eq!(pool, (0..100).collect::<Vec<_>>());
    assert!(assignment(Uid(3), Round(8), 0, 30_720).is_empty());
    assert!(assignment(Uid(3), Round(8), 100, 0).is_empty());
}

proptest! {
    #[test]
    fn assignments_are_in_range_distinct_and_reproducible(
        uid: u16, round: u64, n in prop_oneof![0u64..50, 9_900u64..10_100, 10_000u64..60_000, any::<u64>()], pool in 0usize..1500,
    ) {
        let drawn = assignment(Uid(uid), Round(round), n, pool);
        prop_assert_eq!(drawn.len() as u64, n.min(pool as u64));
        prop_assert!(drawn.iter().all(|index| *index < n));
        prop_assert_eq!(drawn.iter().collect::<HashSet<_>>().len(), drawn.len());
        prop_assert_eq!(assignment(Uid(uid), Round(round), n, pool), drawn);
    }

    #[test]
    fn stored_moves_shuffle_like_the_whole_array(seed: u64, n in 10_001u64..12_000, share in 1u64..50) {
        let size = n / share;
        let mut rng = Pcg64::new(seed);
        let mut plain: Vec<u64> = (0..n).collect();
        for i in ((n - size).max(1)..n).rev() {
            let j = rng.bounded(i);
            plain.swap(i as usize, j as usize);
        }
        prop_assert_eq!(shuffled_tail(&mut Pcg64::new(seed), n, size), &plain[(n - size) as usize..]);
    }
}
