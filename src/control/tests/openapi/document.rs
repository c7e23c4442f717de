//! The description as a document, from the table and the types.

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::operations::{self, Answered, Operation, Sent};
use crate::control::version;
use crate::control::wire::Answer;

const INTRODUCTION: &str = "\
On the control socket, and over TCP where `[control] http` says so: there with the token of its \
`token_file`, or read-only for the machine itself. Paths under /v1 stay: members may be added to \
answers, and nothing that is there changes its name, its type or its meaning, nor does a request that \
is understood cease to be. What breaks that would be /v2, beside it.";

pub(super) fn make() -> Value {
    let mut generator = generator(false);
    let mut paths: Map<String, Value> = Map::new();
    for operation in operations::all() {
        let described = describe(&operation, &mut generator);
        let at = paths.entry(operation.path).or_insert_with(|| json!({}));
        at[operation.method.to_lowercase()] = described;
    }
    let answer = generator.subschema_for::<Answer>();
    let mut schemas: Map<String, Value> = generator.take_definitions(true);
    schemas.insert(
        "Error".to_owned(),
        json!({
            "type": "object",
            "properties": { "error": { "type": "string" } },
            "required": ["error"],
        }),
    );
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "pilothouse",
            "version": version::OURS,
            "description": INTRODUCTION,
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "security": [{}, { "token": [] }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
            "responses": responses(&answer.to_value()),
        },
    });
    bound(&mut document);
    document
}

fn generator(is_inline: bool) -> SchemaGenerator {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.meta_schema = None;
        settings.definitions_path = "/components/schemas".into();
        settings.inline_subschemas = is_inline;
    });
    // What is sent is described as it is read, what is answered as it is written.
    let settings = if is_inline { settings } else { settings.for_serialize() };
    settings.into_generator()
}

fn describe(operation: &Operation, generator: &mut SchemaGenerator) -> Value {
    let content = |kind: &str, schema: Value| json!({ kind: { "schema": schema } });
    let answer = match &operation.answered {
        Answered::Json(make) => content("application/json", make(generator).to_value()),
        Answered::Lines(make) => {
            let line = make(generator).to_value();
            let schema = json!({ "type": "string", "description": "one document a line" });
            json!({ "application/x-ndjson": { "schema": schema, "x-line": line } })
        }
        Answered::Metrics => content("text/plain", json!({ "type": "string" })),
        Answered::Description => content("application/json", json!({ "type": "object" })),
        Answered::Outcome => Value::Null,
    };
    let mut responses = json!({});
    let mut refer = |status: &str, name: &str| {
        responses[status] = json!({ "$ref": format!("#/components/responses/{name}") });
    };
    refer("default", "Failed");
    if answer.is_null() {
        refer("200", "Done");
        refer("404", "Unknown");
        refer("409", "Refused");
    } else {
        responses["200"] = json!({ "description": operation.summary, "content": answer });
    }
    let mut described = json!({
        "operationId": operation.id(),
        "summary": operation.summary,
        "responses": responses,
    });
    let parameters = parameters(operation);
    if !parameters.is_empty() {
        described["parameters"] = Value::Array(parameters);
    }
    match &operation.sent {
        Sent::Nothing => {}
        Sent::Json(make) => {
            let mut schema = make(&mut self::generator(true)).to_value();
            if let Some(signal) = schema.pointer_mut("/properties/signal") {
                let number = json!({ "type": "integer", "format": "uint32", "minimum": 0 });
                *signal = json!({ "anyOf": [{ "type": "string" }, number] });
            }
            if operation.path.ends_with("/remove") {
                // What is off at once has no time to drain.
                let both = json!({ "now": { "const": true }, "timeout_ms": { "type": "integer" } });
                schema.as_object_mut().expect("an object").insert(
                    "not".to_owned(),
                    json!({ "properties": both, "required": ["now", "timeout_ms"] }),
                );
            }
            let is_required = schema.get("required").is_some();
            let body = content("application/json", schema);
            described["requestBody"] = json!({ "required": is_required, "content": body });
        }
        Sent::Bytes => {
            let body = content("application/octet-stream", json!({}));
            described["requestBody"] = json!({ "required": false, "content": body });
        }
    }
    described
}

fn parameters(operation: &Operation) -> Vec<Value> {
    let chosen = operation.path.split('/').filter_map(|segment| {
        let name = segment.strip_prefix('{')?.strip_suffix('}')?;
        let schema = match name {
            "instance" => json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX }),
            _ => json!({ "type": "string", "minLength": 1 }),
        };
        Some(json!({ "name": name, "in": "path", "required": true, "schema": schema }))
    });
    let asked = operation.parameters.iter().map(|parameter| {
        json!({
            "name": parameter.name,
            "in": "query",
            "description": parameter.description,
            "schema": parameter.schema,
        })
    });
    chosen.chain(asked).collect()
}

fn responses(answer: &Value) -> Value {
    let error = json!({ "$ref": "#/components/schemas/Error" });
    let with = |description: &str, schema: &Value| {
        json!({
            "description": description,
            "content": { "application/json": { "schema": schema } },
        })
    };
    json!({
        "Done": with("the state asked for holds", answer),
        "Refused": with("not done, and why", answer),
        "Unknown": with("no such thing", &json!({ "anyOf": [answer, error] })),
        "Failed": with("not understood, not permitted, or not answered", &error),
    })
}

/// Numbers have the bounds of their types.
fn bound(value: &mut Value) {
    match value {
        Value::Object(object) => {
            let most = match object.get("format").and_then(Value::as_str) {
                Some("uint8") => Some(json!(u8::MAX)),
                Some("uint16") => Some(json!(u16::MAX)),
                Some("uint32") => Some(json!(u32::MAX)),
                Some("uint64" | "uint") => Some(json!(u64::MAX)),
                _ => None,
            };
            if let Some(most) = most {
                object.insert("maximum".to_owned(), most);
            }
            object.values_mut().for_each(bound);
        }
        Value::Array(items) => items.iter_mut().for_each(bound),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
