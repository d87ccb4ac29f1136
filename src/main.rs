//! The executable: see `bulkhead --help`.

/// Gives the memory of hashed passwords back at once; glibc keeps it, an arena for every few threads
/// (AU-11).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    match bulkhead::cli::run() {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            std::process::ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stderr, reason = "the last words of a command that failed")]
fn complain(error: &bulkhead::cli::CliError) {
    eprintln!("bulkhead: {error}");
}
