//! Servers on the loopback interface, each with the responses of a test.
#![allow(dead_code, reason = "no test uses all of it")]

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// A request as it came.
#[derive(Clone, Debug, Default)]
pub struct Request {
    pub method: String,
    pub target: String,
    pub headers: Vec<(String, String)>,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// A server that runs until the test ends. It is its own proxy: CONNECT leads
/// to itself.
pub struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    pub fn start(
        answer: impl Fn(&Request) -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        let (listener, address) = listen();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        let answer = Arc::new(answer);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                thread::spawn(move || {
                    let mut reader = BufReader::new(stream);
                    while let Some(request) = read(&mut reader) {
                        let bytes = if request.method == "CONNECT" {
                            b"HTTP/1.1 200 OK\r\n\r\n".to_vec()
                        } else {
                            let bytes = answer(&request);
                            seen.lock().unwrap().push(request);
                            bytes
                        };
                        if reader.get_mut().write_all(&bytes).is_err() {
                            break;
                        }
                    }
                });
            }
        });
        Self { address, requests }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What came so far.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

pub fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    (listener, address)
}

/// A response without a body.
pub fn answer(status: u16, headers: &[(&str, &str)]) -> Vec<u8> {
    let mut text = format!("HTTP/1.1 {status} Answer\r\n");
    for (name, value) in headers {
        text += &format!("{name}: {value}\r\n");
    }
    if status != 204 {
        text += "Content-Length: 0\r\n";
    }
    (text + "\r\n").into_bytes()
}

/// The response to a blocked request.
pub fn blocked() -> Vec<u8> {
    let body = cors::BLOCKED_BODY;
    format!(
        "HTTP/1.1 403 Forbidden\r\nVary: origin\r\nCache-Control: no-store\r\n\
         Content-Type: text/plain\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut line = || {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|&len| len > 0)?;
        Some(line.trim_end().to_owned())
    };
    let first = line()?;
    let mut words = first.split(' ');
    let (method, target) = (words.next()?.into(), words.next()?.into());
    let mut headers = Vec::new();
    loop {
        let line = line()?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    let request = Request { method, target, headers };
    skip_body(reader, &request)?;
    Some(request)
}

/// Reads on to the end of the message: what is left of one request must not
/// be taken for the next.
/// <https://www.rfc-editor.org/rfc/rfc9112#section-6.3>
fn skip_body(
    reader: &mut BufReader<TcpStream>,
    request: &Request,
) -> Option<()> {
    fn skip(reader: &mut impl Read, len: u64) -> Option<()> {
        let skipped = io::copy(&mut reader.take(len), &mut io::sink());
        (skipped.ok()? == len).then_some(())
    }
    if let Some(len) = request.header("content-length") {
        return skip(reader, len.parse().ok()?);
    }
    if request.header("transfer-encoding").is_none() {
        return Some(());
    }
    // Chunks, each with a line of its size before it and an empty one behind.
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let size = u64::from_str_radix(line.trim_end(), 16).ok()?;
        skip(reader, size + 2)?;
        if size == 0 {
            return Some(());
        }
    }
}
