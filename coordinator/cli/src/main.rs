//! The program `basin`. All of it is in the library.

fn main() -> std::process::ExitCode {
    basin_cli::main()
}
