//! Compares two folders of pictures, as people see them.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::Path;

use image::RgbaImage;

/// How far the colour of a pixel may be off, from 0 to 1, before it counts as another.
const TOLERANCE: f32 = 0.1;
/// The difference of black and white, in dify's measure.
const BLACK_TO_WHITE: f32 = 35_215.0;
/// How many pixels of a picture may be others, beside the edges of letters, which browsers of
/// different versions draw slightly differently. An underline that is missing is more.
const OTHERS: u32 = 40;

/// What was found.
#[derive(Debug, Default)]
pub struct Comparison {
    compared: usize,
    faults: Vec<String>,
}

impl Comparison {
    /// Whether every picture is as it was.
    pub fn is_same(&self) -> bool {
        self.faults.is_empty()
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for fault in &self.faults {
            writeln!(f, "{fault}")?;
        }
        write!(f, "{} pictures compared, {} differ", self.compared, self.faults.len())
    }
}

/// Compares the pictures of two folders by name. Where two differ, a picture that marks where is
/// written beside the new one.
pub fn compare(committed: &Path, new: &Path) -> Comparison {
    let mut comparison = Comparison::default();
    let (before, after) = (names(committed), names(new));
    for name in before.union(&after) {
        comparison.compared += 1;
        let fault = match (before.contains(name), after.contains(name)) {
            (true, false) => Some("is not taken any more: delete it".to_owned()),
            (false, true) => Some("is new: look at it and commit it".to_owned()),
            _ => {
                let difference = new.join(name).with_extension("difference.png");
                differs(&read(&committed.join(name)), &read(&new.join(name)), &difference)
            }
        };
        comparison.faults.extend(fault.map(|fault| format!("{name} {fault}")));
    }
    comparison
}

/// What is different, if anything is.
fn differs(before: &RgbaImage, after: &RgbaImage, difference: &Path) -> Option<String> {
    if before.dimensions() != after.dimensions() {
        return Some(format!("was {:?} and is {:?}", before.dimensions(), after.dimensions()));
    }
    let most = BLACK_TO_WHITE * TOLERANCE * TOLERANCE;
    let found =
        dify::diff::get_results(before.clone(), after.clone(), most, true, Some(0.1), &None, &None);
    let (others, picture) = found?;
    if others.unsigned_abs() <= OTHERS {
        return None;
    }
    picture.save(difference).unwrap();
    Some(format!("differs in {others} pixels: see {}", difference.display()))
}

fn names(folder: &Path) -> BTreeSet<String> {
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = files.filter_map(|file| file.file_name().into_string().ok());
    names.filter(|name| name.contains(".png") && !name.contains("difference")).collect()
}

fn read(path: &Path) -> RgbaImage {
    image::open(path).unwrap().to_rgba8()
}

#[cfg(test)]
mod tests {
    use image::Rgba;

    use super::*;

    /// A white picture with a black line of that length.
    fn picture(line: u32) -> RgbaImage {
        RgbaImage::from_fn(200, 100, |x, y| {
            if y == 50 && x < line { Rgba([0, 0, 0, 255]) } else { Rgba([255; 4]) }
        })
    }

    #[test]
    fn what_differs_is_new_or_is_gone_is_told() {
        let folders = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (old, new) = (folders.0.path(), folders.1.path());
        for (name, before, after) in [("same", 80, 80), ("nearly", 80, 82), ("other", 80, 140)] {
            picture(before).save(old.join(name).with_extension("png")).unwrap();
            picture(after).save(new.join(name).with_extension("png")).unwrap();
        }
        picture(1).save(old.join("gone.png")).unwrap();
        picture(1).save(new.join("new.png")).unwrap();
        RgbaImage::new(9, 9).save(old.join("small.png")).unwrap();
        RgbaImage::new(9, 8).save(new.join("small.png")).unwrap();
        let comparison = compare(old, new);
        let told = comparison.to_string();
        assert!(!comparison.is_same());
        for fault in [
            "gone.png is not taken",
            "new.png is new",
            "other.png differs in 60 pixels",
            "small.png was (9, 9) and is (9, 8)",
            "6 pictures compared, 4 differ",
        ] {
            assert!(told.contains(fault), "{fault} in {told}");
        }
        assert!(new.join("other.difference.png").exists());
        assert!(!new.join("nearly.difference.png").exists());
    }
}
