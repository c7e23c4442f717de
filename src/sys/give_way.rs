//! Work that may take its time.

/// The calling thread gets the processor only when nobody else wants it. It goes on as it is where
/// that is refused.
pub(crate) fn thread() {
    const LAST: i32 = 19;
    // Without a number the kernel means the calling thread alone.
    let _as_it_is = rustix::process::setpriority_process(None, LAST);
}
