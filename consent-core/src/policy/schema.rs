//! The JSON Schema of policy files, for editors that complete and check TOML.
//!
//! The types give its frame and its descriptions. What they cannot say stands here: bounds, what a
//! preset makes optional, what one field demands of another. It describes the file as written, so
//! it allows what is filled in later. Whatever compares two distant parts of a file, such as the
//! languages and the texts, only [`Policy::from_toml`] can tell.

use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use serde_json::{Map, Value, json};

use super::parties::EEA;
use super::validate::{MAX_COOKIE_DAYS, MAX_LANGUAGES, MAX_LIST, MAX_NAME, MAX_TEXT};
use super::{Policy, preset};
use crate::id::{MAX_ID, PATTERN};
use crate::mapping::{self, Follows};
use crate::rules::MAX_CHOICES;

/// The JSON Schema (draft 2020-12) of a policy in TOML.
///
/// ```
/// let schema = consent_core::policy::schema();
/// let months = &schema["properties"]["lifetime_months"];
/// assert_eq!((&months["maximum"], &months["default"]), (&13.into(), &6.into()));
/// assert_eq!(schema["additionalProperties"], false, "a misspelt field is underlined");
/// ```
pub fn schema() -> Value {
    // Everything in its place instead of referred to: editors show the description of a field and
    // not of its type, and some of them ignore whatever stands beside a reference.
    let settings = SchemaSettings::draft2020_12()
        .with(|settings| settings.inline_subschemas = true)
        .with_transform(RecursiveTransform(plain));
    let mut schema = settings.into_generator().into_root_schema_for::<Policy>().to_value();
    for (path, bounds) in bounds() {
        let Value::Object(bounds) = bounds else { continue };
        at(&mut schema, path).extend(bounds);
    }
    at(&mut schema, "").extend(told_of_changes());
    let purpose = at(&mut schema, "purpose[]");
    purpose.extend(by_basis());
    purpose.insert("required".to_owned(), json!(["data"]));
    let properties = purpose.get_mut("properties").and_then(Value::as_object_mut);
    properties.expect("a purpose has fields").insert("preset".to_owned(), presets());
    at(&mut schema, "sub_processor[]").extend(by_country());
    at(&mut schema, "mapping").extend(mappings());
    schema.sort_all_objects();
    schema
}

/// The schema of the field at `path`, which is written as in a fault: `purpose[].cookie[].days`.
fn at<'s>(schema: &'s mut Value, path: &str) -> &'s mut Map<String, Value> {
    let mut schema = schema;
    for part in path.split('.').filter(|part| !part.is_empty()) {
        schema = &mut schema["properties"][part.trim_end_matches("[]")];
        if part.ends_with("[]") {
            schema = &mut schema["items"];
        }
    }
    schema.as_object_mut().unwrap_or_else(|| panic!("a policy has no field {path}"))
}

