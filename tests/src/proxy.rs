//! A proxy that loses messages. The server's own fail points cannot execute a command and then lose the reply.

use std::io::Result;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use mongodb::bson::{Document, RawDocument};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// The operation code of `OP_MSG`, which all commands use.
pub(crate) const OP_MSG: [u8; 4] = 2013_u32.to_le_bytes();

/// What happens to a selected command. Its connection is always closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// The command never reaches the server.
    Request,
    /// The server executes the command, but the client gets no reply.
    Reply,
    /// The network is cut when the command is sent, and [`Proxy::deliver`] delivers it to the server.
    Delayed,
}

/// Selects commands, counted from 1 without handshakes and monitoring.
#[derive(Clone, Debug)]
pub enum Strike {
    /// These commands.
    Any(RangeInclusive<usize>),
    /// These commands among those with the name.
    Named(&'static str, RangeInclusive<usize>),
}

/// A proxy for one server. It closes with the runtime of its test.
#[derive(Clone, Debug)]
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    server: u16,
    strike: Strike,
    lost: Lost,
    commands: Mutex<Vec<String>>,
    cut: watch::Sender<bool>,
    /// The delayed command.
    delayed: watch::Sender<Option<Vec<u8>>>,
}

impl Proxy {
    /// Creates a proxy for the server at this port of 127.0.0.1.
    pub async fn to(server: u16, strike: Strike, lost: Lost) -> Self {
        Self::at(0, server, strike, lost).await
    }

    /// Creates a proxy that listens on a given port, to which clients may have failed to connect so far.
    pub async fn at(port: u16, server: u16, strike: Strike, lost: Lost) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (cut, delayed) = (watch::Sender::new(false), watch::Sender::new(None));
        let shared = Arc::new(Shared { server, strike, lost, commands: Mutex::default(), cut, delayed });
        let proxy = Self { port, shared: shared.clone() };
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let shared = shared.clone();
                // An error here means a closed connection, which both sides notice.
                tokio::spawn(async move { shared.lead(client).await });
            }
        });
        proxy
    }

    /// Cuts the network: nothing passes in either direction, and no connection closes.
    pub fn cut(&self) {
        self.shared.cut.send_replace(true);
    }

    /// Restores the network, and delivers the pending messages.
    pub fn mend(&self) {
        self.shared.cut.send_replace(false);
    }

    /// Waits until a command is delayed.
    pub async fn delays(&self) {
        // The sender is part of this value, so it cannot be dropped.
        let _ = self.shared.delayed.subscribe().wait_for(Option::is_some).await;
    }

    /// Delivers the delayed command to the server, and returns the reply.
    pub async fn deliver(&self) -> Document {
        let command = self.shared.delayed.send_replace(None).expect("a command that is delayed");
        let mut server = TcpStream::connect(("127.0.0.1", self.shared.server)).await.unwrap();
        server.write_all(&command).await.unwrap();
        let reply = message(&mut server).await.unwrap();
        Document::try_from(body(&reply).expect("a reply")).unwrap()
    }

    /// Returns the connection string of the proxy.
    #[must_use]
    pub fn uri(&self) -> String {
        format!("mongodb://127.0.0.1:{}/?directConnection=true", self.port)
    }

    /// Returns the commands so far, including the selected ones.
    #[must_use]
    pub fn commands(&self) -> Vec<String> {
        self.shared.commands.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Shared {
    async fn lead(&self, mut client: TcpStream) -> Result<()> {
        let mut server = TcpStream::connect(("127.0.0.1", self.server)).await?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        let last = AtomicBool::new(false);
        // When one direction ends, both connections close.
        tokio::select! {
            done = self.requests(from_client, to_server, &last) => done,
            done = self.replies(from_server, to_client, &last) => done,
        }
    }

    async fn requests(&self, mut client: ReadHalf<'_>, mut server: WriteHalf<'_>, last: &AtomicBool) -> Result<()> {
        loop {
            let message = message(&mut client).await?;
            self.whole().await;
            if self.is_struck(&message) {
                match self.lost {
                    Lost::Request => return Ok(()),
                    Lost::Reply => last.store(true, Ordering::SeqCst),
                    Lost::Delayed => {
                        self.cut.send_replace(true);
                        self.delayed.send_replace(Some(message));
                        return Ok(());
                    }
                }
            }
            server.write_all(&message).await?;
        }
    }

    async fn replies(&self, mut server: ReadHalf<'_>, mut client: WriteHalf<'_>, last: &AtomicBool) -> Result<()> {
        loop {
            let message = message(&mut server).await?;
            self.whole().await;
            if last.load(Ordering::SeqCst) {
                return Ok(());
            }
            client.write_all(&message).await?;
        }
    }

    /// Waits until the network is not cut.
    async fn whole(&self) {
        // The sender is part of this value, so it cannot be dropped.
        let _ = self.cut.subscribe().wait_for(|cut| !cut).await;
    }

    fn is_struck(&self, message: &[u8]) -> bool {
        let Some(command) = command(message) else { return false };
        let mut commands = self.commands.lock().unwrap_or_else(PoisonError::into_inner);
        commands.push(command.to_owned());
        match &self.strike {
            Strike::Any(places) => places.contains(&commands.len()),
            Strike::Named(name, places) => {
                command == *name && places.contains(&commands.iter().filter(|sent| sent == name).count())
            }
        }
    }
}

/// Reads a whole message, which starts with its length.
pub(crate) async fn message(from: &mut (impl AsyncRead + Unpin)) -> Result<Vec<u8>> {
    let length = from.read_u32_le().await?;
    let mut message = vec![0; length as usize];
    message[..4].copy_from_slice(&length.to_le_bytes());
    from.read_exact(&mut message[4..]).await?;
    Ok(message)
}

/// Returns the name of the command, if it counts.
fn command(message: &[u8]) -> Option<&str> {
    const NOT_COUNTED: [&str; 5] = ["hello", "isMaster", "ismaster", "ping", "endSessions"];
    let (name, _) = body(message)?.into_iter().next()?.ok()?;
    // A `str` in bson 2, a separate type in bson 3.
    let name = AsRef::<str>::as_ref(name);
    Some(name).filter(|name| !NOT_COUNTED.contains(name))
}

/// Returns the document of an `OP_MSG`, after the header, the flags and the kind of the first section.
pub(crate) fn body(message: &[u8]) -> Option<&RawDocument> {
    if message.get(12..16)? != OP_MSG || *message.get(20)? != 0 {
        return None;
    }
    let length = u32::from_le_bytes(message.get(21..25)?.try_into().ok()?) as usize;
    RawDocument::from_bytes(message.get(21..21 + length)?).ok()
}
