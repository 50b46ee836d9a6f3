//! What lies on a page, as the operators of its content: the one place where lengths become floating point, as
//! the writer of PDF takes them.

use pdf_writer::types::TextRenderingMode;
use pdf_writer::{Content, Name, Rect, Str};

use super::fonts::{Glyph, REGULAR, Text, Used};
use super::grid::{Ink, Length, PAGE_HEIGHT, PAGE_WIDTH, Style, Weight};
use super::marks::{Mark, What};

/// What the fonts and the logo are called on every page.
pub const FONTS: [&[u8]; 2] = [b"F0", b"F1"];
pub const LOGO: &[u8] = b"Logo";

/// The content of one page.
pub struct Canvas<'a> {
    content: Content,
    used: &'a mut [Used; 2],
    ink: Option<Ink>,
    is_bolder: bool,
}

/// A length in points, as the writer takes it.
pub fn points(length: Length) -> f32 {
    length as f32 / 100.0
}

/// A whole number as the writer takes it.
pub fn number(whole: impl Into<i32>) -> f32 {
    whole.into() as f32
}

pub fn page_box() -> Rect {
    Rect::new(0.0, 0.0, points(PAGE_WIDTH), points(PAGE_HEIGHT))
}

/// From the bottom, as PDF counts.
fn up(y: Length) -> f32 {
    points(PAGE_HEIGHT - y)
}

/// From black to white.
fn grey(ink: Ink) -> f32 {
    match ink {
        Ink::Black => 0.0,
        Ink::Text => 0.1,
        Ink::Quiet => 0.42,
        Ink::Rule => 0.62,
        Ink::Hair => 0.86,
    }
}

/// The content of a page; what it uses of the fonts is added to `used`.
pub fn content(marks: &[Mark], used: &mut [Used; 2]) -> Vec<u8> {
    let mut canvas = Canvas { content: Content::new(), used, ink: None, is_bolder: false };
    marks.iter().for_each(|mark| canvas.draw(mark));
    canvas.content.finish().into_vec()
}

impl Canvas<'_> {
    fn draw(&mut self, mark: &Mark) {
        match &mark.what {
            What::Text(text) => self.text(mark.x, mark.y, text),
            What::Box { width, height, ink } => {
                self.ink(*ink);
                self.rect(mark.x, mark.y, *width, *height);
                self.content.fill_nonzero();
            }
            What::Picture { width, height } => {
                let bottom = up(mark.y + height);
                let matrix = [points(*width), 0.0, 0.0, points(*height), points(mark.x), bottom];
                self.content.save_state().transform(matrix);
                self.content.x_object(Name(LOGO)).restore_state();
            }
            What::Squares { side, rows } => {
                self.ink(Ink::Black);
                self.squares(mark, *side, rows);
                self.content.fill_nonzero();
            }
        }
    }

    fn ink(&mut self, ink: Ink) {
        if self.ink != Some(ink) {
            self.content.set_fill_gray(grey(ink));
            self.ink = Some(ink);
        }
    }

    fn rect(&mut self, x: Length, y: Length, width: Length, height: Length) {
        self.content.rect(points(x), up(y + height), points(width), points(height));
    }

    /// What is dark side by side is one box: a gap between two would be seen.
    fn squares(&mut self, mark: &Mark, side: Length, rows: &[Vec<bool>]) {
        let mut y = mark.y;
        for row in rows {
            let mut x = mark.x;
            for run in row.chunk_by(|a, b| a == b) {
                let width = run.iter().map(|_| side).sum();
                if run[0] {
                    self.rect(x, y, width, side);
                }
                x += width;
            }
            y += side;
        }
    }

    /// Glyphs of the regular font in the place of bold ones: their outlines are drawn besides.
    fn bolder(&mut self, is_bolder: bool, style: Style) {
        if is_bolder {
            self.content.set_line_width(points(style.size / 30)).set_stroke_gray(grey(style.ink));
        }
        if self.is_bolder != is_bolder {
            self.content.set_text_rendering_mode(match is_bolder {
                true => TextRenderingMode::FillStroke,
                false => TextRenderingMode::Fill,
            });
            self.is_bolder = is_bolder;
        }
    }

    fn text(&mut self, x: Length, y: Length, text: &Text) {
        self.ink(text.style.ink);
        let size = points(text.style.size);
        self.content.begin_text().next_line(points(x), up(y));
        for run in text.glyphs.chunk_by(|a, b| a.font == b.font) {
            let font = run[0].font;
            let codes = codes(run, &mut self.used[font]);
            self.bolder(text.style.weight == Weight::Bold && font == REGULAR, text.style);
            self.content.set_font(Name(FONTS[font]), size).show(Str(&codes));
        }
        self.content.end_text();
    }
}

/// Two bytes a glyph.
fn codes(run: &[Glyph], used: &mut Used) -> Vec<u8> {
    run.iter().flat_map(|glyph| used.place(*glyph).to_be_bytes()).collect()
}
