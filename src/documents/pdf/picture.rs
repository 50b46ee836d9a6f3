//! A logo: a JPEG as it is, a PNG as samples on white.

use std::io::Cursor;

use png::{BitDepth, ColorType, Decoder, Limits, Transformations};

use crate::documents::Unwritable;
use crate::domain::Result;

use super::deflated;

/// A picture as a PDF has it.
#[derive(Debug)]
pub struct Picture {
    pub width: i32,
    pub height: i32,
    /// Of one channel, else of three.
    pub is_grey: bool,
    pub coding: Coding,
    pub bytes: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    Jpeg,
    /// Deflated, eight bits each.
    Samples,
}

/// What was read, or what is wrong with it in words.
type Readable<T> = std::result::Result<T, String>;

/// Every document carries the logo: what is larger is a photograph for a poster.
const MOST_BYTES: usize = 1_000_000;
const MOST_DOTS: u32 = 4_000;

impl Picture {
    /// # Errors
    /// Neither a PNG nor a JPEG, in colors for print, broken, or too large.
    pub fn read(bytes: &[u8]) -> Result<Picture> {
        let read = match bytes {
            [0xff, 0xd8, ..] => jpeg(bytes),
            [0x89, b'P', b'N', b'G', ..] => png(bytes),
            _ => Err("neither a PNG nor a JPEG".to_owned()),
        };
        let picture = read.and_then(|picture| match picture.bytes.len() {
            0..=MOST_BYTES => Ok(picture),
            _ => Err("it takes more than a megabyte, which every document would carry".to_owned()),
        });
        picture.map_err(|message| Unwritable::Asset { what: "logo", message }.into())
    }

    /// In dots, across and down.
    pub fn size(&self) -> (i32, i32) {
        (self.width, self.height)
    }
}

/// As many dots as a picture may have.
fn dots(count: u32) -> Readable<i32> {
    let fits = (1..=MOST_DOTS).contains(&count).then_some(count).and_then(|n| n.try_into().ok());
    fits.ok_or_else(|| format!("{count} dots across or down: from 1 to {MOST_DOTS} are taken"))
}

/// Reads how large a JPEG is from the segment that begins its frame.
fn jpeg(bytes: &[u8]) -> Readable<Picture> {
    let broken = || "a JPEG that is broken".to_owned();
    let mut rest = &bytes[2..];
    loop {
        // A marker may have any number of 0xff before it.
        let (marker, after) = match rest {
            [0xff, 0xff, ..] => {
                rest = &rest[1..];
                continue;
            }
            [0xff, marker, after @ ..] => (*marker, after),
            _ => return Err(broken()),
        };
        let [high, low, ..] = after else { return Err(broken()) };
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let segment = after.get(2..length).ok_or_else(broken)?;
        match marker {
            // All but those that mean tables and arithmetic: a frame of Huffman codes, also a progressive one.
            0xc0..=0xc2 => return frame(segment, bytes),
            0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => {
                return Err("a JPEG of a kind that PDF does not know".to_owned());
            }
            // The picture itself, without a frame before it, or its end.
            0xd9 | 0xda => return Err(broken()),
            _ => rest = &after[length..],
        }
    }
}

fn frame(segment: &[u8], bytes: &[u8]) -> Readable<Picture> {
    let [depth, h1, h0, w1, w0, channels, ..] = *segment else {
        return Err("a JPEG that is broken".to_owned());
    };
    let is_grey = match (depth, channels) {
        (8, 1) => true,
        (8, 3) => false,
        (8, 4) => return Err("a JPEG in CMYK: save it as RGB".to_owned()),
        _ => return Err("a JPEG of a kind that PDF does not know".to_owned()),
    };
    Ok(Picture {
        width: dots(u16::from_be_bytes([w1, w0]).into())?,
        height: dots(u16::from_be_bytes([h1, h0]).into())?,
        is_grey,
        coding: Coding::Jpeg,
        bytes: bytes.to_vec(),
    })
}

fn png(bytes: &[u8]) -> Readable<Picture> {
    let broken = |e: png::DecodingError| format!("a PNG that is broken: {e}");
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), Limits { bytes: 100_000_000 });
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    let header = decoder.read_header_info().map_err(broken)?;
    let (width, height) = (dots(header.width)?, dots(header.height)?);
    let mut reader = decoder.read_info().map_err(broken)?;
    let size = reader.output_buffer_size().ok_or("a PNG that is too large")?;
    let mut samples = vec![0; size];
    let info = reader.next_frame(&mut samples).map_err(broken)?;
    samples.truncate(info.buffer_size());
    if info.bit_depth != BitDepth::Eight {
        return Err("a PNG of a kind that is not known".to_owned());
    }
    let (channels, has_alpha) = match info.color_type {
        ColorType::Grayscale => (1, false),
        ColorType::GrayscaleAlpha => (1, true),
        ColorType::Rgb => (3, false),
        ColorType::Rgba => (3, true),
        ColorType::Indexed => return Err("a PNG of a kind that is not known".to_owned()),
    };
    if has_alpha {
        samples = on_white(&samples, channels);
    }
    let bytes = deflated(&samples);
    Ok(Picture { width, height, is_grey: channels == 1, coding: Coding::Samples, bytes })
}

/// The samples without their last channel, which says how much of the paper each dot covers.
fn on_white(samples: &[u8], channels: usize) -> Vec<u8> {
    let mut flat = Vec::with_capacity(samples.len());
    for dot in samples.chunks_exact(channels + 1) {
        let alpha = u32::from(dot[channels]);
        flat.extend(dot[..channels].iter().map(|sample| {
            let mixed = u32::from(*sample) * alpha + 255 * (255 - alpha);
            u8::try_from((mixed + 127) / 255).unwrap_or(u8::MAX)
        }));
    }
    flat
}
