//! Whether this machine can use a pack, asked before a byte of it is fetched. Pure.
//!
//! In: what the pack needs, what the driver and the cards say. Out: yes, or the one thing that is missing. Whoever asks says
//! how to mend it; here stands only what it is.

use crate::manifest::Needs;

/// What the machine has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Machine {
    /// CUDA version that the driver speaks; `None` without a driver.
    pub cuda: Option<(u32, u32)>,
    /// What each healthy card computes, as far as it says.
    pub compute: Vec<(u32, u32)>,
}

/// What is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unfit {
    /// No driver, so no card.
    #[error("there is no NVIDIA driver")]
    NoDriver,
    /// A driver that speaks an older CUDA.
    #[error("the NVIDIA driver speaks CUDA {}.{}, and this pack needs {}.{}", has.0, has.1, needs.0, needs.1)]
    Driver {
        /// What it speaks.
        has: (u32, u32),
        /// What is needed.
        needs: (u32, u32),
    },
    /// No card that is new enough.
    #[error("no card here computes {}.{} or more, which this pack needs", needs.0, needs.1)]
    Card {
        /// What is needed.
        needs: (u32, u32),
    },
}

/// Whether `machine` has what a pack needs.
///
/// # Errors
/// [`Unfit`].
pub fn fits(needs: &Needs, machine: &Machine) -> Result<(), Unfit> {
    if let Some(cuda) = needs.cuda {
        let has = machine.cuda.ok_or(Unfit::NoDriver)?;
        if has < cuda {
            return Err(Unfit::Driver { has, needs: cuda });
        }
    }
    match needs.compute {
        Some(compute) if !machine.compute.iter().any(|has| *has >= compute) => Err(Unfit::Card { needs: compute }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_driver_or_card_is_told_apart_from_none() {
        let needs = Needs { cuda: Some((13, 0)), compute: Some((7, 5)) };
        let machine = |cuda, compute: &[(u32, u32)]| Machine { cuda, compute: compute.to_vec() };
        assert_eq!(fits(&needs, &machine(None, &[])), Err(Unfit::NoDriver));
        let old = Unfit::Driver { has: (12, 9), needs: (13, 0) };
        assert_eq!(fits(&needs, &machine(Some((12, 9)), &[(8, 9)])), Err(old));
        assert_eq!(fits(&needs, &machine(Some((13, 1)), &[(7, 0), (6, 1)])), Err(Unfit::Card { needs: (7, 5) }));
        assert_eq!(fits(&needs, &machine(Some((13, 0)), &[(6, 1), (7, 5)])), Ok(()));
        assert_eq!(fits(&Needs::default(), &Machine::default()), Ok(()));
    }
}
