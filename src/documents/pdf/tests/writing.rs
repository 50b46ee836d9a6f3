//! Files.

use miniz_oxide::inflate::decompress_to_vec_zlib;

use super::*;

const XML: &str = "<?xml version=\"1.0\"?><rsm:CrossIndustryInvoice/>";

fn holds(file: &[u8], text: &str) -> bool {
    file.windows(text.len()).any(|window| window == text.as_bytes())
}

/// What the streams of a file hold, inflated.
fn streams(file: &[u8]) -> Vec<Vec<u8>> {
    let at = |from: usize, text: &[u8]| {
        file[from..].windows(text.len()).position(|window| window == text).map(|at| from + at)
    };
    let (mut found, mut from) = (Vec::new(), 0);
    while let Some(begin) = at(from, b"\nstream\n") {
        let end = at(begin, b"\nendstream").unwrap();
        found.extend(decompress_to_vec_zlib(&file[begin + 8..end]));
        from = end;
    }
    found
}

#[test]
fn the_same_document_is_the_same_bytes() {
    let document = many(3);
    let with = typesetter();
    let file = with.pdf(&document, Some(XML)).unwrap();
    // Neither what was set before nor by which typesetter.
    with.pdf(&many(40), None).unwrap();
    assert!(with.pdf(&document, Some(XML)).unwrap() == file);
    assert!(typesetter().pdf(&document, Some(XML)).unwrap() == file);
    let other = with.pdf(&many(4), Some(XML)).unwrap();
    let id = |file: &[u8]| {
        let at = file.windows(4).rposition(|window| window == b"/ID[").unwrap();
        file[at..at + 40].to_vec()
    };
    assert_ne!(id(&file), id(&other));
}

#[test]
fn a_file_says_that_it_is_an_archive() {
    let file = typesetter().pdf(&many(1), None).unwrap();
    assert!(file.starts_with(b"%PDF-1.7\n%\x80\x80\x80\x80\n"));
    for text in [
        "<pdfaid:part>3</pdfaid:part>",
        "<pdfaid:conformance>B</pdfaid:conformance>",
        "<xmp:ModifyDate>2026-03-01T00:00:00Z</xmp:ModifyDate>",
        "/ModDate(D:20260301000000Z)",
        "/S/GTS_PDFA1",
        "+DejaVuSans-Bold/Encoding/Identity-H",
        "/Lang(fr)",
    ] {
        assert!(holds(&file, text), "{text}");
    }
    for text in ["factur-x", "/AF[", "/EmbeddedFiles", "pdfaExtension", "/SMask", "/Encrypt"] {
        assert!(!holds(&file, text), "{text}");
    }
}

#[test]
fn the_e_invoice_lies_inside_byte_for_byte() {
    let file = typesetter().pdf(&many(1), Some(XML)).unwrap();
    for text in [
        "/AFRelationship/Alternative",
        "/Subtype/text#2Fxml",
        "/Params<</Size 48/ModDate(D:20260301000000Z)>>",
        "/AF[",
        "/EmbeddedFiles<</Names[(factur-x.xml)",
        "xmlns:fx=\"urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#\"",
        "<fx:ConformanceLevel>EN 16931</fx:ConformanceLevel>",
        "<fx:DocumentFileName>factur-x.xml</fx:DocumentFileName>",
        "<pdfaSchema:prefix>fx</pdfaSchema:prefix>",
    ] {
        assert!(holds(&file, text), "{text}");
    }
    assert!(streams(&file).iter().any(|stream| stream == XML.as_bytes()));
}

#[test]
fn names_are_escaped_in_the_metadata() {
    let mut document = many(1);
    document.seller.name = some("Finch & <Sons>");
    let file = typesetter().pdf(&document, None).unwrap();
    assert!(holds(&file, "<rdf:li>Finch &amp; &lt;Sons&gt;</rdf:li>"));
}

/// Every code of the text leads back to its character, and has the width that its font says.
#[test]
fn text_can_be_copied() {
    let file = typesetter().pdf(&many(1), None).unwrap();
    let maps: Vec<String> = streams(&file)
        .into_iter()
        .filter_map(|stream| String::from_utf8(stream).ok())
        .filter(|stream| stream.contains("beginbfchar"))
        .collect();
    assert_eq!(maps.len(), 2);
    for character in ['A', 'é', '€', ' ', '1'] {
        let code = format!("<{:04X}>", u32::from(character));
        assert!(maps.iter().any(|map| map.contains(&code)), "{character}");
    }
    // The digits of DejaVu Sans are 636 thousandths wide, those of the bold one 696.
    assert!(holds(&file, " 636 ") && holds(&file, " 696 "));
}

/// Thousands of them are kept for years.
#[test]
fn a_document_is_small() {
    let length = typesetter().pdf(&many(3), None).unwrap().len();
    assert!(length < 20_000, "{length}");
}
