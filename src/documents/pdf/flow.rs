//! Breaks blocks into pages.

use std::rc::Rc;

use super::grid::Length;
use super::marks::{Block, Mark, What};

/// A block in the order of reading.
#[derive(Debug, Clone, Default)]
pub struct Piece {
    pub block: Block,
    /// What separates it from the one above, where there is one.
    pub before: Length,
    /// Whether it must not be the last one of its page.
    pub keeps_next: bool,
    /// What is said again above it where it begins a page.
    pub head: Option<Rc<Block>>,
}

/// Where the pieces of a page may lie.
#[derive(Debug, Clone, Copy)]
pub struct Frame {
    pub top: Length,
    /// Of every page but the first, which has a running head.
    pub top_of_next: Length,
    pub bottom: Length,
}

struct Flow<'a> {
    frame: &'a Frame,
    pages: Vec<Vec<Mark>>,
    y: Length,
    /// Whether nothing lies on the page yet.
    is_fresh: bool,
}

/// The pieces on as many pages as it takes.
pub fn pages(pieces: Vec<Piece>, frame: &Frame) -> Vec<Vec<Mark>> {
    let mut flow = Flow { frame, pages: vec![Vec::new()], y: frame.top, is_fresh: true };
    let mut chunk = Vec::new();
    for piece in pieces {
        let is_open = piece.keeps_next;
        chunk.push(piece);
        if !is_open {
            flow.place_together(std::mem::take(&mut chunk));
        }
    }
    flow.place_together(chunk);
    flow.pages
}

impl Flow<'_> {
    /// Pieces that stay together, if one page can hold them.
    fn place_together(&mut self, chunk: Vec<Piece>) {
        let height: Length = chunk.iter().map(|piece| piece.before + piece.block.height).sum();
        let head = chunk.first().map_or(0, |piece| piece.head_height() - piece.before);
        let fits_a_page = head + height <= self.frame.bottom - self.frame.top_of_next;
        if !self.is_fresh && self.y + height > self.frame.bottom && fits_a_page {
            self.turn();
        }
        chunk.into_iter().for_each(|piece| self.place(piece));
    }

    fn place(&mut self, piece: Piece) {
        let Piece { mut block, before, head, .. } = piece;
        if !self.is_fresh && self.y + before + block.height > self.frame.bottom {
            self.turn();
        }
        if !self.is_fresh {
            self.y += before;
        }
        loop {
            if let Some(head) = head.as_ref().filter(|_| self.is_fresh) {
                self.put(Block::clone(head));
            }
            let left = self.frame.bottom - self.y;
            if block.height <= left {
                return self.put(block);
            }
            // Taller than a page.
            let (now, later) = block.split(left);
            self.put(now);
            if later.marks.is_empty() {
                return;
            }
            self.turn();
            block = later;
        }
    }

    fn put(&mut self, block: Block) {
        let y = self.y;
        self.y += block.height;
        self.is_fresh = false;
        if let Some(page) = self.pages.last_mut() {
            page.extend(block.marks.into_iter().map(|mark| mark.moved(0, y)));
        }
    }

    fn turn(&mut self) {
        self.pages.push(Vec::new());
        self.y = self.frame.top_of_next;
        self.is_fresh = true;
    }
}

impl Piece {
    fn head_height(&self) -> Length {
        self.head.as_ref().map_or(0, |head| head.height)
    }
}

impl Block {
    /// What lies above, and what then comes first below: all of it above where nothing else would.
    fn split(self, at: Length) -> (Block, Block) {
        let (above, below): (Vec<Mark>, Vec<Mark>) =
            self.marks.iter().cloned().partition(|mark| mark.span().1 <= at);
        let Some(cut) = below.iter().map(|mark| mark.span().0).min().filter(|cut| *cut > 0) else {
            return (self, Block::default());
        };
        let below = below.into_iter().map(|mark| mark.moved(0, -cut)).collect();
        (
            Block { height: cut.min(at), marks: above },
            Block { height: self.height - cut, marks: below },
        )
    }
}

impl Mark {
    /// From where to where it reaches down.
    fn span(&self) -> (Length, Length) {
        match &self.what {
            What::Text(text) => {
                let top = self.y - text.style.baseline();
                (top, top + text.style.leading)
            }
            What::Box { height, .. } | What::Picture { height, .. } => (self.y, self.y + height),
            What::Squares { side, rows } => (self.y, rows.iter().fold(self.y, |y, _| y + side)),
        }
    }
}
