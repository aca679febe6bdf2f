//! The command `cors`: checks policies, explains decisions, probes servers.

mod check;
mod code;
mod diff;
mod explain;
mod fetch;
mod findings;
mod fix;
mod message;
mod network;
mod page;
mod pattern;
mod probe;
mod public_suffixes;
mod report;
mod schema;
mod script;
mod server;
mod style;
mod summary;
mod tls;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

/// Check CORS policies, explain browser behavior, and diagnose a server's
/// responses
#[derive(Parser)]
#[command(
    name = "cors",
    version = version(),
    term_width = 80,
    after_help = "Exit status: 0 for yes, 1 for no (a policy is rejected, a \
                  browser blocks, two policies differ), 2 if unknown \
                  (wrong usage, an unreadable file, an unreachable server, a \
                  redirect)."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Check policy files: list all errors and warnings, and summarize each
    /// policy
    Check(Check),
    /// Simulate a browser: what it sends, how the policy responds, what
    /// happens next
    Explain(Explain),
    /// Send a running server what a browser would send, and diagnose its
    /// responses
    Probe(Probe),
    /// Show what NEW allows that OLD does not, and the reverse
    Diff(Diff),
    /// Print the JSON Schema of a policy file
    Schema,
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Write the manual pages
    Man {
        /// An existing directory; each subcommand gets a file
        directory: PathBuf,
    },
}

