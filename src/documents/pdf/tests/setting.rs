//! Text in lines, and numbers in columns.

use super::*;
use crate::documents::Unwritable;
use crate::documents::pdf::figures::{Column, Figure};
use crate::documents::pdf::fonts::width;
use crate::documents::pdf::grid::{BODY, STRONG, pt};
use crate::documents::pdf::marks::Block;
use crate::domain::Result;

fn lines(text: &str, most: Length) -> Vec<String> {
    let with = typesetter();
    let setter = Setter::new(&with.fonts, "1");
    let lines = setter.lines(text, BODY, most).unwrap();
    assert!(lines.iter().all(|line| line.width <= most), "{text}");
    lines.iter().map(words_of).collect()
}

#[test]
fn text_breaks_at_spaces_and_keeps_what_belongs_together() {
    assert_eq!(lines("", pt(100)), Vec::<String>::new());
    assert_eq!(lines("one two three", pt(40)), ["one two", "three"]);
    assert_eq!(lines("one\n\n two ", pt(40)), ["one", "", "two"]);
    // Narrower by a hundredth of a point than what would fit.
    let with = typesetter();
    let fits = Setter::new(&with.fonts, "1").line("one two", BODY).unwrap().width;
    assert_eq!(lines("one two", fits), ["one two"]);
    assert_eq!(lines("one two", fits - 1), ["one", "two"]);
    for kept in ["15 000 F CFA", "1 234,50 €", "5,5 %", "« mot »"] {
        let text = format!("il reste {kept}");
        let fits = Setter::new(&with.fonts, "1").line(&text, BODY).unwrap().width;
        assert_eq!(lines(&text, fits - 1), ["il reste", kept]);
    }
    assert_eq!(lines("trois pommes : rouges", pt(60)), ["trois", "pommes :", "rouges"]);
}

#[test]
fn a_word_longer_than_its_column_breaks_behind_a_mark_or_anywhere() {
    let url = "https://example.com/one-two/three";
    let broken = lines(&format!("see {url}"), pt(80));
    assert_eq!(broken, ["see", "https://example.", "com/one-two/", "three"]);
    let broken = lines(&"m".repeat(40), pt(80));
    assert_eq!(broken.concat(), "m".repeat(40));
    assert!(broken.len() > 3 && broken[0].len() == broken[1].len(), "{broken:?}");
    // One letter a line, where not even one fits.
    let with = typesetter();
    let setter = Setter::new(&with.fonts, "1");
    assert_eq!(setter.lines("mm", BODY, pt(1)).unwrap().len(), 2);
}

#[test]
fn numbers_stand_with_their_decimals_in_line() {
    let with = typesetter();
    let setter = Setter::new(&with.fonts, "1");
    let cases: [(Locale, &[&str]); 3] = [
        (Locale::Fr, &["1", "123 456,5", "12,25"]),
        (Locale::Fr, &["15 000 F CFA", "12,5 F CFA", "-3 F CFA"]),
        (Locale::En, &["€1,234.50", "€0.0004", "-€7", "12"]),
    ];
    for (locale, numbers) in cases {
        let figure = |text: &&str| Figure::new(&setter, text, BODY, locale).map(Some);
        let figures = numbers.iter().map(figure).collect::<Result<Vec<_>>>().unwrap();
        let mut column = Column::new(setter.line("n", BODY).unwrap(), figures);
        column.right = pt(300);
        let mut block = Block::default();
        (0..numbers.len()).for_each(|row| column.put(&mut block, row));
        let mark = if locale == Locale::Fr { ',' } else { '.' };
        let mut points = Vec::new();
        let mut ends = Vec::new();
        for ((x, _, text), number) in texts(&block.marks).into_iter().zip(numbers) {
            let last_digit = number.rfind(|c: char| c.is_ascii_digit()).unwrap();
            let whole = match number.find(mark) {
                Some(at) if at < last_digit => &number[..at],
                _ => &number[..=last_digit],
            };
            points.push(x + width(&text.glyphs[..whole.chars().count()], BODY));
            ends.push(x + text.width);
        }
        assert!(
            points.iter().all(|point| (point - points[0]).abs() <= 1),
            "{numbers:?} {points:?}"
        );
        assert!(ends.iter().all(|end| *end <= pt(300) + 1), "{numbers:?} {ends:?}");
        assert!(ends.iter().any(|end| (*end - pt(300)).abs() <= 1), "{numbers:?} {ends:?}");
    }
}

#[test]
fn a_character_that_no_font_has_is_refused_by_its_name() {
    for (name, character) in
        [("Café 漢字", '漢'), ("\u{627}\u{644}", '\u{627}'), ("A\u{1f9c4}", '\u{1f9c4}')]
    {
        let mut document = many(1);
        document.buyer.name = some(name);
        let refusal = typesetter().pdf(&document, None).unwrap_err();
        let missing = Unwritable::Glyph { number: "INV-2026-000001".to_owned(), character };
        assert_eq!(refusal.of::<Unwritable>(), Some(&missing));
    }
    let mut document = many(1);
    document.buyer.name = some("Łódź – Αθήνα – Киев – ɓaŋ\u{a0}\u{202f}\u{2011}« œuvre » №");
    assert!(typesetter().pdf(&document, None).is_ok());
}

#[test]
fn a_mark_behind_its_letter_is_one_with_it() {
    let with = typesetter();
    let setter = Setter::new(&with.fonts, "1");
    let (typed, composed) = ("Cafe\u{301}", "Caf\u{e9}");
    let typed = setter.line(typed, STRONG).unwrap();
    assert_eq!(typed.glyphs, setter.line(composed, STRONG).unwrap().glyphs);
    assert_eq!(typed.glyphs.len(), 4);
}