/// What is allowed for single values and lists.
fn bounds() -> Vec<(&'static str, Value)> {
    let name = || json!({ "pattern": "\\S", "maxLength": MAX_NAME });
    let country = || json!({ "pattern": "^[A-Z]{2}$" });
    let email = || json!({ "pattern": "^[^@]+@[^@]+$", "maxLength": 254 });
    let most = |most: usize| json!({ "maxItems": most });
    let some = |most: usize| json!({ "minItems": 1, "maxItems": most });
    let each_once = |most: usize| json!({ "minItems": 1, "maxItems": most, "uniqueItems": true });
    vec![
        ("number", json!({ "minimum": 1 })),
        ("name", name()),
        ("languages", each_once(MAX_LANGUAGES)),
        ("languages[]", json!({ "pattern": LANGUAGE })),
        ("lifetime_months", json!({ "minimum": 1, "maximum": 13 })),
        ("signals", json!({ "uniqueItems": true })),
        ("rights", json!({ "minItems": 1, "uniqueItems": true })),
        ("controller.name", name()),
        ("controller.country", country()),
        ("controller.email", email()),
        ("controller.address", name()),
        ("officer.email", email()),
        ("authority.name", name()),
        ("authority.address", name()),
        ("authority.url", json!({ "pattern": "^https://", "maxLength": MAX_NAME })),
        ("data", some(MAX_LIST)),
        ("activity", some(MAX_LIST)),
        ("activity[].data", each_once(MAX_LIST)),
        ("purpose", some(MAX_CHOICES)),
        ("purpose[].data", each_once(MAX_LIST)),
        ("purpose[].services", most(MAX_LIST)),
        ("purpose[].services[]", name()),
        ("purpose[].recipients", most(MAX_LIST)),
        ("purpose[].recipients[]", name()),
        ("purpose[].cookie", most(MAX_LIST)),
        ("purpose[].cookie[].name", json!({ "pattern": COOKIE, "not": { "const": "consent" } })),
        ("purpose[].retention_months", json!({ "minimum": 1 })),
        ("sub_processor", most(MAX_LIST)),
        ("sub_processor[].name", name()),
        ("sub_processor[].country", country()),
        ("sub_processor[].purposes", some(MAX_CHOICES)),
        ("region", some(MAX_LIST)),
        ("deadlines.answer_months", json!({ "minimum": 1, "maximum": 1 })),
        ("deadlines.extension_months", json!({ "maximum": 2 })),
        ("deadlines.breach_hours", json!({ "minimum": 1, "maximum": 72 })),
        ("security", most(MAX_LIST)),
    ]
}

/// A BCP 47 tag, roughly.
const LANGUAGE: &str = "^[a-z]{2,3}(-[A-Za-z0-9]{1,8})*$";
/// A cookie's name (RFC 6265), with a `*` at its end for any ending.
const COOKIE: &str = "^[A-Za-z0-9!#$%&'+.^_`|~-]{1,100}\\*?$";

/// Customers hear of sub-processors where data are processed on their behalf (GDPR Art. 28(2)).
fn told_of_changes() -> Map<String, Value> {
    condition(json!({
        "if": {
            "required": ["activity", "sub_processor"],
            "properties": {
                "activity": { "contains": { "properties": { "role": { "const": "processor" } } } },
                "sub_processor": { "minItems": 1 },
            },
        },
        "then": { "required": ["sub_processor_changes"] },
    }))
}

/// What a preset makes optional, and what each legal basis demands and forbids.
fn by_basis() -> Map<String, Value> {
    let consent = json!({
        "interest": false,
        "necessity": false,
        "cookie": {
            "items": {
                "properties": { "days": { "maximum": MAX_COOKIE_DAYS } },
                "additionalProperties": true,
            },
        },
    });
    let mut preset = consent.clone();
    preset["basis"] = json!({ "const": "consent" });
    condition(json!({
        "if": { "required": ["preset"] },
        "then": { "properties": preset },
        "else": {
            "required": ["id", "basis", "title", "description", "retention"],
            "if": { "properties": { "basis": { "const": "legitimate_interest" } } },
            "then": { "required": ["interest"], "properties": { "necessity": false } },
            "else": {
                "if": { "properties": { "basis": { "const": "consent" } } },
                "then": { "properties": consent },
                "else": { "required": ["necessity"], "properties": { "interest": false } },
            },
        },
    }))
}

/// Outside the European Economic Area the ground of the transfer is said (GDPR Art. 13(1)(f)).
fn by_country() -> Map<String, Value> {
    condition(json!({
        "if": { "required": ["country"], "properties": { "country": { "not": { "enum": EEA } } } },
        "then": { "required": ["transfer"] },
    }))
}

fn presets() -> Value {
    json!({
        "description": "Takes the words of a purpose that most sites share, in the policy's \
                        languages. Every field that stands beside it counts instead of the \
                        preset's; `data` always has to be given.",
        "type": "string",
        "enum": preset::names(),
    })
}

