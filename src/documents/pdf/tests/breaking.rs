//! Pages.

use super::*;
use crate::documents::pdf::grid::{BOTTOM, LEFT, RIGHT, TOP, pt};

/// The rows that a page has.
fn rows(page: &[Mark]) -> Vec<String> {
    said(page).into_iter().filter(|text| text.starts_with("Poste ")).collect()
}

#[test]
fn each_page_has_the_head_and_its_number() {
    for (count, most) in [(1, 1), (12, 1), (300, 12)] {
        let pages = pages(&many(count));
        assert!((1..=most).contains(&pages.len()), "{count}: {}", pages.len());
        for (at, page) in pages.iter().enumerate() {
            let said = said(page);
            let times = |text: &str| said.iter().filter(|said| *said == text).count();
            assert_eq!(times(&format!("Page {} sur {}", at + 1, pages.len())), 1);
            assert_eq!(times("Désignation"), usize::from(!rows(page).is_empty()));
            assert_eq!(times("Facture INV-2026-000001"), usize::from(at > 0));
            assert_eq!(
                said.first().map(String::as_str),
                Some(match at {
                    0 => "Atelier Lumière",
                    _ => "Facture INV-2026-000001",
                })
            );
        }
        let rows: Vec<String> = pages.iter().flat_map(|page| rows(page)).collect();
        assert_eq!(rows, (1..=count).map(|n| format!("Poste {n}")).collect::<Vec<_>>());
    }
}

#[test]
fn nothing_lies_outside_or_on_one_another() {
    for count in [1, 12, 40, 300] {
        pages(&many(count)).iter().for_each(|page| check_places(page));
    }
}

fn check_places(page: &[Mark]) {
    let mut lines: Vec<(Length, Length, Length)> = Vec::new();
    for (x, y, text) in texts(page) {
        assert!(LEFT <= x && x + text.width <= RIGHT + 1, "{}", words_of(text));
        assert!((TOP..=BOTTOM).contains(&y), "{}", words_of(text));
        for (left, right, line) in &lines {
            let is_apart = x >= *right || x + text.width <= *left;
            assert!(is_apart || (y - line).abs() > pt(9), "{}", words_of(text));
        }
        lines.push((x, x + text.width, y));
    }
}

/// Numbers that leave no room beside them stand below.
#[test]
fn long_numbers_and_names_do_not_run_into_one_another() {
    let mut document = invoice(Locale::Fr, "XOF", &[("Poste un", 1 << 53), ("Poste deux", 5)]);
    document.lines[0].discount = money(1 << 50, "XOF");
    document.number = "F-".repeat(20);
    document.seller.name = Some("Groupement ".repeat(18));
    document.buyer.email = Some("adresse.".repeat(20));
    document.footer = Some("Au capital de 10 000 €. ".repeat(20));
    document.memo = Some("Bon de commande\n".repeat(40));
    let pages = pages(&document);
    assert!(pages.len() > 1);
    pages.iter().for_each(|page| check_places(page));
    let said: Vec<String> = pages.iter().flat_map(|page| said(page)).collect();
    let at = said.iter().position(|text| text == "Poste un").unwrap();
    assert_eq!(said[at + 1..at + 3], ["1", "9 007 199 254 740 992 F CFA"]);
}

/// The sums are never alone on a page: the last row comes along.
#[test]
fn the_sums_stay_together_and_with_the_last_row() {
    let mut came_along = 0;
    for count in 1..=60 {
        let pages = pages(&many(count));
        let with = |text: &str| pages.iter().position(|page| said(page).contains(&text.to_owned()));
        let sums = with("Total HT").unwrap();
        assert_eq!(with("Net à payer"), Some(sums), "{count}");
        assert_eq!(rows(&pages[sums]).last(), Some(&format!("Poste {count}")), "{count}");
        came_along += usize::from(sums > 0 && rows(&pages[sums]).len() == 1);
    }
    assert!(came_along > 1, "no page was broken for it");
}

/// Nor is the head alone at the end of a page.
#[test]
fn the_head_stays_with_the_first_row() {
    let mut turned = 0;
    for lines in 1..=50 {
        let mut document = many(3);
        document.memo = Some(vec!["Bon de commande"; lines].join("\n"));
        let pages = pages(&document);
        for page in &pages {
            let has_head = said(page).contains(&"Désignation".to_owned());
            assert_eq!(has_head, !rows(page).is_empty(), "{lines}");
        }
        turned += usize::from(pages.len() > 1 && rows(&pages[0]).is_empty());
    }
    assert!(turned > 0, "no page was broken for it");
}

#[test]
fn what_is_taller_than_a_page_goes_on_on_the_next() {
    let text: Vec<String> = (1..=200).map(|n| format!("Règle {n}")).collect();
    let mut document = many(2);
    document.payment.how_to_pay = Some(text.join("\n"));
    document.lines[1].description = vec!["mot"; 1500].join(" ");
    let pages = pages(&document);
    let said: Vec<String> = pages.iter().flat_map(|page| said(page)).collect();
    let rules = said.iter().filter(|text| text.starts_with("Règle "));
    assert_eq!(rules.cloned().collect::<Vec<_>>(), text);
    let words =
        said.iter().filter(|text| text.starts_with("mot")).map(|text| text.split(' ').count());
    assert_eq!(words.sum::<usize>(), 1500);
    for page in &pages {
        assert!(texts(page).iter().all(|(_, y, _)| *y <= BOTTOM));
    }
}

#[test]
fn a_few_notes_are_not_torn_apart() {
    let mut torn = 0;
    for count in 1..=40 {
        let mut document = many(count);
        document.notes = Notes::Own("Une note\nDeux notes\nTrois notes".to_owned());
        let pages = pages(&document);
        let with = |text: &str| pages.iter().position(|page| said(page).contains(&text.to_owned()));
        assert_eq!(with("Une note"), with("Trois notes"), "{count}");
        torn += usize::from(with("Une note") > with("Net à payer"));
    }
    assert!(torn > 0, "no page was broken there");
}
