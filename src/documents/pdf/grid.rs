//! The measures of a page: where things stand, how large text is, how dark ink.

/// Hundredths of a point, from the left or from the top.
pub type Length = i32;

/// So many whole points.
pub const fn pt(points: i32) -> Length {
    points * 100
}

pub const PAGE_WIDTH: Length = 59_528;
pub const PAGE_HEIGHT: Length = 84_189;
pub const LEFT: Length = pt(50);
pub const RIGHT: Length = PAGE_WIDTH - LEFT;
pub const WIDTH: Length = RIGHT - LEFT;
pub const TOP: Length = pt(48);
/// Where the last line of a page ends.
pub const BOTTOM: Length = PAGE_HEIGHT - pt(36);
/// Between two columns.
pub const GUTTER: Length = pt(18);

/// Where the right half begins.
pub const HALF: Length = LEFT + (WIDTH + GUTTER) / 2;

/// How dark something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ink {
    /// What is read.
    Text,
    /// What explains it.
    Quiet,
    /// Between parts.
    Rule,
    /// Between rows.
    Hair,
    /// Of a code that a camera reads.
    Black,
}

/// Which of the two fonts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    Regular,
    Bold,
}

/// How text looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    pub weight: Weight,
    pub size: Length,
    /// From one line to the next.
    pub leading: Length,
    pub ink: Ink,
}

impl Style {
    const fn of(weight: Weight, size: Length, leading: Length, ink: Ink) -> Style {
        Style { weight, size, leading, ink }
    }

    /// From the top of a line down to where its letters stand: what they leave is shared out above and below.
    pub fn baseline(&self) -> Length {
        (self.leading + self.size * 73 / 100) / 2
    }
}

pub const TITLE: Style = Style::of(Weight::Bold, pt(18), pt(23), Ink::Text);
pub const BODY: Style = Style::of(Weight::Regular, pt(9), pt(13), Ink::Text);
pub const STRONG: Style = Style::of(Weight::Bold, pt(9), pt(13), Ink::Text);
pub const QUIET: Style = Style::of(Weight::Regular, pt(9), pt(13), Ink::Quiet);
pub const NOTE: Style = Style::of(Weight::Regular, 750, pt(11), Ink::Quiet);
