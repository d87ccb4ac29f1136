//! SMTP, by lettre.

use std::time::Duration;

use lettre::Message;
use lettre::message::header::{Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{Extension, MailBodyParameter, MailParameter};
use secrecy::ExposeSecret;
use tokio::time::timeout;

use super::outbox::{QueuedMail, Rendered};
use crate::base::settings::{Settings, Smtp, SmtpTls};

/// The connection has this long to come about (F-05).
const STEP: Duration = Duration::from_secs(30);

/// The whole conversation has this long; less than the lease on the mail.
const WHOLE: Duration = Duration::from_secs(100);

/// Time for the server to take leave.
const PARTING: Duration = Duration::from_secs(2);

/// Why a mail was not taken.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// It may be taken later.
    #[error("{0}")]
    Passing(String),
    /// It will never be taken.
    #[error("{0}")]
    Permanent(String),
}

/// `Auto-Submitted: auto-generated` (RFC 3834): nobody's absence note should answer.
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// Sends mails through the configured server.
#[derive(Clone)]
pub struct Mailer {
    smtp: Smtp,
    tls: Option<TlsParameters>,
    from: Mailbox,
    step: Duration,
    whole: Duration,
}

/// Whether the server refused us, which the operator can mend, and not the mail, which is none the worse.
fn refuses_us(error: &SmtpError) -> bool {
    // RFC 4954; and what servers that judge everything at the recipient say then.
    let is_about_login =
        error.status().is_some_and(|code| matches!(u16::from(code), 530 | 534 | 535 | 538));
    let said = words(error).to_lowercase();
    is_about_login
        || [
            "helo command rejected",
            "sender address rejected",
            "client host rejected",
            "relay access denied",
        ]
        .iter()
        .any(|about_us| said.contains(about_us))
}

impl Mailer {
    /// A mailer, or `None` when mails are kept.
    ///
    /// # Errors
    /// A sentence when the settings cannot be used.
    pub fn new(settings: &Settings) -> Result<Option<Self>, String> {
        Self::with_deadlines(settings, STEP, WHOLE)
    }

    /// As [`Mailer::new`], with other deadlines for the connection and for a whole conversation.
    ///
    /// # Errors
    /// A sentence when the settings cannot be used.
    pub fn with_deadlines(
        settings: &Settings,
        step: Duration,
        whole: Duration,
    ) -> Result<Option<Self>, String> {
        let Some(smtp) = settings.smtp.clone() else { return Ok(None) };
        let from = settings.mail_from.parse().map_err(|e| format!("BULKHEAD_MAIL_FROM: {e}"))?;
        let tls = match smtp.tls {
            SmtpTls::Starttls | SmtpTls::Tls => Some(
                TlsParameters::new(smtp.host.clone())
                    .map_err(|e| format!("TLS for {}: {e}", smtp.host))?,
            ),
            SmtpTls::None => None,
        };
        Ok(Some(Self { smtp, tls, from, step, whole }))
    }

    /// Sends one mail and waits until the server has taken it.
    ///
    /// # Errors
    /// [`SendError`], with the server's words.
    pub async fn send(
        &self,
        mail: &QueuedMail,
        content: &Rendered,
        message_id: String,
    ) -> Result<(), SendError> {
        let message = self.message(mail, content, message_id)?;
        let too_long = || SendError::Passing("The mail server took too long.".to_owned());
        timeout(self.whole, self.converse(message)).await.unwrap_or_else(|_| Err(too_long()))
    }

    /// Up to the sender everything that is refused is between the server and us, whatever its code says: the
    /// operator can mend that, so it is tried again. Only from the recipient on it is about the mail.
    async fn converse(&self, message: Message) -> Result<(), SendError> {
        let ours = |error: SmtpError| SendError::Passing(words(&error));
        let theirs = |error: SmtpError| {
            if error.is_permanent() && !refuses_us(&error) {
                SendError::Permanent(words(&error))
            } else {
                SendError::Passing(words(&error))
            }
        };
        let mut connection = self.connect().await.map_err(ours)?;
        let (envelope, content) = (message.envelope(), message.formatted());
        let mut options = Vec::new();
        let mut addresses = envelope.to().iter().chain(envelope.from());
        if addresses.any(|address| !AsRef::<str>::as_ref(address).is_ascii()) {
            if !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
                let why = "The mail server takes no addresses beyond ASCII (SMTPUTF8).";
                return Err(SendError::Permanent(why.to_owned()));
            }
            options.push(MailParameter::SmtpUtfEight);
        }
        if !content.is_ascii() {
            options.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        let outcome = async {
            let sender = Mail::new(envelope.from().cloned(), options);
            connection.command(sender).await.map_err(ours)?;
            for recipient in envelope.to() {
                let recipient = Rcpt::new(recipient.clone(), Vec::new());
                connection.command(recipient).await.map_err(theirs)?;
            }
            connection.command(Data).await.map_err(theirs)?;
            connection.message(&content).await.map(drop).map_err(theirs)
        }
        .await;
        // What the server says to a QUIT, or that it says nothing, changes nothing of what became of the mail.
        tokio::spawn(async move { drop(timeout(PARTING, connection.abort()).await) });
        outcome
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, SmtpError> {
        let hello = &self.smtp.hello;
        let server = (self.smtp.host.as_str(), self.smtp.port);
        let at_once = self.tls.clone().filter(|_| self.smtp.tls == SmtpTls::Tls);
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(server, Some(self.step), hello, at_once, None)
                .await?;
        if let (SmtpTls::Starttls, Some(tls)) = (self.smtp.tls, self.tls.clone()) {
            connection.starttls(tls, hello).await?;
        }
        if let Some((user, password)) = &self.smtp.credentials {
            let credentials = Credentials::new(user.clone(), password.expose_secret().to_owned());
            connection.auth(DEFAULT_MECHANISMS, &credentials).await?;
        }
        Ok(connection)
    }

    fn message(
        &self,
        mail: &QueuedMail,
        content: &Rendered,
        message_id: String,
    ) -> Result<Message, SendError> {
        let permanent = |e: &dyn std::error::Error| SendError::Permanent(e.to_string());
        let address =
            mail.recipient.parse().map_err(|e: lettre::address::AddressError| permanent(&e))?;
        Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, address))
            .subject(content.subject.clone())
            .message_id(Some(message_id))
            .header(AutoSubmitted)
            .multipart(MultiPart::alternative_plain_html(
                content.text.clone(),
                content.html.clone(),
            ))
            .map_err(|e| permanent(&e))
    }
}

/// The error with its causes: "connection error" alone helps no operator.
fn words(error: &SmtpError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    text.chars().filter(|c| !c.is_control()).take(300).collect()
}
