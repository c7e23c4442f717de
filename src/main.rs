//! The binary: hands over to the library at once, so that tests and the binary run the same code.

fn main() -> std::process::ExitCode {
    pilothouse::run()
}
