//! Reading a table field by field, so that one wrong field does not hide the next.
//!
//! serde stops at the first error, which makes a person who writes a file run in circles. Here
//! each field is read for itself; only single values go through serde.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::de::DeserializeOwned;
use toml::{Table, Value};

use super::{Document, MAX_TOLD};

/// What can be read from TOML with every fault told.
///
/// ```
/// use consent_core::document::{Document, FromToml, Value};
///
/// struct Percent(u16);
/// impl FromToml for Percent {
///     fn from_toml(value: Value, path: &str, document: &mut Document<'_>) -> Option<Self> {
///         let number = u16::from_toml(value, path, document)?;
///         if number > 100 {
///             document.fault(path, format!("is 100 at most, not {number}"));
///         }
///         (number <= 100).then_some(Self(number))
///     }
/// }
///
/// struct Sample { share: Percent }
/// consent_core::read_table!(Sample { share });
/// assert_eq!(Document::read::<Sample>("share = 10")?.0.share.0, 10);
/// let faults = Document::read::<Sample>("share = 101").err().unwrap();
/// assert_eq!(faults.to_string(), "line 1: share: is 100 at most, not 101");
/// # Ok::<(), consent_core::document::Faults>(())
/// ```
pub trait FromToml: Sized {
    /// Reads `value`, which stands at `path`. Notes every fault in `document`; `None` if there
    /// was one.
    fn from_toml(value: Value, path: &str, document: &mut Document<'_>) -> Option<Self>;
}

/// Reads a single value through serde.
pub fn value<T: DeserializeOwned>(
    value: Value,
    path: &str,
    document: &mut Document<'_>,
) -> Option<T> {
    match T::deserialize(value) {
        Ok(value) => Some(value),
        Err(error) => {
            document.fault(path, error.message());
            None
        }
    }
}

/// Implements [`FromToml`] for types that serde reads as single values.
///
/// ```
/// use consent_core::document::Document;
///
/// #[derive(serde::Deserialize)]
/// #[serde(rename_all = "lowercase")]
/// enum Engine { Sqlite, Postgres }
/// consent_core::read_value!(Engine);
///
/// struct Store { engine: Engine }
/// consent_core::read_table!(Store { engine });
/// assert!(Document::read::<Store>("engine = 'sqlite'").is_ok());
/// let faults = Document::read::<Store>("engine = 'paper'").err().unwrap().to_string();
/// assert!(faults.starts_with("line 1: engine: unknown variant `paper`"));
/// ```
#[macro_export]
macro_rules! read_value {
    ($($type:ty),+ $(,)?) => {$(
        impl $crate::document::FromToml for $type {
            fn from_toml(
                value: $crate::document::Value,
                path: &str,
                document: &mut $crate::document::Document<'_>,
            ) -> Option<Self> {
                $crate::document::value(value, path, document)
            }
        }
    )+};
}
read_value!(bool, u8, u16, u32, String, PathBuf, SocketAddr);

/// Implements [`FromToml`] for a struct: `field` must be given, `field = default` may be left
/// out, and `field as "name"` is written under another name.
///
/// ```
/// use consent_core::document::{Document, Faults};
///
/// struct Log { file: String, days: u16 }
/// consent_core::read_table!(Log { file as "path", days = 30 });
///
/// fn read(text: &str) -> Result<Log, Faults> {
///     let (log, document) = Document::read(text)?;
///     document.finish(log)
/// }
/// let log = read("path = 'audit.log'")?;
/// assert_eq!((log.file.as_str(), log.days), ("audit.log", 30));
/// let faults = read("path = 'audit.log'\nday = 7").err().unwrap();
/// assert_eq!(faults.to_string(), "line 2: day: unknown field; there are path, days");
/// # Ok::<(), consent_core::document::Faults>(())
/// ```
#[macro_export]
macro_rules! read_table {
    ($type:ident { $($field:ident $(as $name:literal)? $(= $default:expr)?),+ $(,)? }) => {
        impl $crate::document::FromToml for $type {
            fn from_toml(
                value: $crate::document::Value,
                path: &str,
                document: &mut $crate::document::Document<'_>,
            ) -> Option<Self> {
                let mut fields = $crate::document::Fields::of(value, path, document)?;
                $(let $field = $crate::read_table!(
                    @take fields, stringify!($field) $(, $name)? $(=> $default)?
                );)+
                fields.finish();
                Some(Self { $($field: $field?),+ })
            }
        }
    };
    (@take $fields:ident, $field:expr) => { $fields.required($field) };
    (@take $fields:ident, $field:expr, $name:literal) => { $fields.required($name) };
    (@take $fields:ident, $field:expr => $default:expr) => { $fields.or($field, || $default) };
    (@take $fields:ident, $field:expr, $name:literal => $default:expr) => {
        $fields.or($name, || $default)
    };
}
/// The fields of one table. Each is asked for by name; what nobody asked for is unknown.
///
/// ```
/// use consent_core::document::{Document, Fields, FromToml, Value};
///
/// struct Window { from: u8, to: u8 }
/// impl FromToml for Window {
///     fn from_toml(value: Value, path: &str, document: &mut Document<'_>) -> Option<Self> {
///         let mut fields = Fields::of(value, path, document)?;
///         let (from, to) = (fields.required("from"), fields.or("to", || 24));
///         fields.finish();
///         Some(Self { from: from?, to: to? })
///     }
/// }
/// let (window, _) = Document::read::<Window>("from = 22")?;
/// assert_eq!((window.from, window.to), (22, 24));
/// let faults = Document::read::<Window>("to = 4").err().unwrap();
/// assert_eq!(faults.to_string(), "line 1: from: is missing, and has to be given");
/// # Ok::<(), consent_core::document::Faults>(())
/// ```
pub struct Fields<'f, 't> {
    table: Table,
    path: &'f str,
    known: Vec<&'static str>,
    document: &'f mut Document<'t>,
}

impl<'f, 't> Fields<'f, 't> {
    /// The fields of `value`, which must be a table.
    pub fn of(value: Value, path: &'f str, document: &'f mut Document<'t>) -> Option<Self> {
        if let Value::Table(table) = value {
            return Some(Self { table, path, known: Vec::new(), document });
        }
        let message = format!("must be a table of fields, not {}", kind(&value));
        document.fault(path, message);
        None
    }

