//! What lies on a page, and blocks of it.

use super::fonts::Text;
use super::grid::{Ink, Length};

/// Something that lies on a page; places are those of its upper left corner, of text the beginning of the line
/// that its letters stand on.
#[derive(Debug, Clone)]
pub struct Mark {
    pub x: Length,
    pub y: Length,
    pub what: What,
}

#[derive(Debug, Clone)]
pub enum What {
    Text(Text),
    Box {
        width: Length,
        height: Length,
        ink: Ink,
    },
    /// The logo.
    Picture {
        width: Length,
        height: Length,
    },
    /// The dark squares of a code, each this wide, in rows.
    Squares {
        side: Length,
        rows: Vec<Vec<bool>>,
    },
}

/// Marks that stay together, from their own top.
#[derive(Debug, Clone, Default)]
pub struct Block {
    pub height: Length,
    pub marks: Vec<Mark>,
}

impl Block {
    /// Text at the left of a new line.
    pub fn push(&mut self, x: Length, text: Text) {
        let leading = text.style.leading;
        self.put(x, text);
        self.height += leading;
    }

    /// Lines one below the other.
    pub fn push_all(&mut self, x: Length, lines: impl IntoIterator<Item = Text>) {
        lines.into_iter().for_each(|line| self.push(x, line));
    }

    /// Text in the line that comes next, which stays open.
    pub fn put(&mut self, x: Length, text: Text) {
        let y = self.height + text.style.baseline();
        self.marks.push(Mark { x, y, what: What::Text(text) });
    }

    /// The same, ending at `right`.
    pub fn put_left_of(&mut self, right: Length, text: Text) {
        self.put(right - text.width, text);
    }

    pub fn space(&mut self, height: Length) {
        self.height += height;
    }

    /// A thin line across.
    pub fn rule(&mut self, x: Length, width: Length, ink: Ink) {
        let what = What::Box { width, height: 50, ink };
        self.marks.push(Mark { x, y: self.height, what });
    }

    /// Another block below, moved to the right.
    pub fn append(&mut self, x: Length, other: Block) {
        let y = self.height;
        self.marks.extend(other.marks.into_iter().map(|mark| mark.moved(x, y)));
        self.height += other.height;
    }

    /// Other blocks side by side below, each at its place from the left.
    pub fn append_beside(&mut self, others: impl IntoIterator<Item = (Length, Block)>) {
        let (top, mut end) = (self.height, self.height);
        for (x, other) in others {
            self.height = top;
            self.append(x, other);
            end = end.max(self.height);
        }
        self.height = end;
    }
}

impl Mark {
    pub fn moved(self, x: Length, y: Length) -> Mark {
        Mark { x: self.x + x, y: self.y + y, what: self.what }
    }
}
