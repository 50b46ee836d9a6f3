//! `billing usage import`.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde_json::{Value, json};

use super::super::{Context, FormatArg, Verbosity};
use crate::books::importer;
use crate::domain::{Refusal, Result};
use crate::failure::{Failure, exit};
use crate::imports::{Batches, ImportedUsage, Rejected, Texts, UsageFile, UsageForm, import_usage};
use crate::view::progress::Progress;

#[derive(Debug, Args)]
#[command(after_help = "An event of a file in JSON Lines, one a line:
  {\"id\":\"e1\",\"meter\":\"sms\",\"subscription\":\"sub_12\",\"at\":\"2026-11-03T10:00:00Z\",\"value\":\"1\"}
`tenant` may stand in place of `subscription`; `value` is 1 where it is not given; `properties` may be an
object. A CSV file has columns of the same names.")]
pub struct Import {
    /// A file of events, or - for standard input
    file: PathBuf,
    /// How it is written; csv where its name ends so, else jsonl
    #[arg(id = "format", long = "format", value_name = "FORM", value_parser = forms())]
    form: Option<FormatArg>,
    /// Write each line that is not taken to this file, with the reason
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// Take all lines, or none
    #[arg(long)]
    atomic: bool,
}

/// The words of the forms of a file; the others say how the result is printed.
fn forms() -> impl TypedValueParser<Value = FormatArg> {
    PossibleValuesParser::new(["jsonl", "csv", "json"]).map(|word| match word.as_str() {
        "csv" => FormatArg::UsageCsv,
        "json" => FormatArg::Json,
        _ => FormatArg::UsageJsonl,
    })
}

/// So many lines that were not taken are named in the result; `--rejects` has all of them.
const MOST_NAMED: usize = 1_000;

impl Import {
    fn form(&self) -> UsageForm {
        match self.form {
            Some(FormatArg::UsageCsv) => UsageForm::Csv,
            Some(FormatArg::UsageJsonl) => UsageForm::Jsonl,
            _ if self.file.extension().is_some_and(|end| end.eq_ignore_ascii_case("csv")) => {
                UsageForm::Csv
            }
            _ => UsageForm::Jsonl,
        }
    }
}

/// Where the lines go that are not taken.
struct Rejects {
    file: Option<(PathBuf, std::io::BufWriter<File>)>,
    named: Vec<Value>,
}

impl Rejects {
    fn open(path: Option<&Path>) -> Result<Rejects> {
        let open = |path: &Path| {
            let file = File::create(path).map_err(|e| Refusal::file(path, "make", &e))?;
            Ok::<_, Refusal>((path.to_owned(), std::io::BufWriter::new(file)))
        };
        Ok(Rejects { file: path.map(open).transpose()?, named: Vec::new() })
    }

    fn take(&mut self, rejected: Rejected) -> Result<()> {
        let Failure { code, message, .. } = Failure::from(rejected.why);
        let mut object = json!({ "line": rejected.line, "code": code, "message": message });
        if self.named.len() < MOST_NAMED {
            self.named.push(object.clone());
        }
        let Some((path, file)) = &mut self.file else { return Ok(()) };
        object["text"] = json!(rejected.text);
        writeln!(file, "{object}").map_err(|e| Refusal::file(path, "write", &e))
    }

    fn close(&mut self) -> Result<()> {
        let Some((path, file)) = &mut self.file else { return Ok(()) };
        file.flush().map_err(|e| Refusal::file(path, "write", &e))
    }
}

pub(super) fn run(ctx: &mut Context, args: &Import) -> anyhow::Result<u8> {
    let (reader, size): (Box<dyn Read>, u64) = match args.file.as_path() {
        path if path == Path::new("-") => (Box::new(std::io::stdin().lock()), 0),
        path => {
            let file = File::open(path).map_err(|e| Refusal::file(path, "read", &e))?;
            let size = file.metadata().map_or(0, |meta| meta.len());
            (Box::new(file), size)
        }
    };
    let texts = if args.rejects.is_some() { Texts::Kept } else { Texts::Dropped };
    let file = UsageFile::open(&args.file, reader, args.form(), texts)?;
    if let Some(path) = &args.rejects
        && path.canonicalize().is_ok_and(|to| args.file.canonicalize().is_ok_and(|from| from == to))
    {
        return Err(Refusal::WouldOverwrite { path: path.clone() }.into());
    }
    let mut rejects = Rejects::open(args.rejects.as_deref())?;
    let quiet = ctx.verbosity == Verbosity::Quiet;
    let mut bar = Progress::new("importing usage", size, quiet);
    let mut store = ctx.writer()?;
    let batches = if args.atomic { Batches::Atomic } else { Batches::Kept };
    let act = importer(&ctx.act());
    let imported = import_usage(
        &mut store,
        (&act, &ctx.config),
        file,
        batches,
        |rejected| rejects.take(rejected),
        |bytes| bar.at(bytes),
    );
    bar.end();
    rejects.close()?;
    match imported {
        Ok(imported) => {
            say(ctx, &imported, &rejects.named)?;
            Ok(if imported.rejected > 0 { exit::PARTIAL } else { exit::DONE })
        }
        Err(Refusal::UsageRejected { lines, rejected }) => {
            let nothing = ImportedUsage { lines, rejected, ..ImportedUsage::default() };
            say(ctx, &nothing, &rejects.named)?;
            Err(Refusal::UsageRejected { lines, rejected }.into())
        }
        Err(refusal) => Err(refusal.into()),
    }
}

/// Takes the lines of a file that is in memory.
pub(super) fn take(ctx: &mut Context, lines: Vec<u8>) -> anyhow::Result<u8> {
    let path = Path::new("-");
    let file =
        UsageFile::open(path, std::io::Cursor::new(lines), UsageForm::Jsonl, Texts::Dropped)?;
    let mut rejects = Rejects::open(None)?;
    let mut store = ctx.writer()?;
    let act = ctx.act();
    let (given, kept) = ((&act, &ctx.config), Batches::Kept);
    let imported =
        import_usage(&mut store, given, file, kept, |rejected| rejects.take(rejected), |_| {})?;
    say(ctx, &imported, &rejects.named)?;
    Ok(if imported.rejected > 0 { exit::PARTIAL } else { exit::DONE })
}

fn say(ctx: &mut Context, imported: &ImportedUsage, named: &[Value]) -> anyhow::Result<()> {
    let ImportedUsage { lines, rejected, taken } = imported;
    if !ctx.printer.for_people() {
        return Ok(ctx.printer.document(&json!({
            "lines": lines,
            "accepted": taken.accepted,
            "duplicates": taken.duplicates,
            "rejected_count": rejected,
            "rejected": named,
            "by_meter": taken.by_meter,
        }))?);
    }
    let more = rejected - named.len() as u64;
    ctx.printer.text(&format!(
        "{lines} lines: {} accepted, {} there already, {rejected} rejected",
        taken.accepted, taken.duplicates
    ))?;
    for (meter, count) in &taken.by_meter {
        ctx.printer.text(&format!("  {meter}: {count}"))?;
    }
    for one in named {
        let word = |field: &str| one[field].as_str().unwrap_or_default().to_owned();
        let (code, message) = (word("code"), word("message"));
        ctx.printer.text(&format!("  line {}: {code}: {message}", one["line"]))?;
    }
    if more > 0 {
        ctx.printer.text(&format!("  and {more} more: --rejects FILE names them all"))?;
    }
    Ok(())
}
