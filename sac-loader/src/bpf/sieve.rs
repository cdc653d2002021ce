// SPDX-License-Identifier: MIT OR Apache-2.0
//! The sieve in the kernel: see [`sac_abi::sieve`].

use super::{
    enforcement::{EnforcementError, map_error},
    pod,
};
use aya::maps::{Array, Map, MapData};
use sac_abi::sieve::{Grain, Sieve};

/// The map.
pub(super) const SIEVE: &str = "SIEVE";

/// The map, and what is in it. The kernel copies a new value over the old one, so a bit that is in both is there all the time.
pub(super) struct SharedSieve {
    map: Array<MapData, pod::Sieve>,
    present: Box<pod::Sieve>,
}

impl SharedSieve {
    /// Takes over the map, with what an earlier loader has put there.
    ///
    /// # Errors
    ///
    /// Where the map cannot be read.
    pub(super) fn new(map: Map) -> Result<Self, EnforcementError> {
        let map: Array<_, pod::Sieve> = map.try_into().map_err(map_error("open", SIEVE))?;
        let present = Box::new(map.get(&0, 0).map_err(map_error("read", SIEVE))?);
        Ok(Self { map, present })
    }

    /// Puts more into it; `has_contents` is whether there are rules by content.
    ///
    /// # Errors
    ///
    /// Where the map cannot be written.
    pub(super) fn add<'a>(
        &mut self,
        more: impl Iterator<Item = &'a Grain>,
        has_contents: bool,
    ) -> Result<(), EnforcementError> {
        let mut sieve = self.present.clone();
        put(&mut sieve.0, more, has_contents);
        self.write(sieve)
    }

    /// Takes everything else out of it.
    ///
    /// # Errors
    ///
    /// Where the map cannot be written.
    pub(super) fn retain<'a>(
        &mut self,
        these: impl Iterator<Item = &'a Grain>,
        has_contents: bool,
    ) -> Result<(), EnforcementError> {
        let mut sieve = Box::new(pod::Sieve(Sieve::EMPTY));
        put(&mut sieve.0, these, has_contents);
        self.write(sieve)
    }

    fn write(&mut self, sieve: Box<pod::Sieve>) -> Result<(), EnforcementError> {
        if self.present.0 != sieve.0 {
            self.map.set(0, *sieve, 0).map_err(map_error("write", SIEVE))?;
            self.present = sieve;
        }
        Ok(())
    }
}

fn put<'a>(sieve: &mut Sieve, grains: impl Iterator<Item = &'a Grain>, has_contents: bool) {
    for grain in grains {
        let (index, bits) = grain.place();
        if let Some(word) = sieve.words.get_mut(index) {
            *word |= bits;
        }
    }
    sieve.has_contents |= u64::from(has_contents);
}

#[cfg(test)]
mod tests {
    use super::*;
    use sac_abi::{
        Operation, RuleKey,
        rule::InodeId,
        sieve::{NameStart, falls_through},
    };

    #[test]
    fn what_rules_name_is_put_in() {
        let inode = |ino| InodeId { dev: 7, ino, generation: Some(3) };
        let keys = [
            RuleKey::inode(Operation::Read, inode(1)),
            RuleKey::inode(Operation::Write, inode(2).of_any_generation()),
            RuleKey::directory(Operation::Read, inode(3)),
            RuleKey::directory_of_entries(Operation::Write, inode(4)),
            RuleKey::inode(Operation::Execute, inode(7)),
            RuleKey::inode(Operation::Execute, inode(8).of_any_generation()),
            RuleKey::name_of_path(Operation::Execute, NameStart::of(b"nc")),
            // Of these no look-up is spared.
            RuleKey::inode(Operation::Delete, inode(5)),
            RuleKey::tree(Operation::Read, inode(6)),
        ];
        let named: Vec<_> = keys.iter().filter_map(RuleKey::sifted).collect();
        let mut sieve = Box::new(Sieve::EMPTY);
        put(&mut sieve, named.iter(), false);
        let falls = |file, directory| falls_through(|index| sieve.words[index], file, directory);
        assert!((1..=4).all(|ino| !falls(ino, 9) && !falls(9, ino)));
        assert!(falls(5, 6) && falls(9, 9) && sieve.has_contents == 0);
        let holds = |grain: Grain| grain.is_held(|index| sieve.words[index]);
        assert!([7, 8].into_iter().all(|ino| holds(Grain::of_inode(ino))));
        let holds_name = |name: &[u8]| holds(Grain::of_name(NameStart::of(name)));
        assert!(holds_name(b"nc") && !holds_name(b"nc.traditional"));
        for has_contents in [true, false] {
            put(&mut sieve, [].iter(), has_contents);
            assert_eq!(sieve.has_contents, 1);
        }
    }
}
