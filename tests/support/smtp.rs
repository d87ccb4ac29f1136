//! A mail server that fails as it is told.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// Where a conversation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Greeting,
    Hello,
    Login,
    MailFrom,
    RcptTo,
    Data,
    /// After the mail's last line.
    Content,
}

/// How it fails.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// Answers this at a step.
    Answer(Step, &'static str),
    /// Says nothing more from a step on.
    Stall(Step),
    /// Hangs up at a step.
    HangUp(Step),
    /// Hangs up when it has seen a part of the mail.
    HangUpInContent,
    /// Keeps the mail, and hangs up instead of saying so.
    TakeAndHangUp,
    /// Keeps the mail, and does not say so.
    TakeAndStall,
    /// Takes this long for each answer.
    Slow(Duration),
}

/// A mail that it took.
#[derive(Clone, Debug)]
pub struct Taken {
    pub from: String,
    pub to: Vec<String>,
    pub data: Vec<u8>,
    pub was_encrypted: bool,
}

#[derive(Default)]
struct State {
    fault: Option<Fault>,
    taken: Vec<Taken>,
    conversations: usize,
    logins: Vec<(String, String)>,
    commands: Vec<String>,
    greeting: String,
}

/// How it protects its connections.
#[derive(Clone)]
pub enum Protection {
    Plain,
    /// Offers STARTTLS, and takes no mail before.
    Starttls(Arc<ServerConfig>),
    /// TLS from the first byte.
    Tls(Arc<ServerConfig>),
}

/// A certificate for some names, signed by itself, with what trusts it.
pub fn certificate(names: &[&str]) -> (Arc<ServerConfig>, String) {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    (Arc::new(config), made.cert.pem())
}

/// A mail server on this machine; it goes on until the test ends.
#[derive(Clone)]
pub struct SmtpServer {
    pub port: u16,
    state: Arc<Mutex<State>>,
    mechanisms: &'static str,
}

impl SmtpServer {
    pub async fn start() -> Self {
        Self::start_as(0, Protection::Plain, "PLAIN LOGIN").await
    }

    pub async fn protected(protection: Protection) -> Self {
        Self::start_as(0, protection, "PLAIN LOGIN").await
    }

