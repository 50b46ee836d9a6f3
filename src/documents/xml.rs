//! The writer of XML: elements, attributes and text, indented. What XML 1.0 forbids never comes out, and an
//! element without text is not written: the rules of e-invoices refuse an empty one.

/// The attributes of an element.
pub(super) type Attributes<'a> = &'a [(&'static str, &'a str)];

/// A document as it is written, element by element.
pub(super) struct Xml {
    text: String,
    depth: usize,
}

impl Xml {
    /// A whole document: its root, with what is in it.
    pub(super) fn document(
        root: &'static str,
        attributes: Attributes<'_>,
        inside: impl FnOnce(&mut Xml),
    ) -> String {
        let text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned();
        let mut xml = Xml { text, depth: 0 };
        xml.element_with(root, attributes, inside);
        xml.text
    }

    /// An element with others in it.
    pub(super) fn element(&mut self, name: &'static str, inside: impl FnOnce(&mut Xml)) {
        self.element_with(name, &[], inside);
    }

    fn element_with(
        &mut self,
        name: &'static str,
        attributes: Attributes<'_>,
        inside: impl FnOnce(&mut Xml),
    ) {
        self.begin(name, attributes);
        self.text.push('\n');
        self.depth += 1;
        inside(self);
        self.depth -= 1;
        self.indent();
        self.end(name);
    }

    /// An element with a text in it.
    pub(super) fn text(&mut self, name: &'static str, text: &str) {
        self.text_with(name, &[], text);
    }

    /// An element with a text in it, where there is one.
    pub(super) fn maybe(&mut self, name: &'static str, text: Option<&str>) {
        text.into_iter().for_each(|text| self.text(name, text));
    }

    /// An element with attributes and a text in it; nothing where the text says nothing.
    pub(super) fn text_with(&mut self, name: &'static str, attributes: Attributes<'_>, text: &str) {
        if is_said(text) {
            self.begin(name, attributes);
            escape(text.trim(), &mut self.text);
            self.end(name);
        }
    }

    fn begin(&mut self, name: &'static str, attributes: Attributes<'_>) {
        self.indent();
        self.text.push('<');
        self.text.push_str(name);
        for (name, value) in attributes {
            self.text.push(' ');
            self.text.push_str(name);
            self.text.push_str("=\"");
            escape(value, &mut self.text);
            self.text.push('"');
        }
        self.text.push('>');
    }

    fn end(&mut self, name: &'static str) {
        self.text.push_str("</");
        self.text.push_str(name);
        self.text.push_str(">\n");
    }

    fn indent(&mut self) {
        (0..self.depth).for_each(|_| self.text.push_str("  "));
    }
}

/// Whether a text says something that XML can hold.
pub(super) fn is_said(text: &str) -> bool {
    text.chars().any(|c| !c.is_whitespace() && !c.is_control() && !is_forbidden(c))
}

fn is_forbidden(c: char) -> bool {
    matches!(c, '\u{fffe}' | '\u{ffff}')
}

/// Adds a text as XML may hold it, in an element as in an attribute. Of the control characters only tab
/// and line break are left; most others XML 1.0 forbids.
fn escape(text: &str, into: &mut String) {
    for c in text.chars() {
        match c {
            '&' => into.push_str("&amp;"),
            '<' => into.push_str("&lt;"),
            '>' => into.push_str("&gt;"),
            '"' => into.push_str("&quot;"),
            '\t' | '\n' => into.push(c),
            c if c.is_control() || is_forbidden(c) => {}
            c => into.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_markup_is_text_and_what_xml_forbids_is_not_there() {
        let written = Xml::document("a", &[("xmlns", "u\"<")], |xml| {
            xml.text_with(
                "b",
                &[("c", "x & y")],
                " 1 < 2 && \"3\" > 'n'\u{0}\u{b}\u{fffe}\r\n é€\u{1f600} ",
            );
            xml.maybe("none", None);
            xml.text("blank", " \u{1} \n");
            xml.element("d", |xml| xml.text("e", "]]>"));
        });
        let expected = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <a xmlns=\"u&quot;&lt;\">\n  \
             <b c=\"x &amp; y\">1 &lt; 2 &amp;&amp; &quot;3&quot; &gt; 'n'\n é€\u{1f600}</b>\n  \
             <d>\n    <e>]]&gt;</e>\n  </d>\n</a>\n";
        assert_eq!(written, expected);
    }
}
