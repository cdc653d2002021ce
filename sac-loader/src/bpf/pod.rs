// SPDX-License-Identifier: MIT OR Apache-2.0
//! The types of sac-abi that are keys or values of maps, as aya wants to see them.

use sac_abi::{RuleKey, hash, scope, sieve};

macro_rules! pod {
    ($($(#[$doc:meta])* $name:ident($of:ty)),* $(,)?) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy)]
            #[repr(transparent)]
            pub(super) struct $name(pub(super) $of);

            // SAFETY: the type inside is `repr(C)`, holds only integers and has no padding (sac-abi asserts its size).
            unsafe impl aya::Pod for $name {}
        )*
    };
}

pod! {
    /// Key of a policy's map.
    Key(RuleKey),
    /// What texts are hashed with.
    HashKey(hash::KernelHashKey),
    /// Value of cgroup storage.
    Scope(scope::Scope),
    /// Value of the map of counters.
    Counters(scope::Counters),
    /// The sieve.
    Sieve(sieve::Sieve),
}
