//! When the allocator gives freed memory back to the system.

use libmimalloc_sys::{mi_option_set, mi_option_t};

/// mimalloc's `mi_option_purge_delay`; its crate names the stable options alone.
const PURGE_DELAY: mi_option_t = 15;
/// In milliseconds. Somebody who types pauses for longer than mimalloc's own second, and then the next
/// trace of 256 tokens took a third longer: the system hands out every page anew. With five seconds a
/// trace of 8,192 tokens needs 65 MiB more, with this 30.
const DELAY: std::ffi::c_long = 2500;

/// Keeps freed memory for a while, for the next trace.
///
/// # Safety
/// No other thread may run yet: call it first in `main`.
pub unsafe fn keep_for_the_next_trace() {
    // SAFETY: by this function's own contract nobody reads the option meanwhile.
    unsafe { mi_option_set(PURGE_DELAY, DELAY) };
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A mimalloc that numbers its options otherwise has another default here.
    #[test]
    fn the_option_is_the_one_that_delays() {
        // SAFETY: nothing in the tests sets an option.
        let own = unsafe { libmimalloc_sys::mi_option_get(PURGE_DELAY) };
        assert_eq!(own, 1000);
    }
}
