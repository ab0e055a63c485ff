//! The program `basin`, for the tests beside it.

fn main() -> std::process::ExitCode {
    basin_cli::main()
}
