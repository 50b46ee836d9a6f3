//! The objects of a PDF file: pages, fonts, the logo, metadata, the color profile and the e-invoice.

use chrono::{Datelike, NaiveDate};
use pdf_writer::types::{
    AssociationKind, CidFontType, FontFlags, OutputIntentSubtype, SystemInfo, UnicodeCmap,
};
use pdf_writer::writers::Resources;
use pdf_writer::{Date, Filter, Finish, Name, Pdf, Rect, Ref, Settings, Str, TextStr};
use ring::digest::{SHA256, digest};

use crate::domain::Result;
use crate::domain::document::Document;

use super::canvas::{self, FONTS, LOGO, number, page_box};
use super::fonts::{Font, Outlines, Used};
use super::marks::Mark;
use super::picture::{Coding, Picture};
use super::{Typesetter, deflated, words, xmp};

/// What the e-invoice is called, in every document.
const EINVOICE: &str = "factur-x.xml";
const PRODUCER: &str = env!("CARGO_PKG_NAME");

/// A file in the making.
struct Writer<'a> {
    pdf: Pdf,
    next: Ref,
    tree: Ref,
    fonts: [Ref; 2],
    logo: Option<(Ref, &'a Picture)>,
}

/// What the catalog points to.
struct Parts {
    metadata: Ref,
    profile: Ref,
    einvoice: Option<Ref>,
}

/// Writes the pages of a document.
pub fn write(
    with: &Typesetter,
    document: &Document,
    pages: &[Vec<Mark>],
    einvoice: Option<&str>,
) -> Result<Vec<u8>> {
    let mut next = Ref::new(1);
    let (catalog, info, tree) = (next.bump(), next.bump(), next.bump());
    let fonts = [next.bump(), next.bump()];
    let logo = with.logo.as_ref().map(|logo| (next.bump(), logo));
    let pdf = Pdf::with_settings(Settings { pretty: false });
    let mut writer = Writer { pdf, next, tree, fonts, logo };
    let title = words::title(document);
    let used = writer.pages(pages);
    for ((font, used), id) in with.fonts.iter().zip(&used).zip(fonts) {
        writer.font(id, font, used)?;
    }
    writer.logo();
    let parts = Parts {
        metadata: writer.metadata(document, &title, einvoice.is_some()),
        profile: writer.profile(&with.profile),
        einvoice: einvoice.map(|xml| writer.einvoice(xml, document.issued_on)),
    };
    writer.info(info, document, &title);
    writer.catalog(catalog, document, &parts);
    Ok(writer.finish())
}