    /// A field that must be there.
    pub fn required<T: FromToml>(&mut self, name: &'static str) -> Option<T> {
        self.known.push(name);
        if let Some(value) = self.table.remove(name) {
            return T::from_toml(value, &under(self.path, name), self.document);
        }
        self.document.fault(under(self.path, name), "is missing, and has to be given");
        None
    }

    /// A field that may be left out, and is then `default`. `None` if it is there and wrong.
    pub fn or<T: FromToml>(
        &mut self,
        name: &'static str,
        default: impl FnOnce() -> T,
    ) -> Option<T> {
        self.known.push(name);
        match self.table.remove(name) {
            Some(value) => T::from_toml(value, &under(self.path, name), self.document),
            None => Some(default()),
        }
    }

    /// Notes the fields that nobody asked for.
    pub fn finish(self) {
        if self.table.is_empty() {
            return;
        }
        let known = self.known.join(", ");
        for name in self.table.keys() {
            let message = format!("unknown field; there are {known}");
            self.document.fault(under(self.path, name), message);
        }
    }
}

fn under(path: &str, name: &str) -> String {
    // No more of a name than is told: it would be copied into the path of everything under it.
    let name = name.char_indices().nth(MAX_TOLD).map_or(name, |(end, _)| &name[..end]);
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a text",
        Value::Integer(_) | Value::Float(_) => "a number",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list",
        Value::Table(_) => "a table",
    }
}

impl<T: FromToml> FromToml for Option<T> {
    fn from_toml(value: Value, path: &str, document: &mut Document<'_>) -> Option<Self> {
        T::from_toml(value, path, document).map(Some)
    }
}

impl<T: FromToml> FromToml for Vec<T> {
    fn from_toml(value: Value, path: &str, document: &mut Document<'_>) -> Option<Self> {
        let Value::Array(items) = value else {
            document.fault(path, format!("must be a list, not {}", kind(&value)));
            return None;
        };
        // Collected first, so that a fault in one does not end the reading of the others.
        let items: Vec<Option<T>> = items
            .into_iter()
            .enumerate()
            .map(|(i, item)| T::from_toml(item, &format!("{path}[{i}]"), document))
            .collect();
        items.into_iter().collect()
    }
}

impl<T: FromToml> FromToml for BTreeMap<String, T> {
    fn from_toml(value: Value, path: &str, document: &mut Document<'_>) -> Option<Self> {
        let Value::Table(table) = value else {
            document.fault(path, format!("must be a table, not {}", kind(&value)));
            return None;
        };
        let fields: Vec<Option<(String, T)>> = table
            .into_iter()
            .map(|(name, value)| {
                let value = T::from_toml(value, &under(path, &name), document)?;
                Some((name, value))
            })
            .collect();
        fields.into_iter().collect()
    }
}
