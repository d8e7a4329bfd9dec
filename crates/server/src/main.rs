//! The program: see [`parlour_server::program`].

use std::process::ExitCode;

fn main() -> ExitCode {
    parlour_server::program::main()
}
