//! What a data set holds: how many examples, of which shape, with which targets.

use serde::Deserialize;

use super::example::{InputKind, TargetKind};
use super::{Recipe, SplitSizes, built_in_digest};

/// What a data set holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents {
    /// How many examples there are.
    pub sizes: SplitSizes,
    /// The shape of each.
    pub example: InputKind,
    /// What is to be learnt.
    pub target: TargetKind,
}

/// The parts of a decoded file's header that say what it holds, of either version.
#[derive(Deserialize)]
struct Header {
    #[serde(flatten)]
    sizes: SplitSizes,
    channels: Option<u32>,
    height: Option<u32>,
    width: Option<u32>,
    element: Option<Element>,
    shape: Option<Vec<u32>>,
    #[serde(default)]
    vocabulary: u32,
    classes: Vec<String>,
    #[serde(default)]
    values: u32,
}

/// The type of the numbers of an example.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, serde::Serialize)]
pub enum Element {
    /// Bytes: pixels.
    #[serde(rename = "u8")]
    Byte,
    /// Numbers, `f32`.
    #[serde(rename = "f32")]
    Float,
    /// Tokens, `u32`.
    #[serde(rename = "u32")]
    Token,
}

impl Contents {
    /// What a decoded file says in its first [`SplitSizes::START`] bytes. None if it is no such file.
    pub fn of_decoded(start: &[u8]) -> Option<Self> {
        let header: Header = serde_json::from_slice(super::split_sizes::header(start)?).ok()?;
        let image = match (&header.shape, header.channels, header.height, header.width) {
            (None, Some(channels), Some(height), Some(width)) => Some([channels, height, width]),
            (Some(shape), None, None, None) => <[u32; 3]>::try_from(&shape[..]).ok(),
            _ => return None,
        };
        let example = match (header.element.unwrap_or(Element::Byte), header.shape) {
            (Element::Byte, _) => InputKind::Image(image?),
            (Element::Float, Some(axes)) if (1..=3).contains(&axes.len()) => InputKind::Features(axes),
            (Element::Token, Some(axes)) if axes.len() == 1 => {
                InputKind::Tokens { length: axes[0], vocabulary: header.vocabulary }
            }
            (Element::Float | Element::Token, _) => return None,
        };
        let target = match header.values {
            0 => TargetKind::Classes(u32::try_from(header.classes.len()).ok()?),
            values => TargetKind::Values(values),
        };
        Some(Self { sizes: header.sizes, example, target })
    }

    /// What a data set holds that Basin makes from a name alone.
    pub fn of_built_in(name: &str) -> Option<Self> {
        built_in_digest(name).map(|_| Self {
            sizes: SplitSizes { train: 20_000, test: 4_000 },
            example: InputKind::Image([3, 32, 32]),
            target: TargetKind::Classes(10),
        })
    }

    /// What a data set holds that Basin makes from these parameters.
    pub fn of_recipe(recipe: &Recipe) -> Self {
        let (example, target) = (recipe.example(), recipe.target());
        Self { sizes: recipe.sizes(), example, target }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(version: u32, header: &str) -> Vec<u8> {
        let size = u32::try_from(header.len()).unwrap().to_le_bytes();
        [&b"basin\0ds"[..], &version.to_le_bytes(), &size, header.as_bytes(), &[7; 100]].concat()
    }

    #[test]
    fn both_versions_of_the_header_say_what_the_file_holds() {
        let first = file(
            1,
            r#"{"name":"x","channels":1,"height":28,"width":27,"classes":["a","b"],"train":5,"test":2,"mean":[0],"std":[1]}"#,
        );
        let sizes = SplitSizes { train: 5, test: 2 };
        assert_eq!(
            Contents::of_decoded(&first),
            Some(Contents { sizes, example: InputKind::Image([1, 28, 27]), target: TargetKind::Classes(2) })
        );
        let second = |element: &str, shape: &str, rest: &str| {
            let header =
                format!(r#"{{"name":"x","element":"{element}","shape":{shape},"train":5,"test":2,{rest}}}"#);
            Contents::of_decoded(&file(2, &header))
        };
        assert_eq!(
            second("f32", "[13]", r#""classes":[],"values":1"#),
            Some(Contents { sizes, example: InputKind::Features(vec![13]), target: TargetKind::Values(1) })
        );
        assert_eq!(
            second("u32", "[3]", r#""classes":["0"],"values":0,"vocabulary":98"#).unwrap().example,
            InputKind::Tokens { length: 3, vocabulary: 98 }
        );
        assert_eq!(second("u8", "[3]", r#""classes":["0"],"values":0"#), None, "no image");
        assert_eq!(second("u32", "[3,4]", r#""classes":["0"],"values":0"#), None);
    }
}
