//! E-mails from their templates: the built-in ones, or the operator's in their place.

mod credit_note;
mod facts;
mod filters;
mod parties;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, context};

use super::Undeliverable;
use crate::domain::email::Locale;
use crate::domain::tax::{SellerTax, TaxBasis};
use crate::domain::template::{Company, Content, Template, Variant};
use crate::domain::{Currency, Refusal, Result};

pub use facts::{Example, ExamplePortal, sample};

macro_rules! built_in {
    ($($name:literal),+ $(,)?) => {
        &[$(($name, include_str!(concat!("templates/", $name)))),+]
    };
}

/// The templates as they come with the program: one an e-mail, language and form, and the parts
/// that they share.
const BUILT_IN: &[(&str, &str)] = built_in![
    "friendly.fr.txt",
    "friendly.fr.html",
    "friendly.en.txt",
    "friendly.en.html",
    "urgent.fr.txt",
    "urgent.fr.html",
    "urgent.en.txt",
    "urgent.en.html",
    "warning.fr.txt",
    "warning.fr.html",
    "warning.en.txt",
    "warning.en.html",
    "suspension.fr.txt",
    "suspension.fr.html",
    "suspension.en.txt",
    "suspension.en.html",
    "reactivation.fr.txt",
    "reactivation.fr.html",
    "reactivation.en.txt",
    "reactivation.en.html",
    "invoice.fr.txt",
    "invoice.fr.html",
    "invoice.en.txt",
    "invoice.en.html",
    "credit_note.fr.txt",
    "credit_note.fr.html",
    "credit_note.en.txt",
    "credit_note.en.html",
    "payment_failed.fr.txt",
    "payment_failed.fr.html",
    "payment_failed.en.txt",
    "payment_failed.en.html",
    "payment_received.fr.txt",
    "payment_received.fr.html",
    "payment_received.en.txt",
    "payment_received.en.html",
    "trial_ending.fr.txt",
    "trial_ending.fr.html",
    "trial_ending.en.txt",
    "trial_ending.en.html",
    "trial_ended.fr.txt",
    "trial_ended.fr.html",
    "trial_ended.en.txt",
    "trial_ended.en.html",
    "price_change.fr.txt",
    "price_change.fr.html",
    "price_change.en.txt",
    "price_change.en.html",
    "portal_link.fr.txt",
    "portal_link.fr.html",
    "portal_link.en.txt",
    "portal_link.en.html",
    "email_confirm.fr.txt",
    "email_confirm.fr.html",
    "email_confirm.en.txt",
    "email_confirm.en.html",
    "email_changed.fr.txt",
    "email_changed.fr.html",
    "email_changed.en.txt",
    "email_changed.en.html",
    "layout.html",
    "part_overdue.fr.txt",
    "part_overdue.fr.html",
    "part_overdue.en.txt",
    "part_overdue.en.html",
    "part_link.fr.txt",
    "part_link.fr.html",
    "part_link.en.txt",
    "part_link.en.html",
    "part_pay.fr.txt",
    "part_pay.fr.html",
    "part_pay.en.txt",
    "part_pay.en.html",
    "part_close.fr.txt",
    "part_close.fr.html",
    "part_close.en.txt",
    "part_close.en.html",
];

/// An e-mail as it reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    pub locale: Locale,
    /// One line.
    pub subject: String,
    pub text: String,
    pub html: String,
}

/// The templates, read and checked.
#[derive(Debug)]
pub struct Renderer {
    environment: Environment<'static>,
    folder: PathBuf,
    /// The file names that come from the operator's folder.
    replaced: BTreeSet<String>,
}

