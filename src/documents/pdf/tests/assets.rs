//! Fonts and logos.

use png::{BitDepth, ColorType, Encoder};
use ttf_parser::Face;

use super::*;
use crate::documents::Unwritable;
use crate::documents::pdf::fonts::Used;
use crate::documents::pdf::grid::{Weight, pt};
use crate::documents::pdf::lean::lean;
use crate::documents::pdf::picture::{Coding, Picture};
use crate::documents::pdf::{BOLD, REGULAR};
use miniz_oxide::inflate::decompress_to_vec_zlib;

fn png(color: ColorType, depth: BitDepth, (width, height): (u32, u32), samples: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, width, height);
    encoder.set_color(color);
    encoder.set_depth(depth);
    if color == ColorType::Indexed {
        encoder.set_palette(vec![10, 20, 30, 40, 50, 60]);
        encoder.set_trns(vec![255, 0]);
    }
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(samples).unwrap();
    writer.finish().unwrap();
    bytes
}

/// A JPEG as far as it is read: a segment of no matter what, and the frame.
fn jpeg(marker: u8, depth: u8, channels: u8) -> Vec<u8> {
    let mut bytes = vec![0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2, 0xff, 0xff, marker, 0, 8];
    bytes.extend([depth, 0, 50, 0, 160, channels, 0xff, 0xda]);
    bytes
}

