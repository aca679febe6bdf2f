//! The JSON Schema of a policy file, made of the library's keys. Editors know
//! draft 7 best.

use cors::{KEYS, Key, KeyDefault, RULES_MAX, Values};
use serde_json::{Map, Value, json};

pub(crate) fn schema() -> String {
    let mut schema = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "libcors policy",
        "description": "Which origins may read responses, and how.",
    });
    schema.as_object_mut().expect("it is one").extend(policy());
    let text = serde_json::to_string_pretty(&schema);
    text.expect("every key is a string") + "\n"
}

/// The keys of a rule are in the rules, if there are any.
fn policy() -> Map<String, Value> {
    let rules = KEYS.iter().find_map(|key| {
        let name = key.name();
        if let Values::Rules(of) = key.values {
            Some((name, of))
        } else {
            None
        }
    });
    let (rules, rule_keys) = rules.expect("a policy can have rules");
    let of_rules = rule_keys.iter().filter(|key| {
        // A rule has a description of its own.
        !matches!(key.values, Values::Text)
    });
    let excluded: Map<String, Value> =
        of_rules.map(|key| (key.name().to_owned(), json!(false))).collect();
    let mut policy = object(KEYS);
    let required = policy.remove("required");
    policy.extend([
        ("if".to_owned(), json!({ "required": [rules] })),
        ("then".to_owned(), json!({ "properties": excluded })),
        ("else".to_owned(), json!({ "required": required })),
    ]);
    policy
}

fn object(keys: &[&Key]) -> Map<String, Value> {
    let properties: Map<String, Value> = keys
        .iter()
        .map(|key| (key.name().to_owned(), Value::Object(property(key))))
        .collect();
    let required: Vec<&str> = keys
        .iter()
        .filter(|key| matches!(key.default, KeyDefault::Required))
        .map(|key| key.name())
        .collect();
    let mut object = Map::from_iter([
        ("type".to_owned(), json!("object")),
        ("properties".to_owned(), properties.into()),
        ("additionalProperties".to_owned(), json!(false)),
    ]);
    if !required.is_empty() {
        object.insert("required".to_owned(), json!(required));
    }
    object
}

fn property(key: &Key) -> Map<String, Value> {
    let values = match key.values {
        Values::Text => json!({ "type": "string" }),
        Values::Boolean => json!({ "type": "boolean" }),
        Values::Seconds(max) => {
            json!({ "type": "integer", "minimum": 0, "maximum": max })
        }
        Values::Status(statuses) => json!({ "enum": statuses }),
        Values::Origins | Values::ExactOrigins => json!({
            "type": "array",
            "minItems": 1,
            "items": { "type": "string", "minLength": 1 },
        }),
        Values::Patterns => {
            json!({ "type": "array", "items": { "type": "string" } })
        }
        Values::Names => json!({
            "type": "array",
            "items": {
                "type": "string",
                // <https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2>
                "pattern": "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$",
            },
        }),
        Values::Choices(words) => json!({
            "type": "array",
            "items": { "enum": words },
        }),
        Values::Rules(keys) => json!({
            "type": "array",
            "minItems": 1,
            "maxItems": RULES_MAX,
            "items": object(keys),
        }),
        Values::Object(keys) => Value::Object(object(keys)),
    };
    let mut property = Map::new();
    property.insert("description".to_owned(), json!(key.meaning));
    if let Value::Object(values) = values {
        property.extend(values);
    }
    if let KeyDefault::Json(default) = key.default {
        let default = serde_json::from_str(default).expect("it is JSON");
        property.insert("default".to_owned(), default);
    }
    property
}
