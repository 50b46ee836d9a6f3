//! `billing completions` and `billing man`: what a shell and a manual page know of the commands.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

use crate::domain::Refusal;
use crate::failure::exit;

/// The day of the manual pages, which mandoc asks for: that of the release.
const RELEASED_ON: &str = "2026-11-23";

#[derive(Debug, Args)]
pub struct CompletionArgs {
    shell: Shell,
}

#[derive(Debug, Args)]
pub struct ManArgs {
    /// Write a page a command into this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Prints the completion script of a shell.
///
/// # Errors
/// Standard output cannot be written.
pub fn completions(args: &CompletionArgs, command: &mut clap::Command) -> anyhow::Result<u8> {
    // Written by ourselves: the crate's own writer panics on a full disk.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, command, "billing", &mut script);
    std::io::stdout().write_all(&script)?;
    Ok(exit::DONE)
}

/// Prints the manual page, or writes one a command.
///
/// # Errors
/// Standard output or the folder cannot be written.
pub fn man(args: &ManArgs, command: clap::Command) -> anyhow::Result<u8> {
    let Some(folder) = &args.out else {
        let page = clap_mangen::Man::new(command).date(RELEASED_ON);
        let mut text = Vec::new();
        page.render(&mut text)?;
        std::io::stdout().write_all(&text)?;
        return Ok(exit::DONE);
    };
    std::fs::create_dir_all(folder).map_err(|e| Refusal::file(folder, "make", &e))?;
    let mut command = command.disable_help_subcommand(true);
    command.build();
    write_pages(&command, folder, "billing")?;
    Ok(exit::DONE)
}

fn write_pages(
    command: &clap::Command,
    folder: &std::path::Path,
    name: &str,
) -> anyhow::Result<()> {
    let page = clap_mangen::Man::new(command.clone().name(name.to_owned())).date(RELEASED_ON);
    let mut text = Vec::new();
    page.render(&mut text)?;
    let path = folder.join(format!("{name}.1"));
    std::fs::write(&path, text).map_err(|e| Refusal::file(&path, "write", &e))?;
    for sub in command.get_subcommands().filter(|c| !c.is_hide_set()) {
        write_pages(sub, folder, &format!("{name}-{}", sub.get_name()))?;
    }
    Ok(())
}
