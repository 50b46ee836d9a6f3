//! A TrueType font without what a PDF does not need: the programs that fit glyphs to the dots of old screens,
//! which are more than half of it, its names and its license.

/// The tables that a PDF needs, in the order in which a font has them.
const NEEDED: [&[u8; 4]; 6] = [b"glyf", b"head", b"hhea", b"hmtx", b"loca", b"maxp"];

/// The font without them; `None` where it is not as expected, and stays as it is.
pub fn lean(font: &[u8]) -> Option<Vec<u8>> {
    let (glyphs, places) = glyphs(table(font, b"glyf")?, &places(font)?)?;
    let mut head = table(font, b"head")?.to_vec();
    // Long places, and no sum of the whole, which nobody checks.
    head.get_mut(50..52)?.copy_from_slice(&[0, 1]);
    head.get_mut(8..12)?.fill(0);
    let mut tables = Vec::new();
    for name in NEEDED {
        tables.push(match name {
            b"glyf" => (name, glyphs.clone()),
            b"head" => (name, head.clone()),
            b"loca" => (name, places.clone()),
            _ => (name, table(font, name)?.to_vec()),
        });
    }
    Some(joined(&tables))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<usize> {
    let number = u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?);
    usize::try_from(number).ok()
}

fn table<'a>(font: &'a [u8], name: &[u8; 4]) -> Option<&'a [u8]> {
    let records = font.get(12..)?.chunks_exact(16).take(u16_at(font, 4)?.into());
    let record = records.into_iter().find(|record| record.starts_with(name))?;
    let (from, length) = (u32_at(record, 8)?, u32_at(record, 12)?);
    font.get(from..from.checked_add(length)?)
}

/// Where each glyph begins, and where the last one ends.
fn places(font: &[u8]) -> Option<Vec<usize>> {
    let table_of_places = table(font, b"loca")?;
    let count = usize::from(u16_at(table(font, b"maxp")?, 4)?) + 1;
    let is_long = u16_at(table(font, b"head")?, 50)? == 1;
    let place = |at: usize| match is_long {
        true => u32_at(table_of_places, at * 4),
        false => u16_at(table_of_places, at * 2).map(|half| usize::from(half) * 2),
    };
    (0..count).map(place).collect()
}

/// The glyphs without their programs, and where each of them begins then.
fn glyphs(table: &[u8], places: &[usize]) -> Option<(Vec<u8>, Vec<u8>)> {
    let (mut glyphs, mut begins) = (Vec::with_capacity(table.len()), Vec::new());
    let begin = |glyphs: &[u8]| u32::try_from(glyphs.len()).ok().map(u32::to_be_bytes);
    for ends in places.windows(2) {
        begins.extend(begin(&glyphs)?);
        let glyph = table.get(ends[0]..ends[1])?;
        match u16_at(glyph, 0) {
            // A space.
            None => {}
            Some(contours) if contours < 0x8000 => outline(glyph, contours.into(), &mut glyphs)?,
            Some(_) => put_together(glyph, &mut glyphs)?,
        }
        glyphs.resize(glyphs.len().next_multiple_of(4), 0);
    }
    begins.extend(begin(&glyphs)?);
    Some((glyphs, begins))
}

/// A glyph that is drawn: behind the ends of its contours, the length of its program and the program.
fn outline(glyph: &[u8], contours: usize, into: &mut Vec<u8>) -> Option<()> {
    let at = 10 + 2 * contours;
    let program = usize::from(u16_at(glyph, at)?);
    into.extend(glyph.get(..at)?);
    into.extend([0, 0]);
    into.extend(glyph.get(at + 2 + program..)?);
    Some(())
}

/// A glyph of other glyphs: behind the last of them, its program.
fn put_together(glyph: &[u8], into: &mut Vec<u8>) -> Option<()> {
    const WORDS: u16 = 1;
    const SCALE: u16 = 1 << 3;
    const MORE: u16 = 1 << 5;
    const TWO_SCALES: u16 = 1 << 6;
    const MATRIX: u16 = 1 << 7;
    const PROGRAM: u16 = 1 << 8;
    into.extend(glyph.get(..10)?);
    let mut at = 10;
    loop {
        let flags = u16_at(glyph, at)?;
        let has = |flag| flags & flag != 0;
        let scales = match (has(SCALE), has(TWO_SCALES), has(MATRIX)) {
            (true, ..) => 2,
            (_, true, _) => 4,
            (.., true) => 8,
            _ => 0,
        };
        let end = at + 4 + if has(WORDS) { 4 } else { 2 } + scales;
        into.extend((flags & !PROGRAM).to_be_bytes());
        into.extend(glyph.get(at + 2..end)?);
        at = end;
        if !has(MORE) {
            return Some(());
        }
    }
}

/// A font of these tables.
fn joined(tables: &[(&[u8; 4], Vec<u8>)]) -> Vec<u8> {
    let number = |length: usize| u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
    // So many tables, and the hints for who halves and halves: of six, four are searched first.
    let mut font = vec![0, 1, 0, 0, 0, 6, 0, 64, 0, 2, 0, 32];
    let mut place = font.len() + 16 * tables.len();
    for (name, bytes) in tables {
        font.extend(*name);
        font.extend(sum(bytes).to_be_bytes());
        font.extend(number(place));
        font.extend(number(bytes.len()));
        place += bytes.len().next_multiple_of(4);
    }
    for (_, bytes) in tables {
        font.extend(bytes);
        font.resize(font.len().next_multiple_of(4), 0);
    }
    font
}

/// The sum that a font keeps of each of its tables.
fn sum(bytes: &[u8]) -> u32 {
    let word = |chunk: &[u8]| {
        let mut word = [0; 4];
        word[..chunk.len()].copy_from_slice(chunk);
        u32::from_be_bytes(word)
    };
    bytes.chunks(4).map(word).fold(0, u32::wrapping_add)
}
