//! A policy file as its keys say it, for summaries, comparisons and editors.
//! What it may say is for the library to judge: only what it has loaded is
//! read here.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, transform};
use serde::Deserialize;
use serde_json::Value;

/// Which origins may read responses, and how.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "libcors policy")]
pub(crate) struct PolicyFile {
    /// Ignored; names this schema to editors.
    #[serde(default, rename = "$schema")]
    #[expect(dead_code, reason = "for the schema")]
    schema: String,
    /// Ignored; for people.
    #[serde(default)]
    #[expect(dead_code, reason = "for the schema")]
    description: String,
    /// Who may read responses: https://app.example.com,
    /// https://*.example.com (one label), https://**.example.com (one or more
    /// labels), http://localhost:* (any port), or * alone.
    #[schemars(length(min = 1), inner(length(min = 1)))]
    pub(crate) allow_origins: Vec<String>,
    /// Cookies and HTTP authentication.
    #[serde(default)]
    pub(crate) allow_credentials: bool,
    /// Methods beyond GET, HEAD and POST, which the protocol always allows;
    /// or * alone.
    #[serde(default)]
    #[schemars(inner(regex(pattern = r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")))]
    pub(crate) allow_methods: Vec<String>,
    /// Request headers beyond what browsers send unasked. Content-Type must
    /// be named for JSON bodies; * never covers Authorization.
    #[serde(default)]
    #[schemars(inner(regex(pattern = r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")))]
    pub(crate) allow_headers: Vec<String>,
    /// Response headers that scripts may read; or * alone.
    #[serde(default)]
    #[schemars(inner(regex(pattern = r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")))]
    pub(crate) expose_headers: Vec<String>,
    /// Seconds for which browsers keep a preflight's answer; without it they
    /// keep 5.
    #[serde(default)]
    #[schemars(with = "u32", range(max = 86400))]
    pub(crate) max_age: Option<u32>,
    /// The status of a preflight's answer.
    #[serde(default = "preflight_status")]
    #[schemars(extend("enum" = [200, 204]))]
    pub(crate) preflight_status: u16,
    /// Switches refusals off, for the patterns that it names.
    #[serde(default)]
    #[expect(dead_code, reason = "for the schema")]
    dangerously_allow: Dangers,
}

/// What is refused unless it stands here.
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
    /// With credentials: wildcards that match a name which a stranger could
    /// register.
    #[serde(default)]
    public_suffix_wildcards: Vec<String>,
    /// Nothing: loopback origins that are meant, such as those of Tauri, which
    /// with credentials are warned of otherwise.
    #[serde(default)]
    loopback_origins: Vec<String>,
}

impl PolicyFile {
    /// Reads what the library has loaded.
    pub(crate) fn of_loaded(json: &[u8]) -> Self {
        let mut file: Self = serde_json::from_slice(json)
            .expect("what the library loads has this form");
        // The library drops these: browsers never ask for them.
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
            // These say nothing about JSON.
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
