//! The program: the window without a subcommand, the command line with one.

use std::process::ExitCode;

/// Tensors of every size come and go in each forward pass; this allocator gives them back faster.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // SAFETY: nothing else runs yet.
    unsafe { embedscope::memory::keep_for_the_next_trace() };
    embedscope::cli::main()
}
