// SPDX-License-Identifier: MIT OR Apache-2.0
//! The anchor: an empty cgroup that holds programs and hooks between sessions.

use super::{Enforcement, EnforcementError, Left, pin, unlink};
use crate::{
    bpf::hooks::{self, Hook},
    cgroup::Cgroup,
};
use sac_failpoint::{Failpoint, reach};

impl Enforcement {
    /// Attaches to `anchor`, an empty cgroup, and stays there: building a hook's trampoline is the expensive part of a
    /// first attachment, and the anchor keeps it, and the hook's slot, between sessions. See also [`Enforcement::hold_opening`].
    ///
    /// # Errors
    ///
    /// Where the kernel refuses.
    pub(crate) fn hold_anchor(&mut self, anchor: Cgroup) -> Result<(), EnforcementError> {
        for hook in hooks::of_scope(false) {
            self.hold(hook, &anchor)?;
        }
        self.anchor = Some(anchor);
        Ok(())
    }

    /// Has the anchor hold the hook of files that are opened as well, or not: it costs everybody on the machine who opens a file a little, also
    /// where nobody has the program.
    ///
    /// # Errors
    ///
    /// Where the kernel refuses.
    pub(crate) fn hold_opening(&mut self, holds: bool) -> Result<(), EnforcementError> {
        let (Some(pins), Some(id)) = (self.pins.clone(), self.anchor.as_ref().map(Cgroup::id)) else {
            return Ok(());
        };
        if !holds {
            return unlink(&pins.anchor().join(hooks::OPENING.hook));
        }
        if self.pinned_at(hooks::OPENING, &pins.anchor(), id)? == Left::Ours {
            return Ok(());
        }
        let Some(anchor) = self.anchor.take() else { return Ok(()) };
        let held = self.hold(hooks::OPENING, &anchor);
        self.anchor = Some(anchor);
        held
    }

    /// Attaches to the anchor, in the place of what an earlier loader has pinned there.
    fn hold(&mut self, hook: Hook, anchor: &Cgroup) -> Result<(), EnforcementError> {
        let Some(pins) = self.pins.clone() else { return Ok(()) };
        let link = self.attach(hook, anchor)?;
        let path = pins.anchor().join(hook.hook);
        unlink(&path)?;
        reach(Failpoint::StartAnchor);
        pin(link, path)
    }
}
