//! Telephone numbers in one normal form, so that one line is one subject however it was typed.
//!
//! Whether a line exists, or receives messages, is not asked here. Behind the feature `phone`:
//! the tables of all countries' numbers are for the server, not for what a visitor downloads.

use std::fmt;
use std::str::FromStr;

use rlibphonenumber::{NumberLengthType, PHONE_NUMBER_UTIL, PhoneNumberFormat, Region};

/// The longest text that is read, in bytes.
const MAX_TEXT: usize = 64;

/// The most digits written, with their `+`: a number, and a prefix to dial out of a country.
const MAX_WRITTEN: usize = 20;

/// The most digits of a number, with its country code (E.164 §6.2.1).
const MAX_DIGITS: usize = 15;

/// A telephone number in its normal form: `+`, country code and number, digits only
/// (ITU-T E.164).
///
/// Read with spaces, dots, dashes, slashes and parentheses between its digits; letters in the
/// place of digits and extensions are not read. A number is accepted when its country's numbers
/// can have that length, not only in ranges known to be in use: new ones open every month.
///
/// ```
/// use consent_core::subject::{InvalidPhone, PhoneNumber};
/// let number: PhoneNumber = "+33 (0)6 12-34-56-78".parse()?;
/// assert_eq!(number.as_str(), "+33612345678");
///
/// let national = "06 12 34 56 78";
/// assert_eq!(PhoneNumber::parse(national, Some("FR")), Ok(number));
/// assert_eq!(national.parse::<PhoneNumber>(), Err(InvalidPhone::NoCountry));
/// # Ok::<(), InvalidPhone>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct PhoneNumber(String);

/// Why a text is not a telephone number. The text itself is left out: it may be personal data.
///
/// ```
/// use consent_core::subject::{InvalidPhone, PhoneNumber};
/// let error = PhoneNumber::parse("+999 123", None).unwrap_err();
/// assert_eq!(error, InvalidPhone::NoNumber);
/// assert_eq!(
///     error.to_string(),
///     "no country has a telephone number like this: look at its code and its length",
/// );
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPhone {
    /// More than a number can need.
    #[error("a telephone number is at most 15 digits, and written in at most 64 bytes")]
    TooLong,
    /// Something other than digits, a leading `+`, and what separates them.
    #[error(
        "a telephone number is written in the digits 0 to 9, with spaces, '.', '-', '/', '(' and \
         ')' between them, and a '+' only in front"
    )]
    Character,
    /// A national form, and no country given.
    #[error("without a country, a telephone number starts with '+' and the country's code")]
    NoCountry,
    /// The country given is none that has telephone numbers.
    #[error("the country must be two letters of ISO 3166-1, such as FR")]
    Country,
    /// No country has such a code, or no number of that length, or it can be read in two ways.
    #[error("no country has a telephone number like this: look at its code and its length")]
    NoNumber,
}

impl PhoneNumber {
    /// Reads a number in international form, or, in the given country (two letters of ISO 3166-1),
    /// as it is dialled there.
    pub fn parse(text: &str, default_country: Option<&str>) -> Result<Self, InvalidPhone> {
        let region = default_country.map(region).transpose()?;
        let text = text.trim();
        if text.len() > MAX_TEXT {
            return Err(InvalidPhone::TooLong);
        }
        // The tables see a '+' and digits, nothing else of what outsiders write.
        let mut written = String::with_capacity(MAX_TEXT);
        for c in text.chars() {
            match c {
                '0'..='9' => written.push(c),
                '+' if written.is_empty() => written.push(c),
                '.' | '-' | '/' | '(' | ')' | '\u{2010}' | '\u{2011}' => {}
                c if c.is_whitespace() && !c.is_control() => {}
                _ => return Err(InvalidPhone::Character),
            }
        }
        if written.len() > MAX_WRITTEN {
            return Err(InvalidPhone::TooLong);
        }
        if region.is_none() && !written.starts_with('+') {
            return Err(InvalidPhone::NoCountry);
        }
        let number = normal(&written, region)?;
        // Zeros too many can leave a number that a second reading would shorten again: which of
        // the two was meant, and so whose it is, nobody knows.
        if normal(&number, None).as_ref() != Ok(&number) {
            return Err(InvalidPhone::NoNumber);
        }
        Ok(Self(number))
    }

