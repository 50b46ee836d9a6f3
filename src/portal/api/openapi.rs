//! `GET /api/v1/openapi.json`: the description of the API (OpenAPI 3.1), made from the table of routes and
//! from what clap knows of their commands.

use serde_json::{Map, Value, json};

use super::fields::{self, Form, Kind};
use super::routes::{self, Holder, ROUTES, Route};
use crate::domain::api_key::Scope;
use crate::portal::Visit;
use crate::portal::request::Method;
use crate::portal::response::{Response, Status};

pub(super) fn response(visit: &Visit) -> Response {
    let base = visit.base();
    Response::json(Status::Ok, &document(if base.is_empty() { "/" } else { &base }))
}

/// The whole description; `base` is where the portal answers.
pub fn document(base: &str) -> Value {
    let mut paths = Map::new();
    for route in ROUTES {
        let path = paths.entry(format!("/{}", route.path)).or_insert_with(|| json!({}));
        path[route.method.word().to_lowercase()] = operation(route);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "billing",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Answers are what the commands print with --json; an address may end with a slash.",
        },
        "servers": [{ "url": base }],
        "security": [{ "key": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": { "key": {
                "type": "http", "scheme": "bearer",
                "description": "A key of billing api-key create",
            } },
            "schemas": { "Error": error() },
            "responses": { "Error": {
                "description": "What is refused, and why",
                "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Error" } } },
            } },
        },
    })
}

fn error() -> Value {
    json!({
        "type": "object",
        "required": ["error"],
        "properties": { "error": {
            "type": "object",
            "required": ["code", "message", "hint"],
            "properties": {
                "code": { "type": "string" },
                "message": { "type": "string" },
                "hint": { "type": ["string", "null"] },
            },
        } },
    })
}

fn operation(route: &Route) -> Value {
    let is_pdf = route.path.ends_with(".pdf");
    let content = match is_pdf {
        true => json!({ "application/pdf": { "schema": { "type": "string" } } }),
        false => json!({ "application/json": { "schema": {} } }),
    };
    let answered = json!({ "description": route.answers.line().1, "content": content });
    let mut operation = json!({
        "operationId": operation_id(route),
        "summary": route.says,
        "responses": {
            route.answers.code().to_string(): answered,
            "default": { "$ref": "#/components/responses/Error" },
        },
    });
    match route.holder {
        Holder::Anyone => operation["security"] = json!([]),
        _ => operation["description"] = json!(whose(route)),
    }
    let mut parameters: Vec<Value> = routes::names(route.path)
        .into_iter()
        .map(|name| {
            json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } })
        })
        .collect();
    let fields = schemas(route);
    if route.method == Method::Get {
        for (name, schema, required) in fields {
            parameters.push(
                json!({ "name": name, "in": "query", "required": required, "schema": schema }),
            );
        }
    } else {
        parameters.push(json!({
            "name": "Idempotency-Key", "in": "header", "required": false,
            "description": "Asked again with it within 24 hours, the same is answered and nothing done",
            "schema": { "type": "string", "maxLength": 255 },
        }));
        if !fields.is_empty() {
            operation["requestBody"] = body(fields);
        }
    }
    if !parameters.is_empty() {
        operation["parameters"] = json!(parameters);
    }
    operation
}

fn body(fields: Vec<(String, Value, bool)>) -> Value {
    let required: Vec<_> = fields.iter().filter(|(.., r)| *r).map(|(n, ..)| n.clone()).collect();
    let properties: Map<String, Value> =
        fields.into_iter().map(|(name, schema, _)| (name, schema)).collect();
    let is_required = !required.is_empty();
    let mut schema = json!({
        "type": "object", "properties": properties, "additionalProperties": false,
    });
    if is_required {
        schema["required"] = json!(required);
    }
    json!({ "required": is_required, "content": { "application/json": { "schema": schema } } })
}

fn operation_id(route: &Route) -> String {
    let path = route.path.trim_start_matches("api/v1/");
    let words = path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let words: Vec<_> = words.collect();
    format!("{}_{}", route.method.word().to_lowercase(), words.join("_"))
}

fn whose(route: &Route) -> String {
    let scopes: Vec<_> = route.scopes.iter().map(|scope| scope.word()).collect();
    let scopes = scopes.into_iter().chain([Scope::Write.word()]).collect::<Vec<_>>().join(" or ");
    let whose = match route.holder {
        Holder::Customer => "A customer's key",
        Holder::Product => "A key without a customer",
        Holder::Both | Holder::Anyone => "Any key: a customer's for itself",
    };
    match route.verb {
        Some(verb) => {
            let noun = verb.noun.tree().get_name().to_owned();
            format!("{whose}, with the scope {scopes}. As `billing {noun} {}`.", verb.verb)
        }
        None => format!("{whose}, with the scope {scopes}."),
    }
}

/// The fields of a route: name, schema, and whether it is needed.
fn schemas(route: &Route) -> Vec<(String, Value, bool)> {
    let mut all = Vec::new();
    let named = routes::names(route.path);
    if let Some(verb) = route.verb {
        let form = Form::of(verb);
        for field in form.fields().iter().filter(|field| !named.contains(&field.name.as_str())) {
            let mut schema = schema(field.arg);
            if let Some(help) = field.arg.get_help() {
                schema["description"] = json!(fields::without_hyphens(&help.to_string()));
            }
            // A customer is the one whose key it is.
            let required = field.required && field.name != "tenant";
            all.push((field.name.clone(), schema, required));
        }
    }
    for (name, says) in route.also {
        let schema = match *name {
            "events" => json!({ "type": "array", "items": { "type": "object" } }),
            "preview" | "is_active" | "inactive" => json!({ "type": "boolean" }),
            "limit" => json!({ "type": "integer", "minimum": 1, "maximum": 100 }),
            _ => json!({ "type": "string" }),
        };
        let mut schema = schema;
        schema["description"] = json!(says);
        all.push(((*name).to_owned(), schema, false));
    }
    all
}

fn schema(arg: &clap::Arg) -> Value {
    let words: Vec<_> = arg.get_possible_values().iter().map(|v| v.get_name().to_owned()).collect();
    let one = match words.is_empty() {
        true => json!({ "type": ["string", "integer"] }),
        false => json!({ "type": "string", "enum": words }),
    };
    match fields::kind_of(arg) {
        Kind::Switch | Kind::Bool => json!({ "type": "boolean" }),
        Kind::One => one,
        Kind::Many => json!({ "oneOf": [one, { "type": "array", "items": one }] }),
        Kind::Pairs => {
            json!({ "type": "object", "additionalProperties": { "type": ["string", "integer", "null"] } })
        }
        Kind::Object => json!({ "type": "object" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_route_is_described_once() {
        let document = document("/");
        let mut ids = Vec::new();
        for route in ROUTES {
            let path = format!("/{}", route.path);
            let operation = &document["paths"][path.as_str()][route.method.word().to_lowercase()];
            assert_eq!(operation["summary"], route.says, "{path}");
            ids.push(operation["operationId"].to_string());
        }
        let count = ids.len();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), count);
        let text = document.to_string();
        for never in ["idempotency_key\"", "\"--", "rejects"] {
            assert!(!text.contains(never), "{never}");
        }
    }
}
