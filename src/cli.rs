//! The command line: global flags, the tree of nouns and verbs, and the one dispatch.

use std::ffi::OsString;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use crate::clock::Clock;
use crate::commands::{self, Changes, Context, FormatArg, Verbosity};
use crate::config::Config;
use crate::domain::Refusal;
use crate::failure::{Failure, Unprintable, exit};
use crate::portal;
use crate::view::{Format, Printer, Screen};

/// The billing back office of a small SaaS: one binary, one SQLite file, run by cron.
#[derive(Debug, Parser)]
#[command(name = "billing", version, propagate_version = true, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
    /// See [`typed`].
    #[arg(skip)]
    typed: String,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Global options")]
struct Global {
    /// The SQLite file
    #[arg(long, global = true, env = "BILLING_DB", value_name = "PATH", hide_env_values = true)]
    db: Option<OsString>,
    /// The configuration, billing.toml
    #[arg(
        long,
        global = true,
        env = "BILLING_CONFIG",
        value_name = "PATH",
        hide_env_values = true
    )]
    config: Option<OsString>,
    /// The moment to act in: YYYY-MM-DD (noon of that day) or RFC 3339
    #[arg(long, global = true, env = "BILLING_AS_OF", value_name = "WHEN", hide_env_values = true)]
    as_of: Option<String>,
    /// How the result is printed
    #[arg(long, global = true, value_enum, value_name = "FORM")]
    format: Option<FormatArg>,
    /// Short for --format json
    #[arg(long, global = true)]
    json: bool,
    /// Less on standard error
    #[arg(short, long, global = true)]
    quiet: bool,
    /// More on standard error
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    verbose: bool,
    /// When to colour tables
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value = "auto")]
    color: ColorArg,
    /// Answer yes to every confirmation
    #[arg(short, long, global = true)]
    yes: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ColorArg {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write billing.toml and make the database
    Init(commands::init::Args),
    /// Fill a scratch database, run every task on it once, and say how to explore it
    Demo(commands::demo::Args),
    /// Customers
    #[command(subcommand)]
    Tenant(commands::tenant::Command),
    /// What is sold: price, interval, trial
    #[command(subcommand)]
    Plan(commands::plan::Command),
    /// What usage is measured by
    #[command(subcommand)]
    Meter(commands::meter::Command),
    /// What customers use: take it in, look at it, void it
    #[command(subcommand)]
    Usage(commands::usage::Command),
    /// Running agreements on a plan: begin, change, cancel, explain
    #[command(subcommand)]
    Subscription(commands::subscription::Command),
    /// Promotional codes: make, check, apply, and see what came of them
    #[command(subcommand)]
    Coupon(commands::coupon::Command),
    /// What customers have in credit: give, apply to invoices, see what is left
    #[command(subcommand)]
    Credit(commands::credit::Command),
    /// Credit notes: take back what was billed, and give it as credit or back
    #[command(subcommand)]
    CreditNote(commands::credit_note::Command),
    /// Payments that name no invoice: they pay what is due
    #[command(subcommand)]
    Payment(commands::payment::Command),
    /// How customers pay by themselves
    #[command(subcommand)]
    PaymentMethod(commands::payment_method::Command),
    /// What waits for the next invoice: add, list, remove
    #[command(subcommand)]
    PendingItem(commands::pending_item::Command),
    /// Invoices: issue, pay, void, chase, explain
    #[command(subcommand)]
    Invoice(commands::invoice::Command),
    /// Money that moved or was to move
    #[command(subcommand)]
    Transaction(commands::transaction::Command),
    /// The scheduled tasks: run one, look at their runs
    #[command(subcommand)]
    Tasks(commands::tasks::Command),
    /// What to look at each morning: revenue, what is overdue, payments, coupons, the tasks
    #[command(subcommand)]
    Report(commands::report::Command),
    /// E-mails: the outbox and what was sent
    #[command(subcommand)]
    Email(commands::email::Command),
    /// Where customers see and pay their invoices: set it up, make links to it, revoke them
    Portal(commands::portal::Args),
    /// The audit trail
    #[command(subcommand)]
    Event(commands::event::Command),
    /// Hooks: who is told of what happens, and how far
    #[command(subcommand)]
    Hook(commands::hook::Command),
    /// Keys of the API: who may ask it for what
    #[command(subcommand)]
    ApiKey(commands::api_key::Command),
    /// Take data over from a CSV file, all or nothing
    Import(commands::import::Args),
    /// Hand data over to another program: the ledger to whoever keeps the books
    #[command(subcommand)]
    Export(commands::export::Command),
    /// The database file: status, migration, backup, check
    #[command(subcommand)]
    Db(commands::db::Command),
    /// Print the completion script of a shell
    Completions(commands::shell::CompletionArgs),
    /// Print the manual page, or write one a command into a folder
    Man(commands::shell::ManArgs),
}