    /// The normal form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PhoneNumber {
    type Err = InvalidPhone;
    fn from_str(text: &str) -> Result<Self, InvalidPhone> {
        Self::parse(text, None)
    }
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PhoneNumber(…)")
    }
}

/// A country that has telephone numbers.
fn region(country: &str) -> Result<Region, InvalidPhone> {
    let letters = country.len() == 2 && country.bytes().all(|b| b.is_ascii_alphabetic());
    let known = letters.then(|| country.to_ascii_uppercase().parse::<Region>().ok()).flatten();
    known
        .filter(|&region| PHONE_NUMBER_UTIL.get_country_code_for_region(region).is_some())
        .ok_or(InvalidPhone::Country)
}

/// One reading of a `+` and digits.
fn normal(written: &str, region: Option<Region>) -> Result<String, InvalidPhone> {
    let number = PHONE_NUMBER_UTIL.parse(written, region).map_err(|_| InvalidPhone::NoNumber)?;
    // A length that is possible only within a town is not one that can be reached.
    match PHONE_NUMBER_UTIL.is_possible_number_with_reason(&number) {
        Ok(NumberLengthType::IsPossible) => {}
        Ok(NumberLengthType::IsPossibleLocalOnly) | Err(_) => return Err(InvalidPhone::NoNumber),
    }
    let text = PHONE_NUMBER_UTIL.format(&number, PhoneNumberFormat::E164).into_owned();
    if text.len() > 1 + MAX_DIGITS {
        return Err(InvalidPhone::TooLong);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_line_has_one_normal_form() {
        for (country, written, expected) in [
            (None, "+33 6 12 34 56 78", "+33612345678"),
            (None, " +33.6.12.34.56.78\n", "+33612345678"),
            (None, "+33-6-12/34(56)78", "+33612345678"),
            (None, "(+33) 6 12 34 56 78", "+33612345678"),
            (None, "+33\u{a0}6\u{202f}12\u{2011}34 56 78", "+33612345678"),
            (None, "+33 (0)6 12 34 56 78", "+33612345678"),
            (Some("FR"), "06 12 34 56 78", "+33612345678"),
            (Some("fr"), "0612345678", "+33612345678"),
            (Some("FR"), "00 33 6 12 34 56 78", "+33612345678"),
            (Some("US"), "011 33 6 12 34 56 78", "+33612345678"),
            (Some("US"), "+33 6 12 34 56 78", "+33612345678"),
            (Some("US"), "(650) 253-0000", "+16502530000"),
            (Some("US"), "1-650-253-0000", "+16502530000"),
            (Some("GB"), "020 7031 3000", "+442070313000"),
            (Some("DE"), "030 123456", "+4930123456"),
            // The zero belongs to the number in Italy.
            (Some("IT"), "06 1234 5678", "+390612345678"),
            (None, "+39 06 1234 5678", "+390612345678"),
            (None, "+800 1234 5678", "+80012345678"),
        ] {
            let number = PhoneNumber::parse(written, country);
            assert_eq!(number.as_ref().map(PhoneNumber::as_str), Ok(expected), "{written:?}");
        }
    }

    #[test]
    fn refuses_what_is_no_number() {
        for (reason, country, texts) in [
            (
                InvalidPhone::Character,
                Some("US"),
                [
                    "1-800-FLOWERS",
                    "650 253 0000 ext. 1",
                    "650 253 0000;phone-context=+1",
                    "tel:+16502530000",
                    "33+612345678",
                    "++33612345678",
                    "+33612345678+",
                    "+33 6 12 34\n56 78",
                    "+33 6 12 34 56 7\u{200b}8",
                    "\u{ff0b}33612345678",
                    "+\u{663}\u{663}612345678",
                ]
                .as_slice(),
            ),
            (InvalidPhone::NoCountry, None, &["", "0612345678", "33612345678", "( )", "0033612"]),
            (InvalidPhone::Country, Some("XX"), &["0612345678", "+33612345678"]),
            (InvalidPhone::Country, Some("ZZ"), &["0612345678"]),
            (InvalidPhone::Country, Some(""), &["0612345678"]),
            (InvalidPhone::Country, Some("FRA"), &["0612345678"]),
            (InvalidPhone::Country, Some("001"), &["0612345678"]),
            (InvalidPhone::Country, Some("é"), &["0612345678"]),
            (
                InvalidPhone::NoNumber,
                None,
                &["+", "+0", "+33", "+3361234567", "+336123456789", "+999612345678", "+112"],
            ),
            // A local number of a town, an emergency number, nothing.
            (InvalidPhone::NoNumber, Some("US"), &["253-0000", "911", "", "+"]),
            // One zero too many, so that one more would be taken away each time.
            (InvalidPhone::NoNumber, None, &["+2700155565", "+640003396473"]),
            (InvalidPhone::TooLong, None, &["+49123456789012345678901", "+49123456789012345"]),
        ] {
            for text in texts {
                let read = PhoneNumber::parse(text, country);
                assert_eq!(read, Err(reason), "{text:?} in {country:?}");
            }
        }
    }

    #[test]
    fn a_megabyte_is_refused_by_its_length() {
        for part in ["1", "+", "(", "\u{a0}1", "+33"] {
            let text = part.repeat(1_000_000 / part.len());
            for country in [None, Some("FR")] {
                assert_eq!(PhoneNumber::parse(&text, country), Err(InvalidPhone::TooLong));
            }
            assert_eq!(PhoneNumber::parse("+33612345678", Some(&text)), Err(InvalidPhone::Country));
        }
    }

    #[test]
    fn debug_output_and_errors_hold_no_number() {
        let number: PhoneNumber = "+33612345678".parse().unwrap();
        assert_eq!(format!("{number:?}"), "PhoneNumber(…)");
        let error = "+3361234".parse::<PhoneNumber>().unwrap_err();
        assert!(!format!("{error} {error:?}").contains("61"));
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(
            text in proptest::collection::vec(any::<char>(), 0..64),
            country in proptest::option::of("\\PC{0,3}"),
        ) {
            let text: String = text.into_iter().collect();
            let _ = PhoneNumber::parse(&text, country.as_deref());
        }

        #[test]
        fn a_normal_form_is_its_own(
            text in "\\+?[0-9 ().-]{4,24}",
            country in proptest::option::of("[A-Z]{2}"),
        ) {
            if let Ok(number) = PhoneNumber::parse(&text, country.as_deref()) {
                prop_assert_eq!(number.as_str().parse(), Ok(number.clone()));
                // Wherever it is read, an international form names the same line.
                let elsewhere = PhoneNumber::parse(number.as_str(), Some("US"));
                prop_assert_eq!(elsewhere, Ok(number.clone()));
                let digits = number.as_str().strip_prefix('+').unwrap();
                prop_assert!(digits.len() <= MAX_DIGITS);
                prop_assert!(digits.bytes().all(|b| b.is_ascii_digit()));
            }
        }

        #[test]
        fn french_numbers_are_one_in_both_forms(digits in "[1-79][0-9]{8}") {
            let national = PhoneNumber::parse(&format!("0{digits}"), Some("FR"));
            let international = format!("+33 {digits}").parse();
            prop_assert_eq!(&national, &international);
            prop_assert_eq!(national.unwrap().0, format!("+33{digits}"));
        }
    }
}
