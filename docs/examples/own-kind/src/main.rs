//! Basin with the kind `hopfield`: `hopfield run hopfield.toml`, `hopfield worker --coordinator …`, and all other commands of `basin`.

mod hopfield;

use basin_cli::kind::Kinds;

fn main() -> std::process::ExitCode {
    basin_cli::main_with(Kinds::none().with(hopfield::Hopfield))
}