/// The known vendors with their signals, and any other with signals of its own.
fn mappings() -> Map<String, Value> {
    let list = |description: String| {
        json!({
            "description": description,
            "type": "array",
            "items": { "type": "string", "pattern": PATTERN, "maxLength": MAX_ID },
            "maxItems": MAX_CHOICES,
            "uniqueItems": true,
        })
    };
    let plain = json!({ "pattern": "^[A-Za-z0-9_-]{1,64}$" });
    let signal = |follows: &Follows| {
        list(match follows {
            Follows::Always => {
                "Granted without asking where it is left out. List purposes to make it follow \
                 their consent, or [] to deny it."
                    .to_owned()
            }
            Follows::Purposes(ids) => {
                let ids: Vec<_> = ids.iter().map(|id| format!("`{id}`")).collect();
                format!(
                    "The purposes that all have to be granted. Where it is left out: {}, as far \
                     as the policy asks for it.",
                    ids.join(" and ")
                )
            }
        })
    };
    let vendors: Map<String, Value> = mapping::known()
        .iter()
        .map(|(name, vendor)| {
            let signals: Map<String, Value> = vendor
                .signals
                .iter()
                .map(|(name, follows)| (name.clone(), signal(follows)))
                .collect();
            let schema = json!({
                "description": vendor.title(),
                "type": "object",
                "properties": signals,
                "additionalProperties": false,
            });
            (name.clone(), schema)
        })
        .collect();
    object(json!({
        "properties": vendors,
        "propertyNames": plain,
        "additionalProperties": {
            "description": "A vendor that is not known here, with its signals.",
            "type": "object",
            "minProperties": 1,
            "propertyNames": plain,
            "additionalProperties": list("The purposes that all have to be granted.".to_owned()),
        },
    }))
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}

/// A condition on a table. Some editors take what a branch names for all that the table may hold,
/// so each branch says that it is not.
fn condition(value: Value) -> Map<String, Value> {
    let mut condition = object(value);
    for branch in ["if", "then", "else"] {
        if let Some(Value::Object(fields)) = condition.remove(branch) {
            let mut fields = self::condition(fields.into());
            fields.insert("additionalProperties".to_owned(), true.into());
            condition.insert(branch.to_owned(), fields.into());
        }
    }
    condition
}

/// Makes each schema what a TOML file and an editor can use.
fn plain(schema: &mut Schema) {
    let Some(schema) = schema.as_object_mut() else { return };
    if let Some(Value::String(text)) = schema.get_mut("description") {
        *text = for_tooltip(text);
    }
    // A field that is left out is not there; TOML has no null.
    if let Some(Value::Array(types)) = schema.get("type") {
        let types: Vec<_> = types.iter().filter(|kind| *kind != "null").cloned().collect();
        let one = if types.len() == 1 { types[0].clone() } else { Value::from(types) };
        schema.insert("type".to_owned(), one);
        schema.remove("default");
    }
    if schema.get("type").is_some_and(|kind| kind == "integer") {
        schema.remove("format");
    }
    // The texts of a policy, by language.
    if schema.get("additionalProperties") == Some(&json!({ "type": "string" })) {
        schema.extend(object(json!({
            "minProperties": 1,
            "propertyNames": { "pattern": LANGUAGE },
            "additionalProperties": { "type": "string", "pattern": "\\S", "maxLength": MAX_TEXT },
        })));
    }
    // A list of values, so that an editor says which there are when none of them is written.
    if let Some(Value::Array(variants)) = schema.get("oneOf") {
        let of = |key: &str| variants.iter().map(|v| v[key].clone()).collect::<Vec<Value>>();
        let (values, words) = (of("const"), of("description"));
        if values.iter().all(Value::is_string) {
            let words: Vec<_> = words.iter().filter_map(Value::as_str).map(for_tooltip).collect();
            schema.remove("oneOf");
            schema.insert("type".to_owned(), "string".into());
            schema.insert("enum".to_owned(), values.into());
            schema.insert("x-taplo".to_owned(), json!({ "docs": { "enumValues": words } }));
        }
    }
}

/// The first paragraph of a documentation comment, without its links and line breaks.
fn for_tooltip(text: &str) -> String {
    let words = text.split("\n\n").next().unwrap_or_default();
    words.replace('\n', " ").replace("[`", "`").replace("`]", "`")
}