fn refused(logo: &[u8]) -> String {
    let refusal = Picture::read(logo).unwrap_err();
    match refusal.of::<Unwritable>() {
        Some(Unwritable::Asset { what: "logo", message }) => message.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_png_is_laid_on_white() {
    let samples = [0, 0, 0, 255, 0, 0, 0, 0, 100, 200, 0, 128];
    let picture = Picture::read(&png(ColorType::Rgba, BitDepth::Eight, (3, 1), &samples)).unwrap();
    assert_eq!((picture.size(), picture.is_grey, picture.coding), ((3, 1), false, Coding::Samples));
    let flat = decompress_to_vec_zlib(&picture.bytes).unwrap();
    assert_eq!(flat, [0, 0, 0, 255, 255, 255, 177, 227, 127]);
    let grey =
        Picture::read(&png(ColorType::Grayscale, BitDepth::Sixteen, (1, 1), &[7, 9])).unwrap();
    assert!(grey.is_grey);
    assert_eq!(decompress_to_vec_zlib(&grey.bytes).unwrap(), [7]);
    let indexed = png(ColorType::Indexed, BitDepth::Eight, (2, 1), &[0, 1]);
    let indexed = Picture::read(&indexed).unwrap();
    assert_eq!(decompress_to_vec_zlib(&indexed.bytes).unwrap(), [10, 20, 30, 255, 255, 255]);
}

#[test]
fn a_jpeg_is_taken_as_it_is() {
    for (marker, channels) in [(0xc0, 3), (0xc1, 3), (0xc2, 1)] {
        let bytes = jpeg(marker, 8, channels);
        let picture = Picture::read(&bytes).unwrap();
        assert_eq!((picture.size(), picture.is_grey), ((160, 50), channels == 1));
        assert_eq!((picture.coding, picture.bytes), (Coding::Jpeg, bytes));
    }
}

#[test]
fn a_logo_that_cannot_be_used_is_refused_with_why() {
    let good = jpeg(0xc0, 8, 3);
    for (logo, why) in [
        (b"GIF89a".to_vec(), "neither a PNG nor a JPEG"),
        (Vec::new(), "neither a PNG nor a JPEG"),
        (jpeg(0xc0, 8, 4), "a JPEG in CMYK: save it as RGB"),
        (jpeg(0xc0, 12, 3), "a JPEG of a kind that PDF does not know"),
        (jpeg(0xc3, 8, 3), "a JPEG of a kind that PDF does not know"),
        (jpeg(0xda, 8, 3), "a JPEG that is broken"),
        (good[..12].to_vec(), "a JPEG that is broken"),
        (good[..7].to_vec(), "a JPEG that is broken"),
        (vec![0xff, 0xd8, 0xff, 0xe0, 0, 0, 1], "a JPEG that is broken"),
    ] {
        assert_eq!(refused(&logo), why);
    }
    let whole = png(ColorType::Rgb, BitDepth::Eight, (1, 1), &[1, 2, 3]);
    assert!(refused(&whole[..40]).starts_with("a PNG that is broken"));
    let wide = png(ColorType::Grayscale, BitDepth::Eight, (4001, 1), &[0; 4001]);
    assert!(refused(&wide).starts_with("4001 dots"));
}

#[test]
fn a_logo_is_scaled_into_its_place() {
    let document = many(1);
    for (dots, size) in [
        ((640, 160), (pt(160), pt(40))),
        ((300, 300), (pt(50), pt(50))),
        // Not larger than on a screen.
        ((40, 20), (pt(30), pt(15))),
        ((4000, 1), (pt(160), 4)),
    ] {
        let with = typesetter();
        let setter = Setter::new(&with.fonts, "1");
        let pages = sheet::pages(&document, &setter, Some(dots)).unwrap();
        let placed = pages[0].iter().find_map(|mark| match mark.what {
            What::Picture { width, height } => Some((width, height)),
            _ => None,
        });
        assert_eq!(placed, Some(size));
    }
    let logo = Some(png(ColorType::Rgb, BitDepth::Eight, (1, 1), &[1, 2, 3]));
    let with = Typesetter::new(&Assets { logo, ..Assets::default() }).unwrap();
    let file = with.pdf(&document, None).unwrap();
    assert!(file.windows(14).any(|window| window == b"/Subtype/Image"));
}

#[test]
fn a_font_that_cannot_be_used_is_refused_with_why() {
    let mut restricted = REGULAR.to_vec();
    let records = restricted[12..].chunks_exact(16);
    let record = records.into_iter().find(|record| record.starts_with(b"OS/2")).unwrap();
    let at = usize::try_from(u32::from_be_bytes(record[8..12].try_into().unwrap())).unwrap();
    restricted[at + 8..at + 10].copy_from_slice(&[0, 2]);
    for (font, why) in [
        (b"wOF2....".to_vec(), "a font of the web"),
        (b"<html>".to_vec(), "not a TTF"),
        (REGULAR[..1000].to_vec(), "not a TTF"),
        (restricted, "its license forbids"),
    ] {
        let as_bold = Assets { font_bold: Some(font.clone()), ..Assets::default() };
        let as_regular = Assets { font: Some(font), ..Assets::default() };
        for (assets, key) in [(as_regular, "font"), (as_bold, "font_bold")] {
            let refusal = Typesetter::new(&assets).unwrap_err();
            match refusal.of::<Unwritable>() {
                Some(Unwritable::Asset { what, message }) => {
                    assert_eq!(*what, key);
                    assert!(message.starts_with(why), "{message}");
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn a_font_alone_is_drawn_bolder_in_place_of_a_bold_one() {
    let font = Some(REGULAR.to_vec());
    let with = Typesetter::new(&Assets { font, ..Assets::default() }).unwrap();
    let file = with.pdf(&many(1), None).unwrap();
    assert_eq!(file.windows(10).filter(|window| *window == b"/FontFile2").count(), 1);
    let file = typesetter().pdf(&many(1), None).unwrap();
    assert_eq!(file.windows(10).filter(|window| *window == b"/FontFile2").count(), 2);
    // What the bold font lacks comes from the regular one.
    let setter = typesetter();
    let setter = Setter::new(&setter.fonts, "1");
    let has = |font, c| Face::parse(font, 0).unwrap().glyph_index(c).is_some();
    let rare = '\u{1d5a0}';
    assert!(has(REGULAR, rare) && !has(BOLD, rare));
    let glyphs = setter.glyphs(&format!("a{rare}"), Weight::Bold).unwrap();
    assert_eq!(glyphs.iter().map(|glyph| glyph.font).collect::<Vec<_>>(), [1, 0]);
}

/// The outlines stay; what fits them to screens goes, in glyphs of other glyphs too.
#[test]
fn a_lean_font_draws_the_same() {
    let with = typesetter();
    let setter = Setter::new(&with.fonts, "1");
    let mut used = Used::new();
    for glyph in setter.glyphs("Éàç Ǿ1€", Weight::Regular).unwrap() {
        used.place(glyph);
    }
    let part = with.fonts[0].part(&used).unwrap();
    let whole = Face::parse(REGULAR, 0).unwrap();
    let tables = ttf_parser::RawFace::parse(&part, 0).unwrap();
    for name in [b"fpgm", b"prep", b"cvt ", b"name"] {
        assert!(tables.table(ttf_parser::Tag::from_bytes(name)).is_none());
    }
    let lean_face = Face::parse(&part, 0).unwrap();
    for (place, character) in (1..).zip(&used.characters) {
        let (mut then, mut now) = (Outline::default(), Outline::default());
        whole.outline_glyph(whole.glyph_index(*character).unwrap(), &mut then);
        lean_face.outline_glyph(ttf_parser::GlyphId(place), &mut now);
        assert_eq!(then.0, now.0, "{character}");
        assert_eq!(then.0.is_empty(), *character == ' ', "{character}");
    }
    assert!(part.len() < 3_000, "{}", part.len());
    // What is no such font stays as it is.
    assert_eq!(lean(b"no font"), None);
    assert_eq!(lean(&part[..part.len() / 2]), None);
}

#[derive(Default)]
struct Outline(String);

impl ttf_parser::OutlineBuilder for Outline {
    fn move_to(&mut self, x: f32, y: f32) {
        self.0 += &format!("M {x} {y} ");
    }
    fn line_to(&mut self, x: f32, y: f32) {
        self.0 += &format!("L {x} {y} ");
    }
    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        self.0 += &format!("Q {x1} {y1} {x} {y} ");
    }
    fn curve_to(&mut self, _: f32, _: f32, _: f32, _: f32, _: f32, _: f32) {}
    fn close(&mut self) {
        self.0 += "Z ";
    }
}
