//! A policy file by its keys, for summaries, comparisons and editors. Only the
//! library checks policies: what is read here is what it has loaded.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, transform};
use serde::Deserialize;
use serde_json::Value;

/// Which origins may read responses, and how.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "libcors policy")]
pub(crate) struct PolicyFile {
    /// Ignored; tells editors where this schema is.
    #[serde(default, rename = "$schema")]
    #[expect(dead_code, reason = "for the schema")]
    schema: String,
    /// Ignored; a note for people.
    #[serde(default)]
    #[expect(dead_code, reason = "for the schema")]
    description: String,
    /// The origins that may read responses: https://app.example.com,
    /// https://*.example.com (one label), https://**.example.com (one or more
    /// labels), http://localhost:* (any port), or * alone.
    #[schemars(length(min = 1), inner(length(min = 1)))]
    pub(crate) allow_origins: Vec<String>,
    /// Cookies and HTTP authentication.
    #[serde(default)]
    pub(crate) allow_credentials: bool,
    /// Methods in addition to GET, HEAD and POST, which CORS always allows;
    /// or * alone.
    #[serde(default)]
    #[schemars(inner(regex(pattern = r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")))]
    pub(crate) allow_methods: Vec<String>,
    /// Request headers in addition to the CORS-safelisted ones. List
    /// Content-Type for JSON bodies; * never covers Authorization.
    #[serde(default)]
    #[schemars(inner(regex(pattern = r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")))]
    pub(crate) allow_headers: Vec<String>,
    /// Response headers that scripts may read; or * alone.
    #[serde(default)]
    #[schemars(inner(regex(pattern = r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")))]
    pub(crate) expose_headers: Vec<String>,
    /// Seconds for which browsers cache a preflight's response; 5 by default.
    #[serde(default)]
    #[schemars(with = "u32", range(max = 86400))]
    pub(crate) max_age: Option<u32>,
    /// The status of a preflight's response.
    #[serde(default = "preflight_status")]
    #[schemars(extend("enum" = [200, 204]))]
    pub(crate) preflight_status: u16,
    /// Exempts the listed patterns from a check.
    #[serde(default)]
    #[expect(dead_code, reason = "for the schema")]
    dangerously_allow: Dangers,
}

/// What is rejected unless it is listed here.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "for the schema")]
struct Dangers {
    /// The pattern null, which every sandboxed iframe can send.
    #[serde(default)]
    null_origin: bool,
    /// With credentials: http origins other than loopback ones.
    #[serde(default)]
    insecure_origins: Vec<String>,
    /// With credentials: wildcards that match a name that anyone could
    /// register.
    #[serde(default)]
    public_suffix_wildcards: Vec<String>,
    /// Intended loopback origins, such as Tauri's, which trigger a warning with
    /// credentials otherwise.
    #[serde(default)]
    loopback_origins: Vec<String>,
}

impl PolicyFile {
    /// Reads a policy that the library has loaded.
    pub(crate) fn of_loaded(json: &[u8]) -> Self {
        let mut file: Self = serde_json::from_slice(json)
            .expect("what the library loads has these keys");
        // The library drops these, which no script can set.
        file.allow_headers.retain(|name| {
            let lower = name.to_ascii_lowercase();
            !cors::is_forbidden_request_header(lower.as_bytes())
        });
        file
    }
}

/// The JSON Schema of a policy file, for editors.
pub(crate) fn schema() -> String {
    // Editors know this version best.
    let settings = SchemaSettings::draft07().with_transform(
        transform::RecursiveTransform(|schema: &mut Schema| {
            // Rust's types say nothing about JSON.
            schema.remove("format");
            schema.remove("default");
            // The comments above, in one line.
            if let Some(Value::String(text)) = schema.get_mut("description") {
                *text = text.replace('\n', " ");
            }
        }),
    );
    let schema =
        settings.into_generator().into_root_schema_for::<PolicyFile>();
    let text = serde_json::to_string_pretty(&schema);
    text.expect("every key is a string") + "\n"
}

fn preflight_status() -> u16 {
    204
}
