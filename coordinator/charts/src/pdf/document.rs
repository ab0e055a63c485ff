//! The objects of a PDF file, and the table that finds them.

use std::collections::BTreeSet;

use super::number::number;

/// How hard streams are packed: more takes longer than it gains.
const LEVEL: u8 = 6;

/// The numbers of the objects that every file has.
const CATALOG: usize = 1;
const PAGES: usize = 2;
const PAGE: usize = 3;
const CONTENT: usize = 4;
const TITLE: usize = 5;

/// A file in the making: drawings that its page refers to come first.
#[derive(Debug, Default)]
pub(super) struct Document {
    /// The objects after those that every file has.
    forms: Vec<Vec<u8>>,
}

/// The page.
pub(super) struct Page<'a> {
    /// In points.
    pub(super) width: f64,
    /// In points.
    pub(super) height: f64,
    /// The operators that draw it.
    pub(super) content: &'a str,
    /// The drawings that it refers to, by name and object.
    pub(super) forms: &'a [(String, usize)],
    /// The opacities that it refers to, in hundredths.
    pub(super) opacities: &'a BTreeSet<u32>,
}

impl Document {
    /// Adds a drawing that the page may use as often as it likes, and returns the number of its object.
    pub(super) fn form(&mut self, operators: &str) -> usize {
        // Glyphs stay within this.
        const BOX: &str = "/Type /XObject /Subtype /Form /BBox [-4096 -4096 8192 8192] ";
        self.forms.push(stream(BOX, operators));
        TITLE + self.forms.len()
    }

    /// The file.
    pub(super) fn finish(self, title: &str, page: &Page<'_>) -> Vec<u8> {
        let forms: String =
            page.forms.iter().map(|(name, object)| format!("/{name} {object} 0 R ")).collect();
        let states: String = page
            .opacities
            .iter()
            .map(|hundredths| {
                let share = number(f64::from(*hundredths) / 100.0);
                format!("/A{hundredths} <</ca {share} /CA {share}>> ")
            })
            .collect();
        let resources = format!("/Resources <</XObject <<{forms}>> /ExtGState <<{states}>>>>");
        let media = format!("/MediaBox [0 0 {} {}]", number(page.width), number(page.height));
        let objects: Vec<Vec<u8>> = [
            format!("<</Type /Catalog /Pages {PAGES} 0 R /Lang (en) /ViewerPreferences <</DisplayDocTitle true>>>>"),
            format!("<</Type /Pages /Kids [{PAGE} 0 R] /Count 1>>"),
            format!("<</Type /Page /Parent {PAGES} 0 R {media} /Contents {CONTENT} 0 R {resources}>>"),
        ]
        .into_iter()
        .map(String::into_bytes)
        .chain([stream("", page.content), format!("<</Title {}>>", text(title)).into_bytes()])
        .chain(self.forms)
        .collect();
        let mut file = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n".to_vec();
        let mut places = Vec::with_capacity(objects.len());
        for (number, object) in (1..).zip(&objects) {
            places.push(file.len());
            file.extend(format!("{number} 0 obj\n").into_bytes());
            file.extend(object);
            file.extend(b"\nendobj\n");
        }
        let table = file.len();
        file.extend(format!("xref\n0 {}\n0000000000 65535 f \n", places.len() + 1).into_bytes());
        for place in &places {
            file.extend(format!("{place:010} 00000 n \n").into_bytes());
        }
        let trailer = format!("<</Size {} /Root {CATALOG} 0 R /Info {TITLE} 0 R>>", places.len() + 1);
        file.extend(format!("trailer\n{trailer}\nstartxref\n{table}\n%%EOF\n").into_bytes());
        file
    }
}

/// A stream with these entries of its dictionary beside its length.
fn stream(entries: &str, operators: &str) -> Vec<u8> {
    let packed = miniz_oxide::deflate::compress_to_vec_zlib(operators.as_bytes(), LEVEL);
    let mut object =
        format!("<<{entries}/Filter /FlateDecode /Length {}>>\nstream\n", packed.len()).into_bytes();
    object.extend(&packed);
    object.extend(b"\nendstream");
    object
}

/// A text as PDF takes it: UTF-16 in hexadecimal.
fn text(text: &str) -> String {
    let units: String = text.encode_utf16().map(|unit| format!("{unit:04X}")).collect();
    format!("<FEFF{units}>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_object_is_where_the_table_says() {
        let mut document = Document::default();
        let form = document.form("0 0 m\nf\n");
        let page = Page {
            width: 540.0,
            height: 75.0,
            content: "/R1 Do\n",
            forms: &[("R1".to_owned(), form)],
            opacities: &[22, 100].into(),
        };
        let file = document.finish("θ", &page);
        let find = |wanted: &[u8]| file.windows(wanted.len()).position(|at| at == wanted).unwrap();
        let text = String::from_utf8_lossy(&file[find(b"xref\n")..]).into_owned();
        let places: Vec<usize> = text
            .lines()
            .filter(|line| line.ends_with(" n "))
            .map(|line| line[..10].parse().unwrap())
            .collect();
        assert_eq!(places.len(), 6);
        for (number, place) in (1..).zip(places) {
            assert!(file[place..].starts_with(format!("{number} 0 obj\n").as_bytes()), "{number}");
        }
        let start: usize = text.lines().rev().nth(1).unwrap().parse().unwrap();
        assert_eq!(start, find(b"xref\n"));
        assert!(find(b"/A22 <</ca 0.22 /CA 0.22>>") > 0 && find(b"/Title <FEFF03B8>") > 0);
    }
}