#[derive(Args)]
struct Check {
    /// Policy files; - for standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Treat warnings as errors
    #[arg(long)]
    deny_warnings: bool,
    /// Check wildcards against this public suffix list instead of the built-in
    /// one; download https://publicsuffix.org/list/public_suffix_list.dat
    #[arg(long, value_name = "FILE")]
    public_suffix_list: Option<PathBuf>,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
struct Explain {
    /// The policy file; - for standard input
    file: PathBuf,
    #[command(flatten)]
    script: Script,
    /// URL to fetch; used for same-origin and mixed-content checks, blocked
    /// ports, local networks and the console message
    #[arg(long)]
    url: Option<String>,
    /// Host that the server receives, if a proxy in front of it changes it
    /// [default: that of the URL]
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
    /// Sec-Fetch-Site that the server receives; "" for none [default: as
    /// browsers send it]
    #[arg(long, value_name = "VALUE")]
    fetch_site: Option<String>,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
struct Probe {
    /// URL to fetch, or a console message that contains it
    url: Option<String>,
    #[command(flatten)]
    script: Script,
    /// Trust the certificate authorities in this PEM file instead of the
    /// system's
    #[arg(long, value_name = "FILE")]
    cacert: Option<PathBuf>,
    /// Accept any certificate; browsers do not
    #[arg(long, conflicts_with = "cacert")]
    insecure: bool,
    /// Send only the preflight, e.g. if a DELETE must not run
    #[arg(long, conflicts_with_all = ["form", "websocket"])]
    preflight_only: bool,
    /// With --form: send POST requests with an empty body to the URL, as forms
    /// of the page, of an unrelated site, in a sandboxed frame and of the site
    /// itself would
    #[arg(long, requires = "form")]
    post: bool,
    /// Maximum time for each response
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 10,
        value_parser = clap::value_parser!(u64).range(1..=600)
    )]
    timeout: u64,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
struct Diff {
    /// Old policy file; - for standard input
    old: PathBuf,
    /// New policy file; - for standard input
    new: PathBuf,
    #[command(flatten)]
    output: Output,
}

/// What only a script's request has.
const OF_A_SCRIPT: [&str; 3] = ["headers", "credentials", "message"];

/// What a script on a page fetches, or what else the page sends.
#[derive(Args)]
struct Script {
    /// Origin of the page, such as https://app.example.com; required unless
    /// the console message contains it
    #[arg(long)]
    origin: Option<String>,
    /// Method, exactly as in the script [default: GET]
    #[arg(long)]
    method: Option<String>,
    /// Header that the script sets; a name alone has an empty value
    #[arg(long = "header", value_name = "NAME: VALUE")]
    headers: Vec<String>,
    /// The script uses credentials: "include"
    #[arg(long)]
    credentials: bool,
    /// A form on the page sends the request [default method: POST]
    #[arg(long, group = "initiator", conflicts_with_all = OF_A_SCRIPT)]
    form: bool,
    /// An image on the page sends the request
    #[arg(long, group = "initiator", conflicts_with_all = OF_A_SCRIPT, conflicts_with = "method")]
    image: bool,
    /// The page opens a WebSocket; so it does if the URL has ws:// or wss://
    #[arg(long, group = "initiator", conflicts_with_all = OF_A_SCRIPT, conflicts_with = "method")]
    websocket: bool,
    /// Read the origin, URL, method and header from a console message of
    /// Chromium, Firefox or Safari; - for standard input
    #[arg(long, value_name = "TEXT")]
    message: Option<String>,
}

#[derive(Args)]
struct Output {
    /// Output format; README.md documents the JSON
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    #[default]
    Text,
    Json,
}

/// What a command found: its report, and the answer to its question.
struct Report {
    text: String,
    answer: Answer,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Answer {
    Yes,
    No,
    /// There is no answer.
    Unknown,
}

/// Why there is no answer: one line.
type Failure = String;

fn main() -> ExitCode {
    let report = match Cli::parse().command {
        Command::Check(check) => check.run(),
        Command::Explain(explain) => explain.run(),
        Command::Probe(probe) => probe.run(),
        Command::Diff(diff) => diff.run(),
        Command::Schema => Ok(Report::yes(schema::schema())),
        Command::Completions { shell } => {
            let mut text = Vec::new();
            let mut command = Cli::command();
            clap_complete::generate(shell, &mut command, "cors", &mut text);
            Ok(Report::yes(String::from_utf8_lossy(&text).into_owned()))
        }
        Command::Man { directory } => {
            clap_mangen::generate_to(Cli::command(), &directory)
                .map(|()| Report::yes(String::new()))
                .map_err(|error| {
                    format!("cannot write to {}: {error}", whole(&directory))
                })
        }
    };
    let answer = match report {
        Ok(Report { text, answer }) => {
            // If the pipe is closed, nobody reads on.
            let _ = anstream::stdout().write_all(text.as_bytes());
            answer
        }
        Err(failure) => {
            let _ = writeln!(
                anstream::stderr(),
                "{}error:{:#} {failure}",
                style::BAD,
                style::BAD
            );
            Answer::Unknown
        }
    };
    ExitCode::from(answer as u8)
}

impl Report {
    fn yes(text: String) -> Self {
        Self { text, answer: Answer::Yes }
    }

    fn json(value: &impl serde::Serialize, answer: Answer) -> Self {
        let text = serde_json::to_string_pretty(value)
            .expect("every key is a string");
        // anstream drops control characters on output. This is the only one
        // that JSON does not escape.
        let text = text.replace('\x7f', "\\u007f");
        Self { text: text + "\n", answer }
    }
}

/// A file's bytes; `-` is standard input.
fn read(path: &std::path::Path) -> Result<Vec<u8>, Failure> {
    let bytes = if path.as_os_str() == "-" {
        let mut bytes = Vec::new();
        io::Read::read_to_end(&mut io::stdin(), &mut bytes).map(|_| bytes)
    } else {
        std::fs::read(path)
    };
    bytes.map_err(|error| format!("cannot read {}: {error}", whole(path)))
}

/// The absolute path, which shows where a relative one was looked for.
fn whole(path: &std::path::Path) -> String {
    let whole = std::path::absolute(path);
    whole.as_deref().unwrap_or(path).display().to_string()
}

fn version() -> String {
    format!(
        "{} (public suffix list of {})",
        env!("CARGO_PKG_VERSION"),
        cors::public_suffix_list_date()
    )
}