impl Writer<'_> {
    /// The pages; what they use of each font.
    fn pages(&mut self, pages: &[Vec<Mark>]) -> [Used; 2] {
        let mut used = [Used::new(), Used::new()];
        let resources = self.next.bump();
        let mut kids = Vec::new();
        for marks in pages {
            let (page, content) = (self.next.bump(), self.next.bump());
            kids.push(page);
            let bytes = deflated(&canvas::content(marks, &mut used));
            self.pdf.stream(content, &bytes).filter(Filter::FlateDecode);
            let mut page = self.pdf.page(page);
            // PDF/A wants of each page what it may otherwise have from the tree.
            page.parent(self.tree).contents(content).pair(Name(b"Resources"), resources);
        }
        let mut tree = self.pdf.pages(self.tree);
        tree.count(kids.len().try_into().unwrap_or(i32::MAX)).kids(kids).media_box(page_box());
        tree.finish();
        let mut resources = self.pdf.indirect(resources).start::<Resources<'_>>();
        let mut names = resources.fonts();
        for (place, _) in used.iter().enumerate().filter(|(_, used)| !used.is_empty()) {
            names.pair(Name(FONTS[place]), self.fonts[place]);
        }
        names.finish();
        if let Some((logo, _)) = self.logo {
            resources.x_objects().pair(Name(LOGO), logo);
        }
        used
    }

    /// The part of a font that the document uses, with the way back to its characters.
    fn font(&mut self, id: Ref, font: &Font, used: &Used) -> Result<()> {
        if used.is_empty() {
            return Ok(());
        }
        let part = font.part(used)?;
        let name = format!("{}+{}", tag(&part), font.name);
        let [descendant, descriptor, file, unicode] = [(); 4].map(|()| self.next.bump());
        self.pdf
            .type0_font(id)
            .base_font(Name(name.as_bytes()))
            .encoding_predefined(Name(b"Identity-H"))
            .descendant_font(descendant)
            .to_unicode(unicode);
        self.cid_font(descendant, descriptor, &name, font, used);
        self.descriptor(descriptor, file, &name, font);
        let bytes = deflated(&part);
        let mut stream = self.pdf.stream(file, &bytes);
        stream.filter(Filter::FlateDecode);
        match font.outlines {
            Outlines::TrueType => stream.pair(Name(b"Length1"), count(part.len())),
            Outlines::Cff => stream.pair(Name(b"Subtype"), Name(b"CIDFontType0C")),
        };
        stream.finish();
        let mut map = UnicodeCmap::new(Name(b"Unicode"), SYSTEM);
        for (place, character) in (1u16..).zip(&used.characters) {
            map.pair(place, *character);
        }
        let map = deflated(&map.finish());
        self.pdf.stream(unicode, &map).filter(Filter::FlateDecode);
        Ok(())
    }

    fn cid_font(&mut self, id: Ref, descriptor: Ref, name: &str, font: &Font, used: &Used) {
        let mut cid = self.pdf.cid_font(id);
        cid.base_font(Name(name.as_bytes())).system_info(SYSTEM).font_descriptor(descriptor);
        match font.outlines {
            Outlines::TrueType => {
                cid.subtype(CidFontType::Type2).cid_to_gid_map_predefined(Name(b"Identity"))
            }
            Outlines::Cff => cid.subtype(CidFontType::Type0),
        };
        cid.widths().consecutive(1, used.advances.iter().map(|advance| number(*advance)));
    }

    fn descriptor(&mut self, id: Ref, file: Ref, name: &str, font: &Font) {
        let metrics = font.metrics;
        let [left, bottom, right, top] = metrics.bounds.map(number);
        let mut descriptor = self.pdf.font_descriptor(id);
        descriptor
            .name(Name(name.as_bytes()))
            .flags(FontFlags::SYMBOLIC)
            .bbox(Rect::new(left, bottom, right, top))
            .italic_angle(number(0))
            .ascent(number(metrics.ascent))
            .descent(number(metrics.descent))
            .cap_height(number(metrics.cap_height))
            .stem_v(number(if metrics.is_bold { 140 } else { 80 }));
        match font.outlines {
            Outlines::TrueType => descriptor.font_file2(file),
            Outlines::Cff => descriptor.font_file3(file),
        };
    }

    fn logo(&mut self) {
        let Some((id, picture)) = self.logo else { return };
        let mut image = self.pdf.image_xobject(id, &picture.bytes);
        image.filter(match picture.coding {
            Coding::Jpeg => Filter::DctDecode,
            Coding::Samples => Filter::FlateDecode,
        });
        image.width(picture.width).height(picture.height).bits_per_component(8);
        match picture.is_grey {
            true => image.color_space().device_gray(),
            false => image.color_space().device_rgb(),
        }
    }

    /// Not deflated: PDF/A wants it readable for programs that know nothing of PDF.
    fn metadata(&mut self, document: &Document, title: &str, with_einvoice: bool) -> Ref {
        let packet = xmp::packet(&xmp::Facts {
            title,
            author: document.seller.name.as_deref(),
            producer: PRODUCER,
            instant: &format!("{}T00:00:00Z", document.issued_on),
            language: document.locale.word(),
            einvoice: with_einvoice.then_some(EINVOICE),
        });
        let id = self.next.bump();
        self.pdf.metadata(id, packet.as_bytes());
        id
    }

    fn profile(&mut self, deflated: &[u8]) -> Ref {
        let id = self.next.bump();
        let mut profile = self.pdf.icc_profile(id, deflated);
        profile.n(3).filter(Filter::FlateDecode);
        id
    }

    /// The e-invoice as an embedded file.
    fn einvoice(&mut self, xml: &str, issued_on: NaiveDate) -> Ref {
        let (file, spec) = (self.next.bump(), self.next.bump());
        let bytes = deflated(xml.as_bytes());
        let mut embedded = self.pdf.embedded_file(file, &bytes);
        embedded.subtype(Name(b"text/xml")).filter(Filter::FlateDecode);
        embedded.params().size(count(xml.len())).modification_date(date(issued_on));
        embedded.finish();
        self.pdf
            .file_spec(spec)
            .path(Str(EINVOICE.as_bytes()))
            .unic_file(TextStr(EINVOICE))
            .embedded_file_with_unicode(file)
            .association_kind(AssociationKind::Alternative)
            .description(TextStr("Factur-X/ZUGFeRD"));
        spec
    }

    fn info(&mut self, id: Ref, document: &Document, title: &str) {
        let mut info = self.pdf.document_info(id);
        info.title(TextStr(title)).creator(TextStr(PRODUCER)).producer(TextStr(PRODUCER));
        if let Some(name) = &document.seller.name {
            info.author(TextStr(name));
        }
        info.creation_date(date(document.issued_on)).modified_date(date(document.issued_on));
    }

    fn catalog(&mut self, id: Ref, document: &Document, parts: &Parts) {
        let mut catalog = self.pdf.catalog(id);
        catalog.pages(self.tree).metadata(parts.metadata).lang(TextStr(document.locale.word()));
        catalog.viewer_preferences().display_doc_title(true);
        catalog
            .output_intents()
            .push()
            .subtype(OutputIntentSubtype::PDFA)
            .output_condition_identifier(TextStr("sRGB"))
            .info(TextStr("sRGB"))
            .dest_output_profile(parts.profile);
        if let Some(spec) = parts.einvoice {
            catalog.names().embedded_files().names().insert(Str(EINVOICE.as_bytes()), spec);
            catalog.insert(Name(b"AF")).array().item(spec);
        }
    }

    /// The whole file. What identifies it comes from all that is in it.
    fn finish(mut self) -> Vec<u8> {
        let id = digest(&SHA256, self.pdf.as_bytes()).as_ref()[..16].to_vec();
        self.pdf.set_file_id((id.clone(), id));
        self.pdf.finish()
    }
}

/// Glyphs by their place in the font, in no order that is known elsewhere.
const SYSTEM: SystemInfo<'_> =
    SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"Identity"), supplement: 0 };

/// Six letters, other ones for each part of a font.
fn tag(part: &[u8]) -> String {
    let letter = |byte: &u8| char::from(b'A' + byte % 26);
    digest(&SHA256, part).as_ref()[..6].iter().map(letter).collect()
}

fn count(length: usize) -> i32 {
    i32::try_from(length).unwrap_or(i32::MAX)
}

/// The beginning of that day in UTC.
fn date(day: NaiveDate) -> Date {
    let part = |number: u32| u8::try_from(number).unwrap_or(1);
    Date::new(u16::try_from(day.year()).unwrap_or_default())
        .month(part(day.month()))
        .day(part(day.day()))
        .hour(0)
        .minute(0)
        .second(0)
        .utc_offset_hour(0)
        .utc_offset_minute(0)
}
