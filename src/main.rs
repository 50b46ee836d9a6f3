//! Parses the command line, runs it, prints a failure, and says how it ended.

use std::io::Write;
use std::process::ExitCode;

use billing::cli;
use billing::portal::cgi;

fn main() -> ExitCode {
    // A page is asked for often, and clap's tree is most of a start.
    if cgi::is_request() {
        return cgi::run(std::env::args_os().skip(1));
    }
    let outcome = cli::parse(std::env::args_os()).and_then(cli::run);
    match outcome {
        Ok(status) => ExitCode::from(status),
        Err(stop) if stop.is_broken_pipe() => ExitCode::SUCCESS,
        Err(stop) => {
            // Where even standard error is gone, the exit status still says it.
            let _ = std::io::stderr().write_all(stop.text().as_bytes());
            ExitCode::from(stop.status())
        }
    }
}
