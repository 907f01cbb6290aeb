//! The service stops on a signal, regardless of its clients.

use std::process::Stdio;
use std::time::{Duration, Instant};

use mongrate_testkit::mongod::Mongod;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

/// Much more than the few seconds that requests get. A service that waits for its clients would never end.
const SOON: Duration = Duration::from_secs(20);

struct Service {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    address: String,
}

impl Service {
    async fn start(server: &Mongod) -> Self {
        let uri = server.uri().replacen("/?", "/sample?", 1);
        let mut program = Command::new(env!("CARGO_BIN_EXE_sample-app"));
        program.env("MONGODB_URI", uri).env("PORT", "0").stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = program.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let serving = Self::line(&mut lines, "Serving on http://").await;
        let address = serving.split_once("http://").unwrap().1.split(' ').next().unwrap().to_owned();
        Self { child, lines, address }
    }

    async fn line(lines: &mut Lines<BufReader<ChildStdout>>, text: &str) -> String {
        while let Some(line) = lines.next_line().await.unwrap() {
            if line.contains(text) {
                return line;
            }
        }
        panic!("it ended before it said '{text}'");
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(&self.address).await.unwrap()
    }

    async fn signal(&self, name: &str) {
        let pid = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &pid]).status().await.unwrap().success());
    }

    async fn says(&mut self, text: &str) {
        Self::line(&mut self.lines, text).await;
    }

    async fn ends_with(mut self, code: i32) {
        let began = Instant::now();
        let status = timeout(SOON, self.child.wait()).await.expect("it does not end").unwrap();
        println!("ended after {:?}", began.elapsed());
        assert_eq!(status.code(), Some(code), "{status}");
    }
}

/// A client with a keep-alive connection.
async fn kept_alive(service: &Service) -> TcpStream {
    let mut stream = service.connect().await;
    stream.write_all(b"GET /roles HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    assert!(stream.read(&mut [0; 64]).await.unwrap() > 0);
    stream
}

/// A client that never completes its request.
async fn half_a_request(service: &Service) -> TcpStream {
    let mut stream = service.connect().await;
    stream.write_all(b"GET /roles HTTP/1.1\r\nHost: local").await.unwrap();
    stream
}

/// A client whose request the service reads and that never sends the rest of it.
async fn request_in_progress(service: &Service) -> TcpStream {
    let mut stream = service.connect().await;
    let head = "POST /system/database/session HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\n\
                Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(str::from_utf8(&answer), Ok("HTTP/1.1 100"));
    stream
}

#[tokio::test]
async fn clients_do_not_keep_it() {
    let server = Mongod::start().await.unwrap();
    for signal in ["TERM", "INT"] {
        let service = Service::start(&server).await;
        let clients = (kept_alive(&service).await, half_a_request(&service).await, service.connect().await);
        service.signal(signal).await;
        service.ends_with(0).await;
        drop(clients);
    }
    server.shutdown().await;
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let server = Mongod::start().await.unwrap();
    let mut service = Service::start(&server).await;
    let client = request_in_progress(&service).await;
    service.signal("INT").await;
    service.says("Stopping.").await;
    service.signal("INT").await;
    service.ends_with(130).await;
    drop(client);
    server.shutdown().await;
}