impl Renderer {
    /// The built-in templates; where a folder is given, each of its `.txt` and `.html` files takes
    /// the place of the built-in one of its name, or can be included by others.
    ///
    /// Templates of the operator are tried out on made-up e-mails, so that most mistakes show
    /// before an e-mail is due.
    ///
    /// # Errors
    /// [`Refusal::File`] where folder or file cannot be read, [`Undeliverable::Template`] with file, line
    /// and mistake where a template is broken.
    pub fn new(templates: Option<&Path>) -> Result<Renderer> {
        let mut renderer = Renderer {
            environment: environment(),
            folder: templates.unwrap_or(Path::new("")).to_owned(),
            replaced: BTreeSet::new(),
        };
        for (name, source) in BUILT_IN {
            renderer.add(name, source)?;
        }
        if let Some(folder) = templates {
            renderer.replace(folder)?;
            renderer.try_out()?;
        }
        Ok(renderer)
    }

    fn replace(&mut self, folder: &Path) -> Result<()> {
        let unreadable = |error: std::io::Error| Refusal::file(folder, "read", &error);
        for entry in fs::read_dir(folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if !(name.ends_with(".txt") || name.ends_with(".html")) {
                continue;
            }
            let source =
                fs::read_to_string(&path).map_err(|error| Refusal::file(&path, "read", &error))?;
            self.replaced.insert(name.to_owned());
            self.add(name, &source)?;
        }
        Ok(())
    }

    /// Takes a template in. The subject of an e-mail becomes a template of its own: what it fills in
    /// may hold a line break, which must not end it.
    fn add(&mut self, name: &str, source: &str) -> Result<()> {
        let mut text = source.to_owned();
        if is_letter_text(name) {
            let (subject, rest) = split(source).map_err(|message| {
                Refusal::from(Undeliverable::Template { name: self.shown(name), message })
            })?;
            self.add_source(subject_of(name), subject.to_owned())?;
            // An empty line in its place keeps the numbers of the lines.
            text = format!("\n{rest}");
        }
        self.add_source(name.to_owned(), text)
    }

    fn add_source(&mut self, name: String, source: String) -> Result<()> {
        self.environment
            .add_template_owned(name.clone(), source)
            .map_err(|error| self.broken(&name, &error))
    }

    fn try_out(&self) -> Result<()> {
        let company = Company { name: "Example".into(), ..Company::default() };
        for (template, locale) in
            Template::ALL.iter().flat_map(|t| Locale::ALL.iter().map(move |l| (*t, *l)))
        {
            let cases = Variant::ALL.iter().filter(|variant| variant.is_of(template));
            for variant in cases.map(|variant| Some(*variant)).chain([None]) {
                self.render(&sample(&Example {
                    template,
                    locale,
                    variant,
                    company: &company,
                    currency: Currency::XOF,
                    today: NaiveDate::default(),
                    tax: SellerTax { rate: 18.into(), ..SellerTax::default() },
                    basis: TaxBasis::Exclusive,
                    legal_notes: None,
                    net_days: 14,
                    attached: true,
                    portal: Some(ExamplePortal { base_url: "https://portal.example", pays: true }),
                }))?;
            }
        }
        Ok(())
    }

    /// The e-mail as it reads.
    ///
    /// # Errors
    /// [`Undeliverable::Template`] where a template asks for what is not there, or leaves the subject
    /// empty; where the e-mail lacks the invoice, payment or trial that it tells of.
    pub fn render(&self, content: &Content) -> Result<Rendered> {
        let facts = facts::of(content)?;
        let name = text_name(content.template, content.locale);
        let subject = one_line(&self.fill_in(&subject_of(&name), facts.clone())?);
        if subject.is_empty() {
            let message = "line 1: the subject is empty".into();
            return Err(Refusal::from(Undeliverable::Template {
                name: self.shown(&name),
                message,
            }));
        }
        let text = tidy(&self.fill_in(&name, facts.clone())?);
        let facts = context! { subject => subject.as_str(), ..facts };
        let html = format!("{}.{}.html", content.template, content.locale);
        let html = self.fill_in(&html, facts)?;
        Ok(Rendered { locale: content.locale, subject, text, html })
    }

    fn fill_in(&self, name: &str, facts: Value) -> Result<String> {
        self.environment
            .get_template(name)
            .and_then(|template| template.render(facts))
            .map_err(|error| self.broken(name, &error))
    }

