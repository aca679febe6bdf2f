//! The command `cors`: checks policies, explains decisions, probes servers.

mod check;
mod code;
mod diff;
mod explain;
mod fetch;
mod findings;
mod message;
mod network;
mod policy_file;
mod probe;
mod public_suffixes;
mod report;
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

/// Says what a CORS policy means, what a browser does under it, and what is
/// wrong with the answers of a server.
#[derive(Parser)]
#[command(
    name = "cors",
    version = version(),
    term_width = 80,
    after_help = "Exit status: 0 for yes, 1 for no (a policy is refused, a \
                  browser blocks, two policies differ), 2 where nothing \
                  could be judged (wrong usage, a file that cannot be read, \
                  a server that does not answer)."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Checks policy files: every error and warning, and what they mean
    Check(Check),
    /// Plays the browser: what it sends under a policy, what it is answered,
    /// what it does then
    Explain(Explain),
    /// Sends what a browser would send to a running server, and judges its
    /// answers as a browser would
    Probe(Probe),
    /// What the policy NEW newly admits, and no longer admits
    Diff(Diff),
    /// Writes the JSON Schema of a policy file
    Schema,
    /// Writes what a shell needs to complete this command's arguments
    Completions {
        /// Which shell
        shell: Shell,
    },
    /// Writes the manual pages
    Man {
        /// The folder to write them to, one file for each subcommand
        folder: PathBuf,
    },
}

#[derive(Args)]
struct Check {
    /// Policy files; - for standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Takes warnings for errors
    #[arg(long)]
    deny_warnings: bool,
    /// Judge wildcards by this public suffix list instead of the built-in one:
    /// https://publicsuffix.org/list/public_suffix_list.dat
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
    /// URL that the script fetches, for what depends on it: the same origin,
    /// mixed content, blocked ports, the local network, the console's words
    #[arg(long)]
    url: Option<String>,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
struct Probe {
    /// URL that the script fetches, or the console's message in its place
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
    /// Sends preflights alone, as for a DELETE that must not happen
    #[arg(long)]
    preflight_only: bool,
    /// How many seconds each answer may take
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
    /// The policy file that was; - for standard input
    old: PathBuf,
    /// The policy file that is to be
    new: PathBuf,
    #[command(flatten)]
    output: Output,
}

/// What a script on a page asks the browser to fetch.
#[derive(Args)]
struct Script {
    /// The origin of the page: https://app.example.com; needed unless the
    /// console's message has it
    #[arg(long)]
    origin: Option<String>,
    /// The method, as the script writes it [default: GET]
    #[arg(long)]
    method: Option<String>,
    /// A header that the script sets; a name alone has an empty value
    #[arg(long = "header", value_name = "NAME: VALUE")]
    headers: Vec<String>,
    /// The script asks for cookies: credentials: "include"
    #[arg(long)]
    credentials: bool,
    /// Take what is not given from the message in the browser's console
    /// (Chromium's, Firefox's or Safari's); - for standard input
    #[arg(long, value_name = "TEXT")]
    message: Option<String>,
}

#[derive(Args)]
struct Output {
    /// Text for people, or JSON, whose members README.md lists
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
    /// Nothing could be judged.
    Unknown,
}

/// Why nothing could be judged: one line.
type Failure = String;

fn main() -> ExitCode {
    let report = match Cli::parse().command {
        Command::Check(check) => check.run(),
        Command::Explain(explain) => explain.run(),
        Command::Probe(probe) => probe.run(),
        Command::Diff(diff) => diff.run(),
        Command::Schema => Ok(Report::yes(policy_file::schema())),
        Command::Completions { shell } => {
            let mut text = Vec::new();
            let mut command = Cli::command();
            clap_complete::generate(shell, &mut command, "cors", &mut text);
            Ok(Report::yes(String::from_utf8_lossy(&text).into_owned()))
        }
        Command::Man { folder } => {
            clap_mangen::generate_to(Cli::command(), &folder)
                .map(|()| Report::yes(String::new()))
                .map_err(|error| {
                    format!("cannot write to {}: {error}", whole(&folder))
                })
        }
    };
    let answer = match report {
        Ok(Report { text, answer }) => {
            // Nobody reads on where the pipe is closed.
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
        // anstream, on its way out, drops what is for terminals; JSON leaves
        // this one of them as it is.
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

/// A path that says where a relative one was looked for.
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
