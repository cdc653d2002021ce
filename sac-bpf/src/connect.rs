// SPDX-License-Identifier: GPL-2.0-only OR MIT
//! Connections: addresses that somebody connects to or sends to.

use crate::{
    enforce::enforce_on_machine,
    kernel::{Message, Socket},
    maps::{Policy, PolicyRules, zero},
    record::record_address,
    scope::{Judges, scope_of_cgroup},
};
use aya_ebpf::{
    helpers::{bpf_probe_read_kernel, generated::bpf_loop},
    macros::lsm,
    programs::LsmContext,
};
use core::ffi::c_void;
use sac_abi::{
    Action, Operation, Rules as _, Verdict,
    decide::{Address, AddressSearch, Decision},
    rule::{Operations, Shape},
};

const AF_UNSPEC: u16 = 0;
const AF_INET: u16 = 2;
const AF_INET6: u16 = 10;

/// The beginning of `struct sockaddr_in` and `struct sockaddr_in6`, up to the address's end. Numbers in the order of the network.
#[derive(Clone, Copy)]
#[repr(C)]
struct SocketAddress {
    family: u16,
    port: u16,
    /// An IPv4 address, or an IPv6 address's flow.
    v4: u32,
    v6: [u64; 2],
}

/// A socket is connected. `int security_socket_connect(struct socket *sock, struct sockaddr *address, int addrlen)`
#[lsm(hook = "socket_connect")]
pub(crate) fn socket_connect(ctx: LsmContext) -> i32 {
    let said = ctx.arg::<i32>(3);
    if said != 0 {
        return said;
    }
    // Without a family it is the end of a connection.
    enforce_on_machine(try_connect(ctx.arg::<u64>(1), AF_UNSPEC))
}

/// Something is sent, perhaps to an address. `int security_socket_sendmsg(struct socket *sock, struct msghdr *msg, int size)`
#[lsm(hook = "socket_sendmsg")]
pub(crate) fn socket_sendmsg(ctx: LsmContext) -> i32 {
    let said = ctx.arg::<i32>(3);
    if said != 0 {
        return said;
    }
    // SAFETY: the hook's second argument.
    let (at, len) = unsafe { Message::new(ctx.arg::<*const c_void>(1)) }.address();
    if at == 0 || len == 0 {
        return 0;
    }
    // SAFETY: the hook's first argument.
    let socket = unsafe { Socket::new(ctx.arg::<*const c_void>(0)) };
    enforce_on_machine(try_connect(at, socket.family()))
}

/// Judges the socket address that the kernel has copied to `at`; one without a family is of the family `or_else`.
#[inline(always)]
fn try_connect(at: u64, or_else: u16) -> Action {
    // SAFETY: the helper checks the address by itself.
    let Ok(given) = (unsafe { bpf_probe_read_kernel(at as *const SocketAddress) }) else {
        return Action::Deny;
    };
    let family = if given.family == AF_UNSPEC { or_else } else { given.family };
    let is_v4 = family == AF_INET;
    // An IPv6 socket sends to nowhere else where no family is given.
    if !is_v4 && given.family != AF_INET6 {
        return Action::Allow;
    }
    let mut judges = Judges::none(Operations::NONE.with(Operation::Connect), zero());
    judges.find();
    if judges.unknown != 0 {
        return Action::Deny;
    }
    if judges.slots[0] == 0 {
        return Action::Allow;
    }
    let port = u16::from_be(given.port);
    let address = if is_v4 {
        Address::v4(u32::from_be(given.v4), port)
    } else {
        Address::v6(u64::from_be(given.v6[0]), u64::from_be(given.v6[1]), port)
    };
    let strictest = judges.strictest(|policy| judge(policy, &address));
    let verdict = strictest.verdict();
    if verdict.action() != Action::Allow {
        settle(&judges, strictest.by, verdict, &address);
    }
    verdict.action()
}

/// What a policy says of an address, as [`Decision::to_bits`].
#[inline(never)]
fn judge(policy: &Policy, address: &Address) -> u64 {
    let rules = PolicyRules::new(policy);
    let mut cursor = Cursor { search: AddressSearch::new(&rules), address, policy };
    // SAFETY: the callback takes such a cursor, which lives until the helper returns.
    let _asked =
        unsafe { bpf_loop(Shape::COUNT_MAX, look_at_shape as *mut c_void, (&raw mut cursor).cast(), 0) };
    let verdict = cursor.search.verdict();
    Decision { verdict, group: 0 }.to_bits().wrapping_add(rules.zero())
}

/// What goes from one shape to the next. The verifier follows it through memory, so it is plain.
#[repr(C)]
struct Cursor<'b> {
    search: AddressSearch,
    address: &'b Address,
    policy: &'b Policy,
}

/// Looks at the rules of one shape; returns 1 to stop.
///
/// # Safety
///
/// `cursor` must be a [`Cursor`] that nobody else uses.
unsafe extern "C" fn look_at_shape(index: u32, cursor: *mut c_void) -> i64 {
    // SAFETY: `judge` passes its cursor, and nobody else uses it meanwhile.
    let cursor = unsafe { &mut *cursor.cast::<Cursor<'_>>() };
    let rules = PolicyRules::new(cursor.policy);
    if cursor.search.add_shape(&rules, *cursor.address, index) { 0 } else { 1 }
}

/// Counts and reports what was not simply allowed. A function of its own for the stack's sake.
#[inline(never)]
fn settle(judges: &Judges, judge: u32, verdict: Verdict, address: &Address) {
    let Some(scope) = scope_of_cgroup(judges.cgroup(judge)) else { return };
    if verdict.action().blocks() {
        scope.count_blocked();
    }
    record_address(&scope, judges.slot(judge), verdict, address);
}
