//! What a PDF says of itself: the metadata that make it PDF/A-3b and Factur-X.

use std::fmt::Write as _;

/// What is said of a document.
pub struct Facts<'a> {
    pub title: &'a str,
    /// The seller.
    pub author: Option<&'a str>,
    pub producer: &'a str,
    /// `2026-03-01T00:00:00Z`.
    pub instant: &'a str,
    /// `fr`, `en`.
    pub language: &'a str,
    /// Whether it has the e-invoice of this name inside.
    pub einvoice: Option<&'a str>,
}

/// The packet of metadata.
pub fn packet(facts: &Facts<'_>) -> String {
    let mut xml = String::with_capacity(4096);
    let Facts { instant, .. } = facts;
    let [title, producer] = [facts.title, facts.producer].map(escaped);
    // Writing to a String cannot fail.
    let _ = write!(
        xml,
        "<?xpacket begin=\"\u{feff}\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n\
         <x:xmpmeta xmlns:x=\"adobe:ns:meta/\">\n\
         <rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\n\
         <rdf:Description rdf:about=\"\" xmlns:pdfaid=\"http://www.aiim.org/pdfa/ns/id/\">\n\
         <pdfaid:part>3</pdfaid:part>\n\
         <pdfaid:conformance>B</pdfaid:conformance>\n\
         </rdf:Description>\n\
         <rdf:Description rdf:about=\"\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\">\n\
         <dc:format>application/pdf</dc:format>\n\
         <dc:title><rdf:Alt><rdf:li xml:lang=\"x-default\">{title}</rdf:li></rdf:Alt></dc:title>\n\
         <dc:language><rdf:Bag><rdf:li>{language}</rdf:li></rdf:Bag></dc:language>\n\
         {author}\
         </rdf:Description>\n\
         <rdf:Description rdf:about=\"\" xmlns:xmp=\"http://ns.adobe.com/xap/1.0/\">\n\
         <xmp:CreatorTool>{producer}</xmp:CreatorTool>\n\
         <xmp:CreateDate>{instant}</xmp:CreateDate>\n\
         <xmp:ModifyDate>{instant}</xmp:ModifyDate>\n\
         <xmp:MetadataDate>{instant}</xmp:MetadataDate>\n\
         </rdf:Description>\n\
         <rdf:Description rdf:about=\"\" xmlns:pdf=\"http://ns.adobe.com/pdf/1.3/\">\n\
         <pdf:Producer>{producer}</pdf:Producer>\n\
         </rdf:Description>\n\
         {facturx}\
         </rdf:RDF>\n\
         </x:xmpmeta>\n\
         <?xpacket end=\"r\"?>",
        language = facts.language,
        author = facts.author.map(author).unwrap_or_default(),
        facturx = facts.einvoice.map(facturx).unwrap_or_default(),
    );
    xml
}

fn author(name: &str) -> String {
    let name = escaped(name);
    format!("<dc:creator><rdf:Seq><rdf:li>{name}</rdf:li></rdf:Seq></dc:creator>\n")
}

/// What the e-invoice is, and, as PDF/A wants it of each schema that it does not know, what these words mean.
fn facturx(file: &str) -> String {
    let property = |name: &str, says: &str| {
        format!(
            "<rdf:li rdf:parseType=\"Resource\">\n\
             <pdfaProperty:name>{name}</pdfaProperty:name>\n\
             <pdfaProperty:valueType>Text</pdfaProperty:valueType>\n\
             <pdfaProperty:category>external</pdfaProperty:category>\n\
             <pdfaProperty:description>{says}</pdfaProperty:description>\n\
             </rdf:li>\n"
        )
    };
    let properties = [
        property("DocumentFileName", "The name of the embedded XML document"),
        property("DocumentType", "The type of the hybrid document in capital letters"),
        property("Version", "The version of the standard that the embedded XML document follows"),
        property("ConformanceLevel", "The conformance level of the embedded XML document"),
    ]
    .concat();
    format!(
        "<rdf:Description rdf:about=\"\" xmlns:fx=\"{FACTURX}\">\n\
         <fx:DocumentType>INVOICE</fx:DocumentType>\n\
         <fx:DocumentFileName>{file}</fx:DocumentFileName>\n\
         <fx:Version>1.0</fx:Version>\n\
         <fx:ConformanceLevel>EN 16931</fx:ConformanceLevel>\n\
         </rdf:Description>\n\
         <rdf:Description rdf:about=\"\"\
         \x20xmlns:pdfaExtension=\"http://www.aiim.org/pdfa/ns/extension/\"\
         \x20xmlns:pdfaSchema=\"http://www.aiim.org/pdfa/ns/schema#\"\
         \x20xmlns:pdfaProperty=\"http://www.aiim.org/pdfa/ns/property#\">\n\
         <pdfaExtension:schemas>\n\
         <rdf:Bag>\n\
         <rdf:li rdf:parseType=\"Resource\">\n\
         <pdfaSchema:schema>Factur-X PDFA Extension Schema</pdfaSchema:schema>\n\
         <pdfaSchema:namespaceURI>{FACTURX}</pdfaSchema:namespaceURI>\n\
         <pdfaSchema:prefix>fx</pdfaSchema:prefix>\n\
         <pdfaSchema:property>\n\
         <rdf:Seq>\n\
         {properties}\
         </rdf:Seq>\n\
         </pdfaSchema:property>\n\
         </rdf:li>\n\
         </rdf:Bag>\n\
         </pdfaExtension:schemas>\n\
         </rdf:Description>\n"
    )
}

const FACTURX: &str = "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#";

/// The text as the content of an element.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
