//! Bounds against values that a node made up.

use std::sync::LazyLock;

use proptest::prelude::*;
use scale_info::{IntoPortable as _, Path, Registry, Type, TypeInfo};
use subxt::metadata::Metadata;

use super::*;

fn finney() -> &'static Metadata {
    static FINNEY: LazyLock<Metadata> = LazyLock::new(|| Metadata::decode_from(subtensor_node::FINNEY).unwrap());
    &FINNEY
}

/// A type whose only field is itself.
struct Endless;

impl TypeInfo for Endless {
    type Identity = Self;

    fn type_info() -> Type {
        let fields = scale_info::build::Fields::unnamed().field(|f| f.ty::<Endless>());
        Type::builder().path(Path::new("Endless", "test")).composite(fields)
    }
}

#[test]
fn the_real_metadata_is_sound() {
    assert_eq!(check_types(finney().types()), Ok(()));
}

#[test]
fn a_type_that_contains_itself_is_refused_before_any_byte_is_read() {
    let mut registry = Registry::new();
    let _ = Endless::type_info().into_portable(&mut registry);
    registry.register_type(&scale_info::meta_type::<Endless>());
    assert_eq!(check_types(&registry.into()), Err(ScaleError::Bounds));
}

#[test]
fn calls_nested_without_end_are_refused_and_not_followed() {
    let metadata = finney();
    // Utility.batch of one call, which is Utility.batch of one call, …
    let bytes = [11, 0, 4].repeat(100_000);
    let calls = metadata.outer_enums().call_enum_ty();
    assert_eq!(skip(metadata.types(), calls, &mut &bytes[..]), Err(ScaleError::Bounds));
}

#[test]
fn a_length_beyond_the_bytes_is_refused_without_memory() {
    let metadata = finney();
    let info = metadata.pallet_by_name("SubtensorModule").unwrap();
    let emission = info.storage().unwrap().entry_by_name("Emission").unwrap().value_ty();
    let bytes = [0xfe, 0xff, 0xff, 0xff, 1];
    assert_eq!(decode::<Vec<u64>>(metadata.types(), emission, &bytes), Err(ScaleError::Short));
    assert_eq!(decode::<Vec<u64>>(metadata.types(), emission, &[4, 7, 0, 0, 0, 0, 0, 0, 0]), Ok(vec![7]));
    assert_eq!(decode::<Vec<u64>>(metadata.types(), emission, &[0, 0]), Err(ScaleError::LeftOver(1)));
}

proptest! {
    #[test]
    fn any_bytes_are_skipped_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let metadata = finney();
        for id in [metadata.outer_enums().call_enum_ty(), metadata.outer_enums().event_enum_ty()] {
            let mut rest = &bytes[..];
            if skip(metadata.types(), id, &mut rest).is_ok() {
                prop_assert!(rest.len() < bytes.len());
            }
        }
    }
}
