//! SMTP, by lettre.

use std::time::Duration;

use lettre::message::header::{Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use secrecy::ExposeSecret;
use tokio::time::timeout;

use super::outbox::{QueuedMail, Rendered};
use crate::base::settings::{Settings, Smtp, SmtpTls};

/// Each step of the conversation has this long (F-05).
const STEP: Duration = Duration::from_secs(30);

/// The whole conversation has this long; less than the lease on the mail.
const WHOLE: Duration = Duration::from_secs(100);

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
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    whole: Duration,
}

impl Mailer {
    /// A mailer, or `None` when mails are kept.
    ///
    /// # Errors
    /// A sentence when the settings cannot be used.
    pub fn new(settings: &Settings) -> Result<Option<Self>, String> {
        Self::with_deadlines(settings, STEP, WHOLE)
    }

    /// As [`Mailer::new`], with other deadlines for a step and for a whole conversation.
    ///
    /// # Errors
    /// A sentence when the settings cannot be used.
    pub fn with_deadlines(
        settings: &Settings,
        step: Duration,
        whole: Duration,
    ) -> Result<Option<Self>, String> {
        let Some(smtp) = &settings.smtp else { return Ok(None) };
        let from = settings.mail_from.parse().map_err(|e| format!("BULKHEAD_MAIL_FROM: {e}"))?;
        Ok(Some(Self { transport: transport(smtp, step)?, from, whole }))
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
        match timeout(self.whole, self.transport.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) if error.is_permanent() && !is_about_login(&error) => {
                Err(SendError::Permanent(words(&error)))
            }
            Ok(Err(error)) => Err(SendError::Passing(words(&error))),
            Err(_) => Err(SendError::Passing("The mail server took too long.".to_owned())),
        }
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

/// Whether the server refused us and not the mail (RFC 4954): the operator can mend that, and the
/// mail is none the worse.
fn is_about_login(error: &lettre::transport::smtp::Error) -> bool {
    error.status().is_some_and(|code| matches!(u16::from(code), 530 | 534 | 535 | 538))
}

/// The error with its causes: "connection error" alone helps no operator.
fn words(error: &lettre::transport::smtp::Error) -> String {
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

fn transport(smtp: &Smtp, step: Duration) -> Result<AsyncSmtpTransport<Tokio1Executor>, String> {
    let parameters =
        || TlsParameters::new(smtp.host.clone()).map_err(|e| format!("TLS for {}: {e}", smtp.host));
    let tls = match smtp.tls {
        SmtpTls::Starttls => Tls::Required(parameters()?),
        SmtpTls::Tls => Tls::Wrapper(parameters()?),
        SmtpTls::None => Tls::None,
    };
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&smtp.host)
        .port(smtp.port)
        .tls(tls)
        .timeout(Some(step));
    if let Some((user, password)) = &smtp.credentials {
        builder = builder
            .credentials(Credentials::new(user.clone(), password.expose_secret().to_owned()));
    }
    Ok(builder.build())
}