/// Why the program ends early: the text for standard error and the exit status.
#[derive(Debug)]
pub struct Stop {
    text: String,
    status: u8,
    broken_pipe: bool,
}

impl Stop {
    /// What standard error is told.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The exit status.
    pub fn status(&self) -> u8 {
        self.status
    }

    /// Whether nobody reads standard output any more: `billing invoice list | head` is no failure.
    pub fn is_broken_pipe(&self) -> bool {
        self.broken_pipe
    }

    fn of(error: &anyhow::Error, json: bool, changes: &Changes) -> Stop {
        let is_pipe = |e: &std::io::Error| e.kind() == std::io::ErrorKind::BrokenPipe;
        let reader_gone = error
            .downcast_ref()
            .and_then(Refusal::of)
            .is_some_and(|out: &Unprintable| out.reader_gone);
        let broken_pipe =
            reader_gone || error.chain().any(|link| link.downcast_ref().is_some_and(is_pipe));
        let failure = match changes.are_made() {
            true => Failure::of(error).after_changes(),
            false => Failure::of(error),
        };
        Stop { text: failure.render(json), status: failure.exit, broken_pipe }
    }
}

/// The tree of commands, with their examples.
pub fn tree() -> clap::Command {
    commands::examples::add(Cli::command())
}

/// Reads the command line.
///
/// # Errors
/// It is wrong (status 2), or asks for help or the version, which is printed (status 0).
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Cli, Stop> {
    let args: Vec<OsString> = args.into_iter().collect();
    if matches!(args.as_slice(), [_, help, topic] if help == "help" && topic == "config") {
        let broken_pipe =
            std::io::stdout().write_all(commands::manual::config_help().as_bytes()).is_err();
        return Err(Stop { text: String::new(), status: exit::DONE, broken_pipe });
    }
    let read = || {
        let mut command = tree();
        let matches = command.try_get_matches_from_mut(&args)?;
        let mut cli = Cli::from_arg_matches(&matches)?;
        cli.typed = typed(&command, &matches);
        Ok(cli)
    };
    read().map_err(|error: clap::Error| {
        if !error.use_stderr() {
            let broken_pipe = error.print().is_err();
            return Stop { text: String::new(), status: exit::DONE, broken_pipe };
        }
        let text = match asks_for_json(&args) {
            true => commands::asked::usage_of(&error)
                .hint("billing --help lists what there is")
                .render(true),
            false => error.render().to_string(),
        };
        Stop { text, status: exit::USAGE, broken_pipe: false }
    })
}

/// The command and its arguments in one order, without global flags and the key itself: what tells
/// two commands with the same key apart.
fn typed(command: &clap::Command, matches: &clap::ArgMatches) -> String {
    let (mut command, mut matches) = (command, matches);
    let mut words = Vec::new();
    while let Some((name, inner)) = matches.subcommand() {
        let Some(sub) = command.find_subcommand(name) else { break };
        words.push(sub.get_name().to_owned());
        (command, matches) = (sub, inner);
    }
    let told = |arg: &&clap::Arg| {
        let given = matches.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine);
        given && !arg.is_global_set() && arg.get_id() != "idempotency_key"
    };
    let mut arguments: Vec<String> = command
        .get_arguments()
        .filter(told)
        .flat_map(|arg| {
            let id = arg.get_id().as_str();
            let values = matches.get_raw(id).into_iter().flatten();
            values.map(move |value| format!("{id}={}", value.to_string_lossy()))
        })
        .collect();
    arguments.sort();
    words.extend(arguments);
    words.join("\0")
}

/// Whether the words ask for JSON, looked at before they could be understood.
fn asks_for_json(args: &[OsString]) -> bool {
    let pairs = args.windows(2).any(|pair| pair[0] == "--format" && pair[1] == "json");
    pairs || args.iter().any(|arg| arg == "--json" || arg == "--format=json")
}

/// Carries the command out; returns the exit status.
///
/// # Errors
/// Whatever it refuses, in words.
pub fn run(cli: Cli) -> Result<u8, Stop> {
    let json = cli.global.json || matches!(cli.global.format, Some(FormatArg::Json));
    let changes = Changes::default();
    dispatch(cli, &changes).map_err(|error| Stop::of(&error, json, &changes))
}