    /// What is wrong, by the innermost template that is to blame: an error in a part comes wrapped
    /// in one of the template that includes it.
    fn broken(&self, asked_for: &str, error: &minijinja::Error) -> Refusal {
        let mut innermost = error;
        let mut source = std::error::Error::source(error);
        while let Some(cause) = source {
            innermost = cause.downcast_ref().unwrap_or(innermost);
            source = cause.source();
        }
        let line = innermost.line().map(|line| format!("line {line}: ")).unwrap_or_default();
        let detail = innermost.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
        Refusal::from(Undeliverable::Template {
            name: self.shown(innermost.name().or(error.name()).unwrap_or(asked_for)),
            message: format!("{line}{}{detail}", innermost.kind()),
        })
    }

    /// The file of the operator, or the name of the built-in template.
    fn shown(&self, name: &str) -> String {
        let name = name.strip_suffix(SUBJECT).unwrap_or(name);
        match self.replaced.contains(name) {
            true => self.folder.join(name).display().to_string(),
            false => name.to_owned(),
        }
    }
}

/// What a template may do: about a thousand times what an invoice of a hundred lines takes. A
/// template of the operator that loops without end is refused, and takes no run with it.
const FUEL: u64 = 20_000_000;

/// How deep templates, macros and loops may call one another, before the stack is at its end.
const DEPTH: usize = 100;

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(DEPTH);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    // An error names what is undefined in a release build too; nothing is kept where there is none.
    environment.set_debug(true);
    environment.set_auto_escape_callback(|name| match name.ends_with(".html") {
        true => AutoEscape::Html,
        false => AutoEscape::None,
    });
    // A line with nothing but a condition on it leaves no line behind.
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    #[expect(clippy::expect_used, reason = "only delimiters of one's own can be wrong")]
    environment.set_syntax(syntax.expect("the usual delimiters are right"));
    filters::add(&mut environment);
    environment
}

/// What is put to a template's name to name its subject.
const SUBJECT: &str = " (subject)";

fn subject_of(name: &str) -> String {
    format!("{name}{SUBJECT}")
}

fn text_name(template: Template, locale: Locale) -> String {
    format!("{template}.{locale}.txt")
}

/// Whether the name is that of an e-mail's text, not of a part or of HTML.
fn is_letter_text(name: &str) -> bool {
    let mut names =
        Template::ALL.iter().flat_map(|t| Locale::ALL.iter().map(|l| text_name(*t, *l)));
    names.any(|content| content == name)
}

/// Subject and text of an e-mail's template: `Subject: …`, an empty line, the text.
fn split(source: &str) -> std::result::Result<(&str, &str), String> {
    let source = source.strip_prefix('\u{feff}').unwrap_or(source);
    let (first, rest) = source.split_once('\n').unwrap_or((source, ""));
    let Some(subject) = first.strip_prefix("Subject:") else {
        return Err("line 1: does not begin with \"Subject:\"".into());
    };
    if !rest.lines().next().unwrap_or_default().trim().is_empty() {
        return Err("line 2: no empty line between the subject and the text".into());
    }
    Ok((subject, rest))
}

/// The text on one line: what would end a header line, or act in one, becomes a space.
fn one_line(text: &str) -> String {
    let breaks = |c: char| c.is_control() || matches!(c, ' ' | '\u{2028}' | '\u{2029}');
    text.split(breaks).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The text without what its template's conditions leave behind: spaces at line ends, and more
/// than one empty line in a row.
fn tidy(text: &str) -> String {
    let mut tidied = String::with_capacity(text.len());
    let mut empty_before = true;
    for line in text.lines().map(|line| line.trim_end_matches([' ', '\t', '\r'])) {
        if !(line.is_empty() && empty_before) {
            tidied.push_str(line);
            tidied.push('\n');
        }
        empty_before = line.is_empty();
    }
    tidied.truncate(tidied.trim_end_matches('\n').len());
    tidied.push('\n');
    tidied
}

#[cfg(test)]
mod tests;
