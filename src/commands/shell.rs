//! `billing completions` and `billing man`: what a shell and a manual page know of the commands.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use clap_complete::Shell;

use super::manual;
use crate::domain::Refusal;
use crate::failure::exit;

/// The day of the manual pages, which mandoc asks for: that of the release.
const RELEASED_ON: &str = "2026-11-23";

#[derive(Debug, Args)]
pub struct CompletionArgs {
    /// Whose
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

/// Prints the manual page, or writes one a command, and billing.toml(5).
///
/// # Errors
/// Standard output or the folder cannot be written.
pub fn man(args: &ManArgs, command: clap::Command) -> anyhow::Result<u8> {
    let Some(folder) = &args.out else {
        std::io::stdout().write_all(&page(command, "billing", "billing")?)?;
        return Ok(exit::DONE);
    };
    std::fs::create_dir_all(folder).map_err(|e| Refusal::file(folder, "make", &e))?;
    let mut command = command.disable_help_subcommand(true);
    command.build();
    write_pages(&command, folder, "billing", "billing")?;
    let files = files_folder(folder);
    std::fs::create_dir_all(&files).map_err(|e| Refusal::file(&files, "make", &e))?;
    write(&files.join("billing.toml.5"), manual::config_page(RELEASED_ON).as_bytes())?;
    Ok(exit::DONE)
}

/// Where pages of files go: beside `man1` into `man5`, else into the folder itself.
fn files_folder(folder: &Path) -> PathBuf {
    match folder.file_name().is_some_and(|name| name == "man1") {
        true => folder.with_file_name("man5"),
        false => folder.to_owned(),
    }
}

fn write(path: &Path, page: &[u8]) -> Result<(), Refusal> {
    std::fs::write(path, page).map_err(|e| Refusal::file(path, "write", &e))
}

/// The page of a command: what its tree says, and what holds for all of them.
fn page(command: clap::Command, name: &str, words: &str) -> anyhow::Result<Vec<u8>> {
    let is_extra = command.get_after_help().is_some();
    let subcommands = command.has_subcommands();
    let man = clap_mangen::Man::new(command.name(name.to_owned())).date(RELEASED_ON);
    let mut text = Vec::new();
    man.render_title(&mut text)?;
    man.render_name_section(&mut text)?;
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    man.render_options_section(&mut text)?;
    if subcommands {
        man.render_subcommands_section(&mut text)?;
    }
    if is_extra {
        man.render_extra_section(&mut text)?;
    }
    text.write_all(manual::sections(words).as_bytes())?;
    man.render_version_section(&mut text)?;
    Ok(text)
}

fn write_pages(
    command: &clap::Command,
    folder: &Path,
    name: &str,
    words: &str,
) -> anyhow::Result<()> {
    let page = page(command.clone(), name, words)?;
    write(&folder.join(format!("{name}.1")), &page)?;
    for sub in command.get_subcommands().filter(|c| !c.is_hide_set()) {
        let (name, words) =
            (format!("{name}-{}", sub.get_name()), format!("{words} {}", sub.get_name()));
        write_pages(sub, folder, &name, &words)?;
    }
    Ok(())
}