fn dispatch(cli: Cli, changes: &Changes) -> anyhow::Result<u8> {
    let Cli { global, command, typed } = cli;
    // These speak of the program alone and need neither config nor database.
    match &command {
        Command::Completions(args) => {
            return commands::shell::completions(args, &mut Cli::command());
        }
        Command::Man(args) => return commands::shell::man(args, Cli::command()),
        _ => {}
    }
    // A demo and a new business have no config yet; one that is named is about to be written.
    let config = match &command {
        Command::Init(_) | Command::Demo(_) => Config::default(),
        _ => Config::load(set(&global.config).as_deref())?,
    };
    let mut ctx = Context { typed, ..context(global, config, changes.clone())? };
    let status = match command {
        Command::Init(args) => commands::init::run(&mut ctx, args),
        Command::Demo(args) => commands::demo::run(&mut ctx, args),
        Command::Tenant(command) => commands::tenant::run(&mut ctx, command),
        Command::Plan(command) => commands::plan::run(&mut ctx, command),
        Command::Meter(command) => commands::meter::run(&mut ctx, command),
        Command::Usage(command) => commands::usage::run(&mut ctx, command),
        Command::Subscription(command) => commands::subscription::run(&mut ctx, command),
        Command::Coupon(command) => commands::coupon::run(&mut ctx, command),
        Command::Credit(command) => commands::credit::run(&mut ctx, command),
        Command::CreditNote(command) => commands::credit_note::run(&mut ctx, command),
        Command::Payment(command) => commands::payment::run(&mut ctx, command),
        Command::PaymentMethod(command) => commands::payment_method::run(&mut ctx, command),
        Command::PendingItem(command) => commands::pending_item::run(&mut ctx, command),
        Command::Invoice(command) => commands::invoice::run(&mut ctx, command),
        Command::Transaction(command) => commands::transaction::run(&mut ctx, command),
        Command::Tasks(command) => commands::tasks::run(&mut ctx, command),
        Command::Report(command) => commands::report::run(&mut ctx, command),
        Command::Email(command) => commands::email::run(&mut ctx, command),
        Command::Portal(args) => match args.listen {
            Some(address) => listen(&mut ctx, address),
            None => commands::portal::run(&mut ctx, args),
        },
        Command::Event(command) => commands::event::run(&mut ctx, command),
        Command::Hook(command) => commands::hook::run(&mut ctx, command),
        Command::ApiKey(command) => commands::api_key::run(&mut ctx, command),
        Command::Import(args) => commands::import::run(&mut ctx, args),
        Command::Export(command) => commands::export::run(&mut ctx, command),
        Command::Db(command) => commands::db::run(&mut ctx, command),
        Command::Completions(_) | Command::Man(_) => Ok(exit::DONE),
    }?;
    let verbosity = ctx.verbosity;
    if let Some(missing) = ctx.printer.finish()? {
        verbosity.note(&missing);
    }
    Ok(status)
}

/// Answers requests on a socket until it is stopped.
fn listen(ctx: &mut Context, address: SocketAddr) -> anyhow::Result<u8> {
    if !address.ip().is_loopback() {
        return Err(Failure::usage(format!("{address} is no address of loopback"))
            .hint("it has no TLS: behind a web server it is reached from elsewhere")
            .into());
    }
    ctx.config.need_portal()?;
    // What is wrong with file or secret is said now, and not to the first customer.
    ctx.config.portal_secrets()?;
    ctx.reader()?;
    let call = portal::Call {
        config: ctx.config_named.clone(),
        db: ctx.db_named.clone(),
        as_of: ctx.as_of.clone(),
    };
    let listener = portal::listen::open(address)
        .map_err(|e| Failure::new("io", format!("cannot listen on {address}: {e}")))?;
    let address = listener.local_addr().unwrap_or(address);
    ctx.verbosity.note(&format!("listening on http://{address}; Ctrl-C ends it"));
    portal::listen::serve(&listener, &call)?;
    Ok(exit::DONE)
}

/// A path that was named; an empty variable in a crontab or a script means that none was.
fn set(path: &Option<OsString>) -> Option<PathBuf> {
    path.as_ref().filter(|p| !p.is_empty()).map(PathBuf::from)
}

fn context(global: Global, config: Config, changes: Changes) -> anyhow::Result<Context> {
    let as_of = global.as_of.filter(|text| !text.is_empty());
    let clock = Clock::new(as_of.as_deref(), config.timezone)?;
    let format = match global.format {
        _ if global.json => Format::Json,
        Some(FormatArg::Json) => Format::Json,
        Some(FormatArg::Csv) => Format::Csv,
        // What is said of an export, which has a form of its own.
        _ => Format::Table,
    };
    let color = match global.color {
        ColorArg::Auto => None,
        ColorArg::Always => Some(true),
        ColorArg::Never => Some(false),
    };
    let verbosity = match (global.quiet, global.verbose) {
        (true, _) => Verbosity::Quiet,
        (_, true) => Verbosity::Verbose,
        _ => Verbosity::Normal,
    };
    Ok(Context {
        db: config.database(set(&global.db).as_deref()),
        db_named: set(&global.db),
        config_named: set(&global.config),
        as_of,
        typed: String::new(),
        printer: Printer::new(format, Screen::stdout(color, config.locale, config.timezone)),
        config,
        clock,
        changes,
        verbosity,
        yes: global.yes,
        actor: None,
        patience: None,
    })
}
