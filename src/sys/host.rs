//! The machine's name.

/// As the kernel has it; a name that is not UTF-8 keeps what can be read of it.
pub(crate) fn name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}