    /// On a port of one's choice, with some ways to log in.
    pub async fn start_as(port: u16, protection: Protection, mechanisms: &'static str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = Self { port, state: Arc::default(), mechanisms };
        let serving = server.clone();
        actix_rt::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (server, protection) = (serving.clone(), protection.clone());
                actix_rt::spawn(async move {
                    server.state.lock().unwrap().conversations += 1;
                    // A conversation that breaks off is what the tests are about.
                    drop(server.serve(stream, protection).await);
                });
            }
        });
        server
    }

    /// From now on it fails so.
    pub fn fail(&self, fault: Fault) {
        self.state.lock().unwrap().fault = Some(fault);
    }

    /// From now on it works.
    pub fn mend(&self) {
        self.state.lock().unwrap().fault = None;
    }

    /// The mails that it took.
    pub fn taken(&self) -> Vec<Taken> {
        self.state.lock().unwrap().taken.clone()
    }

    pub fn conversations(&self) -> usize {
        self.state.lock().unwrap().conversations
    }

    /// Names and passwords that were given.
    pub fn logins(&self) -> Vec<(String, String)> {
        self.state.lock().unwrap().logins.clone()
    }

    /// The commands that came in plain text or not, in order.
    pub fn commands(&self) -> Vec<String> {
        self.state.lock().unwrap().commands.clone()
    }

    /// How it was greeted last.
    pub fn greeting(&self) -> String {
        self.state.lock().unwrap().greeting.clone()
    }

    fn fault(&self) -> Option<Fault> {
        self.state.lock().unwrap().fault
    }

    async fn serve(&self, stream: tokio::net::TcpStream, protection: Protection) -> io::Result<()> {
        match protection {
            Protection::Plain => {
                self.converse(BufReader::new(stream), false, false, true).await?;
            }
            Protection::Tls(config) => {
                let stream = TlsAcceptor::from(config).accept(stream).await?;
                self.converse(BufReader::new(stream), false, true, false).await?;
            }
            Protection::Starttls(config) => {
                let Some(stream) = self.converse(BufReader::new(stream), true, false, true).await?
                else {
                    return Ok(());
                };
                let stream = TlsAcceptor::from(config).accept(stream.into_inner()).await?;
                self.converse(BufReader::new(stream), false, true, true).await?;
            }
        }
        Ok(())
    }

    /// Gives the stream back when TLS shall begin.
    async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        mut io: BufReader<S>,
        offers_tls: bool,
        is_encrypted: bool,
        was_plain: bool,
    ) -> io::Result<Option<BufReader<S>>> {
        // After STARTTLS there is no second greeting.
        if !(is_encrypted && was_plain) {
            self.answer(&mut io, Step::Greeting, "220 mail.test ready").await?;
        }
        let (mut from, mut to) = (String::new(), Vec::new());
        loop {
            let mut line = String::new();
            if io.read_line(&mut line).await? == 0 {
                return Ok(None);
            }
            let line = line.trim_end().to_owned();
            let word = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
            self.state.lock().unwrap().commands.push(word.clone());
            match word.as_str() {
                "EHLO" | "HELO" => {
                    line.trim_end().clone_into(&mut self.state.lock().unwrap().greeting);
                    let tls = if offers_tls { "250-STARTTLS\r\n" } else { "" };
                    let answer = format!(
                        "250-mail.test\r\n{tls}250-8BITMIME\r\n250 AUTH {}",
                        self.mechanisms
                    );
                    self.answer(&mut io, Step::Hello, &answer).await?;
                }
                "STARTTLS" if offers_tls => {
                    say(&mut io, "220 go on").await?;
                    return Ok(Some(io));
                }
                "AUTH" => self.log_in(&mut io, &line).await?,
                "MAIL" if offers_tls => say(&mut io, "530 STARTTLS first").await?,
                "MAIL" => {
                    (from, to) = (line.clone(), Vec::new());
                    self.answer(&mut io, Step::MailFrom, "250 ok").await?;
                }
                "RCPT" => {
                    to.push(line.clone());
                    self.answer(&mut io, Step::RcptTo, "250 ok").await?;
                }
                "DATA" => {
                    if self.answer(&mut io, Step::Data, "354 go on").await? {
                        let data = self.content(&mut io).await?;
                        let mail = Taken {
                            from: from.clone(),
                            to: to.clone(),
                            data,
                            was_encrypted: is_encrypted,
                        };
                        self.take(&mut io, mail).await?;
                    }
                }
                "NOOP" | "RSET" => say(&mut io, "250 ok").await?,
                "QUIT" => {
                    say(&mut io, "221 bye").await?;
                    return Ok(None);
                }
                _ => say(&mut io, "502 what?").await?,
            }
        }
    }

    async fn log_in<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        io: &mut BufReader<S>,
        line: &str,
    ) -> io::Result<()> {
        let decoded = |text: &str| {
            String::from_utf8_lossy(&STANDARD.decode(text.trim()).unwrap_or_default()).into_owned()
        };
        let words: Vec<&str> = line.split(' ').collect();
        let login = match words.as_slice() {
            [_, "PLAIN", code] => {
                let text = decoded(code);
                let parts: Vec<&str> = text.split('\0').collect();
                (parts[1].to_owned(), parts[2].to_owned())
            }
            [_, "LOGIN", ..] => {
                let (mut name, mut password) = (String::new(), String::new());
                say(io, "334 VXNlcm5hbWU6").await?;
                io.read_line(&mut name).await?;
                say(io, "334 UGFzc3dvcmQ6").await?;
                io.read_line(&mut password).await?;
                (decoded(&name), decoded(&password))
            }
            _ => return say(io, "504 no such way").await,
        };
        self.state.lock().unwrap().logins.push(login);
        self.answer(io, Step::Login, "235 welcome").await?;
        Ok(())
    }

    async fn content<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        io: &mut BufReader<S>,
    ) -> io::Result<Vec<u8>> {
        if let Some(Fault::HangUpInContent) = self.fault() {
            let mut part = [0; 64];
            io.read_exact(&mut part).await?;
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        let mut data = Vec::new();
        loop {
            let mut line = Vec::new();
            if io.read_until(b'\n', &mut line).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if line == b".\r\n" {
                return Ok(data);
            }
            data.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
        }
    }

    async fn take<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        io: &mut BufReader<S>,
        mail: Taken,
    ) -> io::Result<()> {
        let fault = self.fault();
        if !matches!(fault, Some(Fault::Answer(Step::Content, _))) {
            self.state.lock().unwrap().taken.push(mail);
        }
        match fault {
            Some(Fault::TakeAndHangUp) => Err(io::ErrorKind::ConnectionReset.into()),
            Some(Fault::TakeAndStall) => std::future::pending().await,
            _ => self.answer(io, Step::Content, "250 taken").await.map(drop),
        }
    }

    /// Answers as usual, or fails; returns whether it was as usual.
    async fn answer<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        io: &mut BufReader<S>,
        step: Step,
        usual: &str,
    ) -> io::Result<bool> {
        match self.fault() {
            Some(Fault::Answer(at, answer)) if at == step => {
                say(io, answer).await?;
                return Ok(false);
            }
            Some(Fault::Stall(at)) if at == step => return std::future::pending().await,
            Some(Fault::HangUp(at)) if at == step => {
                return Err(io::ErrorKind::ConnectionReset.into());
            }
            Some(Fault::Slow(time)) => actix_rt::time::sleep(time).await,
            _ => {}
        }
        say(io, usual).await?;
        Ok(true)
    }
}

async fn say<S: AsyncRead + AsyncWrite + Unpin>(
    io: &mut BufReader<S>,
    answer: &str,
) -> io::Result<()> {
    io.write_all(format!("{answer}\r\n").as_bytes()).await?;
    io.flush().await
}
